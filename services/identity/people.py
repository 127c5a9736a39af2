"""PeopleService: the map of people, for those who answer for it."""

from __future__ import annotations

from identity.graph import Graph
from identity.person import LINKS_MAX, PersonStore, person_of, reached_from, without
from services.identity.people_messages import person_response, told_of, translate_response, watch_response
from services.identity.rule_book import RuleBook
from services.identity.watching import Watching
from services.interceptors.call import Call, StateChanged
from veilgraph.identity.v1 import people_pb2, people_pb2_grpc


class PeopleServicer(people_pb2_grpc.PeopleServiceServicer):
    """Serves the contract from identity's ledger; used from one event loop."""

    def __init__(self, store: PersonStore, graph: Graph, book: RuleBook, watching: Watching) -> None:
        """Makes the servicer.

        Args:
            store: the ledger.
            graph: its edges in memory, as identity keeps them.
            book: what counts as evidence.
            watching: the changes of the map.
        """
        self._store = store
        self._graph = graph
        self._book = book
        self._watching = watching

    async def GetPerson(
        self, request: people_pb2.GetPersonRequest, call: Call
    ) -> people_pb2.GetPersonResponse:
        """The person behind a subject, less whoever is not known any more."""
        subject = call.subject
        assert subject is not None  # noqa: S101 - the method refuses; it never degrades
        reached, complete = reached_from(subject, self._graph)
        entries = await self._store.entries_at(reached, LINKS_MAX + 1)
        person = person_of(reached, entries, complete=complete)
        births = await self._store.births_of(told_of(person))
        permitting = call.judge(told_of(person))
        if subject not in permitting or subject not in births:
            raise StateChanged  # erased since the call came in
        shown = without(person, {one for one in told_of(person) if one not in permitting & births.keys()})
        return person_response(shown, births, self._book.rules, call, _view_of(request, call))

    async def Translate(
        self,
        request: people_pb2.TranslateRequest,  # noqa: ARG002 - the guard took subjects and recipient out of it
        call: Call,
    ) -> people_pb2.TranslateResponse:
        """The same subjects; the guard makes the recipient's ids of them."""
        return translate_response(call)

    async def Watch(self, request: people_pb2.WatchRequest, call: Call) -> people_pb2.WatchResponse:
        """What differs from the map at a cursor, of those who permit the purpose now."""
        if not request.cursor:
            return people_pb2.WatchResponse(cursor=await self._watching.now(call))
        told, cursor = await self._watching.after(request.cursor, request.wait_ms / 1000, call)
        return watch_response(told, cursor)


def _view_of(request: people_pb2.GetPersonRequest, call: Call) -> int | None:
    """The purpose in whose view the person is asked for."""
    views = call.plan.link_purpose_field
    assert views is not None  # noqa: S101 - the contract declares it
    return views.purposes[request.for_purpose] if request.for_purpose else None
