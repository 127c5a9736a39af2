"""ConsentService: statements in, states out; and identity's feed as consent reads it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from consent.component import EdgeFact, EdgeState, GraphStep
from consent.fold import LeafState, State
from consent.guard_table import NEVER_MS
from consent.history import HistoryTokens, history_scope
from consent.policy import Policy
from consent.record import Action, Age, CollectedVia, ConsentRecord, Evidence, Notice
from consent.regimes import UNKNOWN
from consent.statement import NO_REFUSALS, LedgerEntry, Origin, Statement, fault_in, ledger_entry
from identity import ledger
from identity.effect import effect
from identity.ids import SubjectId
from identity.pairwise import Pairwise
from identity.rules import Rules
from services.consent.authority import ConsentAuthority
from services.interceptors.call import Call, Caller
from veilgraph.consent.v1 import consent_pb2, consent_pb2_grpc

PAGE_SIZE_DEFAULT = 100
_ACTIONS = {consent_pb2.Action.Value(f"ACTION_{action.name}"): action for action in Action}
_VIAS = {consent_pb2.CollectedVia.Value(f"COLLECTED_VIA_{via.name}"): via for via in CollectedVia}
_AGES = {
    consent_pb2.AGE_UNSPECIFIED: Age.UNKNOWN,
    consent_pb2.AGE_ADULT: Age.ADULT,
    consent_pb2.AGE_MINOR: Age.MINOR,
    consent_pb2.AGE_CHILD: Age.CHILD,
}
_STATES = {state: f"STATE_{state.name}" for state in State}
_EDGE_STATES = {
    ledger.EdgeState.ACTIVE: EdgeState.ACTIVE,
    ledger.EdgeState.WRONG: EdgeState.WRONG,
    ledger.EdgeState.REFUSED: EdgeState.WRONG,  # never took effect: counts for nothing either
    ledger.EdgeState.LINK_PENDING: EdgeState.REFUSAL_ONLY,
    ledger.EdgeState.UNLINK_PENDING: EdgeState.REFUSAL_ONLY,
    ledger.EdgeState.QUARANTINED: EdgeState.WRONG,  # not even a refusal spreads over what people share
    ledger.EdgeState.QUARANTINE_PENDING: EdgeState.REFUSAL_ONLY,
    ledger.EdgeState.RULES_PENDING: EdgeState.REFUSAL_ONLY,
    ledger.EdgeState.DISTRUSTED: EdgeState.REFUSAL_ONLY,
}


class ConsentServicer(consent_pb2_grpc.ConsentServiceServicer):
    """``veilgraph.consent.v1.ConsentService``."""

    def __init__(
        self,
        authority: ConsentAuthority,
        pairwise_of: Callable[[Caller], Pairwise],
        page_tokens: HistoryTokens,
    ) -> None:
        """Records with ``authority``; ``pairwise_of`` gives the statement ids of a caller."""
        self._page_tokens = page_tokens
        self._authority = authority
        self._policy = authority.policy
        self._pairwise_of = pairwise_of

    async def Record(self, request: consent_pb2.RecordRequest, call: Call) -> consent_pb2.RecordResponse:
        """Appends what is sound and names what is not; answers once it is in effect everywhere."""
        entries = await self._judge(request, call)

        def durable() -> None:
            call.durable = True

        appended = await self._authority.record(list(entries.values()), durable)
        kept: dict[int, LedgerEntry] = {}
        for position, (index, entry) in enumerate(entries.items()):
            if position in appended.conflicts:
                call.refuse_item(index, "REQUEST_ID_REUSED", "request_id")
            else:
                kept[index] = entry
        seal = self._pairwise(call).seal_statement
        return consent_pb2.RecordResponse(
            recorded=len(kept),
            refused=[one.message() for one in sorted(call.refused, key=lambda one: one.index)],
            consent_epoch=appended.epoch,
            statements=[
                consent_pb2.RecordedStatement(
                    index=index, purpose=record.said.node, statement_id=seal(record.event_id)
                )
                for index, entry in kept.items()
                for record in entry.records
            ],
        )

    async def GetState(
        self,
        request: consent_pb2.GetStateRequest,  # noqa: ARG002 - the guard took the subject out of it
        call: Call,
    ) -> consent_pb2.GetStateResponse:
        """What a subject said, and what is allowed with its links and the legal bases."""
        subject = call.subject
        assert subject is not None  # noqa: S101 - the method refuses; it never degrades
        own = await self._authority.own_states(subject, call.now_ms)
        seal = self._pairwise(call).seal_statement
        law = self._policy.under(own.regimes)
        return consent_pb2.GetStateResponse(
            purposes=[
                purpose_state(leaf, basis, state, seal, allowed=call.allows(subject, leaf))
                for leaf, basis, state in zip(self._policy.leaves, law.basis, own.leaves, strict=True)
            ],
            taxonomy_version=self._policy.taxonomy_version,
            regimes=self._policy.regime_names(own.regimes),
        )

    async def History(self, request: consent_pb2.HistoryRequest, call: Call) -> consent_pb2.HistoryResponse:
        """What a subject itself said, a page at a time."""
        subject = call.subject
        assert subject is not None  # noqa: S101 - the method refuses; it never degrades
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        scope = history_scope(call.tenant, call.caller.id, subject)
        after = self._page_tokens.open(request.page_token, scope) if request.page_token else 0
        size = request.page_size or PAGE_SIZE_DEFAULT
        lines = await self._authority.history(subject, after, size + 1)
        following = lines[size - 1].position if len(lines) > size else 0
        seal = self._pairwise(call).seal_statement
        return consent_pb2.HistoryResponse(
            records=[history_record(line.record, call.caller.id, seal) for line in lines[:size]],
            next_page_token=self._page_tokens.seal(following, scope) if following else "",
        )

    async def _judge(self, request: consent_pb2.RecordRequest, call: Call) -> dict[int, LedgerEntry]:
        """The sound statements by their place in the request; the others are refused on the call."""
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        entries: dict[int, LedgerEntry] = {}
        subjects = call.subjects["statements.subject"]
        for index, subject, message in zip(call.accepted, subjects, request.statements, strict=True):
            assert subject is not None  # noqa: S101 - the method refuses; it never degrades
            if subject not in self._authority:
                call.refuse_item(index, call.denial(subject))
                continue
            statement = statement_of(message, subject, self._answered(message, call))
            refusals = NO_REFUSALS
            if statement.supersedes:
                refusals = await self._authority.answerable(subject, call.now_ms)
            fault = fault_in(statement, self._policy, call.now_ms, refusals)
            if fault is not None:
                call.refuse_item(index, fault.reason, f"statements[{index}].{fault.field}")
                continue
            origin = Origin(call.tenant, call.caller.id, request.request_id, index)
            entries[index] = ledger_entry(statement, origin, self._policy, call.now_ms, refusals)
        return entries

    def _answered(self, message: consent_pb2.Statement, call: Call) -> tuple[bytes, ...]:
        """The refusals that a statement names; an id that is none of this caller's names nothing."""
        if not message.supersedes:
            return ()
        named = self._pairwise(call).open_statement
        return tuple(named(text, call.now_ms) or b"" for text in message.supersedes)

    def _pairwise(self, call: Call) -> Pairwise:
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        return self._pairwise_of(call.caller)


def statement_of(
    message: consent_pb2.Statement, subject: SubjectId, supersedes: tuple[bytes, ...] = ()
) -> Statement:
    """The domain's form of a statement that passed the contract's limits."""
    return Statement(
        subject=subject,
        action=_ACTIONS[message.action],
        nodes=tuple(message.purposes),
        collected_via=_VIAS[message.collected_via],
        effective_at_ms=message.effective_at.ToMilliseconds() if message.HasField("effective_at") else None,
        valid_until_ms=message.valid_until.ToMilliseconds() if message.HasField("valid_until") else NEVER_MS,
        notice=notice_of(message.notice) if message.HasField("notice") else None,
        regime="" if message.regime == UNKNOWN else message.regime,
        jurisdiction=message.jurisdiction,
        age=_AGES[message.age],
        child_signal=message.child_signal,
        evidence=evidence_of(message.evidence),
        supersedes=supersedes,
    )


def notice_of(message: consent_pb2.Notice) -> Notice:
    """The domain's form of a notice."""
    return Notice(message.id, message.version, message.language, message.sha256)


def evidence_of(message: consent_pb2.Evidence) -> Evidence:
    """The domain's form of evidence."""
    return Evidence(message.method, message.collector, message.ui_hash, message.raw_signal)


def purpose_state(
    leaf: str, basis: str, own: LeafState, seal: Callable[[bytes], str], *, allowed: bool
) -> consent_pb2.PurposeState:
    """The contract's form of one leaf's state; ``seal`` makes the caller's id of a statement."""
    state = consent_pb2.PurposeState(
        purpose=leaf,
        own=_STATES[own.state],
        allowed=allowed,
        legal_basis=basis,
        objected=own.objected,
        restricted=own.restricted,
    )
    if own.said is not None:
        state.statement_id = seal(own.said.id)
        state.effective_at.FromMilliseconds(own.said.effective_at_ms)
        if own.said.valid_until_ms != NEVER_MS:
            state.valid_until.FromMilliseconds(own.said.valid_until_ms)
    return state


def history_record(
    record: ConsentRecord, caller: str, seal: Callable[[bytes], str]
) -> consent_pb2.HistoryRecord:
    """The contract's form of a record for a caller; ``seal`` makes the caller's id of a statement."""
    said, notice = record.said, record.notice
    message = consent_pb2.HistoryRecord(
        statement_id=seal(record.event_id),
        purpose=said.node,
        action=f"ACTION_{said.action.name}",
        collected_via=f"COLLECTED_VIA_{record.collected_via.name}",
        taxonomy_version=said.taxonomy_version,
        legal_basis=record.legal_basis,
        regime=said.regime,
        jurisdiction=record.jurisdiction,
        evidence_method=record.evidence.method,
        reported_by_caller=record.actor == caller,
        supersedes=[seal(event_id) for event_id in said.supersedes],
    )
    message.effective_at.FromMilliseconds(said.effective_at_ms)
    message.recorded_at.FromMilliseconds(record.recorded_at_ms)
    if said.valid_until_ms != NEVER_MS:
        message.valid_until.FromMilliseconds(said.valid_until_ms)
    if notice is not None:
        message.notice.id, message.notice.version = notice.id, notice.version
        message.notice.language, message.notice.sha256 = notice.language, notice.sha256
    return message


def graph_step(change: ledger.GraphChange, rules: Rules, policy: Policy) -> GraphStep:
    """One step of identity's feed as consent reads it.

    Args:
        change: the step.
        rules: what each kind of evidence counts for.
        policy: gives purposes and views their bits.

    Raises:
        UnknownPurpose: the rules name a link purpose that the policy lacks.
        ValueError: the rules name a view that the policy lacks.
    """
    edges = tuple([edge_fact(edge, rules, policy) for edge in change.edges])
    return GraphStep(change.seq, change.births, edges, change.suppressed)


def edge_fact(edge: ledger.Edge, rules: Rules, policy: Policy) -> EdgeFact:
    """One edge of the ledger as consent reads it; arguments and errors as of ``graph_step``."""
    counts = effect(edge, rules)
    state = _EDGE_STATES[edge.state]
    if state is EdgeState.ACTIVE and counts.refusal_only:
        state = EdgeState.REFUSAL_ONLY
    return EdgeFact(
        edge_id=edge.edge_id,
        a=edge.a,
        b=edge.b,
        link_purpose=policy.index(counts.link_purpose),
        deterministic=counts.deterministic,
        views=_policy_views(rules.views, policy.views, counts.views),
        state=state,
        valid_until_ms=counts.ends_ms,
        attested_by=counts.attested_by,
    )


@lru_cache(maxsize=256)
def _policy_views(named_by_rules: tuple[str, ...], named_by_policy: tuple[str, ...], views: int) -> int:
    """The policy's bits of the views that have a bit in the rules."""
    return sum(
        1 << named_by_policy.index(name) for bit, name in enumerate(named_by_rules) if views >> bit & 1
    )
