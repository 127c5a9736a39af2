"""The certificate and the token speak for one caller, or nobody calls."""

from __future__ import annotations

import pytest

from services.errors import Unauthenticated
from services.interceptors.call import EVERY_PURPOSE, Caller, Credentials
from services.interceptors.certified import Certified
from services.tls.peer import NOBODY, Peer
from tests.tls.world import CONSENT, DOMAIN, GATEWAY, IDENTITY, PARTNER, SHOP

CALLERS = {
    name: Caller(name, "acme", frozenset({"probe"}), 1)
    for name in ("shop", "partner", "tokens", "service.identity", "service.consent")
}
CERTIFIED = Certified(
    GATEWAY,
    {IDENTITY: CALLERS["service.identity"], CONSENT: CALLERS["service.consent"]},
    {SHOP: CALLERS["shop"], PARTNER: CALLERS["partner"]},
)
SOONER, LATER = 1_000, 2_000


def token(name: str) -> Credentials:
    return Credentials(CALLERS[name], LATER, 0b101)


@pytest.mark.parametrize(
    ("identity", "said", "caller"),
    [
        (GATEWAY, "shop", "shop"),
        (GATEWAY, "tokens", "tokens"),
        (IDENTITY, "service.identity", "service.identity"),
        (SHOP, "shop", "shop"),
        (SHOP, None, "shop"),
        (PARTNER, None, "partner"),
    ],
)
def test_a_caller_is_who_both_say_until_the_first_of_them_ends(identity, said, caller):
    """Without a token nothing is narrowed; with one it stays so."""
    found = CERTIFIED.credentials(Peer(identity, SOONER), said and token(said))
    assert found == Credentials(CALLERS[caller], SOONER, 0b101 if said else EVERY_PURPOSE)
    if said:
        assert CERTIFIED.credentials(Peer(identity, LATER + 1), token(said)).expire_ms == LATER


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (GATEWAY, None),
        (GATEWAY, "service.identity"),
        (IDENTITY, None),
        (IDENTITY, "service.consent"),
        (IDENTITY, "shop"),
        (SHOP, "partner"),
        (SHOP, "tokens"),
        (SHOP, "service.identity"),
        (type(SHOP)(DOMAIN, "caller/tokens"), "tokens"),
        (type(SHOP)(DOMAIN, "caller/tokens"), None),
        (type(SHOP)(DOMAIN, "service/payments"), "service.identity"),
        (type(SHOP)("other.example", SHOP.path), None),
        (type(SHOP)("other.example", GATEWAY.path), "shop"),
    ],
)
def test_whoever_is_in_no_list_or_shows_another_token_is_nobody(identity, said):
    with pytest.raises(Unauthenticated):
        CERTIFIED.credentials(Peer(identity, SOONER), said and token(said))


@pytest.mark.parametrize("peer", [None, NOBODY])
@pytest.mark.parametrize("said", [None, "shop", "service.identity"])
def test_a_connection_that_shows_nobody_carries_no_token(peer, said):
    with pytest.raises(Unauthenticated):
        CERTIFIED.credentials(peer, said and token(said))
