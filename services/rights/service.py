"""RightsService: what a person may ask about themselves and have done, with proof of who asks.

Every method begins alike: the proofs are judged, bound to the request, and whom they cover is
found. From there on only birth subjects within that coverage are read or written.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Protocol

from consent.coverage import coverage, proves_both_ends
from consent.guard_table import NEVER_MS
from consent.policy import UNREFUSABLE
from consent.record import Action, CollectedVia
from consent.statement import LedgerEntry, Origin, Statement, fault_in, ledger_entry
from identity.ids import SubjectId
from services.begun import Begun
from services.consent.authority import ConsentAuthority
from services.deployment.config import SERVICES
from services.errors import Denied, InvalidRequest, Unavailable
from services.interceptors.call import NOT_PERMITTED, Call, Caller
from services.rights.access import Asked, Report, kinds_beside
from services.rights.access_answer import AccessAnswer
from services.rights.erasure import Erasures, SignedReceipt
from services.rights.messages import (
    provenance_message,
    receipt_message,
    recipient_message,
)
from services.rights.proofs import Open, Proof, Proofs, own_login
from services.storage.proof_register import ProofRegister
from services.stores import PersonalStore
from veilgraph.consent.v1 import consent_pb2, rights_pb2, rights_pb2_grpc

_VIAS = {consent_pb2.CollectedVia.Value(f"COLLECTED_VIA_{via.name}"): via for via in CollectedVia}
#: Kept back of an erasure's deadline, to answer with the id when it is not finished in time.
_ANSWER_S: Final = 0.5
_ERASE_WAIT_S: Final = 8.0

_RETRY_S: Final = 1.0

OpenOf = Callable[[Caller], Open]


class Reach(Protocol):
    """What rights needs of the rest of the deployment; ``services.parts.links.Links`` is one."""

    @property
    def stores(self) -> Mapping[str, PersonalStore]:
        """Every store with personal data, by name."""

    @property
    def erasures(self) -> Erasures:
        """The deployment's erasures."""


class RightsServicer(rights_pb2_grpc.RightsServiceServicer):
    """``veilgraph.consent.v1.RightsService``."""

    def __init__(
        self,
        *,
        authority: ConsentAuthority,
        reach: Reach,
        register: ProofRegister,
        proofs: Proofs,
        attesters: frozenset[str],
        open_of: OpenOf,
    ) -> None:
        """Makes the servicer.

        Args:
            authority: where statements go, and who is joined with whom.
            reach: the rest of the deployment.
            register: which proof served which request.
            proofs: judges tokens.
            attesters: the verifiers whose word on a link counts.
            open_of: opens the subject ids of a caller.
        """
        self._authority = authority
        self._policy = authority.policy
        self._reach = reach
        self._register = register
        self._proofs = proofs
        self._attesters = attesters
        self._open_of = open_of
        self._begun = Begun()
        roots = dict.fromkeys(leaf.split(".")[0] for leaf in self._policy.leaves)
        self._refusable = tuple(root for root in roots if root not in UNREFUSABLE)

    async def Access(
        self, request: rights_pb2.AccessRequest, call: Call
    ) -> AsyncIterator[rights_pb2.AccessResponse]:
        """Everything kept or concluded about the covered, part by part."""
        report = await self._report(request, call)
        answer = AccessAnswer(report, self._authority, call.guard)
        parts = answer.page() if request.format == rights_pb2.FORMAT_HTML else answer.data()
        async for part in parts:
            yield part

    async def WhereFrom(
        self, request: rights_pb2.WhereFromRequest, call: Call
    ) -> rights_pb2.WhereFromResponse:
        """Every source, with how much came from it and when."""
        report = await (await self._report(request, call)).read()
        return rights_pb2.WhereFromResponse(
            where_from=[provenance_message(one) for one in report.origins.provenances()],
            ask_for=report.asked.ask_for,
        )

    async def Recipients(
        self, request: rights_pb2.RecipientsRequest, call: Call
    ) -> rights_pb2.RecipientsResponse:
        """Every caller that was told something, by the audit log."""
        report = await (await self._report(request, call)).read()
        return rights_pb2.RecipientsResponse(
            recipients=[recipient_message(one, self._policy) for one in report.recipients()],
            ask_for=report.asked.ask_for,
        )

    async def Restrict(self, request: rights_pb2.RestrictRequest, call: Call) -> rights_pb2.RestrictResponse:
        """Has everything stop but keeping; in effect everywhere when it answers."""
        return rights_pb2.RestrictResponse(**await self._said(request, call, Action.RESTRICT))

    async def Object(self, request: rights_pb2.ObjectRequest, call: Call) -> rights_pb2.ObjectResponse:
        """Records an objection; in effect everywhere when it answers."""
        return rights_pb2.ObjectResponse(**await self._said(request, call, Action.OBJECT))

    async def Lift(self, request: rights_pb2.LiftRequest, call: Call) -> rights_pb2.LiftResponse:
        """Takes restrictions and objections back."""
        return rights_pb2.LiftResponse(**await self._said(request, call, Action.LIFT))

    async def Erase(self, request: rights_pb2.EraseRequest, call: Call) -> rights_pb2.EraseResponse:
        """Erases the covered; answers with the receipt, or with the id to ask for it by."""
        asked = await self._asked(request, call)
        # Whoever asked may go away; the id must not.
        erasure_id = await self._begun.to_the_end(self._begin(asked, request, call))
        return rights_pb2.EraseResponse(
            erasure_id=erasure_id,
            identities=len(asked.coverage.covered),
            ask_for=asked.ask_for,
            receipt=receipt_message(await self._in_time(erasure_id, call)),
        )

    async def GetReceipt(
        self, request: rights_pb2.GetReceiptRequest, call: Call
    ) -> rights_pb2.GetReceiptResponse:
        """The receipt of an erasure that this caller asked for, once it is finished."""
        caller = _caller(call)
        if request.erasure_id:
            asked_for = await self._register.asked_for(caller.id, request.erasure_id)
            erasure_id = request.erasure_id if asked_for else None
        else:
            erasure_id = await self._register.erasure_of(caller.id, request.request_id)
        if erasure_id is None:
            raise InvalidRequest("ERASURE_UNKNOWN", field=request.WhichOneof("erasure") or "erasure_id")
        receipt = await self._reach.erasures.receipt(erasure_id)
        return rights_pb2.GetReceiptResponse(erasure_id=erasure_id, receipt=receipt_message(receipt))

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    async def _report(self, request: Any, call: Call) -> Report:
        return Report(await self._asked(request, call), call.now_ms, self._stores())

    def _stores(self) -> list[PersonalStore]:
        stores = self._reach.stores
        if not all(name in stores for name in SERVICES):
            raise Unavailable("STORE_UNAVAILABLE", retry_after_s=_RETRY_S)  # less than all is no answer
        return [stores[name] for name in SERVICES]

    async def _asked(self, request: Any, call: Call) -> Asked:
        """Judges the proofs, binds them to the request and finds whom they cover."""
        caller, subject = _caller(call), call.subject
        assert subject is not None  # noqa: S101 - the methods refuse; they never degrade
        use = use_of(request, call)
        if call.attested is not None and not request.proofs:
            # The token of one person names nobody else: the layers before have seen to it.
            expires_ms = call.credentials_expire_ms
            proofs: tuple[Proof, ...] = (own_login(call.attested, subject, use, expires_ms, call.now_ms),)
        else:
            of_caller = self._open_of(caller)
            proofs = self._proofs.verified(request.proofs, subject, caller.id, of_caller, call.now_ms)
        if not all(proof.subject in self._authority for proof in proofs):
            raise Denied(NOT_PERMITTED)
        await self._register.take(proofs, use, call.now_ms)
        call.evidence = [proof.token_id for proof in proofs]  # the audit record says what it rests on

        def permits(who: SubjectId, purpose: int) -> bool:
            return call.guard.allows(who, purpose, call.now_ms)

        covered = coverage(
            (proof.subject for proof in proofs),
            self._authority.edges_at,
            proves_both_ends(self._attesters, permits, call.now_ms),
        )
        ask_for = await kinds_beside(self._stores()[0], covered, self._authority.edges_at)
        return Asked(proofs, covered, ask_for)

    async def _said(self, request: Any, call: Call, action: Action) -> dict[str, Any]:
        """Records a statement of each covered identity; gives the fields of the answer."""
        asked = await self._asked(request, call)
        entries = [self._entry(subject, request, call, action) for subject in asked.coverage.covered]

        def durable() -> None:
            call.durable = True

        appended = await self._authority.record(entries, durable)
        if appended.conflicts:
            raise InvalidRequest("REQUEST_ID_REUSED", field="request_id")
        return {"identities": len(entries), "ask_for": asked.ask_for, "consent_epoch": appended.epoch}

    def _entry(self, subject: SubjectId, request: Any, call: Call, action: Action) -> LedgerEntry:
        statement = Statement(
            subject=subject,
            action=action,
            nodes=tuple(request.purposes) or self._refusable,
            collected_via=_VIAS[request.collected_via],
            effective_at_ms=None,
            valid_until_ms=NEVER_MS,
            notice=None,
        )
        fault = fault_in(statement, self._policy, call.now_ms)
        if fault is not None:
            raise InvalidRequest(fault.reason, field=fault.field)
        # Named apart from what ``Record`` appends, and placed by the subject: a repeat may come
        # when other identities are covered, and is still a repeat for those that were.
        named = f"{_method(call)}/{request.request_id}"
        origin = Origin(call.tenant, _caller(call).id, named, int.from_bytes(subject, "big"))
        return ledger_entry(statement, origin, self._policy, call.now_ms)

    async def _begin(self, asked: Asked, request: rights_pb2.EraseRequest, call: Call) -> str:
        """The erasure a request begins; kept by its id, for the subject is nobody any more.

        The id is claimed first: another request under it is refused before anything begins, and
        a repeat after a crash finds the claim and begins what had not begun.
        """
        caller = _caller(call).id
        erasure_id = await self._register.claim(caller, request.request_id, use_of(request, call))
        if erasure_id is None:
            erasure_id = await self._reach.erasures.begin(
                asked.coverage.covered, request.suppress, asked.proofs[0].verifier
            )
            await self._register.began(caller, request.request_id, erasure_id)
        return erasure_id

    async def _in_time(self, erasure_id: str, call: Call) -> SignedReceipt | None:
        """The receipt, if it is there before the caller must be answered."""
        left_s = _ERASE_WAIT_S
        if call.deadline_at is not None:
            left_s = min(left_s, call.deadline_at - asyncio.get_running_loop().time() - _ANSWER_S)
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                return await self._reach.erasures.finished(erasure_id)
        except TimeoutError:
            return None


def use_of(request: Any, call: Call) -> bytes:
    """What a proof and a request id serve: a method, its caller and content, whatever the proofs."""
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("proofs")
    subject = call.subject
    assert subject is not None  # noqa: S101 - the methods refuse; they never degrade
    parts = (call.tenant, _caller(call).id, call.plan.name)
    framed = json.dumps(parts).encode() + bytes(subject) + content.SerializeToString(deterministic=True)
    return hashlib.sha256(framed).digest()


def _method(call: Call) -> str:
    return call.plan.name.rpartition("/")[2]


def _caller(call: Call) -> Caller:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    return call.caller
