"""Both deployments, rendered once, and the calls of the code."""

from __future__ import annotations

import asyncio
from copy import deepcopy

import pytest

from tests.deploy.calls import Calls, calls
from tests.deploy.manifests import STAGES, Manifests, Object, rendered


@pytest.fixture(scope="session")
def allowed() -> Calls:
    return asyncio.run(calls())


@pytest.fixture(scope="session")
def printed() -> dict[str, list[Object]]:
    return {overlay: rendered(overlay) for overlay in STAGES}


@pytest.fixture
def production(printed) -> Manifests:
    """A copy, to be spoilt."""
    return Manifests(deepcopy(printed["production"]))


@pytest.fixture
def dev(printed) -> Manifests:
    return Manifests(deepcopy(printed["dev"]))
