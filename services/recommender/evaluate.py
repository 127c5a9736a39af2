"""Protocol A through the front door: a temporary suite that knows the past is asked about the future.

The suite holds the events before the cut only, everybody linked and granted, and answers
FOR_YOU over gRPC for every test person, as any caller would be answered.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from recommender.evaluation import Split, split
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.program import wall_clock_ms
from services.deployment.suite import Suite, running_suite
from services.importing.dealing import deal
from services.importing.mapping_file import load_mapping
from services.importing.plan import Options
from services.importing.run import import_purchases
from services.importing.survey import take_survey
from services.recommender.protocol_a import Report, Retail, evaluate, load_retail
from veilgraph.client import Veilgraph, connect, email
from veilgraph.client.suite import SERVICES as CONNECTED
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

_LIST_LENGTH = 20
_TIMEOUT_S = 20.0


async def run_evaluation(mapping_path: Path, files: Path | None, console: Console) -> Report:
    """Evaluates the suite on the invoices a mapping names.

    Args:
        mapping_path: a mapping of Online Retail II, see ``docs/examples``.
        files: folder of its files; ``None`` for the mapping's own.
        console: shows how far it is.
    """
    mapping = load_mapping(mapping_path, folder=files)
    retail = load_retail(mapping.files)
    parts = split(retail.purchases)
    console.print(f"{len(retail.purchases.at):,} purchases of {len(retail.people):,} people")
    with tempfile.TemporaryDirectory(prefix="veilgraph-evaluate-") as name:
        folder = Path(name)
        config = load(prepare(folder, int(time.time()), dict.fromkeys(SERVICES, 0)))
        async with running_suite(config, wall_clock_ms, lambda _line: None) as suite:
            until_ms = -(-parts.cut // 1000)  # the protocol counts in microseconds
            options = Options(grant_all=True, link_all=True, until_ms=until_ms)
            with _client(suite, folder, "importer") as importer:
                await asyncio.to_thread(
                    import_purchases, mapping, importer, folder / "import", console, options=options
                )
            with _client(suite, folder, "shop") as shop:
                return await asyncio.to_thread(
                    _ask_everybody,
                    shop,
                    mapping.dataset,
                    _ordinals(mapping_path, files, folder),
                    retail,
                    parts,
                )


def _ask_everybody(
    shop: Veilgraph, dataset: str, ordinals: Mapping[str, int], retail: Retail, parts: Split
) -> Report:
    def recommend(person: str) -> Sequence[str]:
        address = deal(dataset, ordinals[person]).email
        known = shop.identity.Resolve(identity_pb2.ResolveRequest(identifiers=[email(address)])).results[0]
        request = recommender_pb2.RecommendRequest(
            subject=known.subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=_LIST_LENGTH
        )
        return [item.item_id for item in shop.recommender.Recommend(request).items]

    with Progress() as bars:
        asking = bars.add_task("asking", total=len(parts.wanted))
        return evaluate(retail, parts, recommend, lambda done, _: bars.update(asking, completed=done))


def _ordinals(mapping_path: Path, files: Path | None, folder: Path) -> Mapping[str, int]:
    """Each person's place among the sorted keys, which is who they were imported as."""
    mapping = load_mapping(mapping_path, folder=files)
    with (folder / "bad_rows").open("w") as bad_rows:
        people = take_survey(mapping, bad_rows).people.to_pylist()
    return {person: ordinal for ordinal, person in enumerate(people, start=1)}


def _client(suite: Suite, folder: Path, caller: str) -> Veilgraph:
    addresses = {name: suite.addresses[service] for name, service in CONNECTED.items()}
    return connect(addresses, token=(folder / "tokens" / caller).read_text(), timeout_s=_TIMEOUT_S)
