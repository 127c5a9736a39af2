"""IdentityService: digests become subjects, evidence becomes edges, and either can be explained.

A caller that goes away stops nothing; what was begun is finished, so that the graph in memory
is what the ledger holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from identity.effect import admits
from identity.graph import Graph, Step
from identity.ids import SubjectId
from identity.ledger import Edge
from identity.linking import Done, Request, fingerprint, fingerprints
from identity.store import IdentityStore
from services.begun import Begun
from services.errors import Unavailable
from services.identity.births import BirthRegister
from services.identity.confirming import Barrier
from services.identity.identifier_keys import IdentifierKeys
from services.identity.ledger_writer import LedgerWriter
from services.identity.messages import known_of, link_response, resolve_response, sightings_of, step_message
from services.identity.quotas import Quotas
from services.identity.rule_book import RuleBook
from services.interceptors.call import Call
from services.interceptors.declared import purpose_of
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

#: A replica has come up to a new authority after about so long.
BEHIND_S = 0.5
_PURPOSES = {value.number: purpose_of(value) or "" for value in privacy_pb2.Purpose.DESCRIPTOR.values}


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """Serves the contract from one ledger; used from one event loop."""

    def __init__(
        self,
        *,
        store: IdentityStore,
        graph: Graph,
        book: RuleBook,
        identifiers: IdentifierKeys,
        barrier: Barrier,
        quotas: Quotas,
        random_bytes: Callable[[int], bytes],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes the servicer.

        Args:
            store: the ledger.
            graph: the active edges of ``store``; from now on kept by this servicer.
                Those that are pending come with ``take_up``.
            book: what counts as evidence.
            identifiers: by which tokens an identifier is known, and which stand for none.
            barrier: see ``Barrier``.
            quotas: what each caller may bring that nobody has seen.
            random_bytes: where birth subjects come from; cryptographically random.
            report: takes one line per try to confirm a link that failed.
            pause: waits for a number of seconds, between such tries.
        """
        self._store = store
        self._graph = graph
        self._book = book
        self._begun = Begun()
        self._register = BirthRegister(
            store, identifiers, barrier, random_bytes=random_bytes, begun=self._begun, quotas=quotas
        )
        self._ledger = LedgerWriter(store, graph, book, barrier, report=report, pause=pause)

    async def Resolve(self, request: identity_pb2.ResolveRequest, call: Call) -> identity_pb2.ResolveResponse:
        """Gives each identifier's own birth subject; a new identifier gets one."""
        kinds = {token: one.kind for token, one in zip(call.tokens, request.identifiers, strict=True)}
        assert call.caller is not None  # noqa: S101 - authentication ran before every handler
        births, epoch = await self._register.births(kinds, call.caller, call.guard, call.now_ms)
        if epoch > call.guard.epoch:
            # Another authority knows them, and this replica still decides under its predecessor's lease.
            raise Unavailable("EPOCH_TOO_OLD", retry_after_s=BEHIND_S)
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
        return await self._begun.to_the_end(self._link(request, call))

    async def Unlink(self, request: identity_pb2.UnlinkRequest, call: Call) -> identity_pb2.UnlinkResponse:
        """Declares the edges between two wrong; effective when it returns."""
        return await self._begun.to_the_end(self._unlink(request, call))

    async def Explain(self, request: identity_pb2.ExplainRequest, call: Call) -> identity_pb2.ExplainResponse:
        """Whether two are one person for a purpose, and the shortest path of evidence that may be shown."""
        del request  # its subjects and its purpose are the call's
        subject, other = _two(call)
        members = frozenset(call.members(subject))
        if other not in members:
            return identity_pb2.ExplainResponse()
        path = () if other == subject else self._path(subject, other, members, call)
        kinds = await self._store.kinds({subject, *(step.end for step in path)})
        return identity_pb2.ExplainResponse(
            linked=True, path=[self._step(step, kinds, call) for step in path]
        )

    @property
    def register(self) -> BirthRegister:
        """Knows the subject of every identifier."""
        return self._register

    @property
    def ledger(self) -> LedgerWriter:
        """The one writer of the ledger's edges."""
        return self._ledger

    async def take_up(self) -> None:
        """Knows what the ledger holds and what an earlier process left pending; before anybody can ask."""
        await self._ledger.take_up()

    def resume(self) -> None:
        """Goes on with what was taken up, once the barrier can be asked."""
        self._ledger.resume()

    async def forget(self, subjects: Sequence[SubjectId]) -> None:
        """Takes erased subjects out of the graph; links that are being written are waited for."""
        await self._ledger.forget(subjects)

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()
        await self._ledger.stop()

    async def _link(self, request: identity_pb2.LinkRequest, call: Call) -> identity_pb2.LinkResponse:
        sightings = sightings_of(request, call, self._book.rules)
        prints = {index: fingerprint(*sighting) for index, sighting in sightings.items()}
        count = len(sightings) + len(call.refused)
        asked = _request(call, "Link", request.request_id, fingerprints(prints, count))
        done = await self._ledger.link(
            asked,
            sightings,
            lambda rulings: link_response(rulings, call).SerializeToString(),
            call.now_ms,
        )
        response = identity_pb2.LinkResponse.FromString(done.answer)
        response.consent_epoch = await self._effective(done, call)
        return response

    async def _unlink(self, request: identity_pb2.UnlinkRequest, call: Call) -> identity_pb2.UnlinkResponse:
        pair = _two(call)
        done = await self._ledger.unlink(
            _request(call, "Unlink", request.request_id, fingerprint(*pair)),
            pair,
            request.reason,
            lambda count: identity_pb2.UnlinkResponse(edges_removed=count).SerializeToString(),
            call.now_ms,
        )
        response = identity_pb2.UnlinkResponse.FromString(done.answer)
        response.consent_epoch = await self._effective(done, call)
        return response

    async def _effective(self, done: Done, call: Call) -> int:
        call.durable = True
        return await self._ledger.effective(done)

    def _step(self, step: Step, kinds: Mapping[SubjectId, int], call: Call) -> identity_pb2.EvidenceStep:
        return step_message(step, kinds, self._book.rules.link_purpose(step.edge.evidence), call)

    def _path(
        self, subject: SubjectId, other: SubjectId, members: frozenset[SubjectId], call: Call
    ) -> tuple[Step, ...]:
        """The path among those whose data the purpose may read, over links neither end refuses.

        Two may be joined over nobody but such as must not be shown; then there is none.
        """
        policy = call.guard.policy
        in_view = admits(self._book.rules, policy.views[policy.view_of[call.purpose]], call.now_ms)

        def may_be_shown(edge: Edge) -> bool:
            purpose = self._book.rules.link_purpose(edge.evidence)
            ends = (edge.a, edge.b)
            return in_view(edge) and all(end in members and call.allows(end, purpose) for end in ends)

        return self._graph.shortest_path(subject, other, may_be_shown, self._book.rules.members_max) or ()


def _request(call: Call, method: str, request_id: str, prints: bytes) -> Request:
    assert call.caller is not None  # noqa: S101 - authentication ran before every handler
    return Request(f"{call.tenant}/{call.caller.id}", method, request_id, prints)


def _two(call: Call) -> tuple[SubjectId, SubjectId]:
    subject, other = known_of([call.subjects["subject"][0], call.subjects["other"][0]])
    return subject, other
