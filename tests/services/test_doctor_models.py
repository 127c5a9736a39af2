"""The doctor's look at models: none, one that may not serve, an old one, one of somebody who is gone."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from services.doctor.models import OLD_DAYS, of_models
from tests.given import NOW_MS
from tests.services.doctored import deployment, lines, migrated


@pytest.fixture
async def config(tmp_path):
    return await migrated(deployment(tmp_path))


def model(config, verdict: int = 1, people: tuple[int, ...] = (), days: int = 0) -> None:
    """As much of a model as says what it is."""
    folder = config.folder / "models" / "000001"
    folder.mkdir(parents=True)
    np.save(folder / "learned_from.npy", np.array([people, people], np.int64))
    check = {"verdict": verdict, "model_ndcg": 0.2, "popularity_ndcg": 0.1, "people": 1}
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"check": check}))
    at_s = NOW_MS / 1000 - days * 86_400
    os.utime(manifest, (at_s, at_s))


def test_none_is_told_and_is_no_fault(config):
    assert lines(of_models(config, NOW_MS)) == [
        (
            "note    models: there is none; recommendations go by what is popular"
            " -> python -m services train, while the suite runs"
        )
    ]


def test_one_that_serves_is_no_fault(config):
    model(config)
    assert lines(of_models(config, NOW_MS)) == []


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({"verdict": 3}, "warning models/000001: it does not serve: not_better"),
        ({"days": OLD_DAYS + 1}, "warning models/000001: it was trained 31 days ago"),
        ({"people": (7,)}, "error   models/000001: it was learned from somebody who is erased"),
    ],
)
def test_what_is_wrong_with_one_is_told(config, fields, begins):
    model(config, **fields)
    (line,) = lines(of_models(config, NOW_MS))
    assert line.startswith(begins)


def test_one_that_is_not_whole_is_a_fault(config):
    (config.folder / "models" / "000001").mkdir(parents=True)
    (line,) = lines(of_models(config, NOW_MS))
    assert line.startswith("error   models/000001: it is not whole")
