"""Identity: the edge ledger, what resolves by it, and the feed of its graph."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from consent.component import GraphStep
from identity.cursors import Cursors
from identity.errors import RulesError
from identity.graph import Graph
from services.bulk_loading import bulk_loading
from services.consent.service import graph_step
from services.deployment.config import ConfigError, shipped_rules_file
from services.feed import Feed
from services.identity.exchange import TokenServicer
from services.identity.graph_feed import GraphFeedServicer
from services.identity.identifier_keys import IdentifierKeys
from services.identity.keys import KeyServicer
from services.identity.people import PeopleServicer
from services.identity.people_map import PeopleMap
from services.identity.quotas import Quotas
from services.identity.rekeying import Rekeying
from services.identity.rule_book import RuleBook, rules_in_force, rules_of
from services.identity.rules_change import RulesChange
from services.identity.rules_service import RulesServicer
from services.identity.service import IdentityServicer
from services.identity.watching import Watching
from services.login.access_tokens import AccessTokens
from services.parts.links import Links
from services.parts.part import Part, Process
from services.remote_stores import store_served
from services.server import Served
from services.signing import Signed, signer
from services.storage.identity import IdentityTables
from services.storage.identity_people import IdentityPeople
from services.storage.login_register import LoginRegister
from services.storage.people import PersonTables
from services.storage.people_map import PeopleMapStore
from services.storage.personal import DatabaseStore
from services.storage.rekeying import SealedRows
from services.storage.rules import RulesJournal
from services.storage.subject_keys import SubjectKeys
from veilgraph.identity.v1 import (
    identity_pb2,
    identity_pb2_grpc,
    keys_pb2,
    keys_pb2_grpc,
    people_pb2,
    people_pb2_grpc,
    rules_pb2,
    rules_pb2_grpc,
    tokens_pb2,
    tokens_pb2_grpc,
)
from veilgraph.internal.v1 import feed_pb2, feed_pb2_grpc


@asynccontextmanager
async def identity_part(process: Process, links: Links) -> AsyncIterator[Part]:
    """Identity while the block runs; it gives the graph's feed and waits at the barrier."""
    config = process.config
    async with process.database("identity") as database:
        identifiers = IdentifierKeys(process.keys.ring, config.tenant, config.rules)
        ledger = IdentityTables(database, identifiers.recognition)
        journal = RulesJournal(database)
        book = await _rule_book(process, journal, identifiers)

        async def steps(after: int, limit: int) -> Sequence[GraphStep]:
            changes = await ledger.changes(after, limit)
            return [graph_step(change, book.rules, config.policy) for change in changes]

        feed = Feed(steps, ledger.last_seq)
        links.graph = feed

        async def barrier(seq: int) -> int:
            feed.published(seq)
            return await links.barrier(seq)

        with bulk_loading():
            graph = await ledger.read_confirmed(Graph.of)
        servicer = IdentityServicer(
            store=ledger,
            graph=graph,
            book=book,
            identifiers=identifiers,
            barrier=barrier,
            quotas=Quotas(process.registry, process.log),
            random_bytes=os.urandom,
            report=process.log,
        )
        feed_servicer = GraphFeedServicer(feed, config.policy)
        kept = IdentityPeople(servicer.forget, identifiers.recognition)
        links.stores[kept.name] = DatabaseStore(database, kept, SubjectKeys(config.keyring))
        people_map = PeopleMap(process.guard, PeopleMapStore(database), process.clock, process.log)
        cursor_key = config.keyring.active("signing").derive(b"cursors in the map of people", 64)
        watching = Watching(people_map, Cursors(cursor_key), os.urandom)
        people = PeopleServicer(PersonTables(database), graph, book, watching)
        tokens = TokenServicer(
            servicer.register,
            LoginRegister(database),
            AccessTokens(
                signer(config.keyring, Signed.ACCESS_TOKEN),
                config.tenant,
                lambda: secrets.token_urlsafe(16),
            ),
            process.keys.pairwise,
        )
        rules_change = RulesChange(
            journal=journal,
            store=ledger,
            ledger=servicer.ledger,
            book=book,
            read=partial(rules_of, like=config.rules),
            barrier=barrier,
            clock=process.clock,
            report=process.log,
        )
        rules_service = RulesServicer(rules_change, journal, book, partial(rules_of, like=config.rules))
        rows = SealedRows(database)
        if lost := await rows.unopened(identifiers.recognition()):
            # Whoever is kept under it would come back as somebody new, without what they refused.
            raise ConfigError(f"keyring: identifiers are kept under versions {lost}, which it does not open")
        rekeying = Rekeying(
            rows, identifiers, clock_s=time.monotonic, report=process.log, registry=process.registry
        )
        key_service = KeyServicer(
            keys=process.keys,
            identifiers=identifiers,
            rekeying=rekeying,
            rows=rows,
            links=links,
            callers=config.callers,
            random_bytes=os.urandom,
            report=process.log,
        )

        # Before anything listens: a link is judged by all that the ledger holds, or not at all.
        await servicer.take_up()
        await rules_change.take_up()

        async def ready() -> None:
            servicer.resume()
            rules_change.resume()
            key_service.resume()

        async def drained() -> None:
            await rules_service.drained()
            await servicer.drained()
            await key_service.drained()
            await people_map.stop()

        def stopping() -> None:
            feed_servicer.close()
            watching.close()

        served = [
            Served(
                identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
                identity_pb2_grpc.add_IdentityServiceServicer_to_server,
                servicer,
            ),
            Served(
                people_pb2.DESCRIPTOR.services_by_name["PeopleService"],
                people_pb2_grpc.add_PeopleServiceServicer_to_server,
                people,
            ),
            Served(
                keys_pb2.DESCRIPTOR.services_by_name["KeyService"],
                keys_pb2_grpc.add_KeyServiceServicer_to_server,
                key_service,
            ),
            Served(
                rules_pb2.DESCRIPTOR.services_by_name["RulesService"],
                rules_pb2_grpc.add_RulesServiceServicer_to_server,
                rules_service,
            ),
            Served(
                tokens_pb2.DESCRIPTOR.services_by_name["TokenService"],
                tokens_pb2_grpc.add_TokenServiceServicer_to_server,
                tokens,
            ),
            Served(
                feed_pb2.DESCRIPTOR.services_by_name["GraphFeedService"],
                feed_pb2_grpc.add_GraphFeedServiceServicer_to_server,
                feed_servicer,
            ),
            store_served(links.stores["identity"]),
        ]
        yield Part(
            "identity",
            database,
            served,
            ready=ready,
            stopping=stopping,
            drained=drained,
            tokenise=identifiers.token,
        )


async def _rule_book(process: Process, journal: RulesJournal, identifiers: IdentifierKeys) -> RuleBook:
    """The rules of this ledger.

    Raises:
        ConfigError: what was applied is no rules file to this program.
    """
    shipped = shipped_rules_file()
    try:
        rules = await rules_in_force(journal, shipped, process.config.rules, process.clock(), process.log)
    except RulesError as error:
        raise ConfigError(f"rules in force: {error}") from None
    await identifiers.obey(rules)
    return RuleBook(rules, identifiers)
