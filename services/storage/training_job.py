"""What a training program is told: a folder only its owner can read.

It says which subject numbers belong to one person, so it is private, written once and
deleted by whoever wrote it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.parameters import Parameters
from services.storage.database import Location
from services.storage.locations import told, understood
from services.storage.training_events import Grouping

_JOB = "job.json"
_GROUPING = "grouping.npz"


@dataclass(frozen=True, slots=True)
class Job:
    """What to train.

    Attributes:
        database: the recommender's tables.
        models: the folder of models.
        sums: the folder of the learned sums.
        purpose: bit position of the purpose that permits learning.
        now_ms: events that have expired by then are left out.
        parameters: what to train with.
        version: of the model to be made; empty: the next in the folder.
    """

    database: Location
    models: Path
    sums: Path
    purpose: int
    now_ms: int
    parameters: Parameters
    version: str = ""


def write_job(folder: Path, job: Job, grouping: Grouping) -> None:
    """Writes a job where only this user can read it: it says who belongs together."""
    folder.mkdir(mode=0o700, parents=True)
    content = {
        "database": told(job.database),
        "models": str(job.models),
        "sums": str(job.sums),
        "purpose": job.purpose,
        "now_ms": job.now_ms,
        "parameters": asdict(job.parameters),
        "version": job.version,
    }
    for name in (_JOB, _GROUPING):
        (folder / name).touch(mode=0o600)
    (folder / _JOB).write_text(json.dumps(content))
    np.savez(folder / _GROUPING, subject=grouping.subject, person=grouping.person)


def read_job(folder: Path) -> tuple[Job, Grouping]:
    """Reads what ``write_job`` wrote."""
    content: dict[str, Any] = json.loads((folder / _JOB).read_text())
    with np.load(folder / _GROUPING) as columns:
        grouping = Grouping(columns["subject"], columns["person"])
    job = Job(
        database=understood(content["database"]),
        models=Path(content["models"]),
        sums=Path(content["sums"]),
        purpose=content["purpose"],
        now_ms=content["now_ms"],
        parameters=Parameters(**content["parameters"]),
        version=content["version"],
    )
    return job, grouping
