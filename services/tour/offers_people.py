"""People made up for the stations about offers: they permit all that is needed, and are erased at the end.

What they do is reported and what they are offered is asked for as a shop does it. Whoever an
interrupted tour left behind is known to nobody and harms nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, Final

from services.importing.dealing import Channel
from services.importing.messages import COLLECTED_VIA, NOTICE
from services.tour.desk import Desk
from services.tour.household import StatementRefused, request_id
from veilgraph.client import Veilgraph, account_id, email
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import decision_pb2, profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2

DAY_MS: Final = 86_400_000
PERMITTED: Final = ("identity.link", "loyalty", "personalise", "analytics.profiling", "marketing.push")
CONTENT: Final = privacy_pb2.PURPOSE_PERSONALISE_CONTENT
PRICING: Final = privacy_pb2.PURPOSE_PERSONALISE_PRICING
#: So often a question is asked anew where one answer of twenty is drawn otherwise.
ASKED = 8
ERASE_S = 30.0
_SOURCE = profile_pb2.Source(party=profile_pb2.PARTY_FIRST, origin="tour")


class Who(IntEnum):
    """The identities, by what each is there for; those on the web are e-mail addresses."""

    APART_WEB = 0
    APART_PHONE = 1
    JOINED_WEB = 2
    JOINED_PHONE = 3
    RESTING = 4
    READER = 5
    GUEST_WEB = 6
    GUEST_PHONE = 7
    TASTER = 8
    STRANGER = 9


class People:
    """Ten identities of this shop, each with a visit long ago and all but one with a visit now."""

    def __init__(self, shop: Veilgraph, desk: Desk) -> None:
        """Makes them up.

        Raises:
            StatementRefused: what they permit was not recorded.
        """
        self.shop = shop
        self._desk = desk
        self.name: Final = request_id()
        identifiers = [
            (email if who.name.endswith("WEB") else account_id)(f"{who.name.lower()}-{self.name}@example.com")
            for who in Who
        ]
        resolved = shop.identity.Resolve(identity_pb2.ResolveRequest(identifiers=identifiers)).results
        self.ids: Final = [result.subject for result in resolved]
        self._permit()
        self.did(*((who, profile_pb2.EVENT_KIND_VISIT) for who in Who), days_ago=45)
        awake = [who for who in Who if who != Who.RESTING]
        self.did(*((who, profile_pb2.EVENT_KIND_VISIT) for who in awake))

    @property
    def now_ms(self) -> int:
        """The present instant, milliseconds since the epoch."""
        return self._desk.now_ms()

    def _permit(self) -> None:
        statements = [
            consent_pb2.Statement(
                subject=subject,
                action=consent_pb2.ACTION_GRANT,
                purposes=PERMITTED,
                collected_via=COLLECTED_VIA[Channel.WEB],
                notice=NOTICE,
            )
            for subject in self.ids
        ]
        request = consent_pb2.RecordRequest(statements=statements, request_id=request_id())
        if self.shop.consent.Record(request).recorded != len(statements):
            raise StatementRefused("not recorded")

    def did(self, *acts: tuple[Who, profile_pb2.EventKind], days_ago: int = 0, **fields: Any) -> bool:
        """Reports what some of them did, all at one instant; whether all of it was recorded.

        Args:
            acts: who, and the event's kind.
            days_ago: times 24 hours.
            fields: of ``Event``, for each of them.
        """
        events = [
            profile_pb2.Event(
                event_id=request_id(),
                subject=self.ids[who],
                kind=kind,
                source=_SOURCE,
                **fields,
            )
            for who, kind in acts
        ]
        at_ms = self.now_ms - days_ago * DAY_MS
        for event in events:
            event.occurred_at.FromMilliseconds(at_ms)
        answer = self.shop.profile.TrackBatch(profile_pb2.TrackBatchRequest(events=events))
        return answer.recorded == len(events)

    def declare(self, who: Who, **said: Any) -> None:
        """Has one of them answer some questions; ``said`` are fields of ``DeclareRequest``."""
        request = profile_pb2.DeclareRequest(
            subject=self.ids[who], origin="quiz", request_id=request_id(), **said
        )
        self.shop.profile.Declare(request)

    def join(self, one: Who, other: Who) -> bool:
        """Reports an order that shows two to be one person; whether it is taken."""
        link = identity_pb2.Link(
            subject=self.ids[one],
            other=self.ids[other],
            evidence=identity_pb2.EVIDENCE_SAME_ORDER,
            source="tour-orders",
        )
        link.observed_at.FromMilliseconds(self.now_ms)
        request = identity_pb2.LinkRequest(links=[link], request_id=request_id())
        return self.shop.identity.Link(request).results[0].linked

    def decide(self, who: Who, **asked: Any) -> decision_pb2.DecideResponse:
        """What is offered to one of them; ``asked`` are fields of ``DecideRequest``."""
        values: dict[str, Any] = {"for_purpose": CONTENT, "request_id": request_id()} | asked
        return self.shop.decisions.Decide(decision_pb2.DecideRequest(subject=self.ids[who], **values))

    def foretold(self, who: Who, **asked: Any) -> list[tuple[str, decision_pb2.DecideResponse]]:
        """What they would be offered, asked many times; each with the request id it was asked under."""
        names = [request_id() for _ in range(ASKED)]
        return [(name, self.decide(who, request_id=name, dry_run=True, **asked)) for name in names]

    def erased(self) -> int:
        """Has them all erased; how many identities that were."""
        proofs = [self._desk.attest(subject) for subject in self.ids]
        request = rights_pb2.EraseRequest(subject=self.ids[0], proofs=proofs, request_id=request_id())
        return self.shop.rights.Erase(request, timeout_s=ERASE_S).identities


def options(answers: Sequence[tuple[str, decision_pb2.DecideResponse]]) -> set[str]:
    """The options of some answers; an empty text where nothing is given."""
    return {answer.given.option_id for _, answer in answers}


def named(answers: Sequence[tuple[str, decision_pb2.DecideResponse]], option_id: str) -> Iterator[str]:
    """The request ids under which an option would be given."""
    return (name for name, answer in answers if answer.given.option_id == option_id)
