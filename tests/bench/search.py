"""The index alone, against FAISS Flat and HNSW on the same vectors: CPU, exactness, memory, time to build.

The vectors are those of the demonstration's model and perturbed copies of them, the questions
those of its people. Each size is a process of its own. CPU of one thread, the median of all
questions. HNSW at 10⁶ takes minutes to build and is measured only when it is asked for:

    python -m tests.bench.search 1000000 hnsw
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from time import monotonic, thread_time
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from identity.ids import SubjectId
from recommender.index import ServedIndex, are_few
from recommender.interest import interest_of
from recommender.vectors import Floats
from services.storage.recommender import RecommenderTables
from services.storage.sqlite import SqliteDatabase
from tests.bench.growth import rss_mib
from tests.bench.main_job import FOLDER
from tests.bench.measure import Figure
from tests.bench.recommend_world import served_model, shelf_of

SIZES = (10_000, 100_000, 1_000_000)
K, PEOPLE, NEIGHBOURS, EF, EF_BUILT = 20, 100, 32, 128, 200
#: CPU of an exact search of 10⁶ items filtered to a hundredth, ms.
_FILTERED_MS = 2.5

Flags = NDArray[np.bool_]
#: Parts of the items that filters keep; nobody asks without one, own purchases are left out.
KEPT = {"": 0.999, "_10": 0.1, "_1": 0.01}


class Asked(NamedTuple):
    """A question: its vector, who may be found, and their numbers where they are few."""

    vector: Floats
    allowed: Flags
    few: NDArray[np.int32] | None


def figures() -> list[Figure]:
    """All sizes; HNSW at the smaller two."""
    lines = []
    for size in SIZES:
        command = [sys.executable, "-m", "tests.bench.search", str(size)]
        command += ["hnsw"] if size < SIZES[-1] else []
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines += _lines(f"1e{len(str(size)) - 1}", json.loads(said.splitlines()[-1]), size)
    return lines


def _lines(size: str, found: dict[str, float], items: int) -> list[Figure]:
    def ratio(name: str, ours: str, baseline: str, limit: str = "") -> Figure:
        a, b = found[ours], found[baseline]
        return Figure(f"search.{name}_at_{size}", a, b, a / b, "us", items, limit)

    lines = [
        ratio("against_flat", "ours", "flat"),
        ratio("filtered_to_1_percent_against_unfiltered", "ours_1", "ours", "<=1" if size == "1e5" else ""),
        ratio("filtered_to_1_percent_against_flat", "ours_1", "flat_1"),
        ratio("filtered_to_10_percent_against_flat", "ours_10", "flat_10"),
    ]
    if size == "1e6":
        ms = found["ours_1"] / 1e3
        lines.append(
            Figure(
                "search.filtered_to_1_percent_cpu_at_1e6",
                ms,
                _FILTERED_MS,
                ms / _FILTERED_MS,
                "ms",
                items,
                "<=1",
            )
        )
    if "hnsw" in found:
        lines.append(ratio("against_hnsw", "ours", "hnsw"))
    for name in ("build_s", "MiB", "hnsw_recall", "hnsw_recall_1", "hnsw_build_s"):
        if name in found:
            lines.append(Figure(f"search.{name}_at_{size}", found[name], 1, found[name], "", items))
    return lines


def measure(items: int, *, hnsw: bool) -> dict[str, float]:
    """Microseconds of CPU a question, by kind of index and filter; time and memory to build."""
    faiss.omp_set_num_threads(1)
    model = served_model(items)
    shelf = shelf_of(model, items)
    gc.collect()
    before, begun = rss_mib(), monotonic()
    index = ServedIndex(model, shelf)
    found = {"build_s": monotonic() - begun, "MiB": rss_mib() - before}
    random = np.random.default_rng(2)
    masks = {name: random.random(len(shelf.listed)) < part for name, part in KEPT.items()}
    vectors = _questions(index)
    flat = faiss.IndexFlatIP(model.rank + 1)
    flat.add(np.ascontiguousarray(index.base.vectors))
    exact: dict[str, list[Floats]] = {}
    for name, mask in masks.items():
        asked = _asked(vectors, mask)
        by_flat = partial(_scores, flat, _selecting(index, mask))
        found[f"ours{name}"], ours = _cpu_us(partial(_searched, index), asked)
        found[f"flat{name}"], exact[name] = _cpu_us(by_flat, asked)
        for mine, theirs in zip(ours, exact[name], strict=True):
            if not np.allclose(mine, theirs, rtol=1e-4, atol=1e-3):
                raise RuntimeError(f"not exact at {items} {name}")
    if hnsw:
        found |= _hnsw(index, vectors, masks, exact)
    return found


def _hnsw(
    index: ServedIndex, vectors: Sequence[Floats], masks: dict[str, Flags], exact: dict[str, list[Floats]]
) -> dict[str, float]:
    """HNSW32, ef 128: how fast, and how much of the best it finds.

    Neighbours by inner product alone find a third of the best at 10⁶. So one more dimension
    makes all vectors equally long, and the largest product the nearest (Bachrach et al. 2014).
    """
    begun = monotonic()
    rows = index.base.vectors
    squares = np.square(rows).sum(axis=1)
    rest = np.sqrt(squares.max() - squares)[:, None]
    graph = faiss.IndexHNSWFlat(rows.shape[1] + 1, NEIGHBOURS)
    graph.hnsw.efConstruction = EF_BUILT
    graph.add(np.ascontiguousarray(np.concatenate([rows, rest], axis=1)))
    graph.hnsw.efSearch = EF
    found = {"hnsw_build_s": monotonic() - begun}
    for name, mask in masks.items():
        kept = _selecting(index, mask)
        parameters = faiss.SearchParametersHNSW(efSearch=EF, sel=kept.sel)  # type: ignore[attr-defined, call-arg]
        asked = _asked([np.append(vector, np.float32(0)) for vector in vectors], mask)
        found[f"hnsw{name}"], nearest = _cpu_us(partial(_rows, graph, parameters), asked)
        scores = [rows[some[some >= 0]] @ vector for some, vector in zip(nearest, vectors, strict=True)]
        pairs = zip(scores, exact[name], strict=True)
        found[f"hnsw_recall{name}"] = statistics.mean(
            float((mine >= best[-1] - 1e-3).sum() / len(best)) for mine, best in pairs
        )
    return found


def _asked(vectors: Sequence[Floats], mask: Flags) -> list[Asked]:
    """As filters hand themselves over, who keep short lists as numbers."""
    few = np.flatnonzero(mask).astype(np.int32) if are_few(np.count_nonzero(mask), len(mask)) else None
    return [Asked(vector, mask, few) for vector in vectors]


def _searched(index: ServedIndex, asked: Asked) -> Floats:
    if asked.few is not None:
        return index.search_among(asked.vector, K, asked.few).scores
    return index.search(asked.vector, K, asked.allowed).scores


def _selecting(index: ServedIndex, mask: Flags) -> Any:
    """FAISS's own filter of the allowed rows; holds its buffer."""
    bits = np.packbits(mask[index.base.number], bitorder="little")
    parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits)))  # type: ignore[call-arg]
    parameters.bits = bits  # type: ignore[attr-defined]
    return parameters


def _scores(index: Any, parameters: Any, asked: Asked) -> Floats:
    scores: Floats = index.search(asked.vector[None], K, params=parameters)[0][0]
    return scores


def _rows(graph: Any, parameters: Any, asked: Asked) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = graph.search(asked.vector[None], K, params=parameters)[1][0]
    return rows


def _cpu_us(search: Callable[[Asked], Any], asked: Sequence[Asked]) -> tuple[float, list[Any]]:
    taken, found = [], []
    for one in asked:
        begun = thread_time()
        found.append(search(one))
        taken.append((thread_time() - begun) * 1e6)
    return statistics.median(taken), found


def _questions(index: ServedIndex) -> list[Floats]:
    """Of people with more than a few events."""
    database = SqliteDatabase(FOLDER / "recommender.db", "recommender")
    with closing(database):
        rows = database.reader.execute(
            "SELECT birth FROM subject JOIN event ON subject = number GROUP BY number HAVING count(*) > 20"
        ).fetchall()
        store, model = RecommenderTables(database), index.model
        step = max(len(rows) // PEOPLE, 1)
        histories = [asyncio.run(store.history(SubjectId(birth))) for (birth,) in rows[::step]]
    interests = [interest_of(one, (), model.reference_day, model.parameters) for one in histories]
    return [index.query(one).vector for one in interests if len(one.item)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]), hnsw="hnsw" in sys.argv)))
    else:
        for figure in figures():
            print(figure)
