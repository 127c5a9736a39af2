"""Whose points pay: no identity that is hidden or parted from the others leaves them more than there was."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.loyalty.account import Recorded, standing_by
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.owned import taken_for
from engagement.loyalty.programme import Earning, Programme
from engagement.loyalty.reservation import Reservation, Settling
from identity.ids import SubjectId
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import NOW_MS, back, line, of_points, programme, reservation

A, B, C = PERSON = tuple(subject(number) for number in (1, 2, 3))
GROUPS = tuple(chain.from_iterable(combinations(PERSON, size) for size in (1, 2, 3)))
#: Ten points for 10.00; for every second purchase thirty more, or they end after two months.
PROGRAMMES = (
    programme(earning=Earning(per_minor=100, points=1, bonus_every=2, bonus_points=30)),
    programme(earning=Earning(per_minor=100, points=1, valid_months=2)),
)
DAY_MS = 86_400_000
_STEPS = st.one_of(
    st.builds(dict, euros=st.tuples(*[st.sampled_from((0, 0, 10, 20, 30))] * 3)),
    st.builds(dict, gift=st.integers(1, 40), to=st.sampled_from(PERSON)),
    st.builds(dict, price=st.integers(1, 60), payer=st.sampled_from(PERSON), commits=st.booleans()),
)


def live(of: Programme, recorded: Recorded, now_ms: int, whose: tuple[SubjectId, ...] = PERSON) -> int:
    """Points that can be spent, of some identities alone."""
    seen = Recorded(
        [one for one in recorded.entries if one.subject in whose],
        [one for one in recorded.shares if one.subject in whose],
        [one for one in recorded.events if one.subject in whose],
    )
    return standing_by(of, seen, now_ms).points.live


def spent(of: Programme, recorded: Recorded, wanted: Reservation) -> Recorded:
    shares = taken_for(wanted, of, recorded, wanted.reserved_ms)
    return Recorded(
        recorded.entries,
        [*recorded.shares, *(one._replace(state=wanted.state) for one in shares)],
        recorded.events,
    )


def lived(of: Programme, steps: list[dict[str, Any]]) -> Recorded:
    """A life, nine days a step; what can not be paid is not bought."""
    recorded = Recorded()
    for number, step in enumerate(steps):
        at_ms = NOW_MS + number * DAY_MS * 9
        entries = list(recorded.entries)
        when: dict[str, Any] = {"occurred_at_ms": at_ms}
        if "euros" in step:
            entries += [
                line(
                    f"{number}-{who.hex()}",
                    amount_minor=euros * 100,
                    reference=f"{number}",
                    subject=who,
                    **when,
                )
                for who, euros in zip(PERSON, step["euros"], strict=True)
                if euros
            ]
        elif "gift" in step:
            entries.append(
                of_points(f"{number}", PostingKind.ADJUST, step["gift"], subject=step["to"], **when)
            )
        recorded = Recorded(entries, recorded.shares)
        if "price" in step and live(of, recorded, at_ms) >= step["price"]:
            wanted = reservation(
                number,
                subject=step["payer"],
                price_points=step["price"],
                reserved_ms=at_ms,
                expires_ms=at_ms + 600_000,
                state=Settling.COMMITTED if step["commits"] else Settling.OPEN,
            )
            before = live(of, recorded, at_ms)
            recorded = spent(of, recorded, wanted)
            assert before - live(of, recorded, at_ms) == step["price"]
    return recorded


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PROGRAMMES), st.lists(_STEPS, max_size=14), st.integers(0, 150))
def test_without_some_of_their_identities_nobody_has_more_points(
    of: Programme, steps: list[dict[str, Any]], days: int
):
    """Nor less than none: each pays with what it told of, however many told of the same."""
    recorded = lived(of, steps)
    for now_ms in (NOW_MS + 9 * DAY_MS * len(steps), NOW_MS + days * DAY_MS):
        told = Recorded(
            [one for one in recorded.entries if one.occurred_at_ms <= now_ms],
            [one for one in recorded.shares if one.reserved_ms <= now_ms],
        )
        whole = live(of, told, now_ms)
        for whose in GROUPS:
            assert live(of, told, now_ms, whose) <= whole
            assert live(of, told, now_ms, whose[:1]) >= 0


def test_of_a_purchase_that_two_tell_of_both_have_spent_what_one_spends():
    """Else it would be spent once more by the other, alone. What only one told of is that one's."""
    of = programme(earning=Earning(per_minor=100, points=1))
    told = [line("a", amount_minor=3000), line("b", amount_minor=2000, reference="a", subject=B)]
    recorded = spent(of, Recorded(told), reservation(1, subject=B, price_points=25))
    assert [live(of, recorded, NOW_MS, whose) for whose in ((A, B), (A,), (B,))] == [5, 5, 0]


def test_a_bonus_reached_together_goes_with_its_price_when_they_part():
    """And comes with it when they are one again; who spent it and took a purchase back owes it."""
    of = PROGRAMMES[0]
    told = [line("a"), line("b", subject=B)]
    recorded = spent(of, Recorded(told), reservation(1, price_points=30, state=Settling.COMMITTED))
    assert [live(of, recorded, NOW_MS, whose) for whose in ((A, B), (A,), (B,))] == [20, 10, 10]
    returned = Recorded([*told, back("r", "b", subject=B)], recorded.shares)
    assert [live(of, returned, NOW_MS, whose) for whose in ((A, B), (A,), (B,))] == [-20, 10, 0]


def test_what_a_return_left_of_a_price_is_the_payers_debt():
    """Points are there by the balance, and nobody's any more: whoever asked pays."""
    of = programme(earning=Earning(per_minor=100, points=1))
    recorded = Recorded([line("a", amount_minor=5000), of_points("s", PostingKind.SPEND, 20, subject=B)])
    assert live(of, recorded, NOW_MS) == 30
    recorded = spent(of, recorded, reservation(1, subject=B, price_points=30))
    assert [live(of, recorded, NOW_MS, whose) for whose in ((A, B), (A,), (B,))] == [0, 20, -20]
