"""The bench server of decisions: the service behind the full chain, and an echo without any.

Definitions stand in memory as a test declares them; people, history and what is decided lie in a file.
Prints its addresses and what a client needs as one JSON line, and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
from pathlib import Path
from typing import cast

import grpc
import uvloop

from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from engagement.condition import Compare, Comparison
from engagement.play import Depth, Limits
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.pairwise import Pairwise
from services.commands.running import as_a_service
from services.deployment.config import shipped_policy
from services.deployment.telemetry import LineLog
from services.engagement.deciding import Decider
from services.engagement.decision_service import DecisionServicer
from services.engagement.in_force import InForce
from services.engagement.knowing import Knowing
from services.engagement.releasing import Releasing
from services.engagement.templates import Templates
from services.interceptors.call import Caller
from services.server import Served
from services.storage.decisions import DecisionTables
from services.storage.firings import FiringTables
from services.storage.known import KnownTables
from services.storage.sqlite import SqliteFile
from tests.bench.full_chain import full_chain, guarded
from tests.conftest import Issuer
from tests.engagement.offers import Declared, message, option, play
from veilgraph.engagement.v1 import decision_pb2, decision_pb2_grpc

PEOPLE = 12_000
RAIN = Compare("context.weather", Comparison.EQUAL, "rain")


def definitions() -> Declared:
    """A banner with a context option, an offer that binds, and a letter."""
    umbrella = option("umbrella", Depth.CONTEXT, condition=RAIN)
    return Declared(
        [
            play("banner", option("everybody"), umbrella),
            play("offer", option("ten", Depth.SEGMENT), slot="offer", offer_days=1),
            message(),
        ],
        Limits(quiet_from_minute=0, quiet_until_minute=0),
    )


class Echo(grpc.GenericRpcHandler):
    """Answers with as many bytes as it is asked with."""

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The handler of any method."""

        async def echo(request: bytes, _context: object) -> bytes:
            return request

        return grpc.unary_unary_rpc_method_handler(echo)


async def main(folder: Path) -> None:
    """Serves until standard input is closed."""
    policy, issuer, ring = shipped_policy(), Issuer(), KeyRing.create(secrets.token_bytes, 0)
    guard = GuardTable(policy)
    people = [SubjectId(secrets.token_bytes(16)) for _ in range(PEOPLE)]
    guard.apply(GuardUpdate(1, {one: GuardEntry((1 << 60) - 1, 0, NEVER_MS, None) for one in people}))
    caller = Caller("shop", "acme", frozenset({"decision.decide"}), (1 << 60) - 1)
    pairwise = Pairwise(ring, "acme", "shop")
    with (folder / "access.log").open("w") as stream:
        log = LineLog(stream)
        async with SqliteFile(folder / "bench.db", "engagement").opened() as database:
            store, in_force = DecisionTables(database), definitions()
            knowing = Knowing(KnownTables(database), policy)
            decider = Decider(
                store=store,
                definitions=in_force,
                knowing=knowing,
                filling=Templates(log.write),
                policy=policy,
            )
            releasing = Releasing(
                firings=FiringTables(database),
                decides=decider,
                knows=knowing,
                decisions=store,
                in_force=cast("InForce", in_force),  # of it a bench asks what is declared, and nothing more
            )
            servicer = DecisionServicer(
                decider=decider, store=store, definitions=in_force, releasing=releasing
            )
            chain = full_chain(caller=caller, issuer=issuer, ring=ring, guard=guard, audit=database, log=log)
            server = guarded(
                Served(
                    decision_pb2.DESCRIPTOR.services_by_name["DecisionService"],
                    decision_pb2_grpc.add_DecisionServiceServicer_to_server,
                    servicer,
                ),
                chain=chain,
                guard=guard,
            )
            await server.start("127.0.0.1:0")
            bare = grpc.aio.server()
            bare.add_generic_rpc_handlers((Echo(),))
            port = bare.add_insecure_port("127.0.0.1:0")
            await bare.start()
            told = {
                "ours": server.address,
                "bare": f"127.0.0.1:{port}",
                "token": issuer.token("shop"),
                "people": [pairwise.seal(one) for one in people],
            }
            print(json.dumps(told), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            await servicer.drained()
            await store.flush()
            await server.stop(0)
            log.flush()


if __name__ == "__main__":
    as_a_service()
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        uvloop.run(main(Path(name)))
