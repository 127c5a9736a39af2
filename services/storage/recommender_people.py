"""What the recommender keeps and concludes about people: events, answers, lists, models, interests.

A conclusion is computed when it is asked for and kept nowhere. A model is of many; whom it
was learned from stands beside it, so it can be told whether somebody is in it, and an erasure
is over only when no model in service or in a file is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np

from engagement.event import EventKind, Party
from identity.ids import SubjectId
from recommender.catalogue import Catalogue
from recommender.conclusions import conclusions
from recommender.entitlements import Entitlements
from recommender.projection import RecommenderProjection
from services.recommender.following import Others
from services.recommender.serving import LiveIndex
from services.recommender.trainer import PURPOSE, Trainer
from services.storage.database import Connection
from services.storage.engagement_people import answer_in_words
from services.storage.entitlements import EntitlementTables, entitlements_of
from services.storage.followers import FollowerTables
from services.storage.model_files import ModelFiles
from services.storage.recommender import declared_by
from services.storage.recommender_rows import RecommenderRows
from services.storage.sums_files import SumsFiles
from services.stores import ExportedValue, Json

_DAY_MS = 86_400_000
_RECOMMEND = "personalise.recommend"
_SERVICE = "service"
_NUMBER = "SELECT number FROM subject WHERE birth = ?"
_EVENTS = f"""
    SELECT item.item_id, day, kind, quantity, provenance.party, provenance.origin, provenance.uses,
           expires_at_ms
    FROM event JOIN item ON item.number = event.item JOIN provenance ON provenance.code = event.provenance
    WHERE subject = ({_NUMBER}) ORDER BY day"""  # noqa: S608 - our own text


class RecommenderPeople(RecommenderRows):
    """Implements ``services.storage.personal.Contents``: the rows, what was learned of them, and lists."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        entitlements: Entitlements,
        lists: EntitlementTables,
        projection: RecommenderProjection,
        live: LiveIndex,
        trainer: Trainer,
        files: ModelFiles,
        sums: SumsFiles,
        news: FollowerTables,
        others: Others,
        clock: Callable[[], int],
        purposes: Callable[[int], tuple[str, ...]],
    ) -> None:
        self._catalogue = catalogue
        self._entitlements = entitlements
        self._lists = lists
        self._projection = projection
        self._live = live
        self._trainer = trainer
        self._files = files
        self._sums = sums
        self._news = news
        self._others = others
        self._clock = clock
        self._purposes = purposes

    def count(self, connection: Connection, subjects: Sequence[SubjectId]) -> dict[str, int]:
        """See ``Contents.count``; models and sums count when they are of any of the subjects."""
        numbers = [row[0] for one in subjects for row in connection.execute(_NUMBER, (one,)).fetchall()]
        return {
            **super().count(connection, subjects),
            "model": len(self._files.learned_from(np.array(numbers, np.int64))) if numbers else 0,
            "learned sums": int(self._sums.learned_from(np.array(numbers, np.int64))),
        }

    def stored(self, connection: Connection, subject: SubjectId) -> Iterator[ExportedValue]:
        """See ``Contents.stored``."""
        rows = connection.execute(_EVENTS, (subject,)).fetchall()
        for item_id, day, kind, quantity, party, origin, uses, expires_at_ms in rows:
            yield ExportedValue(
                store=self.name,
                kind="event",
                subject=subject,
                value={
                    "kind": EventKind(kind).name,
                    "item_id": item_id,
                    "quantity": quantity,
                    "expires_at_ms": expires_at_ms,
                },
                source=origin,
                party=Party(party).name,
                observed_at_ms=day * _DAY_MS,
                recorded_at_ms=None,
                purposes=self._purposes(uses),
            )
        for answer in declared_by(connection, subject):
            yield ExportedValue(
                store=self.name,
                kind="declared",
                subject=subject,
                value=answer_in_words(answer.topic, answer.name, answer.value),
                source=answer.origin,
                party=Party.ZERO.name,
                observed_at_ms=answer.day * _DAY_MS + answer.day_ms,
                recorded_at_ms=None,
                purposes=self._purposes(answer.uses),
            )
        for entitlement in entitlements_of(connection, subject):
            yield ExportedValue(
                store=self.name,
                kind="entitlement",
                subject=subject,
                value={
                    "item_id": self._catalogue.shown(entitlement.item)[0],
                    "until_ms": entitlement.until_ms,
                },
                source="the shop",
                party=Party.FIRST.name,
                observed_at_ms=None,
                recorded_at_ms=None,
                purposes=(_SERVICE,),
            )
        numbers = [row[0] for row in connection.execute(_NUMBER, (subject,)).fetchall()]
        for version in self._files.learned_from(np.array(numbers, np.int64)) if numbers else ():
            model: dict[str, Json] = {"version": version, "in_service": version == self._live.model.version}
            yield ExportedValue(
                self.name, "model", subject, model, "training", "", None, None, (PURPOSE,), inferred=True
            )
        if self._sums.learned_from(np.array(numbers, np.int64)):
            yield ExportedValue(
                store=self.name,
                kind="learned sums",
                subject=subject,
                value={"made_of": "a copy of those events above that may be learned from"},
                source="training",
                party="",
                observed_at_ms=None,
                recorded_at_ms=None,
                purposes=(PURPOSE,),
                inferred=True,
            )

    async def inferred(self, subject: SubjectId) -> AsyncIterator[ExportedValue]:
        """See ``Contents.inferred``: interests, categories, next purchases, learned factors."""
        history = await self._projection.everything(subject)
        for kind, says in conclusions(self._live.index, history, self._catalogue):
            yield ExportedValue(
                store=self.name,
                kind=kind,
                subject=subject,
                value=dict(says),
                source="the events above and the model in service",
                party="",
                observed_at_ms=None,
                recorded_at_ms=None,
                purposes=(_RECOMMEND,),
                inferred=True,
            )

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """See ``Contents.forget``."""
        self._projection.forget(subjects)
        await self._lists.tell(self._entitlements, subjects)
        told = await self._news.tell_forgotten(subjects)
        await self._trainer.without_the_erased(self._clock())
        await self._others.unlearn(told)
