"""The answer to ``Access``: a report told part by part, as data or as a page.

No part is larger than a message may be, and none of it is held longer than until it is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from consent.guard_table import GuardTable
from services.consent.authority import ConsentAuthority
from services.rights import access_page as page
from services.rights.access import Decision, Report
from services.rights.messages import (
    decision_message,
    identity_messages,
    provenance_message,
    recipient_message,
    value_message,
)
from veilgraph.consent.v1 import rights_pb2

#: A part of a streamed answer is about this large, far beneath what a message may hold.
PART_BYTES: Final = 256 << 10
PART_VALUES_MAX: Final = 500
#: Why something is not allowed that the person's own statements would allow.
LINKED_IDENTITY: Final = "LINKED_IDENTITY"


class AccessAnswer:
    """One report on its way out."""

    def __init__(self, report: Report, authority: ConsentAuthority, guard: GuardTable) -> None:
        """Takes the report, and by what is decided now for whom it is about."""
        self._report = report
        self._authority = authority
        self._policy = authority.policy
        self._guard = guard

    async def data(self) -> AsyncIterator[rights_pb2.AccessResponse]:
        """The answer as data."""
        yield rights_pb2.AccessResponse(
            identities=identity_messages(self._report.asked), ask_for=self._report.asked.ask_for
        )
        part, size = rights_pb2.AccessResponse(), 0
        async for value in self._report.kept(self._report.names):
            message = value_message(value)
            part.values.append(message)
            size += message.ByteSize()
            if size >= PART_BYTES or len(part.values) >= PART_VALUES_MAX:
                yield part
                part, size = rights_pb2.AccessResponse(), 0
        yield part
        yield rights_pb2.AccessResponse(
            where_from=[provenance_message(one) for one in self._report.origins.provenances()],
            recipients=[recipient_message(one, self._policy) for one in self._report.recipients()],
            decisions=[decision_message(one) for one in await self._decisions()],
        )

    async def page(self) -> AsyncIterator[rights_pb2.AccessResponse]:
        """The answer as a page, in pieces."""
        pieces: list[str] = []
        size = 0
        async for piece in self._pieces():
            pieces.append(piece)
            size += len(piece)
            if size >= PART_BYTES:
                yield rights_pb2.AccessResponse(html="".join(pieces))
                pieces, size = [], 0
        yield rights_pb2.AccessResponse(html="".join(pieces))

    async def _pieces(self) -> AsyncIterator[str]:
        numbers = {subject: number for number, subject in enumerate(self._report.asked.coverage.covered, 1)}
        yield page.beginning(self._report.asked, self._report.made_at_ms)
        yield page.identities(self._report.asked)
        async for piece in page.contents(self._report):
            yield piece
        yield page.where_from(self._report.origins.provenances())
        yield page.recipients(self._report.recipients(), self._policy.leaves)
        yield page.decisions(await self._decisions(), numbers)
        yield page.ending()

    async def _decisions(self) -> list[Decision]:
        """What the guard decides now for every purpose of every covered identity, and why.

        Why in full where the identity's own statements say no. Where those of an identity linked
        with it do, which may be somebody else's, no more than that is told.
        """
        now_ms = self._report.made_at_ms
        decided: list[Decision] = []
        for subject in self._report.asked.coverage.covered:
            alone = GuardTable(self._policy)
            alone.apply(await self._authority.alone(subject, now_ms))
            for index, leaf in enumerate(self._policy.leaves):
                allowed = self._guard.allows(subject, index, now_ms)
                reason = "" if allowed else alone.reason(subject, index, now_ms) or LINKED_IDENTITY
                decided.append(Decision(subject, leaf, allowed, reason, self._policy.basis[index]))
        return decided
