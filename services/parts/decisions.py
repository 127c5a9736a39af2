"""Decisions as a part of engagement: made by what is in force, and written down before the process stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from services.engagement.deciding import Decider
from services.engagement.decision_service import DecisionServicer
from services.engagement.in_force import InForce
from services.engagement.knowing import Knowing
from services.engagement.reads import NoteReads
from services.engagement.releasing import Releasing
from services.engagement.standings import LOYALTY, Standings
from services.engagement.templates import Templates
from services.parts.part import Process
from services.server import Served
from services.storage.database import Database
from services.storage.decisions import DecisionTables
from services.storage.firings import FiringTables
from services.storage.known import KnownTables
from services.storage.loyalty import LoyaltyTables
from veilgraph.engagement.v1 import decision_pb2, decision_pb2_grpc


class Decisions(NamedTuple):
    """What decides, for whoever else has something decided."""

    store: DecisionTables
    knowing: Knowing
    decider: Decider
    servicer: DecisionServicer

    @property
    def served(self) -> Served:
        """The service."""
        return Served(
            decision_pb2.DESCRIPTOR.services_by_name["DecisionService"],
            decision_pb2_grpc.add_DecisionServiceServicer_to_server,
            self.servicer,
        )


@asynccontextmanager
async def deciding(
    process: Process, database: Database, in_force: InForce, note: NoteReads
) -> AsyncIterator[Decisions]:
    """Decisions while the block runs; what waits to be written is written when it ends.

    Args:
        process: whose they are.
        database: engagement's.
        in_force: the definitions that decide.
        note: counts which fields are read.
    """
    policy = process.config.policy
    store = DecisionTables(database)
    standings = Standings(LoyaltyTables(database), lambda: in_force.programmes, policy.index(LOYALTY))
    knowing = Knowing(KnownTables(database), policy, standings)
    decider = Decider(
        store=store,
        definitions=in_force,
        knowing=knowing,
        filling=Templates(process.log),
        policy=policy,
        note=note,
    )
    releasing = Releasing(
        firings=FiringTables(database), decides=decider, knows=knowing, decisions=store, in_force=in_force
    )
    servicer = DecisionServicer(decider=decider, store=store, definitions=in_force, releasing=releasing)
    yield Decisions(store, knowing, decider, servicer)
    await servicer.drained()
    await store.flush()
