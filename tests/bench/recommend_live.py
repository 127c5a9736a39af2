"""The live index at work: an event's way into the next answer, an item's, and serving while items change.

At 10⁵ items, over the wire. The updates are 1,000 items each, half of them new, one after the
other as fast as a second allows; idle and updated serving are measured in turns.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from time import perf_counter, time

from google.protobuf.timestamp_pb2 import Timestamp

from tests.bench.main_job import VAR, pss_mib
from tests.bench.measure import PAIRS, Figure
from tests.bench.recommend import Server, durations_ms, p99, serving
from tests.bench.recommend_world import prepared
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

ITEMS, MILLION = 100_000, 1_000_000
CALLS, UPDATED, EVERY_S = 300, 1_000, 1.0
#: What a change may take until it shows.
_WITHIN_S = 1.0
_MEMORY_MIB = 4096
_SERVICE = "/veilgraph.recommender.v1.RecommenderService"


def figures() -> list[Figure]:
    """At 10⁵ items, then memory and start at 10⁶."""
    with serving(prepared(VAR / "recommend-1e5", ITEMS)) as server:
        found = [
            _within(
                "recommender.event_to_answer", statistics.median(_event_to_answer(server)), _WITHIN_S, "s"
            ),
            _within("recommender.item_to_answer", statistics.median(_item_to_answer(server)), _WITHIN_S, "s"),
            _while_updated(server),
        ]
    folder = prepared(VAR / "recommend-1e6", MILLION)
    with serving(folder) as server:
        first_s = server.told["ready_s"]
    with serving(folder) as server:
        durations = durations_ms([server.for_you()], CALLS)
        found += [
            _within("recommender.pss_at_1e6", pss_mib(server.pid), _MEMORY_MIB, "MiB"),
            Figure(
                "recommender.restart_at_1e6",
                server.told["ready_s"],
                first_s,
                server.told["ready_s"] / first_s,
                "s",
                1,
            ),
            Figure(
                "recommender.p50_at_1e6", *_pair(statistics.median(durations), p99(durations)), "ms", CALLS
            ),
            _while_updated(server, "_at_1e6", limit=""),
        ]
    return found


def _event_to_answer(server: Server) -> Iterator[float]:
    """From the acknowledgement of a person's event to the first answer it is a reason in."""
    ask = server.for_you("newcomer")
    wanted = recommender_pb2.RecommendResponse.FromString(server.for_you()()).items
    now = Timestamp(seconds=int(time()) - 60)
    for number, item in enumerate(wanted[:10]):
        event = profile_pb2.Event(
            event_id=f"{time()}-{number}",
            subject=server.told["newcomer"],
            kind=profile_pb2.EVENT_KIND_ORDER,
            item_id=item.item_id,
            occurred_at=now,
            source=profile_pb2.Source(party=profile_pb2.PARTY_FIRST, origin="till"),
        )
        request = profile_pb2.TrackBatchRequest(events=[event])
        answer = server.call("/veilgraph.engagement.v1.ProfileService/TrackBatch", request)()
        if profile_pb2.TrackBatchResponse.FromString(answer).recorded != 1:
            raise RuntimeError(profile_pb2.TrackBatchResponse.FromString(answer))
        yield _until(partial(_is_a_reason, ask, item.item_id))


def _is_a_reason(ask: Callable[[], bytes], item_id: str) -> bool:
    response = recommender_pb2.RecommendResponse.FromString(ask())
    return any(reason.item_id == item_id for item in response.items for reason in item.reasons)


def _item_to_answer(server: Server) -> Iterator[float]:
    """From the acknowledgement of a new item to the first answer that holds it."""
    for number in range(10):
        item_id = f"just-{time()}-{number}"
        category = f"brought today / {item_id}"
        _upsert(server, [recommender_pb2.Item(item_id=item_id, title="New", category=category)])
        asked = recommender_pb2.RecommendRequest(
            subject=server.told["newcomer"],
            recipe=recommender_pb2.RECIPE_TRENDING,
            page_size=1,
            categories=[category],
        )
        ask = server.call(f"{_SERVICE}/Recommend", asked)
        yield _until(partial(_holds_something, ask))


def _holds_something(ask: Callable[[], bytes]) -> bool:
    return bool(recommender_pb2.RecommendResponse.FromString(ask()).items)


def _until(shows: Callable[[], bool]) -> float:
    begun = perf_counter()
    while not shows():
        if perf_counter() - begun > 30:
            raise RuntimeError("it never showed")
    return perf_counter() - begun


def _while_updated(server: Server, suffix: str = "", limit: str = "<=2") -> Figure:
    """The p99 of one caller while items change, against that caller's p99 while nothing does."""
    ask = [server.for_you()]
    durations_ms(ask, CALLS // 3)
    pairs = []
    for _ in range(PAIRS):
        idle = durations_ms(ask, CALLS)
        with _updates(server):
            updated = durations_ms(ask, CALLS)
        pairs.append((p99(updated), p99(idle)))
    ours, baseline = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    return Figure(f"recommender.p99_while_updated{suffix}", ours, baseline, ratio, "ms", CALLS, limit)


@contextmanager
def _updates(server: Server) -> Iterator[None]:
    """Puts 1,000 items a second while the block runs, from a process of its own.

    From a thread it would keep the measuring one waiting for the interpreter lock.
    """
    spawning = multiprocessing.get_context("spawn")
    begun, over = spawning.Event(), spawning.Event()
    process = spawning.Process(target=_put, args=(server, begun, over))
    process.start()
    try:
        if not begun.wait(30):
            raise RuntimeError("nothing was put")
        yield
    finally:
        over.set()
        process.join()
    if process.exitcode:
        raise RuntimeError("the updates ended early")


def _put(server: Server, begun: Event, over: Event) -> None:
    while True:
        stamp = time()
        new = range(UPDATED // 2)
        items = [
            recommender_pb2.Item(item_id=f"new-{stamp}-{n}", title="New", category="GROCERY") for n in new
        ]
        items += [recommender_pb2.Item(item_id=f"copy-{ITEMS - n}", title=f"{stamp}") for n in new]
        _upsert(server, items)
        begun.set()
        if over.wait(EVERY_S):
            return


def _upsert(server: Server, items: list[recommender_pb2.Item]) -> None:
    request = recommender_pb2.UpsertItemsRequest(items=items, request_id=f"bench-{time()}")
    answer = server.call(f"{_SERVICE}/UpsertItems", request)()
    if recommender_pb2.UpsertItemsResponse.FromString(answer).upserted != len(items):
        raise RuntimeError("not all were put")


def _within(name: str, value: float, most: float, unit: str) -> Figure:
    return Figure(name, value, most, value / most, unit, 1, "<=1")


def _pair(ours: float, baseline: float) -> tuple[float, float, float]:
    return ours, baseline, ours / baseline


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    for figure in figures():
        print(figure)
