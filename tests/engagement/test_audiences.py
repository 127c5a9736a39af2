"""AudienceService over real tables, handed its calls as the guard hands them over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.attributes import Attribute
from engagement.definition import Kind
from engagement.errors import DefinitionUnknown, PageTokenInvalid
from engagement.event import EventKind
from engagement.portrait import PageTokens
from identity.ids import SubjectId
from services.engagement.audiences import AudienceServicer
from services.engagement.knowing import EVENTS_MAX
from services.errors import InvalidRequest
from services.interceptors.call import StateChanged
from services.interceptors.consent import consent
from services.storage.attributes import AttributeTables
from services.storage.audiences import BEGINNING, AudienceTables
from services.storage.database import Database
from services.storage.definitions import Kept, KeptVersion, Placed
from services.storage.engagement import EventTables
from services.storage.known import KnownTables
from tests.conftest import set_state
from tests.contract.engines import ENGINES, tables
from tests.engagement.attributes import value
from tests.engagement.conftest import PAGE_KEY, Calls
from tests.engagement.events import event, subject
from veilgraph.engagement.v1 import audience_pb2, definition_pb2, profile_pb2
from veilgraph.privacy.v1 import privacy_pb2

LEAF, CONTENT = "personalise.content", privacy_pb2.PURPOSE_PERSONALISE_CONTENT
GERMAN = definition_pb2.Condition(
    nodes=[{"compare": {"field": "attribute.language", "comparison": 1, "text": "de"}}]
)

#: A place of some hundred metres.
HERE = "881f1d48b1fffff"


class Segments:
    """One segment in every state that a definition has."""

    async def current(self) -> Kept:
        def placed(name: str, purpose: int, in_force: int) -> Placed:
            segment = {"segment_id": name, "purpose": purpose, "condition": GERMAN}
            content = definition_pb2.Definition(segment=segment).SerializeToString()
            return Placed(KeptVersion(Kind.SEGMENT, name, 3, content, 3, "a", 0, "b", 0), 3, in_force)

        loyalty = privacy_pb2.PURPOSE_LOYALTY
        return Kept(
            1, [placed("german", CONTENT, 3), placed("loyal", loyalty, 3), placed("draft", CONTENT, 2)]
        )


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with tables(request.param, tmp_path, "engagement") as database:
        yield database


@pytest.fixture
def servicer(database: Database, policy: Policy) -> AudienceServicer:
    return AudienceServicer(
        tables=AudienceTables(database),
        known=KnownTables(database),
        definitions=Segments(),
        policy=policy,
        page_tokens=PageTokens(PAGE_KEY),
        zone=lambda: "UTC",
    )


@pytest.fixture
def asking(calls: Calls) -> Any:
    """Makes a call that names nobody."""

    def make(caller: str = "shop", leaf: str = LEAF) -> Any:
        call = calls.portraying(subject(1), leaf, caller=caller)
        call.subjects = {}
        return call

    return make


async def speak(database: Database, guard: GuardTable, numbers: Any, language: str = "de") -> None:
    for number in numbers:
        set_state(guard, subject(number), LEAF)
    await AttributeTables(database).record([value(text=language, subject=subject(n)) for n in numbers])


def count(**asked: Any) -> audience_pb2.CountAudienceRequest:
    return audience_pb2.CountAudienceRequest(for_purpose=CONTENT, **asked)


async def test_a_segment_means_whom_its_condition_means(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable
) -> None:
    """One that is not in force, or for another purpose, means nobody."""
    await speak(database, guard, range(1, 26))
    await speak(database, guard, range(30, 60), "fr")
    by_name = await servicer.CountAudience(count(segment_id="german"), asking())
    assert by_name == await servicer.CountAudience(count(condition=GERMAN), asking())
    assert (by_name.people, by_name.suppressed) == (20, False)
    for name in ("draft", "unheard-of"):
        with pytest.raises(DefinitionUnknown):
            await servicer.CountAudience(count(segment_id=name), asking())
    with pytest.raises(InvalidRequest) as refused:
        await servicer.CountAudience(count(segment_id="loyal"), asking())
    assert refused.value.reason == "SEGMENT_OF_OTHER_PURPOSE"
    with pytest.raises(InvalidRequest):
        await servicer.CountAudience(count(), asking())


async def test_whoever_does_not_permit_the_purpose_is_not_counted(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable
) -> None:
    await speak(database, guard, range(1, 51))
    await speak(database, guard, range(60, 90), "fr")
    for number in range(11, 51):
        set_state(guard, subject(number))
    assert (await servicer.CountAudience(count(condition=GERMAN), asking())).suppressed


async def test_a_person_is_met_once_even_when_nothing_is_known_of_their_smallest_subject(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable
) -> None:
    """In a list, and so in a count."""
    await speak(database, guard, [2, 3, 4])
    whole = (subject(1), subject(2), subject(3))
    for one in whole:
        set_state(guard, one, LEAF, members=whole)
    request = audience_pb2.ListAudienceRequest(for_purpose=CONTENT, condition=GERMAN, page_size=9)
    answer = await servicer.ListAudience(request, asking())
    assert list(answer.subjects) == [subject(2).hex(), subject(4).hex()]
    assert not answer.next_page_token


async def test_pages_together_name_everybody_once_and_a_token_serves_its_own_question(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable
) -> None:
    many = [*range(1, 120), (1 << 127) + 5, (1 << 128) - 1]  # births of both signs
    await speak(database, guard, many)
    found: list[str] = []
    token = ""
    while not found or token:
        request = audience_pb2.ListAudienceRequest(
            for_purpose=CONTENT, condition=GERMAN, page_size=7, page_token=token
        )
        answer = await servicer.ListAudience(request, asking())
        found += answer.subjects
        token = answer.next_page_token
    assert found == [SubjectId(number.to_bytes(16, "big")).hex() for number in many]
    first = audience_pb2.ListAudienceRequest(for_purpose=CONTENT, condition=GERMAN, page_size=7)
    token = (await servicer.ListAudience(first, asking())).next_page_token
    first.page_token = token
    await servicer.ListAudience(first, asking())
    with pytest.raises(PageTokenInvalid):
        await servicer.ListAudience(first, asking("another"))
    first.condition.nodes[0].compare.text = "fr"
    with pytest.raises(PageTokenInvalid):
        await servicer.ListAudience(first, asking())


async def test_what_is_read_is_counted(database: Database, policy: Policy, asking: Any) -> None:
    """By the names of the fields a condition reads."""
    noted: list[str] = []
    servicer = AudienceServicer(
        tables=AudienceTables(database),
        known=KnownTables(database),
        definitions=SimpleNamespace(),
        policy=policy,
        page_tokens=PageTokens(PAGE_KEY),
        zone=lambda: "UTC",
        note=noted.extend,
    )
    await servicer.CountAudience(count(condition=GERMAN), asking())
    assert noted == ["attribute.language"]


class Interrupted(AudienceTables):
    """Tables that are walked while something happens: after those who were met first."""

    def __init__(self, database: Database, happens: Callable[[], None]) -> None:
        super().__init__(database)
        self._happens = happens

    async def walk(self, after: SubjectId, limit: int) -> Sequence[SubjectId]:
        if after != BEGINNING:
            self._happens()
        return await super().walk(after, limit)


@pytest.mark.parametrize("what", ["purpose", "what a value needs besides", "link", "nothing"])
async def test_a_page_does_not_leave_once_a_linked_identity_withdrew_what_it_rests_on(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable, what: str
) -> None:
    """Though whoever is named still permits it: the value is the other's."""
    whole, granted = (subject(1), subject(2)), (LEAF, "location_precise")
    for one in whole:
        set_state(guard, one, *granted, members=whole)
    home = value(Attribute.HOME_CELL, text=HERE, subject=subject(2))
    german = value(text="de", subject=subject(1))
    await AttributeTables(database).record([german, home])
    left = {"purpose": granted[1:], "what a value needs besides": granted[:1]}.get(what, granted)

    def withdraw() -> None:
        if what != "nothing":
            set_state(guard, subject(2), *left, members=whole[1:] if what == "link" else whole)
            members = (subject(1),) if what in {"purpose", "link"} else whole
            set_state(guard, subject(1), *granted, members=members)

    servicer._tables = Interrupted(database, withdraw)
    near = {"near": {"field": "attribute.home_cell", "cells": [HERE], "distance_m": 100}}
    request = audience_pb2.ListAudienceRequest(
        for_purpose=CONTENT, condition=definition_pb2.Condition(nodes=[near])
    )
    call = asking()
    call.plan = SimpleNamespace(write=False, has_epoch=False)
    page = await servicer.ListAudience(request, call)
    assert list(page.subjects) == [subject(1).hex()]
    outgoing = consent().outgoing
    assert outgoing is not None
    if what == "nothing":
        assert outgoing(call, page) is page
        return
    with pytest.raises(StateChanged):
        outgoing(call, page)


async def test_of_whom_not_all_events_are_read_nothing_is_said_that_needs_all(
    servicer: AudienceServicer, asking: Any, database: Database, guard: GuardTable
) -> None:
    """That somebody bought nothing is not concluded from the latest of too many visits."""
    for number, visits in ((1, EVENTS_MAX), (2, 1)):
        set_state(guard, subject(number), LEAF)
        await EventTables(database).append(
            [
                event(f"{number}-{n}", subject=subject(number), kind=EventKind.VIEW, uses=-1)
                for n in range(visits)
            ]
        )
    bought = {
        "count": {
            "kinds": [profile_pb2.EVENT_KIND_ORDER],
            "window_days": 30,
            "comparison": definition_pb2.COMPARISON_AT_MOST,
            "number": 0,
        }
    }
    request = audience_pb2.ListAudienceRequest(
        for_purpose=CONTENT, condition=definition_pb2.Condition(nodes=[bought])
    )
    page = await servicer.ListAudience(request, asking())
    assert list(page.subjects) == [subject(2).hex()]
