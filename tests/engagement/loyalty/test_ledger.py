"""What counts of what was recorded: once, whatever it was told by and in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.loyalty.account import Recorded, standing_by
from engagement.loyalty.entry import Entry, PostingKind, Refusal, admitted
from engagement.loyalty.ledger import Ledger, Moved, Purchase, ledger_of
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import NOW_MS, back, line, of_points, order, programme, refund

OTHER = subject(2)
SUMS = programme()


def amounts(entries=(), events=()) -> dict[str, int]:
    """What is left of each purchase."""
    return {one.name: one.amount_minor for one in ledger_of(SUMS, entries, events).purchases}


def test_a_posted_and_tracked_purchase_is_one_and_the_posted_amount_counts():
    """The till's posting beats what a page tracked of the same order."""
    assert amounts([line("a", amount_minor=900)], [order("a", 1000)]) == {"a": 900}
    assert amounts([line("a")], [order("b")]) == {"a": 1000, "b": 1000}


def test_the_lines_of_a_tracked_order_are_one_purchase():
    """Made when its first line was."""
    events = [order("e1", 600, order_ref="o"), order("e2", 400, order_ref="o", occurred_at_ms=NOW_MS - 1)]
    assert ledger_of(SUMS, [], events).purchases == (Purchase(NOW_MS - 1, "o", 1000),)


def test_an_order_without_a_name_is_a_purchase_of_its_own():
    """Two of them are two."""
    assert sorted(amounts([], [order("e1", order_ref=""), order("e2", order_ref="")]).values()) == [
        1000,
        1000,
    ]


def test_an_order_that_two_identities_tell_of_counts_once():
    """The one that tells more is believed; lines of one name that move no purchase do add up."""
    assert amounts([], [order("e1", order_ref="o"), order("e2", 700, order_ref="o", subject=OTHER)]) == {
        "o": 1000
    }
    gifts = [
        of_points(name, PostingKind.ADJUST, 5, reference="welcome", subject=subject(who))
        for who, name in ((1, "a"), (2, "b"))
    ]
    assert [moved.number for moved in ledger_of(SUMS, gifts).added] == [5, 5]


def test_what_is_returned_is_returned_once_however_many_tell_of_it():
    """Posted and tracked, by either identity; what is returned whole was never bought."""
    posted, tracked = [line("a"), back("r", "a", 300)], [order("a"), refund("e", "a", 300, subject=OTHER)]
    assert amounts(posted, tracked) == {"a": 700}
    assert amounts([line("a"), back("r", "a", 1000)]) == {}
    assert amounts([], [order("a"), refund("e1", "a", 400), refund("e2", "a", 700)]) == {}


def test_a_return_of_a_purchase_that_nobody_knows_takes_from_its_own_time():
    """It is no purchase; the order that comes later puts it in its place."""
    unknown = refund("e", "o", 300, occurred_at_ms=NOW_MS + 5)
    assert ledger_of(SUMS, [], [unknown]).adjusted == (Moved(NOW_MS + 5, -300),)
    known = ledger_of(SUMS, [], [unknown, order("o")])
    assert (known.adjusted, amounts([], [unknown, order("o")])) == ((), {"o": 700})


def test_another_currency_does_not_count():
    """Nor does an order of a programme that does not earn from events."""
    assert amounts([], [order("a", currency="USD")]) == {}
    assert not ledger_of(programme(earns_from_events=False), [], [order("a")]).purchases


def test_an_order_without_an_amount_counts_as_one_until_it_is_returned():
    """Where amounts are not told there are purchases all the same."""
    free = {"currency": "", "amount_minor": 0}
    assert amounts([], [order("a", **free)]) == {"a": 0}
    assert amounts([], [order("a", **free), refund("e", "a", **free)]) == {}


_NAMES = st.sampled_from(["a", "b", "c"])
_WHO = st.sampled_from([subject(1), OTHER])
_WHEN = st.integers(NOW_MS - 100_000_000, NOW_MS)


@st.composite
def histories(draw):
    """Lines that a store admitted, and events, of two identities of one person."""
    lines: list[Entry] = []
    for number in range(draw(st.integers(0, 8))):
        name, when, who = draw(_NAMES), draw(_WHEN), draw(_WHO)
        key = f"{number}"
        if draw(st.booleans()):
            sent = line(key, reference=name, amount_minor=draw(st.integers(1, 30_000)), subject=who)
        elif draw(st.booleans()):
            sent = back(key, name, draw(st.integers(1, 3000)), subject=who)
        else:
            kind = draw(st.sampled_from([PostingKind.SPEND, PostingKind.ADJUST, PostingKind.EARN]))
            sent = of_points(key, kind, draw(st.integers(1, 300)), reference=f"p{number}", subject=who)
        kept = admitted(sent._replace(occurred_at_ms=when), lines)
        if not isinstance(kept, Refusal):
            lines.append(kept)
    events = [_tracked(draw, number) for number in range(draw(st.integers(0, 6)))]
    return lines, events


def _tracked(draw, number):
    more = {"subject": draw(_WHO), "occurred_at_ms": draw(_WHEN), "order_ref": draw(_NAMES)}
    amount = draw(st.integers(0, 30_000))
    key = f"e{number}"
    if draw(st.booleans()):
        return order(key, amount, **more)
    return refund(key, more.pop("order_ref"), amount, **more)


@given(histories(), st.randoms(use_true_random=False))
def test_a_ledger_is_the_same_in_any_order_and_however_often_it_is_told(history, random):
    """And so is everything that follows from it."""
    lines, events = history
    told_lines, told_events = lines + random.sample(lines, len(lines) // 2), events * 2
    random.shuffle(told_lines)
    random.shuffle(told_events)
    assert ledger_of(SUMS, told_lines, told_events) == ledger_of(SUMS, lines, events)
    before, after = Recorded(lines, (), events), Recorded(told_lines, (), told_events)
    assert standing_by(SUMS, before, NOW_MS) == standing_by(SUMS, after, NOW_MS)


@given(histories())
def test_a_link_adds_and_an_unlink_takes_apart_exactly(history):
    """Together they never have bought more than the two apart; points that are no purchase's add up."""
    lines, events = history

    def of(*who) -> Ledger:
        return ledger_of(
            SUMS, [one for one in lines if one.subject in who], [one for one in events if one.subject in who]
        )

    mine, theirs, ours = of(subject(1)), of(OTHER), of(subject(1), OTHER)
    assert sum(one.amount_minor for one in ours.purchases) <= sum(
        one.amount_minor for one in (*mine.purchases, *theirs.purchases)
    )
    assert sorted(ours.added) == sorted([*mine.added, *theirs.added])
    assert sorted(ours.taken) == sorted([*mine.taken, *theirs.taken])


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6))
def test_a_purchase_that_is_reversed_in_parts_leaves_no_trace(parts):
    """Sums, points and membership are as if it had never been posted."""
    others = [line("other", amount_minor=1234), of_points("gift", PostingKind.ADJUST, 7)]
    whole = line("a", amount_minor=sum(parts), occurred_at_ms=NOW_MS - 5)
    parts_back = [back(f"r{number}", "a", part) for number, part in enumerate(parts)]
    reversed_ = Recorded([*others, whole, *parts_back])
    assert standing_by(SUMS, reversed_, NOW_MS) == standing_by(SUMS, Recorded(others), NOW_MS)
