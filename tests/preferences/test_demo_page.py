"""The page of the main job says what is in its way."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.deployment.demo_page import running_page
from services.deployment.development import PageAddresses
from services.server import AddressTaken


async def test_an_address_that_is_taken_is_named_before_anything_is_started(tmp_path: Path) -> None:
    """Whoever listens there could be taken for the page."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AddressTaken, match=rf"{taken}.*--page"):
            async with running_page(tmp_path / "suite.toml", "shop", PageAddresses(taken, taken, "")):
                raise AssertionError("it runs")
    assert not (tmp_path / "preferences.log").exists()
