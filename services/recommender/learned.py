"""What a recommender has learned and keeps in its folder, less what was learned from people who are gone.

Whoever serves does this with every erasure. A process that stands by is told of none: it looks
again and again who is still there, and whoever takes over looks once more before it serves.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from services.storage.database import Location, StoreUnusable
from services.storage.model_files import ModelFiles
from services.storage.sums_files import SumsFiles
from services.storage.training_events import subjects_present

#: So long may a process that stands by hold what was learned from somebody who was erased.
EVERY_S = 30.0


def without_the_gone(tables: Location, folder: Path) -> ModelFiles:
    """Removes models learned from anybody who is not there any more, and such sums; for a thread.

    Args:
        tables: the recommender's.
        folder: where it keeps files.

    Returns:
        The models that are left.
    """
    shutil.rmtree(folder / "training", ignore_errors=True)  # what a killed training left
    models, sums = ModelFiles(folder / "models"), SumsFiles(folder / "sums")
    models.remove_half_written()
    sums.remove_half_written()
    present = tables.read(subjects_present)
    models.remove(models.learned_from_others(present))
    sums.keep_only_of(present)
    return models


async def standing_by(tables: Location, folder: Path, log: Callable[[str], object]) -> None:
    """Keeps the folder of a process that stands by free of whoever is gone; ends when it is cancelled."""
    said = ""
    while True:
        try:
            await asyncio.to_thread(without_the_gone, tables, folder)
            said = ""
        except (StoreUnusable, OSError) as fault:
            line = f"recommender: what it has learned could not be looked through: {type(fault).__name__}\n"
            if line != said:
                log(line)
                said = line
        await asyncio.sleep(EVERY_S)
