"""Which events are taken, and what for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.event import Party, use_mask
from engagement.raw_text import is_contact
from engagement.rules import CLOCK_SKEW_MS, Refusal, refusal_of, uses_by_party
from tests.engagement.events import NOW_MS, event

TAKEN = [
    {},
    {"occurred_at_ms": NOW_MS + CLOCK_SKEW_MS},
    {"occurred_at_ms": -1},
    {"amount_minor": 0, "currency": ""},
    {"amount_minor": 0},
    {"amount_minor": -499},
    {"party": Party.ZERO},
    {"party": Party.SECOND, "agreement": "a-7"},
    {"party": Party.SECOND, "agreement": "a-7", "expires_at_ms": NOW_MS + 1},
    {"expires_at_ms": NOW_MS + 1},
    {"item_id": "a@b", "order_ref": "+49"},
    {"item_id": "B+W film 35mm @ home"},
    {"order_ref": "4915112345678"},
]
REFUSED = [
    ({"kind": 0}, "FIELD_ENUM", "kind"),
    ({"kind": 99}, "FIELD_ENUM", "kind"),
    ({"occurred_at_ms": NOW_MS + CLOCK_SKEW_MS + 1}, "TIME_IN_FUTURE", "occurred_at"),
    ({"currency": ""}, "CURRENCY_MISSING", "currency"),
    ({"currency": "", "amount_minor": -1}, "CURRENCY_MISSING", "currency"),
    ({"currency": "eur"}, "CURRENCY_MALFORMED", "currency"),
    ({"currency": "EU"}, "CURRENCY_MALFORMED", "currency"),
    ({"currency": "EU1"}, "CURRENCY_MALFORMED", "currency"),
    ({"currency": "ÄÖÜ"}, "CURRENCY_MALFORMED", "currency"),
    ({"currency": "e€", "amount_minor": 0}, "CURRENCY_MALFORMED", "currency"),
    ({"party": 0}, "FIELD_ENUM", "source.party"),
    ({"party": 9}, "FIELD_ENUM", "source.party"),
    ({"party": Party.THIRD}, "THIRD_PARTY_REFUSED", "source.party"),
    ({"party": Party.THIRD, "agreement": "a-7"}, "THIRD_PARTY_REFUSED", "source.party"),
    ({"party": Party.SECOND}, "AGREEMENT_MISSING", "source.agreement"),
    (
        {"party": Party.SECOND, "agreement": "a", "expires_at_ms": NOW_MS},
        "SOURCE_EXPIRED",
        "source.expires_at",
    ),
    ({"expires_at_ms": NOW_MS}, "SOURCE_EXPIRED", "source.expires_at"),
    ({"item_id": "anna@example.org"}, "RAW_CONTACT_REFUSED", "item_id"),
    ({"order_ref": "for anna.b+c@mail.example.org"}, "RAW_CONTACT_REFUSED", "order_ref"),
    ({"order_ref": "+49 151 123-456 78"}, "RAW_CONTACT_REFUSED", "order_ref"),
    ({"agreement": "anna@example.org"}, "RAW_CONTACT_REFUSED", "source.agreement"),
    ({"party": Party.SECOND, "agreement": "a@b.example"}, "RAW_CONTACT_REFUSED", "source.agreement"),
]


@pytest.mark.parametrize("changed", TAKEN)
def test_an_ordinary_event_is_taken(changed: dict[str, Any]) -> None:
    """Everything that no rule names is taken, up to the very edge of each rule."""
    assert refusal_of(event(**changed), NOW_MS) is None


@pytest.mark.parametrize(("changed", "reason", "field"), REFUSED)
def test_a_refused_event_names_its_reason_and_field(changed: dict[str, Any], reason: str, field: str) -> None:
    """One thing wrong, one reason, and the path of the field at fault."""
    assert refusal_of(event(**changed), NOW_MS) == Refusal(reason, field)


def test_a_partners_event_may_be_used_for_less() -> None:
    """Own data has the uses of own data, a partner's those of a partner's, anything else none."""
    uses = uses_by_party(own=use_mask(range(8)), partner=use_mask([1, 2]))
    assert uses[Party.ZERO] == uses[Party.FIRST] == use_mask(range(8))
    assert uses[Party.SECOND] == use_mask([1, 2])
    assert not {0, Party.THIRD, 9} & uses.keys()


@given(st.emails())
def test_every_email_address_is_a_contact(address: str) -> None:
    """Wherever it stands in a text."""
    assert is_contact(address)
    assert is_contact(f"order of {address}")


@given(st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z"))
def test_every_number_in_international_form_is_a_contact(number: str) -> None:
    """E.164 with its plus."""
    assert is_contact(number)


@given(st.from_regex(r"\A[A-Za-z0-9._/-]{0,40}\Z"))
def test_an_ordinary_key_is_no_contact(key: str) -> None:
    """Without an at sign or a plus nothing is held to be one."""
    assert not is_contact(key)
