"""Points wait, can be spent, and end; what is spent is taken from what ends first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.loyalty.calendar import DAY_MS
from engagement.loyalty.entry import PostingKind
from engagement.loyalty.ledger import Moved, ledger_of
from engagement.loyalty.points import NEVER_MS, Balance, Lot, balance_of, lots_of
from engagement.loyalty.programme import Earning, Measure, Window
from tests.engagement.loyalty.lines import at, line, of_points, programme

_LOTS = st.lists(
    st.builds(
        lambda live, lasts, points: Lot(live, live + lasts if lasts else NEVER_MS, points),
        st.integers(0, 20),
        st.integers(0, 12),
        st.integers(1, 9),
    ),
    max_size=6,
)
_TAKEN = st.lists(st.builds(Moved, st.integers(0, 25), st.integers(1, 12)), max_size=6)


def by_hand(lots: list[Lot], taken: list[Moved], now: int) -> Balance:
    """Point by point and instant by instant."""
    live: list[int] = []  # when each point ends
    debt = 0
    for instant in range(now + 1):
        live = [ends for ends in live if ends > instant]
        for lot in sorted(lots):
            if lot.live_ms == instant:
                for _ in range(lot.points):
                    if debt:
                        debt -= 1
                    else:
                        live.append(lot.ends_ms)
        for one in taken:
            if one.at_ms == instant:
                for _ in range(one.number):
                    if live:
                        live.remove(min(live))
                    else:
                        debt += 1
    ending = tuple(Moved(ends, live.count(ends)) for ends in sorted(set(live)) if ends < NEVER_MS)
    return Balance(len(live) - debt, sum(lot.points for lot in lots if lot.live_ms > now), ending)


@given(_LOTS, _TAKEN, st.integers(0, 40), st.randoms(use_true_random=False))
def test_a_balance_is_what_counting_point_by_point_gives(lots, taken, now, random):
    """In whatever order lots and takings are told."""
    expected = by_hand(lots, taken, now)
    random.shuffle(lots)
    random.shuffle(taken)
    assert balance_of(lots, taken, now) == expected


def test_what_is_spent_is_taken_from_what_ends_first():
    """Ten that end soon, ten that do not: fifteen spent leave five that do not end."""
    lots = [Lot(0, NEVER_MS, 10), Lot(0, 100, 10)]
    assert balance_of(lots, [Moved(1, 15)], 2) == Balance(5, 0, ())
    assert balance_of(lots, [Moved(1, 5)], 2) == Balance(15, 0, (Moved(100, 5),))
    assert balance_of(lots, [Moved(1, 5)], 100) == Balance(10, 0, ())


def test_what_was_spent_and_then_returned_is_a_debt_that_the_next_points_pay():
    """And that no end of other points wipes out."""
    assert balance_of([], [Moved(1, 30)], 2).live == -30
    assert balance_of([Lot(5, 10, 50)], [Moved(1, 30)], 6) == Balance(20, 0, (Moved(10, 20),))
    assert balance_of([Lot(5, 10, 50)], [Moved(1, 30)], 10) == Balance(0, 0, ())


def test_earned_points_wait_and_then_end_with_a_day_of_the_programmes_zone():
    """Bought on 17 January 2024, spendable from the 31st on, valid for a month: until the leap day ends."""
    waits = programme(earning=Earning(per_minor=100, points=2, pending_days=14, valid_months=1))
    entries = [line("a", amount_minor=1099, occurred_at_ms=at("2024-01-17 10:00"))]
    (lot,) = lots_of(waits, ledger_of(waits, entries), at("2024-01-17 10:00"))
    assert lot == Lot(at("2024-01-31 10:00"), at("2024-03-01 00:00"), 20)


def test_points_given_by_hand_do_not_wait():
    """Those that are earned do."""
    waits = programme(earning=Earning(pending_days=14))
    given_ = [of_points("a", PostingKind.ADJUST, 5), of_points("b", PostingKind.EARN, 7)]
    ledger = ledger_of(waits, given_)
    lots = lots_of(waits, ledger, 0)
    assert sorted((lot.points, lot.live_ms) for lot in lots) == [
        (5, given_[0].occurred_at_ms),
        (7, given_[1].occurred_at_ms + 14 * DAY_MS),
    ]


def test_every_third_purchase_gives_a_bonus_and_a_return_takes_it_back():
    """Of seven purchases the third and the sixth, by time and not by arrival."""
    third = programme(measure=Measure.COUNT, earning=Earning(bonus_every=3, bonus_points=50))
    entries = [line(str(day), occurred_at_ms=at(f"2024-01-0{day} 10:00")) for day in (5, 3, 1, 7, 2, 6, 4)]
    ledger = ledger_of(third, entries)
    assert [lot.live_ms for lot in lots_of(third, ledger, at("2024-02-01 00:00"))] == [
        at("2024-01-03 10:00"),
        at("2024-01-06 10:00"),
    ]
    assert len(lots_of(third, ledger_of(third, entries[:5]), at("2024-02-01 00:00"))) == 1


def test_every_year_of_membership_gives_a_bonus():
    """On the day itself; who joined on a leap day has theirs on the 28th."""
    yearly = programme(
        measure=Measure.YEARS, window=Window.EVER, earning=Earning(bonus_every=1, bonus_points=10)
    )
    joined = of_points("joined", PostingKind.ADJUST, 0, occurred_at_ms=at("2020-02-29 12:00"))
    ledger = ledger_of(yearly, [joined])
    lots = lots_of(yearly, ledger, at("2022-02-28 00:00"))
    assert [lot.live_ms for lot in lots] == [at("2021-02-28 00:00"), at("2022-02-28 00:00")]
    assert len(lots_of(yearly, ledger, at("2022-02-28 00:00") - 1)) == 1
