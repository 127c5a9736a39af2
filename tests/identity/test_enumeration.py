"""When asking looks like guessing: by number and share, or by the number alone, over an hour."""

from hypothesis import given
from hypothesis import strategies as st

from identity.enumeration import SLOT_MS, SLOTS, counted, suspicious, unseen_share

NOW_MS = 1_700_000_000_000 - 1_700_000_000_000 % SLOT_MS


def test_many_unseen_ones_among_more_seen_ones_are_no_guessing():
    assert not suspicious(counted((), 300, 149, NOW_MS), 100)
    assert suspicious(counted((), 300, 150, NOW_MS), 100)


def test_guessing_is_noticed_among_however_many_known_identifiers():
    """They cost nothing: whoever guesses asks for its own ones again and again."""
    window = ()
    for number in range(100):
        window = counted(window, 5000, 2499, NOW_MS + number * 1000)
    assert unseen_share(window) < 0.5
    assert suspicious(window, 100)


def test_what_a_quota_lets_through_in_an_hour_is_no_guessing_among_known_ones():
    assert not suspicious(counted((), 1000, 200, NOW_MS), 100)
    assert suspicious(counted((), 1000, 201, NOW_MS), 100)


def test_a_few_unseen_ones_are_no_guessing_whatever_their_share():
    assert not suspicious(counted((), 50, 50, NOW_MS), 100)
    assert suspicious(counted((), 51, 51, NOW_MS), 100)


def test_whoever_asked_for_nothing_is_not_suspected():
    assert unseen_share(()) == 0
    assert not suspicious((), 0)


def test_after_an_hour_it_is_forgotten():
    window = counted((), 100, 100, NOW_MS)
    assert suspicious(counted(window, 0, 0, NOW_MS + (SLOTS - 1) * SLOT_MS), 100)
    assert not suspicious(counted(window, 0, 0, NOW_MS + SLOTS * SLOT_MS), 100)


def test_a_clock_that_is_set_back_loses_nothing_that_was_counted():
    window = counted(counted((), 1, 1, NOW_MS), 1, 1, NOW_MS - 2 * SLOT_MS)
    assert [slot[1:] for slot in window] == [(2, 2)]


@given(st.lists(st.tuples(st.integers(0, 3 * SLOT_MS), st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_the_window_counts_exactly_the_last_twelve_slots(asked):
    window, now_ms, seen = (), NOW_MS, []
    for wait_ms, known, unseen in asked:
        now_ms += wait_ms
        window = counted(window, known + unseen, unseen, now_ms)
        seen.append((now_ms // SLOT_MS, known + unseen, unseen))
        recent = [one for one in seen if one[0] > now_ms // SLOT_MS - SLOTS]
        assert sum(slot.asked for slot in window) == sum(one[1] for one in recent)
        assert sum(slot.unseen for slot in window) == sum(one[2] for one in recent)
        assert len(window) <= SLOTS
