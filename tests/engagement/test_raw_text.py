"""What a text must not hold, and what it may."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.raw_text import MARKS, raw_in

ORDINARY = [
    *(
        "item-7",
        "tea/green",
        "12.5",
        "1.2.3",
        "v1.2.3.4.5",
        "order 2024.11.22",
        "B+W film @ home",
        "10:30:45",
    ),
    *("999.1.1.1", "a:b:c", "3:2 jeans", "and/or 3.5", "24/7", "urn:isbn:0451450523", "::", "4915112345678"),
]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "curl/8.5.0",
    "Dalvik/2.1.0 (Linux; U; Android 14)",
    "python-requests/2.31",
]


@pytest.mark.parametrize("text", [one for one in ORDINARY if one != "::"])
def test_an_ordinary_text_passes(text: str):
    assert raw_in(text) is None


@given(
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(2**16, 2**128 - 1))
)
def test_an_address_of_a_device_is_found_wherever_it_stands(address: IPv4Address | IPv6Address):
    for text in (str(address), f"from {address}", f"{address} at home"):
        assert raw_in(text) == "RAW_IP_REFUSED"
        assert set(text) & set(MARKS)


@pytest.mark.parametrize("text", AGENTS)
def test_what_a_program_says_of_its_device_is_found(text: str):
    assert raw_in(text) == raw_in(f"seen: {text}") == "RAW_USER_AGENT_REFUSED"
    assert set(text) & set(MARKS)


@given(st.emails())
def test_a_contact_is_found_before_anything_else(address: str):
    assert raw_in(address) == raw_in(f"{address} at 10.0.0.1") == "RAW_CONTACT_REFUSED"
