"""The identity service on a table: real servicer, ledger and consent fold; no network.

The barrier is what a deployment's is: the consent projection takes in the sequence of
changes and pushes what follows to the guard table.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from consent.fold import OwnState
from consent.guard_table import NEVER_MS as CONSENT_NEVER_MS
from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from consent.projection import Projection
from identity.graph import Graph
from identity.ids import IdentifierToken, SubjectId
from identity.keyring import KeyRing
from identity.rotation import activate, begin
from identity.rules import Rules
from identity.tokens import IdentifierKind
from services.consent.service import graph_step
from services.identity.identifier_keys import IdentifierKeys
from services.identity.quotas import Quotas
from services.identity.rekeying import Rekeying
from services.identity.rule_book import RuleBook
from services.identity.service import IdentityServicer
from services.interceptors.call import Call, Caller, ItemRefusal
from services.key_file import Keys
from services.storage.identity import IdentityTables
from services.storage.rekeying import SealedRows
from services.storage.sqlite import SqliteDatabase
from tests.conftest import Clock
from veilgraph.identity.v1 import identity_pb2 as pb

RING = KeyRing.create(lambda count: bytes(range(count)), 0)
_seeds = itertools.count()


def numbered_bytes(count: int) -> bytes:
    """As good as random: never the same twice, and in no order."""
    return hashlib.shake_128(str(next(_seeds)).encode()).digest(count)


class Desk:
    """Asks the servicer as the guard would hand calls over."""

    def __init__(self, folder: Path, policy: Policy, rules: Rules, clock: Clock) -> None:
        self.policy, self.rules, self.clock = policy, rules, clock
        self.database = SqliteDatabase(folder / "identity.db", "identity")
        self.keys = Keys(folder / "keyring.json", RING)  # a file only once the keys change
        self.identifiers = IdentifierKeys(RING, "acme", rules)
        self.store = IdentityTables(self.database, self.identifiers.recognition)
        self.guard = GuardTable(policy)
        self.projection = Projection(policy)
        self.guard.apply(GuardUpdate(1, {}))
        self.cursor = 0
        self.barriers: list[int] = []
        self.reports: list[str] = []
        self.pauses: list[float] = []
        self.registry = CollectorRegistry()
        self.quotas = Quotas(self.registry, self.reports.append)
        self.at_barrier: Callable[[int], Awaitable[None]] | None = None
        self.servicer = self.make_servicer(Graph())

    def make_servicer(self, graph: Graph) -> IdentityServicer:
        self.book = RuleBook(self.rules, self.identifiers)
        return IdentityServicer(
            store=self.store,
            graph=graph,
            book=self.book,
            identifiers=self.identifiers,
            barrier=self.barrier,
            quotas=self.quotas,
            random_bytes=numbered_bytes,
            report=self.reports.append,
            pause=self.pause,
        )

    def rotate(self) -> None:
        """A new identifier key seals from now on."""
        begun = begin(self.keys.ring, "identifier", numbered_bytes(32), self.clock())
        self.hold(activate(begun, "identifier"))

    def hold(self, ring: KeyRing) -> None:
        """Goes on under another ring."""
        self.keys.keep(ring)
        self.identifiers.follow(ring)

    def rekeying(self, **fields: Any) -> Rekeying:
        """The job over this desk's file."""
        given = {"clock_s": lambda: 0.0, "report": self.reports.append, "pause": self.pause}
        rows = SealedRows(self.database)
        return Rekeying(rows, self.identifiers, registry=CollectorRegistry(), **(given | fields))

    def close(self) -> None:
        self.database.close()

    async def barrier(self, seq: int) -> int:
        self.barriers.append(seq)
        if self.at_barrier is not None:
            await self.at_barrier(seq)
        await self.follow()
        assert self.cursor >= seq
        return self.guard.epoch

    async def pause(self, seconds: float) -> None:
        """Stands for waiting: others get their turn."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def all_confirmed(self) -> None:
        """Waits until the confirmation has nothing left to do."""
        if self.servicer._ledger._confirmation._task is not None:
            await self.servicer._ledger._confirmation._task

    async def follow(self) -> None:
        while changes := await self.store.changes(self.cursor, 100):
            steps = [graph_step(change, self.book.rules, self.policy) for change in changes]
            births = [subject for step in steps for subject in step.births]
            self.push(births=births, edges=[edge for step in steps for edge in step.edges])
            self.cursor = changes[-1].seq

    def push(self, **change: Any) -> None:
        entries = self.projection.change(self.clock(), **change)
        self.guard.apply(GuardUpdate(self.guard.epoch + 1, entries))

    def say(self, *subjects: SubjectId, grant: Sequence[str] = (), refuse: Sequence[str] = ()) -> None:
        """What subjects said about nodes of the purpose tree, instead of what they said before."""
        grants, refuses = (
            sum({1 << bit for node in nodes for bit in range(64) if self.policy.mask(node) >> bit & 1})
            for nodes in (grant, refuse)
        )
        state = OwnState(((CONSENT_NEVER_MS, grants),) if grants else (), refuses)
        self.push(own=dict.fromkeys(subjects, state))

    def say_yes(self, *subjects: SubjectId, but: Sequence[str] = ()) -> None:
        """Subjects grant everything that can be granted, except some leaves."""
        self.say(*subjects, grant=[leaf for leaf in self.policy.consent_nodes if leaf not in but])

    def call(self, purpose: str = "service", caller: str = "shop") -> Call:
        call = Call(plan=cast("Any", None), guard=self.guard, metadata={}, clock_ms=self.clock)
        call.caller = Caller(caller, "acme", frozenset(), -1)
        call.begin_message(self.clock())
        call.purpose = self.policy.index(purpose)
        return call

    def token(self, kind: IdentifierKind, value: str) -> IdentifierToken:
        return self.identifiers.token("acme", kind, hashlib.sha256(value.encode()).digest())

    async def resolve(
        self,
        *values: str,
        kind: IdentifierKind = IdentifierKind.COOKIE,
        for_purpose: int = 0,
        refused: Sequence[ItemRefusal] = (),
        call: Call | None = None,
    ) -> pb.ResolveResponse:
        call = call or self.call()
        call.tokens = [self.token(kind, value) for value in values]
        call.refused = list(refused)
        gone = {one.index for one in refused}
        call.accepted = [index for index in range(len(values) + len(gone)) if index not in gone]
        identifiers = [pb.Identifier(kind=pb.IdentifierKind.Name(kind)) for _ in values]
        request = pb.ResolveRequest(identifiers=identifiers, for_purpose=cast("Any", for_purpose))
        return await self.servicer.Resolve(request, call)

    async def subjects(self, *values: str, kind: IdentifierKind = IdentifierKind.COOKIE) -> list[SubjectId]:
        response = await self.resolve(*values, kind=kind)
        return [SubjectId(bytes.fromhex(result.subject)) for result in response.results]

    async def person(self, value: str, for_purpose: int) -> str:
        response = await self.resolve(value, for_purpose=for_purpose)
        return response.results[0].person

    def link(self, one: SubjectId, other: SubjectId, **fields: Any) -> tuple[SubjectId, SubjectId, pb.Link]:
        """A link for ``send``, seen now unless said otherwise."""
        observed_at_ms = fields.pop("observed_at_ms", self.clock())
        valid_until_ms = fields.pop("valid_until_ms", None)
        link = pb.Link(**({"evidence": pb.EVIDENCE_LOGIN, "source": "web"} | fields))
        link.observed_at.FromMilliseconds(observed_at_ms)
        if valid_until_ms is not None:
            link.valid_until.FromMilliseconds(valid_until_ms)
        return one, other, link

    async def send(
        self,
        *links: tuple[SubjectId, SubjectId, pb.Link],
        request_id: str = "",
        caller: str = "shop",
        refused: Sequence[ItemRefusal] = (),
    ) -> pb.LinkResponse:
        call = self.call("identity.link.deterministic", caller)
        call.refused = list(refused)
        gone = {one.index for one in refused}
        call.accepted = [index for index in range(len(links) + len(gone)) if index not in gone]
        call.subjects = {
            "links.subject": [one for one, _, _ in links],
            "links.other": [other for _, other, _ in links],
        }
        request = pb.LinkRequest(
            links=[link for _, _, link in links], request_id=request_id or f"request-{next(_seeds)}"
        )
        return await self.servicer.Link(request, call)

    async def unlink(
        self, one: SubjectId, other: SubjectId, request_id: str = "", reason: str = ""
    ) -> pb.UnlinkResponse:
        call = self.call("rights")
        call.subjects = {"subject": [one], "other": [other]}
        request = pb.UnlinkRequest(request_id=request_id or f"request-{next(_seeds)}", reason=reason)
        return await self.servicer.Unlink(request, call)

    async def explain(
        self, one: SubjectId, other: SubjectId, purpose: str = "personalise.recommend"
    ) -> pb.ExplainResponse:
        call = self.call(purpose)
        call.subjects = {"subject": [one], "other": [other]}
        return await self.servicer.Explain(pb.ExplainRequest(), call)

    def members(self, subject: SubjectId, purpose: str = "personalise.recommend") -> set[SubjectId]:
        return set(self.guard.members(subject, self.policy.index(purpose), self.clock()))
