"""The test asked through the front door: a temporary suite that knows the past is asked about the future.

The suite holds the events before the cut only, everybody linked and granted, and answers
FOR_YOU over gRPC for every test person, as any caller would be answered. It is a check that
what is evaluated is what is served.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from recommender.evaluation import LIST_LENGTH, Split, Task
from recommender.events import Ints
from recommender.quality import NO_ITEM
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.program import wall_clock_ms
from services.deployment.suite import Suite, running_suite
from services.importing.dealing import deal
from services.importing.mapping import Mapping
from services.importing.plan import Options
from services.importing.run import import_purchases
from services.recommender.purchases import DataSet
from veilgraph.client import Veilgraph, connect, email
from veilgraph.client.suite import SERVICES as CONNECTED
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

_TIMEOUT_S = 20.0


async def lists_through_the_front_door(
    mapping: Mapping, data: DataSet, split: Split, console: Console, told: Callable[[int, int], object]
) -> dict[Task, Ints]:
    """Imports what is known into a suite and asks it for every test person.

    Args:
        mapping: the data set.
        data: its purchases.
        split: what is known and asked for.
        console: shows how far the import is.
        told: how many people of how many were asked.

    Returns:
        Per task item numbers of ``data``, shape (people, 20).
    """
    with tempfile.TemporaryDirectory(prefix="veilgraph-evaluate-") as name:
        folder = Path(name)
        config = load(prepare(folder, int(time.time()), dict.fromkeys(SERVICES, 0)))
        async with running_suite(config, wall_clock_ms, lambda _line: None) as suite:
            options = Options(grant_all=True, link_all=True, until_ms=split.cut)
            with _client(suite, folder, "importer") as importer:
                await asyncio.to_thread(
                    import_purchases, mapping, importer, folder / "import", console, options=options
                )
            with _client(suite, folder, "shop") as shop:
                return await asyncio.to_thread(_asked, shop, data, split, told)


def _asked(
    shop: Veilgraph, data: DataSet, split: Split, told: Callable[[int, int], object]
) -> dict[Task, Ints]:
    numbers = {item: number for number, item in enumerate(data.items)}
    found = {task: np.full((len(split.asked(task).people), LIST_LENGTH), NO_ITEM, np.int64) for task in Task}
    done, total = 0, sum(map(len, found.values()))
    for task, rows in found.items():
        for row, person in zip(rows, split.asked(task).people.tolist(), strict=True):
            # who a person was imported as: their place among the sorted keys, from 1
            address = email(deal(data.name, person + 1).email)
            known = shop.identity.Resolve(identity_pb2.ResolveRequest(identifiers=[address])).results[0]
            request = recommender_pb2.RecommendRequest(
                subject=known.subject,
                recipe=recommender_pb2.RECIPE_FOR_YOU,
                page_size=LIST_LENGTH,
                include_known=task is Task.REPEATS,
            )
            items = shop.recommender.Recommend(request).items
            row[: len(items)] = [numbers.get(item.item_id, NO_ITEM) for item in items]
            done += 1
            told(done, total)
    return found


def _client(suite: Suite, folder: Path, caller: str) -> Veilgraph:
    addresses = {name: suite.addresses[service] for name, service in CONNECTED.items()}
    return connect(addresses, token=(folder / "tokens" / caller).read_text(), timeout_s=_TIMEOUT_S)
