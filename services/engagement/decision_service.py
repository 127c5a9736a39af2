"""DecisionService: what is offered to whom, and what became of it.

A till waits for nobody: when the time that its call leaves runs out, it is given what is for everybody,
within that time, and whatever was being promised meanwhile is taken back. How long the rest takes is
not guessed; it is begun, and given up when the call's own deadline is near.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from engagement.decision_store import DECISION_BYTES, Became, DecisionStore, Outcome, Report, Row
from engagement.event import event_key_of
from identity.ids import SubjectId
from services.begun import Begun
from services.engagement.decided import Asked, Decided
from services.engagement.deciding import Decider, Definitions
from services.engagement.decision_messages import decide_response, questions_of, refused_response
from services.engagement.due_messages import due_response, wanted_of
from services.engagement.explaining import why_response
from services.engagement.releasing import Releasing
from services.engagement.situating import SERVICE, Question
from services.errors import Denied, InvalidRequest, Refusal
from services.interceptors.call import Call
from veilgraph.engagement.v1 import decision_pb2, decision_pb2_grpc

#: Kept back of a call's time to give what is for everybody.
ANSWERING_S = 0.012
#: Who holds it is told how a decision was made, and not only why.
AUDIT_SCOPE = "decision.audit"
_REQUEST = "report"
#: What answers there are, by outcome; a play may say that its NPS begins at 1.
_SCORES = {Outcome.NPS: (0, 10), Outcome.CSAT: (1, 5), Outcome.CES: (1, 7)}


class DecisionServicer(decision_pb2_grpc.DecisionServiceServicer):
    """``veilgraph.engagement.v1.DecisionService``."""

    def __init__(
        self, *, decider: Decider, store: DecisionStore, definitions: Definitions, releasing: Releasing
    ) -> None:
        self._releasing = releasing
        self._decider = decider
        self._store = store
        self._definitions = definitions
        self._begun = Begun()

    async def Decide(self, request: decision_pb2.DecideRequest, call: Call) -> decision_pb2.DecideResponse:
        """One decision; within the call's time in any case."""
        subject = call.subject
        (question,) = questions_of(request, [(0, subject)], call)
        if subject is None:
            return decide_response(await self._decider.one(call, None, question), call.depth_reason)
        decided = await self._in_time(call, subject, question)
        late = decided is None
        decided = decided or self._decider.out_of_time(call, question)
        return decide_response(decided, call.depth_reason, late=late)

    async def DecideBatch(
        self, request: decision_pb2.DecideBatchRequest, call: Call
    ) -> decision_pb2.DecideBatchResponse:
        """A decision for each person, in the order of the question."""
        subjects = call.subjects["items.subject"]
        people = list(zip(call.accepted, subjects, strict=True))
        questions = questions_of(request, people, call)
        asked = [Asked(subject, question) for subject, question in zip(subjects, questions, strict=True)]
        answers = {one.index: decision_pb2.DecideResponse(error=one.message()) for one in call.refused}
        decisions = await self._decider.each(call, asked)
        for index, decided, reason in zip(call.accepted, decisions, call.depth_reasons, strict=True):
            if decided is None:
                answers[index] = refused_response(
                    index, InvalidRequest("REQUEST_ID_REUSED", field="request_id")
                )
            else:
                answers[index] = decide_response(decided, reason)
        return decision_pb2.DecideBatchResponse(decisions=[answers[index] for index in sorted(answers)])

    async def Due(self, request: decision_pb2.DueRequest, call: Call) -> decision_pb2.DueResponse:
        """What is due, or becomes due while the call waits."""
        return due_response(await self._releasing.due(wanted_of(request, call), call))

    async def Report(self, request: decision_pb2.ReportRequest, call: Call) -> decision_pb2.ReportResponse:
        """Keeps what became of a decision; answers once it is durable."""
        subject = call.subject
        assert subject is not None  # noqa: S101 - a method that refuses has a subject
        person = _person(call, subject)
        row = await self._of_person(bytes.fromhex(request.decision_id), person)
        if row.became == Became.HELD:
            raise Refusal("NOTHING_GIVEN", field="decision_id")
        self._check_value(request, row)
        await self._begun.to_the_end(self._store.report(report_of(request, subject, call), row, person))
        return decision_pb2.ReportResponse()

    async def Why(self, request: decision_pb2.WhyRequest, call: Call) -> decision_pb2.WhyResponse:
        """What a decision rested on."""
        subject, caller = call.subject, call.caller
        assert subject is not None  # noqa: S101 - a method that refuses has a subject
        assert caller is not None  # noqa: S101 - authentication ran before
        auditor = request.reader == decision_pb2.READER_AUDITOR
        if auditor and AUDIT_SCOPE not in caller.scopes:
            raise Denied("SCOPE_NOT_GRANTED_TO_CALLER", field="reader")
        row = await self._of_person(bytes.fromhex(request.decision_id), _person(call, subject))
        reports = await self._store.reports(row.decision_id)
        return why_response(row, reports, call.guard.policy, auditor=auditor)

    async def Review(self, request: decision_pb2.ReviewRequest, call: Call) -> decision_pb2.ReviewResponse:
        """A human's word on a decision that waits for it; answers once it is durable."""
        approved = request.verdict == decision_pb2.VERDICT_APPROVE
        if approved and not request.shown:
            raise InvalidRequest("FIELD_REQUIRED", field="shown")
        decision_id = bytes.fromhex(request.decision_id)
        shown = bytes.fromhex(request.shown) if approved else None
        if not await self._releasing.review(decision_id, call.now_ms, shown):
            raise Refusal("DECISION_UNKNOWN", field="decision_id")
        return decision_pb2.ReviewResponse()

    def close(self) -> None:
        """Ends all waiting; for an orderly stop, before the server's."""
        self._releasing.close()

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()
        await self._decider.drained()

    async def _in_time(self, call: Call, subject: SubjectId, question: Question) -> Decided | None:
        """A decision, or ``None`` where the call's time leaves none for it."""
        if call.deadline_at is None:
            return await self._decider.one(call, subject, question)
        until = call.deadline_at - ANSWERING_S
        if asyncio.get_running_loop().time() >= until:
            return None
        try:
            async with asyncio.timeout_at(until):
                return await self._decider.one(call, subject, question)
        except TimeoutError:
            return None

    async def _of_person(self, decision_id: bytes, person: Sequence[SubjectId]) -> Row:
        """A decision of a person; one of somebody else is as unknown as one that never was."""
        row = await self._store.decision(decision_id)
        if row is None or row.subject not in person:
            raise Refusal("DECISION_UNKNOWN", field="decision_id")
        return row

    def _check_value(self, request: decision_pb2.ReportRequest, row: Row) -> None:
        outcome = Outcome(request.outcome)
        given = request.HasField("value")
        if outcome not in _SCORES:
            if given and outcome != Outcome.ORDER:
                raise InvalidRequest("FIELD_RANGE", field="value")
            return
        if not given:
            raise InvalidRequest("FIELD_REQUIRED", field="value")
        least, most = _SCORES[outcome]
        play = self._definitions.play(row.play_id)
        if outcome == Outcome.NPS and play is not None and play.nps_from_one:
            least = 1
        if not least <= request.value <= most:
            raise InvalidRequest("FIELD_RANGE", field="value")


def report_of(request: decision_pb2.ReportRequest, subject: SubjectId, call: Call) -> Report:
    """A report as it is kept; repeatable by its caller and its id."""
    assert call.caller is not None  # noqa: S101 - authentication ran before
    content = decision_pb2.ReportRequest()
    content.CopyFrom(request)
    content.ClearField("subject")
    digest = hashlib.sha256(subject + content.SerializeToString(deterministic=True)).digest()
    return Report(
        key=event_key_of(call.tenant, call.caller.id)(f"{_REQUEST}\n{request.request_id}"),
        subject=subject,
        decision_id=bytes.fromhex(request.decision_id),
        digest=digest[:DECISION_BYTES],
        outcome=request.outcome,
        value=request.value if request.HasField("value") else None,
        at_ms=call.now_ms,
    )


def _person(call: Call, subject: SubjectId) -> tuple[SubjectId, ...]:
    """All birth subjects of the person that are proved to be one."""
    return call.linked(subject, call.guard.policy.index(SERVICE))
