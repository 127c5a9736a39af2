"""The rights service on a table: real authority, proofs and register; stores that are lists."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec

from consent.component import EdgeFact, GraphStep
from consent.guard_table import GuardTable
from consent.policy import Policy
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.consent.authority import ConsentAuthority
from services.deployment.issuer import public_jwk
from services.interceptors.call import Call, Caller
from services.rights.disclosure import Disclosure
from services.rights.erasure import SignedReceipt
from services.rights.proofs import Proofs, Verifier, public_keys
from services.rights.service import RightsServicer
from services.rights.verifier import DEV_METHODS, DEV_VERIFIER, DEV_VERIFIER_ISSUER, DevelopmentVerifier
from services.storage.database import StoreUnusable
from services.storage.proof_register import ProofRegister
from services.storage.sqlite import SqliteDatabase
from services.stores import DISCLOSURE, Erased, ExportedValue, Phase
from tests.conftest import Clock
from tests.consent.statements import edge, subject
from veilgraph.consent.v1 import rights_pb2 as pb

ME, CARD, VICTIM, BEYOND = (subject(number) for number in range(1, 5))
KINDS = {ME: "EMAIL", CARD: "LOYALTY_CARD", VICTIM: "PHONE", BEYOND: "ACCOUNT_ID"}
RECEIPT = SignedReceipt(b'{"counts":{}}', bytes(64), 1)
_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass
class ListedStore:
    """A store that exports what it was given."""

    name: str
    values: list[ExportedValue] = field(default_factory=list)

    async def count(self, subjects: Collection[SubjectId]) -> Mapping[str, int]:
        return {"value": sum(value.subject in subjects for value in self.values)}

    async def export(self, subjects: Collection[SubjectId]) -> AsyncIterator[ExportedValue]:
        for value in self.values:
            if value.subject in subjects:
                yield value

    async def erase(self, subjects: Collection[SubjectId], erasure_id: str, phase: Phase) -> Erased:
        raise NotImplementedError

    def keep(self, kind: str, who: SubjectId, value: dict[str, Any], **fields: Any) -> None:
        given: dict[str, Any] = {
            "source": "till",
            "party": "FIRST",
            "observed_at_ms": 1_600_000_000_000,
            "recorded_at_ms": 1_600_000_001_000,
        }
        self.values.append(ExportedValue(self.name, kind, who, value, **(given | fields)))


@dataclass
class PendingErasures:
    """Erasures that finish when they are told to, in the shape of the deployment's."""

    begun: dict[str, tuple[SubjectId, ...]] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    done: bool = True
    fails: bool = False

    async def begin(self, subjects: Collection[SubjectId], suppress: bool, requested_by: str) -> str:
        assert requested_by == DEV_VERIFIER
        if self.fails:
            raise StoreUnusable("as when the process ends here")
        await asyncio.sleep(0)  # as the deployment's does: others are served meanwhile
        erasure_id = f"erasure-{len(self.begun)}"
        self.begun[erasure_id] = tuple(subjects)
        if suppress:
            self.suppressed.add(erasure_id)
        return erasure_id

    async def receipt(self, erasure_id: str) -> SignedReceipt | None:
        assert erasure_id in self.begun
        return RECEIPT if self.done else None

    async def finished(self, erasure_id: str) -> SignedReceipt:
        receipt = await self.receipt(erasure_id)
        if receipt is None:
            raise TimeoutError  # as when the deadline passes while it is waited for
        return receipt


class Desk:
    """Asks the servicer as the guard would hand calls over."""

    def __init__(
        self,
        authority: ConsentAuthority,
        database: SqliteDatabase,
        policy: Policy,
        keyring: KeyRing,
        clock: Clock,
    ) -> None:
        self.authority, self.policy, self.clock, self.keyring = authority, policy, clock, keyring
        self.guard = GuardTable(policy)
        authority.subscribe(self.guard)
        self.verifier = DevelopmentVerifier(_KEY)
        self.stores = {
            name: ListedStore(name) for name in ("identity", "consent", "engagement", "recommender")
        }
        for who, kind in KINDS.items():
            self.stores["identity"].keep("identifier", who, {"kind": kind}, source="resolved", party="")
        self.erasures = PendingErasures()
        self._edges = itertools.count(1)
        self.servicer = RightsServicer(
            authority=authority,
            reach=cast("Any", SimpleNamespace(stores=self.stores, erasures=self.erasures)),
            register=ProofRegister(database),
            proofs=Proofs([self._registered()]),
            attesters=frozenset({DEV_VERIFIER}),
            open_of=lambda caller: self.ids(caller.id).open,
        )

    def ids(self, caller: str) -> Pairwise:
        return Pairwise(self.keyring, "acme", caller)

    async def link(self, one: SubjectId, other: SubjectId, attested_by: str = "") -> EdgeFact:
        number = next(self._edges)
        fact = edge(self.policy, number, one, other)._replace(attested_by=attested_by)
        await self.authority.apply_graph([GraphStep(self.authority.graph_cursor + 1, (), (fact,))])
        for who, beside in ((one, other), (other, one)):
            shown = {"with": KINDS[beside], "evidence": "LOGIN", "state": "ACTIVE"}
            self.stores["identity"].keep("link", who, shown, source=attested_by or "web", party="")
        return fact

    def told(self, who: SubjectId, disclosure: Disclosure) -> None:
        """Has the store of engagement record that somebody was told something."""
        self.stores["engagement"].keep(DISCLOSURE, who, asdict(disclosure), source="audit log", party="")

    def proof(self, who: SubjectId, caller: str = "shop", method: str = DEV_METHODS[0]) -> str:
        return self.verifier.attest(self.ids(caller).seal(who), caller, self.clock() // 1000, method)

    def call(self, method: str, who: SubjectId | None, caller: str = "shop") -> Call:
        plan = cast("Any", SimpleNamespace(name=f"/veilgraph.consent.v1.RightsService/{method}"))
        call = Call(plan=plan, guard=self.guard, metadata={}, clock_ms=self.clock, now_ms=self.clock())
        call.caller = Caller(caller, "acme", frozenset(), -1)
        call.subjects = {} if who is None else {"subject": [who]}
        return call

    async def ask(
        self,
        method: str,
        who: SubjectId = ME,
        *proofs: str,
        caller: str = "shop",
        request_id: str = "",
        **fields: Any,
    ) -> Any:
        """One unary call; with a proof of its own if none is given."""
        request = getattr(pb, f"{method}Request")(
            proofs=proofs or [self.proof(who, caller)],
            request_id=request_id or f"r-{secrets.token_hex(4)}",
            **fields,
        )
        return await getattr(self.servicer, method)(request, self.call(method, who, caller))

    async def access(
        self, who: SubjectId = ME, *proofs: str, request_id: str = "", form: int = pb.FORMAT_JSON
    ) -> list[pb.AccessResponse]:
        request = pb.AccessRequest(
            proofs=proofs or [self.proof(who)],
            request_id=request_id or f"r-{secrets.token_hex(4)}",
            format=cast("Any", form),
        )
        return [part async for part in self.servicer.Access(request, self.call("Access", who))]

    async def page(self, who: SubjectId = ME, *proofs: str) -> str:
        return "".join(part.html for part in await self.access(who, *proofs, form=pb.FORMAT_HTML))

    async def receipt(self, caller: str = "shop", **which: str) -> pb.GetReceiptResponse:
        request = pb.GetReceiptRequest(**which)
        return await self.servicer.GetReceipt(request, self.call("GetReceipt", None, caller))

    def _registered(self) -> Verifier:
        keys = public_keys({"keys": [public_jwk(_KEY.public_key())]})
        return Verifier(DEV_VERIFIER, DEV_VERIFIER_ISSUER, keys, frozenset(DEV_METHODS), frozenset())


def whole(parts: Sequence[pb.AccessResponse]) -> pb.AccessResponse:
    """The parts of an answer put together, as a client does."""
    together = pb.AccessResponse()
    for part in parts:
        together.MergeFrom(part)
    return together


def said(value: pb.KeptValue) -> dict[str, Any]:
    """What a value says."""
    content: dict[str, Any] = json.loads(value.value_json)
    return content
