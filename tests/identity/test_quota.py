"""The bucket of never-seen identifiers: what it gives, when it is full again, what it never does."""

from hypothesis import given
from hypothesis import strategies as st

from identity.quota import HOUR_MS, Bucket, Short, full, give_back, take

NOW_MS = 1_700_000_000_000


def test_an_hours_worth_is_there_at_once_and_not_one_more():
    left = take(full(100, NOW_MS), 100, 100, NOW_MS)
    assert left == Bucket(0, NOW_MS)
    assert take(left, 1, 100, NOW_MS) == Short(HOUR_MS // 100)


def test_what_was_waited_for_is_there_to_the_millisecond():
    empty = take(full(7, NOW_MS), 7, 7, NOW_MS)
    short = take(empty, 3, 7, NOW_MS)
    assert isinstance(take(empty, 3, 7, NOW_MS + short.wait_ms - 1), Short)
    assert isinstance(take(empty, 3, 7, NOW_MS + short.wait_ms), Bucket)


def test_more_than_the_bucket_holds_is_never_there():
    assert take(full(10, NOW_MS), 11, 10, NOW_MS) == Short(None)
    assert take(full(0, NOW_MS), 1, 0, NOW_MS) == Short(None)


def test_a_clock_that_is_set_back_brings_nothing():
    empty = take(full(10, NOW_MS), 10, 10, NOW_MS)
    behind = take(empty, 0, 10, NOW_MS - HOUR_MS)
    assert behind == empty
    assert isinstance(take(behind, 1, 10, NOW_MS), Short)


def test_what_is_given_back_fills_the_bucket_no_further_than_its_rim():
    assert give_back(take(full(10, NOW_MS), 4, 10, NOW_MS), 4, 10) == full(10, NOW_MS)
    assert give_back(full(10, NOW_MS), 4, 10) == full(10, NOW_MS)


@given(
    per_hour=st.integers(1, 50),
    asked=st.lists(st.tuples(st.integers(0, HOUR_MS), st.integers(0, 60)), max_size=30),
)
def test_in_any_stretch_no_more_is_taken_than_a_full_bucket_and_the_refill(per_hour, asked):
    bucket, now_ms = full(per_hour, NOW_MS), NOW_MS
    taken = []
    for wait_ms, count in asked:
        now_ms += wait_ms
        left = take(bucket, count, per_hour, now_ms)
        if isinstance(left, Bucket):
            bucket = left
            taken.append((now_ms, count))
    for start, (begun_ms, _) in enumerate(taken):
        for end in range(start, len(taken)):
            refill = per_hour * (taken[end][0] - begun_ms) / HOUR_MS
            assert sum(count for _, count in taken[start : end + 1]) <= per_hour + refill + 1e-6
