"""Draws what the dashboard shows of a minute of a real suite: python -m tests.monitoring.picture FILE.svg.

Four processes, callers of every kind of outcome, and in the middle a process that is frozen for a few
seconds, so that there is something to see. Figures are made of scrapes as Prometheus makes them of them.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import grpc
import matplotlib as mpl
from prometheus_client.parser import text_string_to_metric_families

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.processes import free_ports, serving, start
from tests.e2e.conftest import Shop
from tests.monitoring.test_port import ask
from veilgraph.recommender.v1 import recommender_pb2

LASTS_S, FREEZES_AT_S, FROZEN_S, WINDOW = 60, 30, 4, 5
FROZEN = "engagement"
Series = tuple[str, tuple[tuple[str, str], ...]]
#: At an instant, by process: every sample.
Scrape = dict[str, dict[Series, float]]


class Wall:
    """The wall clock, as a test's is read."""

    @property
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


async def scraped(watched: dict[str, str]) -> Scrape:
    """One scrape of everybody who answers within a second."""
    scrape: Scrape = {}
    for name, address in watched.items():
        try:
            _, told = await asyncio.wait_for(ask(address, "/metrics"), 1.0)
        except (TimeoutError, OSError):
            continue
        families = text_string_to_metric_families(told)
        scrape[name] = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }
    return scrape


def summed(scrape: Scrape, name: str, by: str, matches: Callable[[dict], bool] = lambda _: True):
    """``sum by (by) (name{...})``; ``by`` may be "process"."""
    sums: dict[str, float] = defaultdict(float)
    for process, samples in scrape.items():
        for (one, labels), value in samples.items():
            if one == name and matches(dict(labels)):
                sums[process if by == "process" else dict(labels).get(by, "")] += value
    return sums


def rates(scrapes: list[Scrape], name: str, by: str, **more) -> dict[str, list[float]]:
    """``sum by (by) (rate(name[5s]))`` at every scrape."""
    known: Scrape = {}
    sums = []
    for scrape in scrapes:  # who did not answer has counted no further
        known = known | scrape
        sums.append(summed(known, name, by, **more))
    found: dict[str, list[float]] = {key: [] for one in sums for key in one}
    for place, now in enumerate(sums):
        before = sums[max(0, place - WINDOW)]
        for key, line in found.items():
            line.append(max(0.0, now.get(key, 0) - before.get(key, 0)) / WINDOW)
    return found


def quantile(scrapes: list[Scrape], share: float, name: str, **more) -> list[float]:
    """``histogram_quantile(share, sum by (le) (rate(name_bucket[5s])))`` at every scrape; gaps are NaN."""
    found = rates(scrapes, f"{name}_bucket", "le", **more)
    bounds = sorted(found, key=float)
    line = []
    for place in range(len(scrapes)):
        counts = [found[bound][place] for bound in bounds]
        line.append(_quantile(share, [float(bound) for bound in bounds], counts))
    return line


def _quantile(share: float, bounds: list[float], counts: list[float]) -> float:
    if not counts or not counts[-1]:
        return float("nan")
    wanted = share * counts[-1]
    place = next(place for place, count in enumerate(counts) if count >= wanted)
    if bounds[place] == float("inf"):
        return bounds[place - 1]
    low, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    return low + (bounds[place] - low) * (wanted - below) / max(counts[place] - below, 1e-12)


async def people(shop: Shop, numbers: itertools.count) -> None:
    """They come, permit, buy, are recommended to, and withdraw."""
    while True:
        anna, other = await shop.subject(f"p{next(numbers)}"), await shop.subject(f"p{next(numbers)}")
        await shop.grant(anna)
        await shop.link(anna, other)
        for _ in range(5):
            await shop.track(*(shop.event(f"e{next(numbers)}", anna, "tea") for _ in range(10)))
            for subject in (anna, other):
                request = recommender_pb2.RecommendRequest(
                    subject=subject, recipe=recommender_pb2.RECIPE_FOR_YOU
                )
                await shop.recommender.Recommend(request, metadata=shop.metadata)
        await shop.withdraw(anna)


async def undecided(shop: Shop, numbers: itertools.count) -> None:
    """They permit and withdraw."""
    anna = await shop.subject(f"p{next(numbers)}")
    while True:
        await shop.grant(anna)
        await shop.withdraw(anna)
        await asyncio.sleep(0.2)


async def strangers(shop: Shop) -> None:
    """They have no token, or one that is for something else."""
    for metadata in itertools.cycle([(), shop.metadata_of("partner")]):
        await asyncio.sleep(0.1)
        try:
            await shop.track_as(metadata)
        except grpc.aio.AioRpcError:
            continue


async def patient(work: Callable[[], object]) -> None:
    """Begins anew when a service does not answer."""
    while True:
        try:
            await work()
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.2)


async def measured(folder: Path) -> list[Scrape]:
    """A scrape a second."""
    ports = free_ports(2 * len(SERVICES))
    watched = dict(zip(SERVICES, ports[len(SERVICES) :], strict=True))
    path = prepare(folder, int(time.time()), dict(zip(SERVICES, ports, strict=False)), monitoring=watched)
    config = load(path)
    running = {name: await start(name, path) for name in SERVICES}
    scrapes: list[Scrape] = []
    try:
        await asyncio.gather(*(serving(config.listen[name]) for name in SERVICES))
        addresses = {name: config.listen[home_of(name)] for name in public_services()}
        shop = Shop(SimpleNamespace(addresses=addresses), Wall(), folder, io.StringIO(), "shop")
        shop.track_as = lambda metadata: shop.engagement.TrackBatch(_nothing(), metadata=metadata)
        numbers = itertools.count()
        callers = [asyncio.create_task(patient(lambda: people(shop, numbers))) for _ in range(4)]
        callers.append(asyncio.create_task(patient(lambda: strangers(shop))))
        callers += [asyncio.create_task(patient(lambda: undecided(shop, numbers))) for _ in range(2)]
        for second in range(LASTS_S):
            if second in {FREEZES_AT_S, FREEZES_AT_S + FROZEN_S}:
                stops = second == FREEZES_AT_S
                running[FROZEN].send_signal(signal.SIGSTOP if stops else signal.SIGCONT)
            begun = time.monotonic()
            scrapes.append(await scraped(config.monitoring))
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await shop.close()
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            await process.wait()
    return scrapes


def _nothing():
    from veilgraph.engagement.v1 import profile_pb2

    return profile_pb2.TrackBatchRequest()


def drawn(scrapes: list[Scrape], file: Path) -> None:
    """Six of the panels."""
    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.size": 7, "svg.fonttype": "none", "svg.hashsalt": "veilgraph"})
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.5), constrained_layout=True)
    callers = {"matches": lambda labels: labels["caller_kind"] != "service"}
    everywhere = [{key: summed(scrape, key, "process") for key in _GAUGES} for scrape in scrapes]

    def gauge(key: str) -> dict[str, list[float]]:
        names = {name for one in everywhere for name in one[key]}
        return {name: [one[key].get(name, float("nan")) for one in everywhere] for name in sorted(names)}

    writes = rates(scrapes, "veilgraph_store_writes_total", "service")
    commits = rates(scrapes, "veilgraph_store_commits_total", "service")
    panels = {
        "Calls a second by decision": rates(scrapes, "veilgraph_calls_total", "decision", **callers),
        "Duration of unary calls, s": {
            f"p{round(share * 100)}": quantile(scrapes, share, "veilgraph_call_seconds", **callers)
            for share in (0.5, 0.99)
        },
        "Withdrawals, s": {
            "p50": quantile(scrapes, 0.5, "veilgraph_withdrawal_seconds"),
            "p99": quantile(scrapes, 0.99, "veilgraph_withdrawal_seconds"),
            "oldest waits": gauge("veilgraph_barrier_wait_seconds").get("consent", []),
        },
        "Leases: for how long it may be decided, s": gauge("veilgraph_guard_lease_seconds"),
        "Feeds: positions not taken in": {
            feed: [summed(scrape, "veilgraph_feed_lag", "feed").get(feed, float("nan")) for scrape in scrapes]
            for feed in ("graph", "events", *(f"audit.{name}" for name in SERVICES))
        },
        "Writes that share a commit": {
            name: [w / c if c else float("nan") for w, c in zip(writes[name], commits[name], strict=True)]
            for name in SERVICES
        },
    }
    for axis, (title, lines) in zip(axes.flat, panels.items(), strict=True):
        axis.axvspan(FREEZES_AT_S, FREEZES_AT_S + FROZEN_S, color="0.9")
        for label, line in lines.items():
            if not any(line):
                continue
            axis.plot(range(len(line)), line, label=label, linewidth=0.9)
        axis.set_title(title)
        if title.startswith("Duration"):
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.legend(fontsize=5, loc="upper left")
    figure.supxlabel(f"seconds; grey: {FROZEN} is frozen (SIGSTOP)")
    figure.savefig(file, metadata={"Date": None})


_GAUGES = ("veilgraph_guard_lease_seconds", "veilgraph_barrier_wait_seconds")

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = asyncio.run(measured(Path(place)))
    drawn(found, Path(sys.argv[1]))
    counts = {name: len(samples) for name, samples in found[-1].items()}
    sys.stdout.write(f"samples: {counts}, in all {sum(counts.values())}\n")
