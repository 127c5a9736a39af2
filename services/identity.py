"""IdentityService: digests become subjects, evidence becomes edges, and either can be explained.

A birth or a changed edge is answered for only after the barrier: when the guard tables have
taken it in. Until then an edge is pending, and nothing is read across it. A caller that goes
away in between stops nothing; what was begun is finished, so that the graph in memory is what
the ledger holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from identity.graph import Graph, Step
from identity.ids import SUBJECT_BYTES, IdentifierToken, SubjectId
from identity.ledger import CERTAIN_PERMILLE, NEVER_MS, Births, Edge, EdgeState, Evidence, Newborn, Sighting
from identity.linking import (
    Done,
    LinkRefusal,
    Request,
    Ruling,
    check_same,
    fingerprint,
    fingerprints,
    rule,
    undo,
)
from identity.rules import Rules
from identity.store import IdentityStore
from services.confirming import Barrier, Confirmation
from services.interceptors.call import Call
from services.interceptors.declared import purpose_of
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

T = TypeVar("T")
_PURPOSES = {value.number: purpose_of(value) or "" for value in privacy_pb2.Purpose.DESCRIPTOR.values}
_FIELD_AT_FAULT = {
    LinkRefusal.TO_ITSELF: "other",
    LinkRefusal.OBSERVED_IN_FUTURE: "observed_at",
    LinkRefusal.EXPIRES_BEFORE_OBSERVED: "valid_until",
}


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """Serves the contract from one ledger; used from one event loop."""

    def __init__(
        self,
        *,
        store: IdentityStore,
        graph: Graph,
        rules: Rules,
        blocked: Collection[IdentifierToken],
        barrier: Barrier,
        random_bytes: Callable[[int], bytes],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes the servicer.

        Args:
            store: the ledger.
            graph: the active edges of ``store``; from now on kept by this servicer.
                Those that are pending come with ``resume``.
            rules: what counts as evidence.
            blocked: tokens that stand for no identifier, those of every tenant.
            barrier: see ``Barrier``.
            random_bytes: where birth subjects come from; cryptographically random.
            report: takes one line per try to confirm a link that failed.
            pause: waits for a number of seconds, between such tries.
        """
        self._store = store
        self._graph = graph
        self._rules = rules
        self._blocked = frozenset(blocked)
        self._barrier = barrier
        self._random_bytes = random_bytes
        # Edges are judged by the graph as it is, so they are written one request after another.
        self._in_order = asyncio.Lock()
        self._confirmation = Confirmation(
            store, graph, barrier, in_order=self._in_order, report=report, pause=pause
        )
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def Resolve(self, request: identity_pb2.ResolveRequest, call: Call) -> identity_pb2.ResolveResponse:
        """Gives each identifier's own birth subject; a new identifier gets one."""
        births, epoch = await self._births(request, call)
        view = call.guard.policy.index(_PURPOSES[request.for_purpose]) if request.for_purpose else None
        answered: dict[int, SubjectId] = {}
        permitting = call.judge(births.subjects.values())
        for index, token in zip(call.accepted, call.tokens, strict=True):
            subject = births.subjects.get(token)
            if subject is None:
                call.refuse_item(index, "BLOCKED_VALUE", f"identifiers[{index}].sha256")
            elif subject not in permitting:
                call.refuse_item(index, call.denial(subject))
            else:
                answered[index] = subject
        call.now_ms = call.clock_ms()  # a write is not judged again, and births take their time
        created = {births.subjects[token] for token in births.created}
        return resolve_response(answered, created, call, view, epoch)

    async def Link(self, request: identity_pb2.LinkRequest, call: Call) -> identity_pb2.LinkResponse:
        """Puts evidence into the ledger; effective when it returns."""
        sightings = sightings_of(request, call, self._rules)
        return await self._to_the_end(self._link(sightings, request.request_id, call))

    async def Unlink(self, request: identity_pb2.UnlinkRequest, call: Call) -> identity_pb2.UnlinkResponse:
        """Declares the edges between two wrong; effective when it returns."""
        return await self._to_the_end(self._unlink(request, call))

    async def Explain(self, request: identity_pb2.ExplainRequest, call: Call) -> identity_pb2.ExplainResponse:
        """Whether two are one person for a purpose, and the shortest path of evidence that may be shown."""
        del request  # its subjects and its purpose are the call's
        subject, other = _two(call)
        members = frozenset(call.members(subject))
        if other not in members:
            return identity_pb2.ExplainResponse()
        path = () if other == subject else self._path(subject, other, members, call)
        kinds = await self._store.kinds({subject, *(step.end for step in path)})
        return identity_pb2.ExplainResponse(linked=True, path=[step_message(step, kinds) for step in path])

    async def resume(self) -> None:
        """Takes up the links and corrections that an earlier process left pending."""
        await self._confirmation.resume()

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """Takes erased subjects out of the graph; links that are being written are waited for."""
        async with self._in_order:
            for subject in subjects:
                self._graph.apply([replace(edge, state=EdgeState.WRONG) for edge in self._graph.at(subject)])

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)
        await self._confirmation.stop()

    async def _births(self, request: identity_pb2.ResolveRequest, call: Call) -> tuple[Births, int]:
        kinds = {
            token: one.kind
            for token, one in zip(call.tokens, request.identifiers, strict=True)
            if token not in self._blocked
        }
        known = await self._store.subjects(kinds)
        new = [token for token in kinds if token not in known]
        if not new and all(subject in call.guard for subject in known.values()):
            return Births(known, frozenset(), 0), 0
        random = self._random_bytes(SUBJECT_BYTES * len(new))
        newborns = [
            Newborn(token, kinds[token], SubjectId(random[start : start + SUBJECT_BYTES]))
            for token, start in zip(new, range(0, len(random), SUBJECT_BYTES), strict=True)
        ]
        births, epoch = await self._to_the_end(self._bear(newborns, call.now_ms))
        return births._replace(subjects=known | births.subjects), epoch

    async def _bear(self, newborns: Sequence[Newborn], now_ms: int) -> tuple[Births, int]:
        births = await self._store.bear(newborns, now_ms)
        return births, await self._barrier(births.seq)

    async def _link(
        self, sightings: Mapping[int, Sighting], request_id: str, call: Call
    ) -> identity_pb2.LinkResponse:
        prints = {index: fingerprint(*sighting) for index, sighting in sightings.items()}
        asked = _request(call, "Link", request_id, fingerprints(prints, len(sightings) + len(call.refused)))

        async def write() -> Done:
            pairs = [(sighting.subject, sighting.other) for sighting in sightings.values()]
            known = await self._store.between(pairs)
            rulings = rule(list(sightings.values()), known, self._graph, self._rules.members_max, call.now_ms)
            answer = link_response(dict(zip(sightings, rulings, strict=True)), call).SerializeToString()
            saved = await self._store.link(asked, rulings, answer, call.now_ms)
            self._graph.apply(saved.edges)
            return Done(asked.fingerprints, answer, saved.seq)

        done = await self._once(asked, write)
        call.durable = True
        response = identity_pb2.LinkResponse.FromString(done.answer)
        response.consent_epoch = await self._confirmation.reached(done.seq)
        return response

    async def _unlink(self, request: identity_pb2.UnlinkRequest, call: Call) -> identity_pb2.UnlinkResponse:
        subject, other = _two(call)
        asked = _request(call, "Unlink", request.request_id, fingerprint(subject, other))

        async def write() -> Done:
            wrong = undo(await self._store.between([(subject, other)]), request.reason, call.now_ms)
            answer = identity_pb2.UnlinkResponse(edges_removed=len(wrong)).SerializeToString()
            saved = await self._store.unlink(asked, wrong, answer, call.now_ms)
            self._graph.apply(saved.edges)
            return Done(asked.fingerprints, answer, saved.seq)

        done = await self._once(asked, write)
        call.durable = True
        response = identity_pb2.UnlinkResponse.FromString(done.answer)
        response.consent_epoch = await self._confirmation.reached(done.seq)
        return response

    async def _once(self, asked: Request, write: Callable[[], Awaitable[Done]]) -> Done:
        async with self._in_order:
            done = await self._store.done(asked)
            if done is None:
                return await write()
        check_same(asked, done)
        return done

    def _path(
        self, subject: SubjectId, other: SubjectId, members: frozenset[SubjectId], call: Call
    ) -> tuple[Step, ...]:
        """The path among those whose data the purpose may read, over links neither end refuses.

        Two may be joined over nobody but such as must not be shown; then there is none.
        """
        policy = call.guard.policy
        in_view = self._rules.admits(policy.views[policy.view_of[call.purpose]], call.now_ms)

        def admits(edge: Edge) -> bool:
            purpose = self._rules.link_purpose(edge.evidence)
            ends = (edge.a, edge.b)
            return in_view(edge) and all(end in members and call.allows(end, purpose) for end in ends)

        return self._graph.shortest_path(subject, other, admits, self._rules.members_max) or ()

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits ``work`` and lets it finish even if nobody waits any more."""
        task = asyncio.ensure_future(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)


def resolve_response(
    answered: Mapping[int, SubjectId],
    created: Collection[SubjectId],
    call: Call,
    view: int | None,
    epoch: int,
) -> identity_pb2.ResolveResponse:
    """The answer to a Resolve: a subject or an error for each identifier.

    Args:
        answered: the subjects of those that were not refused, by index.
        created: the subjects that are new.
        call: knows who was refused, and the members of each person.
        view: the purpose in whose view persons are asked for, if any.
        epoch: the consent epoch, if it is known already; else 0.
    """
    response = identity_pb2.ResolveResponse(consent_epoch=epoch)
    errors = {one.index: one for one in call.refused}
    for index in range(len(answered) + len(errors)):
        # Filled in place: messages made one by one would be copied, four times the cost.
        result = response.results.add()
        if index in errors:
            result.error.CopyFrom(errors[index].message())
            continue
        subject = answered[index]
        result.subject = subject.hex()
        result.created = subject in created
        members = () if view is None else call.members(subject, view)
        if members:
            result.person = members[0].hex()  # members are listed oldest first
    return response


def sightings_of(request: identity_pb2.LinkRequest, call: Call, rules: Rules) -> dict[int, Sighting]:
    """The accepted links of a request, by their index in the request as it was sent.

    One that names a registered verifier as its source is refused unless the caller may speak
    for it: what a verifier saw opens one identity's data to the other's owner.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    for index, link in zip(call.accepted, request.links, strict=True):
        if not rules.may_speak(call.caller.id, link.source):
            call.refuse_item(index, "SOURCE_RESERVED", f"links[{index}].source")
    return {
        index: Sighting(
            subject=subject,
            other=other,
            evidence=Evidence(link.evidence),
            source=link.source,
            observed_at_ms=link.observed_at.ToMilliseconds(),
            valid_until_ms=link.valid_until.ToMilliseconds() if link.HasField("valid_until") else NEVER_MS,
            confidence_permille=link.confidence_permille or CERTAIN_PERMILLE,
        )
        for index, link, subject, other in zip(
            call.accepted,
            request.links,
            _known(call.subjects["links.subject"]),
            _known(call.subjects["links.other"]),
            strict=True,
        )
        if rules.may_speak(call.caller.id, link.source)
    }


def link_response(rulings: Mapping[int, Ruling], call: Call) -> identity_pb2.LinkResponse:
    """The answer to a Link: what became of each link, what the guard refused among them."""
    results = {}
    for index, ruling in rulings.items():
        if ruling.refusal is None:
            results[index] = identity_pb2.LinkResult(linked=True)
        else:
            field = _FIELD_AT_FAULT.get(ruling.refusal)
            call.refuse_item(index, ruling.refusal.value, f"links[{index}].{field}" if field else "")
    for one in call.refused:
        results[one.index] = identity_pb2.LinkResult(error=one.message())
    return identity_pb2.LinkResponse(results=in_order(results))


def step_message(step: Step, kinds: Mapping[SubjectId, int]) -> identity_pb2.EvidenceStep:
    """One edge of a path as the contract shows it."""
    edge = step.edge
    message = identity_pb2.EvidenceStep(
        from_kind=identity_pb2.IdentifierKind.Name(kinds[step.start]),
        to_kind=identity_pb2.IdentifierKind.Name(kinds[step.end]),
        evidence=identity_pb2.Evidence.Name(edge.evidence),
        source=edge.source,
        observed_at=_timestamp(edge.observed_at_ms),
        confidence_permille=edge.confidence_permille,
    )
    if edge.valid_until_ms != NEVER_MS:
        message.valid_until.CopyFrom(_timestamp(edge.valid_until_ms))
    return message


def in_order(results: Mapping[int, T]) -> list[T]:
    """One result per element of the request, in its order."""
    return [results[index] for index in range(len(results))]


def _request(call: Call, method: str, request_id: str, prints: bytes) -> Request:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    return Request(f"{call.tenant}/{call.caller.id}", method, request_id, prints)


def _two(call: Call) -> tuple[SubjectId, SubjectId]:
    subject, other = _known([call.subjects["subject"][0], call.subjects["other"][0]])
    return subject, other


def _known(subjects: Sequence[SubjectId | None]) -> list[SubjectId]:
    """Without the guests, whom a method that refuses never has."""
    return [subject for subject in subjects if subject is not None]


def _timestamp(at_ms: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMilliseconds(at_ms)
    return timestamp
