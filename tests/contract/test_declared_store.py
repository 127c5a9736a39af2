"""What every store of declarations must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engagement.declaration import Declaration
from engagement.declared import ANSWERS_MAX, AgeBand, Answer, Topic
from engagement.errors import RequestIdReused, TooManyAnswers
from engagement.store import DeclaredStore, EventStore
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from tests.contract.engines import ENGINES, tables
from tests.engagement.declarations import MemoryDeclaredStore, aged, declare_request, likes
from tests.engagement.events import NOW_MS, MemoryEventStore, event, subject

pytestmark = pytest.mark.parametrize("engine", ["memory", *ENGINES])
ME = subject(1)


@dataclass
class Stores:
    """Declarations, and the events whose outbox they share."""

    declared: DeclaredStore
    events: EventStore

    async def say(self, key: str, *answers: Answer, **more: object):
        """Declares; the content is the answers."""
        declaration = Declaration(ME, answers, **more)
        return await self.declared.declare(
            declare_request(key, str([(one.name, one.value) for one in answers])), declaration
        )

    async def mine(self) -> list[tuple[str, int]]:
        """Names and values of my answers."""
        return [(answer.name, answer.value) for answer in await self.declared.declared([ME])]

    async def news(self, after: int = 0) -> list[tuple[int, list[tuple[str, int]]]]:
        """What is told of declarations after a position."""
        return [
            (change.seq, [(answer.name, answer.value) for answer in declared.answers])
            for change in await self.events.changes(after, 100)
            for declared in change.declared
        ]


@pytest.fixture
async def stores(engine: str, tmp_path: Path) -> AsyncIterator[Stores]:
    """Empty stores of the engine under test."""
    if engine == "memory":
        memory = MemoryEventStore()
        yield Stores(MemoryDeclaredStore(memory), memory)
        return
    async with tables(engine, tmp_path, "engagement") as database:
        yield Stores(DeclaredTables(database), EventTables(database))


async def test_an_answer_comes_back_as_it_was_given(stores: Stores) -> None:
    """Every attribute survives; who was not asked has said nothing."""
    answers = [likes("tea", 3), likes("Own", -1, topic=Topic.BRAND, uses=-5), aged(AgeBand.UNDER_13)]
    recorded = await stores.say("a", *answers)
    assert (recorded.answered, recorded.withdrawn) == (3, 0)
    assert list(await stores.declared.declared([subject(2), ME])) == answers


async def test_a_later_answer_takes_the_place_of_the_earlier_one(stores: Stores) -> None:
    """Said again in the same words it is no change; but it was said later."""
    await stores.say("a", likes("tea", 3), likes("cups", 1))
    again = await stores.say("b", likes("tea", -2), likes("cups", 1, declared_at_ms=NOW_MS + 1))
    assert (again.answered, again.withdrawn) == (1, 0)
    assert await stores.mine() == [("cups", 1), ("tea", -2)]
    assert {answer.declared_at_ms for answer in await stores.declared.declared([ME])} == {NOW_MS, NOW_MS + 1}


async def test_what_is_taken_back_is_said_no_more(stores: Stores) -> None:
    """One by one, or all that is not said again; what was never said is not counted."""
    await stores.say("a", likes("tea"), likes("cups"), aged(AgeBand.FROM_65))
    one = await stores.say("b", withdrawn=(likes("tea").thing, likes("never").thing))
    assert (one.answered, one.withdrawn) == (0, 1)
    rest = await stores.say("c", likes("cups"), replace_all=True)
    assert (rest.answered, rest.withdrawn) == (0, 1)
    assert await stores.mine() == [("cups", 2)]
    nothing = await stores.say("d", replace_all=True)
    assert (nothing.withdrawn, await stores.mine()) == (1, [])


async def test_what_is_taken_back_is_taken_back_of_all_subjects_of_the_person(stores: Stores) -> None:
    """One thing counts once; the news of each subject tell it; strangers keep theirs."""
    other, stranger = subject(2), subject(3)
    for key, who in (("a", ME), ("b", other), ("c", stranger)):
        said = tuple(likes(name, subject=who) for name in ("tea", "cups", key))
        await stores.declared.declare(declare_request(key), Declaration(who, said))
    at = await stores.events.last_seq()
    one = await stores.say("d", withdrawn=(likes("tea").thing,), others=(other,))
    assert (one.answered, one.withdrawn) == (0, 1)
    assert sorted(told for _, told in await stores.news(at)) == [
        [("a", 2), ("cups", 2)],
        [("b", 2), ("cups", 2)],
    ]
    assert one.seq == await stores.events.last_seq()
    rest = await stores.say("e", likes("cups", 1), replace_all=True, others=(other,))
    assert (rest.answered, rest.withdrawn) == (1, 2)
    left = await stores.declared.declared([ME, other, stranger])
    assert [(one.subject, one.name) for one in left] == [
        (ME, "cups"),
        (other, "cups"),
        *((stranger, name) for name in ("c", "cups", "tea")),
    ]


async def test_an_age_band_is_put_right_by_the_subject_that_said_it_alone(stores: Stores) -> None:
    """Who was joined with a child by mistake makes the child no adult, whatever they say or take back."""
    child = Declaration(subject(2), (aged(AgeBand.UNDER_13, subject=subject(2)),))
    await stores.declared.declare(declare_request("k2"), child)
    band = child.answers[0].thing
    said = await stores.say("r", aged(AgeBand.FROM_25_TO_34), others=(subject(2),))
    taken = await stores.say("s", withdrawn=(band,), others=(subject(2),))
    anew = await stores.say("t", likes("tea"), replace_all=True, others=(subject(2),))
    assert (said.withdrawn, taken.withdrawn, anew.withdrawn) == (0, 1, 0)
    left = await stores.declared.declared([subject(2)])
    assert [one.value for one in left] == [AgeBand.UNDER_13]


async def test_the_same_request_again_changes_nothing(stores: Stores) -> None:
    """It is answered as the first time, also when the person has thought better of it since."""
    first = await stores.say("a", likes("tea", 3))
    await stores.say("b", likes("tea", -3))
    again = await stores.say("a", likes("tea", 3))
    assert (again.answered, again.withdrawn) == (first.answered, first.withdrawn)
    assert await stores.mine() == [("tea", -3)]
    with pytest.raises(RequestIdReused):
        await stores.say("a", likes("tea", 2))


async def test_more_than_anybody_declares_is_refused_whole(stores: Stores) -> None:
    """What takes the place of others does not count twice."""
    await stores.say("a", *(likes(f"c{n:03}") for n in range(ANSWERS_MAX)))
    with pytest.raises(TooManyAnswers):
        await stores.say("b", likes("c000", -1), likes("one more"))
    await stores.say("c", likes("c000", -1), likes("one more"), withdrawn=(likes("c001").thing,))
    assert ("c000", -1) in await stores.mine()


async def test_the_last_news_of_somebody_tell_all_they_declare(stores: Stores) -> None:
    """Between the news of events, in the order of the commits; a withdrawal is news, too."""
    await stores.say("a", likes("tea"))
    await stores.events.append([event("e1")])
    last = await stores.say("b", likes("cups"), withdrawn=(likes("tea").thing,))
    assert last.seq == await stores.events.last_seq()
    assert (await stores.news())[-1] == (last.seq, [("cups", 2)])
    told = [one for change in await stores.events.changes(0, 100) for one in change.events]
    assert told == [event("e1")]
    gone = await stores.say("c", replace_all=True)
    assert await stores.news(last.seq) == [(gone.seq, [])]
    await stores.say("d", replace_all=True)
    assert await stores.events.last_seq() == gone.seq
    await stores.events.append([event("e2")])
    assert [one for change in await stores.events.changes(gone.seq, 9) for one in change.events] == [
        event("e2")
    ]
