"""What an import sends, step by step, as batches of the contract's sizes.

A batch depends on the source, the mapping and the options alone, and every step can begin
at the end of any of its batches. Beside each request stands how far its step is once this
request and all before it are acknowledged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from google.protobuf.message import Message

from services.importing import messages
from services.importing.checkpoint import Step
from services.importing.dealing import CHANNELS, Dealt, deal
from services.importing.mapping import Mapping
from services.importing.purchases import read_purchases
from services.importing.survey import Survey
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

#: What one call takes, by the contract.
ITEMS_MAX, IDENTIFIERS_MAX, STATEMENTS_MAX, EVENTS_MAX, LINKS_MAX = 5000, 5000, 500, 1000, 1000

Request = TypeVar("Request", bound=Message)
Batches = Iterator[tuple[Request, int]]


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ from the import a stranger gets.

    Attributes:
        grant_all: everybody grants.
        link_all: everybody who grants is linked.
        until_ms: purchases at this instant or later are left out, milliseconds since the epoch.
    """

    grant_all: bool = False
    link_all: bool = False
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One import.

    Attributes:
        import_id: which import it is; part of every request's id.
        mapping: the data set.
        survey: its first reading.
        options: what differs.
        purposes: what people are asked for.
    """

    import_id: str
    mapping: Mapping
    survey: Survey
    options: Options
    purposes: Sequence[str]

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.survey.people)

    def dealt(self, person: int) -> Dealt:
        """What a person, counted from 0, was dealt."""
        options = self.options
        return deal(self.mapping.dataset, person + 1, grant_all=options.grant_all, link_all=options.link_all)

    def catalogue(self, start: int) -> Batches[recommender_pb2.UpsertItemsRequest]:
        """The items from ``start`` on; the unit is the item."""
        for first in range(start, len(self.survey.catalogue.ids), ITEMS_MAX):
            batch = messages.items(self.survey.catalogue, first, ITEMS_MAX)
            request_id = self.request_id(Step.CATALOGUE, first)
            yield recommender_pb2.UpsertItemsRequest(items=batch, request_id=request_id), first + len(batch)

    def identifiers(self) -> Batches[identity_pb2.ResolveRequest]:
        """Everybody's identifiers, person by person in the order of ``Channel``."""
        for people in self._people(0, IDENTIFIERS_MAX // len(CHANNELS)):
            wanted = [one for person in people for one in messages.identifiers(self.dealt(person))]
            yield identity_pb2.ResolveRequest(identifiers=wanted), people.stop

    def statements(self, ids: Sequence[str], start: int) -> Batches[consent_pb2.RecordRequest]:
        """What people said, from the person ``start`` on; the unit is the person.

        Args:
            ids: subject id at position ``person * 3 + channel``; empty where there is none.
            start: the first person, counted from 0.
        """
        # whoever is asked something else makes another statement, not the same again
        asked = hashlib.sha256(" ".join(self.purposes).encode()).hexdigest()[:8]
        for people in self._people(start, STATEMENTS_MAX // len(CHANNELS)):
            said = [
                statement
                for person in people
                for statement in messages.statements(
                    self.dealt(person).answer, _of(ids, person), self.purposes, self.survey.first_ms
                )
            ]
            if said:
                request_id = f"{self.request_id(Step.CONSENTS, people.start)}-{asked}"
                yield consent_pb2.RecordRequest(statements=said, request_id=request_id), people.stop

    def events(self, ids: Sequence[str], start: int) -> Batches[profile_pb2.TrackBatchRequest]:
        """Purchases after the row ``start``; the unit is the source row."""
        currency = self.mapping.amount.currency if self.mapping.amount else ""
        named = np.array([bool(one) for one in ids], np.bool_)
        for purchases in read_purchases(
            self.mapping, self.survey, after_row=start, until_ms=self.options.until_ms
        ):
            sent = purchases.only(named[(purchases.ordinals - 1) * len(CHANNELS) + purchases.channels])
            yield from messages.event_batches(sent, ids, self.mapping.dataset, currency, EVENTS_MAX)

    def links(self, ids: Sequence[str], start: int) -> Batches[identity_pb2.LinkRequest]:
        """The evidence about those who are linked, from the person ``start`` on."""
        for people in self._people(start, LINKS_MAX // len(messages.EVIDENCE)):
            seen = [
                link
                for person in people
                if self.dealt(person).linked
                for link in messages.links(_of(ids, person), self.survey.first_ms)
            ]
            if seen:
                request_id = self.request_id(Step.LINKS, people.start)
                yield identity_pb2.LinkRequest(links=seen, request_id=request_id), people.stop

    def request_id(self, step: Step, start: int) -> str:
        """The id of the request of a step that begins at ``start``."""
        return f"{self.import_id}-{step}-{start}"

    def _people(self, start: int, people_max: int) -> Iterator[range]:
        for first in range(start, self.people, people_max):
            yield range(first, min(first + people_max, self.people))


def _of(ids: Sequence[str], person: int) -> Sequence[str]:
    return ids[person * len(CHANNELS) : (person + 1) * len(CHANNELS)]
