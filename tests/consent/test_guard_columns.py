"""Asked about many at once the columns say what the table says about each."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from consent.guard_columns import GuardColumns
from consent.guard_table import NEVER_MS, GuardEntry, GuardTable, GuardUpdate
from identity.ids import SubjectId

NOW_MS = 1_000


def person(number: int) -> SubjectId:
    """Sixteen bytes; every fourth name begins like the one before, so that names collide."""
    first = hashlib.sha256(bytes([number // 4])).digest()[:8]
    return SubjectId(first + hashlib.sha256(bytes([number])).digest()[:8])


ENTRY = st.builds(
    GuardEntry,
    st.one_of(st.just(0), st.integers(0, (1 << 64) - 1)),
    st.just(0),
    st.sampled_from([0, NOW_MS - 1, NOW_MS, NOW_MS + 1, NEVER_MS]),
    st.none(),
)
STEP = st.dictionaries(st.integers(0, 60), st.one_of(st.none(), ENTRY), max_size=20)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["apply", "replace", "lose"]), STEP), max_size=6),
    begin=st.integers(0, 6),
    purpose=st.integers(0, 27),
)
def test_the_columns_say_what_the_table_says(policy, steps, begin, purpose):
    """After any steps of the stream, asked from the beginning or only later."""
    table = GuardTable(policy)
    columns = GuardColumns(table)
    everybody = [person(number) for number in range(64)]
    for number, (what, entries) in enumerate(steps):
        if number >= begin:
            columns.allowed(everybody, purpose, NOW_MS)
        named = {person(who): entry for who, entry in entries.items()}
        if what == "lose":
            table.lose()
        else:
            getattr(table, what)(GuardUpdate(number + 1, named))
    expected = [table.ready and table.allows(who, purpose, NOW_MS) for who in everybody]
    assert columns.allowed(everybody, purpose, NOW_MS).tolist() == expected


def test_without_a_lease_nobody_is_allowed_anything(policy):
    """As the table has it, also by rows that were mapped before."""
    alive = [True]
    table = GuardTable(policy, live=lambda: alive[0])
    table.apply(GuardUpdate(1, {person(1): GuardEntry((1 << 64) - 1, 0, NEVER_MS, None)}))
    columns = GuardColumns(table)
    rows = columns.rows([person(1), person(2)])
    assert columns.allowed_rows(rows, 0, NOW_MS).tolist() == [True, False]
    alive[0] = False
    assert columns.allowed_rows(rows, 0, NOW_MS).tolist() == [False, False]


def test_what_is_asked_of_nobody_is_answered(policy):
    """An empty question, and an empty table."""
    columns = GuardColumns(GuardTable(policy))
    assert columns.allowed([], 0, NOW_MS).tolist() == []
    assert columns.allowed([person(1)], 0, NOW_MS).tolist() == [False]


def test_many_are_held_in_few_bytes(policy):
    """So many that the arrays grew several times; at most 72 bytes each."""
    table = GuardTable(policy)
    columns = GuardColumns(table)
    columns.rows([])
    entry = GuardEntry(1, 0, NEVER_MS, None)
    for start in range(0, 30_000, 3_000):
        names = [hashlib.sha256(number.to_bytes(4)).digest()[:16] for number in range(start, start + 3_000)]
        table.apply(GuardUpdate(start + 1, {SubjectId(name): entry for name in names}))
    assert columns.allowed([who for who, _ in table.entries()], 0, NOW_MS).all()
    assert columns.held_bytes <= 72 * len(table)
