"""What counts of people tell, and that they tell nothing of one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.audience import Given, K, Tally, answer, told

NUMBERS = st.integers(0, 200)


@given(NUMBERS, NUMBERS)
def test_nothing_is_told_of_few_nor_of_all_but_few(people: int, others: int):
    number = told(people, people + others)
    if people < K or others < K:
        assert number is None
    else:
        assert number is not None
        assert number % 10 == 0
        assert 0 <= people - number < 10


class Counting:
    """Answers questions about a population, as the service does."""

    def __init__(self) -> None:
        self.given: dict[bytes, Given] = {}
        self.sets: dict[bytes, set[int]] = {}

    def ask(
        self, question: bytes, meant: set[int], everybody: set[int], sets: dict[bytes, set[int]]
    ) -> int | None:
        """``sets`` are whom each question means by now."""
        earlier = list(self.given.values())
        tally = Tally(len(earlier))
        for person in everybody:
            tally.count(meant=person in meant, earlier=[person in sets[one.question] for one in earlier])
        self.given[question] = answer(question, tally, earlier)
        return self.given[question].people


PEOPLE = set(range(300))
TARGET = 1000


@given(st.integers(0, 280), st.lists(st.integers(0, 300), max_size=18, unique=True), st.booleans())
def test_adding_one_person_changes_no_answer(size: int, fakes: list[int], target_is_in: bool):
    """Whatever the size, however an attacker's own eighteen people were added before to come to an edge."""
    counting = Counting()
    base = set(range(size))
    before = counting.ask(b"q", base, PEOPLE, {})
    mine = {2000 + one for one in fakes}
    for count in range(len(fakes) + 1):
        added = set(sorted(mine)[:count])
        meant = base | added
        assert counting.ask(b"q", meant, PEOPLE | added, {b"q": meant}) == before
    meant = base | mine | ({TARGET} if target_is_in else set())
    assert counting.ask(b"q", meant, PEOPLE | mine | {TARGET}, {b"q": meant}) == before


@given(st.integers(0, 280), st.booleans(), st.booleans())
def test_leaving_one_person_out_of_the_question_changes_no_answer(size: int, target_is_in: bool, first: bool):
    """All of them, and all of them but one: in whichever order it is asked, one answer."""
    counting = Counting()
    everybody = PEOPLE | {TARGET}
    whole = set(range(size)) | ({TARGET} if target_is_in else set())
    sets = {b"all": whole, b"but one": whole - {TARGET}, b"the one": whole & {TARGET}}
    order = [b"all", b"but one"] if first else [b"but one", b"all"]
    answers = [counting.ask(question, sets[question], everybody, sets) for question in order]
    assert answers[0] == answers[1]
    assert counting.ask(b"the one", sets[b"the one"], everybody, sets) in {None, answers[0]}


@given(NUMBERS, NUMBERS)
def test_an_answer_follows_when_twenty_have_come_or_gone_and_not_before(before: int, after: int):
    counting = Counting()
    everybody = set(range(1000))
    first = counting.ask(b"q", set(range(before)), everybody, {})
    meant = set(range(after))
    second = counting.ask(b"q", meant, everybody, {b"q": meant})
    assert second == (first if abs(after - before) < K else told(after, 1000))


def test_the_answer_given_first_is_the_one_that_near_questions_get():
    counting = Counting()
    everybody = set(range(1000))
    sets = {b"a": set(range(100)), b"b": set(range(115)), b"c": set(range(119)), b"d": set(range(125))}
    answers = [counting.ask(one, sets[one], everybody, sets) for one in sets]
    assert answers == [100, 100, 100, 100]  # the last is near to the second, which has the first's answer


@pytest.mark.parametrize(("people", "everybody"), [(19, 100), (81, 100), (0, 100), (100, 100), (20, 39)])
def test_what_is_not_told_looks_alike(people: int, everybody: int):
    assert told(people, everybody) is None
