"""The page of the main job says what is in its way."""

from __future__ import annotations

import socket

import pytest

from services.deployment.demo_page import must_be_free
from services.deployment.development import PageAddresses
from services.deployment.processes import free_ports
from services.server import AddressTaken


@pytest.mark.parametrize("whose", ["page", "provider", "process"])
def test_an_address_that_is_taken_is_named_before_anything_is_started(whose: str) -> None:
    """Whoever listens there could be taken for the page."""
    free = [f"127.0.0.1:{port}" for port in free_ports(4)]
    must_be_free(PageAddresses(*free))
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AddressTaken, match=rf"{taken}.*--page"):
            must_be_free(PageAddresses(*free)._replace(**{whose: taken}))
