"""A key whose blocks are made once gives the tags of RFC 2104."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.auditlog.keyed import Keyed


@given(key=st.binary(max_size=64), messages=st.lists(st.binary(max_size=200), max_size=3))
def test_every_message_has_the_tag_that_hmac_gives_it(key: bytes, messages: list[bytes]) -> None:
    keyed = Keyed(key)
    for message in messages:
        assert keyed.digest(message) == hmac.digest(key, message, "sha256")


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="block"):
        Keyed(bytes(65))
