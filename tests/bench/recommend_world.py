"""A recommender's files with as many items as a bench wants: real ones, and perturbed copies of them.

The people, their events, the first items and the model are those of the demonstration that
``tests.bench.main_job`` left in ``build/bench``. A copy has the vector of a real item, turned
by about 30 % of its length and scaled by a factor of some 20 %, and its trend scaled likewise.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from recommender.catalogue import Shelf
from recommender.model import Model
from recommender.vectors import Floats, Vectors
from services.storage.model_files import ModelFiles
from services.storage.sqlite import SqliteDatabase, SqliteFile
from services.storage.training_events import Grouping, subjects_present
from tests.bench.main_job import FOLDER

VERSION = "000001"
_TURN, _SCALE = 0.3, 0.2


def prepared(folder: Path, items: int) -> Path:
    """Writes the files of a recommender of at least so many items; returns their folder."""
    model, projection = _trained()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source, copy = (sqlite3.connect(each / "recommender.db") for each in (FOLDER, folder))
    with closing(source), closing(copy):
        source.backup(copy)
        real = _copied_items(copy, items)
    SqliteDatabase(folder / "recommender.db", "recommender").close()  # the tables as they are now
    files = ModelFiles(folder / "models")
    everybody = SqliteFile(folder / "recommender.db", "recommender").read(subjects_present)
    files.write(grown(model, real, items), projection, Grouping(everybody, everybody))
    return folder


def projection_of(folder: Path) -> str:
    """The name of the projection in a folder."""
    with closing(sqlite3.connect(folder / "recommender.db")) as database:
        (projection,) = database.execute("SELECT projection FROM state").fetchone()
    return str(projection)


def _trained() -> tuple[Model, str]:
    projection = projection_of(FOLDER)
    refused: list[object] = []
    model = ModelFiles(FOLDER / "models").newest(projection, refused.append)
    if model is None:
        raise RuntimeError(
            f"run the bench main_job first: it trains the model ({refused or 'there is none'})"
        )
    return model, projection


def _copied_items(database: sqlite3.Connection, items: int) -> Sequence[int]:
    """Fills the catalogue up; returns the number of the real item behind each number."""
    rows = database.execute("SELECT number, title, category, brand FROM item WHERE listed").fetchall()
    (last,) = database.execute("SELECT max(number) FROM item").fetchone()
    behind = list(range(last + 1))
    for number in range(last + 1, items + 1):
        behind.append(rows[number % len(rows)][0])
    database.executemany(
        "INSERT INTO item (number, item_id, title, category, brand, listed) VALUES (?, ?, ?, ?, ?, 1)",
        ((number, f"copy-{number}", *rows[number % len(rows)][1:]) for number in range(last + 1, items + 1)),
    )
    database.commit()
    return behind


def grown(model: Model, real: Sequence[int], items: int) -> Model:
    """A model that knows the copies, too."""
    known = len(model.trend)
    behind = np.array(real[known:], np.int64)
    random = np.random.default_rng(0)
    scale = np.exp(_SCALE * random.standard_normal((len(behind), 1), dtype=np.float32))

    def with_copies(rows: Floats) -> Floats:
        all_rows = np.empty((known + len(behind), rows.shape[1]), np.float32)
        all_rows[:known] = rows
        copies = all_rows[known:]
        random.standard_normal(dtype=np.float32, out=copies)
        copies *= _TURN * np.linalg.norm(rows, axis=1, keepdims=True)[behind] / rows.shape[1] ** 0.5
        copies += rows[behind]
        copies *= scale
        return all_rows

    vectors = Vectors(*(with_copies(rows) for rows in model.vectors.all()))
    trend = np.concatenate([model.trend, model.trend[behind] * scale[:, 0]])
    assert len(trend) >= items
    return replace(model, version=VERSION, vectors=vectors, trend=trend)


def shelf_of(model: Model, items: int | None = None) -> Shelf:
    """So many items are listed, or all that the model knows; all of one category."""
    numbers = len(model.trend)
    listed = np.ones(numbers, np.bool_)
    if items is not None and items < numbers:
        listed[np.random.default_rng(1).permutation(numbers)[items:]] = False
    listed[0] = False  # nobody's
    return Shelf(1, listed, np.zeros(numbers, np.int32), ("",))


def served_model(items: int) -> Model:
    """The model with copies up to a number of items, in memory."""
    model, _ = _trained()
    known = len(model.trend)
    sold = np.flatnonzero(np.linalg.norm(model.vectors.given, axis=1))
    behind = [*range(known), *(int(sold[n % len(sold)]) for n in range(known, items + 1))]
    return grown(model, behind, items)
