"""What a person is dealt depends on their ordinal alone, and comes in the shares that are said."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importing.dealing import (
    CHANNEL_SHARES,
    ORDINAL_MAX,
    Answer,
    Channel,
    deal,
    deal_channel,
    deal_channels,
)
from services.importing.messages import identifiers

datasets = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
ordinals = st.integers(1, ORDINAL_MAX)


@given(datasets, ordinals)
def test_the_same_person_is_dealt_the_same_every_time(dataset: str, ordinal: int) -> None:
    assert deal(dataset, ordinal) == deal(dataset, ordinal)


def test_the_dealing_of_today_is_the_dealing_of_tomorrow() -> None:
    """A change here would deal everybody anew and make strangers of those already imported."""
    dealt = "|".join(repr(deal("complete-journey", ordinal)) for ordinal in range(1, 101))
    dealt += "|".join(str(deal_channel("complete-journey", 1, str(basket))) for basket in range(100))
    assert hashlib.sha256(dealt.encode()).hexdigest()[:16] == "1bb77fe2429160af"


@given(datasets, st.lists(ordinals, unique=True, min_size=2, max_size=20))
def test_no_two_people_share_an_identifier(dataset: str, people: list[int]) -> None:
    dealt = [deal(dataset, ordinal) for ordinal in people]
    digests = {one.sha256 for person in dealt for one in identifiers(person)}
    assert len(digests) == 3 * len(people)


@given(datasets, ordinals)
def test_identifiers_have_a_valid_form_and_can_belong_to_nobody(dataset: str, ordinal: int) -> None:
    dealt = deal(dataset, ordinal)
    assert dealt.email.endswith(f"@{dataset}.example")
    assert re.fullmatch(r"\+999[0-9]{12}", dealt.phone)
    assert re.fullmatch(r"[0-9]{12}", dealt.loyalty_card)


@given(datasets, ordinals)
def test_only_those_who_grant_are_linked(dataset: str, ordinal: int) -> None:
    dealt = deal(dataset, ordinal)
    assert dealt.answer is Answer.GRANT or not dealt.linked
    everybody = deal(dataset, ordinal, grant_all=True, link_all=True)
    assert (everybody.answer, everybody.linked) == (Answer.GRANT, True)
    assert everybody.email == dealt.email


@pytest.mark.parametrize("dataset", ["complete-journey", "online-retail-ii"])
def test_the_shares_are_those_that_are_said(dataset: str) -> None:
    people = [deal(dataset, ordinal) for ordinal in range(1, 20_001)]
    shares = {answer: sum(person.answer is answer for person in people) / len(people) for answer in Answer}
    assert shares[Answer.GRANT] == pytest.approx(0.8, abs=0.01)
    assert shares[Answer.REFUSE] == pytest.approx(0.1, abs=0.01)
    granted = [person for person in people if person.answer is Answer.GRANT]
    assert sum(person.linked for person in granted) / len(granted) == pytest.approx(0.8, abs=0.01)
    baskets = [deal_channel(dataset, 1 + basket % 7, str(basket)) for basket in range(20_000)]
    for channel, share in zip(Channel, CHANNEL_SHARES, strict=True):
        assert baskets.count(channel) / len(baskets) == pytest.approx(share / 1000, abs=0.015)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30))
def test_lines_are_dealt_basket_by_basket(lines: list[tuple[int, int]]) -> None:
    baskets = ["north", "south", "east", "west"]
    who = np.array([person for person, _ in lines], np.int64)
    which = np.array([basket for _, basket in lines], np.int64)
    expected = [deal_channel("shop", person, baskets[basket]) for person, basket in lines]
    assert deal_channels("shop", who, baskets, which).tolist() == expected


@pytest.mark.parametrize("ordinal", [0, -1, ORDINAL_MAX + 1])
def test_there_is_nobody_outside_the_ordinals(ordinal: int) -> None:
    with pytest.raises(ValueError, match="ordinal"):
        deal("shop", ordinal)
