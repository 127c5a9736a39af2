"""PeopleService and IdentityService over gRPC on one ledger, behind the whole chain."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from identity.cursors import Cursors
from identity.graph import Graph
from identity.ids import SubjectId
from identity.pairwise import Pairwise
from services.identity.people import PeopleServicer
from services.identity.people_map import PeopleMap
from services.identity.watching import Watching
from services.interceptors import layers
from services.interceptors.authentication import verifier
from services.interceptors.call import Caller
from services.interceptors.metrics import CallMetrics
from services.key_sets import fixed
from services.server import GuardedServer, Served
from services.storage.people import PersonTables
from services.storage.people_map import PeopleMapStore
from tests.conftest import AUDIENCE, ISSUER, Issuer
from tests.identity.desk import RING, Desk, numbered_bytes
from tests.services.conftest import KeptAudit, KeptSignals
from veilgraph.identity.v1 import people_pb2, people_pb2_grpc
from veilgraph.privacy.v1 import privacy_pb2

SCOPES = frozenset({"identity.people", "identity.watch"})
RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
CURSORS = Cursors(bytes(range(64)))


class Operator:
    """A caller of PeopleService; speaks of birth subjects, and turns them into its own ids."""

    def __init__(self, channel: Any, token: str, name: str) -> None:
        self._stub = people_pb2_grpc.PeopleServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self.pairwise = Pairwise(RING, "acme", name)

    async def ask(self, rpc: str, request: Any) -> Any:
        return await getattr(self._stub, rpc)(request, metadata=self._metadata, timeout=5)

    async def person(self, subject: SubjectId, for_purpose: int = 0) -> people_pb2.GetPersonResponse:
        request = people_pb2.GetPersonRequest(subject=self.pairwise.seal(subject), for_purpose=for_purpose)
        return await self.ask("GetPerson", request)

    async def watch(self, cursor: str = "", wait_ms: int = 0, for_purpose: int = RECOMMEND) -> Any:
        request = people_pb2.WatchRequest(cursor=cursor, wait_ms=wait_ms, for_purpose=for_purpose)
        return await self.ask("Watch", request)

    def opened(self, ids: Any) -> list[SubjectId]:
        return [self.pairwise.open(one, 0) for one in ids]


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """What a test holds: callers by name, the map that is followed, what was audited."""

    operators: dict[str, Operator]
    map: PeopleMap
    watching: Watching
    audit: KeptAudit

    def __getitem__(self, name: str) -> Operator:
        return self.operators[name]


@asynccontextmanager
async def people_desk(
    desk: Desk, issuer: Issuer, callers: dict[str, Caller], graph: Graph
) -> AsyncIterator[PeopleDesk]:
    """Serves while the block runs."""
    pairs = {name: Pairwise(RING, "acme", name) for name in callers}
    log, audit = io.StringIO(), KeptAudit()
    people_map = PeopleMap(desk.guard, PeopleMapStore(desk.database), desk.clock, desk.reports.append)
    watching = Watching(people_map, CURSORS, numbered_bytes)
    server = GuardedServer(
        Served(
            people_pb2.DESCRIPTOR.services_by_name["PeopleService"],
            people_pb2_grpc.add_PeopleServiceServicer_to_server,
            PeopleServicer(PersonTables(desk.database), graph, desk.book, watching),
        ),
        layers=layers(
            log=log.write,
            call_metrics=CallMetrics(CollectorRegistry()),
            verify=verifier(fixed(issuer.jwks), ISSUER, AUDIENCE, callers, desk.policy),
            clock_ms=desk.clock,
            audit_log=audit,
            pairwise_of=lambda caller: pairs[caller.id],
            tokenise=None,
            signals_port=KeptSignals(desk.guard),
        ),
        policy=desk.policy,
        guard=desk.guard,
        clock_ms=desk.clock,
    )
    await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(server.address) as channel:
        operators = {name: Operator(channel, issuer.token(name), name) for name in callers}
        yield PeopleDesk(operators, people_map, watching, audit)
    await server.stop(0)
    await people_map.stop()
