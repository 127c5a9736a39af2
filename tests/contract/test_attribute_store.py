"""What every store of attributes must do; a second engine joins by a line in ``ENGINES``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engagement.attributes import VALUES_MAX, About, Attribute, Value
from engagement.declaration import Declaration, Profile
from engagement.errors import TooManyAnswers
from engagement.event import Party, use_mask
from engagement.store import AttributeStore, DeclaredStore, EventStore, Window
from services.storage import known
from services.storage.attributes import AttributeTables
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.known import KnownTables
from tests.contract.engines import ENGINES, tables
from tests.engagement.attributes import MemoryAttributeStore, value
from tests.engagement.declarations import MemoryDeclaredStore, declare_request, likes
from tests.engagement.events import DAY_MS, NOW_MS, MemoryEventStore, event, subject

ME, OTHER_ME, SOMEBODY = subject(1), subject(2), subject(3)
LANGUAGE = About("", Attribute.LANGUAGE)


@dataclass
class Stores:
    """Values, and the declarations that say some of them."""

    attributes: AttributeStore
    declared: DeclaredStore

    async def say(self, key: str, *values: Value, others: tuple[bytes, ...] = (), **more: object):
        said = Declaration(ME, (), others=others, profile=Profile(values, **more))
        return await self.declared.declare(declare_request(key, str(said.profile.values)), said)

    async def held(self, *subjects: bytes) -> list[tuple[str, int, str]]:
        values = await self.attributes.values(list(subjects) or [ME])
        return [(one.dependent, one.party, one.value) for one in values]


@pytest.fixture(params=["memory", *ENGINES])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        attributes = MemoryAttributeStore()
        yield Stores(attributes, MemoryDeclaredStore(MemoryEventStore(), attributes))
        return
    async with tables(request.param, tmp_path, "engagement") as database:
        yield Stores(AttributeTables(database), DeclaredTables(database))


def said(text: str, attribute: Attribute = Attribute.LANGUAGE, **changed: object) -> Value:
    return value(attribute, text, party=Party.ZERO, origin="quiz", **changed)


async def test_a_value_comes_back_as_it_was_recorded(stores: Stores):
    whole = value(expires_at_ms=NOW_MS + 1, agreement="a-7", uses=use_mask([63, 1]), dependent="rex")
    assert await stores.attributes.record([whole]) == 1
    assert list(await stores.attributes.values([ME])) == [whole]
    assert not await stores.attributes.values([SOMEBODY])


async def test_each_party_has_one_value_and_what_was_observed_later_stays(stores: Stores):
    """A request may be sent again, and a late one changes nothing."""
    first = value(text="de", observed_at_ms=10)
    assert await stores.attributes.record([first, value(text="fr", party=Party.SECOND)]) == 2
    assert await stores.attributes.record([value(text="en", observed_at_ms=9)]) == 0
    assert await stores.attributes.record([value(text="it", observed_at_ms=11)]) == 1
    assert await stores.held() == [("", Party.FIRST, "it"), ("", Party.SECOND, "fr")]


async def test_nobody_has_more_values_than_anybody_has(stores: Stores):
    """And then nothing of the request is kept."""
    many = [value(Attribute.DEPENDENT_NAME, "Rex", dependent=f"pet-{n}") for n in range(VALUES_MAX)]
    await stores.attributes.record(many)
    with pytest.raises(TooManyAnswers):
        await stores.attributes.record([value(text="fr"), value(Attribute.SEX, "MALE")])
    assert len(await stores.held()) == VALUES_MAX


async def test_a_declaration_answers_repeats_and_takes_back(stores: Stores):
    """Repeated word for word it counts nothing; what is taken back is taken back of every subject."""
    await stores.attributes.record([value(text="fr"), said("it", subject=OTHER_ME)])
    assert (await stores.say("a", said("de"))).answered == 1
    assert (await stores.say("b", said("de", observed_at_ms=NOW_MS + 1))).answered == 0
    gone = await stores.say("c", withdrawn=(LANGUAGE,), others=(OTHER_ME,))
    assert (gone.answered, gone.withdrawn) == (0, 1)
    assert await stores.held(ME, OTHER_ME) == [("", Party.FIRST, "fr")]


async def test_the_same_request_is_answered_alike_and_changes_nothing(stores: Stores):
    first = await stores.say("a", said("de"))
    assert await stores.say("a", said("de")) == first
    assert await stores.held() == [("", Party.ZERO, "de")]


async def test_what_is_looked_after_no_more_goes_whole(stores: Stores):
    """Whoever said it; another dependent stays."""
    names = [value(Attribute.DEPENDENT_NAME, "Rex", dependent=one) for one in ("rex", "tom")]
    await stores.attributes.record(names)
    await stores.say("a", said("PET", Attribute.DEPENDENT_KIND, dependent="rex"))
    assert (await stores.say("b", dependents=("rex",))).withdrawn == 2
    assert await stores.held() == [("tom", Party.FIRST, "Rex")]


@pytest.mark.parametrize("engine", ENGINES)
async def test_all_that_is_stored_of_people_is_read_at_once(engine: str, tmp_path: Path):
    """Events newest first over all birth subjects, of the window, the purpose and the time alone."""
    async with tables(engine, tmp_path, "engagement") as database:
        events: EventStore = EventTables(database)
        await events.append(
            [
                event("new", occurred_at_ms=NOW_MS - 1),
                event("mine too", subject=OTHER_ME, occurred_at_ms=NOW_MS - 2, detail='{"machine":true}'),
                event("middle", occurred_at_ms=NOW_MS - 3),
                event("old", occurred_at_ms=NOW_MS - 9 * DAY_MS),
                event("expired", expires_at_ms=NOW_MS, occurred_at_ms=NOW_MS - 1),
                event("for another purpose", uses=use_mask([2]), occurred_at_ms=NOW_MS - 1),
                event("of another", subject=SOMEBODY, occurred_at_ms=NOW_MS - 1),
            ]
        )
        await AttributeTables(database).record([value(), value(subject=OTHER_ME, text="fr")])
        declaration = Declaration(ME, (likes("tea"),))
        await DeclaredTables(database).declare(declare_request(), declaration)
        window = Window(use_mask([3, 63]), NOW_MS - 8 * DAY_MS, NOW_MS, 9)
        me, nobody, other = await KnownTables(database).stored([[ME, OTHER_ME], [], [SOMEBODY]], window)
    assert [one.occurred_at_ms - NOW_MS for one in me.events] == [-1, -2, -3]
    assert me.events[1].detail == '{"machine":true}'
    assert [one.value for one in me.values] == ["de", "fr"]
    assert [one.name for one in me.answers] == ["tea"]
    assert not (nobody.events or nobody.values or nobody.answers)
    assert [one.subject for one in other.events] == [SOMEBODY]


@pytest.mark.parametrize("engine", ENGINES)
async def test_no_more_events_of_a_subject_are_read_than_asked_for(engine: str, tmp_path: Path):
    async with tables(engine, tmp_path, "engagement") as database:
        await EventTables(database).append([event(str(n), occurred_at_ms=NOW_MS - n) for n in range(5)])
        window = Window(use_mask([3]), 0, NOW_MS, 2)
        (me,) = await KnownTables(database).stored([[ME]], window)
    assert [one.occurred_at_ms - NOW_MS for one in me.events] == [0, -1]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows_a_query", [2, 20_000])
async def test_people_read_together_are_read_as_each_alone(
    engine: str, rows_a_query: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whatever else is asked with them, joined or apart: the newest of each, and of an instant the last."""
    monkeypatch.setattr(known, "_ROWS_A_QUERY", rows_a_query)
    subjects = [subject(number) for number in range(7)]
    people = [*([one] for one in subjects), [ME, OTHER_ME], [subject(6), ME, subject(5)]]
    async with tables(engine, tmp_path, "engagement") as database:
        for number, one in enumerate(subjects):
            await EventTables(database).append(
                [event(f"{number} {n}", subject=one, occurred_at_ms=NOW_MS - n // 2) for n in range(number)]
            )
            await AttributeTables(database).record([value(subject=one, text="fr")])
        store, window = KnownTables(database), Window(use_mask([3]), 0, NOW_MS, 4)
        together = await store.stored(people, window)
        apart = [(await store.stored([person], window))[0] for person in people]
    assert together == apart
    assert [len(one.events) for one in together] == [0, 1, 2, 3, 4, 4, 4, 3, 9]
