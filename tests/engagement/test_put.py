"""What says how something is put before a person is among what was read of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.policy import Policy
from engagement.attributes import Attribute
from engagement.condition import Compare, Comparison, YearlyWithin
from engagement.content import Part, Template, Variant
from engagement.definition import Definition, Kind, Name, catalogue_of, definition_reads
from engagement.grounds import Source, unpacked
from engagement.play import Channel, Depth, Limits, State
from services.engagement.templates import lint
from services.storage.attributes import AttributeTables
from tests.conftest import set_state
from tests.contract.engines import tables
from tests.engagement.attributes import value
from tests.engagement.conftest import Calls
from tests.engagement.events import NOW_MS
from tests.engagement.offers import Declared, message, option, play
from tests.engagement.test_deciding import GRANTED, ME, Desk
from veilgraph.engagement.v1 import decision_pb2

GREETING = Template(
    "greeting",
    1,
    State.LIVE,
    tuple(Variant(tag, (Part("body", text),)) for tag, text in (("en", "Good day"), ("de", "Guten Tag"))),
)


@pytest.fixture
async def desk(tmp_path: Path, calls: Calls, policy: Policy) -> AsyncIterator[Desk]:
    set_state(calls.guard, ME, *GRANTED)
    definitions = Declared(
        [play("banner", option("greeting", template_id="greeting")), message()],
        Limits(quiet_from_minute=0, quiet_until_minute=0),
        templates={"greeting": GREETING},
    )
    async with tables("sqlite", tmp_path, "engagement") as database:
        made = Desk(database, calls, policy, definitions)
        await made.acted()
        yield made
        await made.servicer.drained()
        await made.store.flush()


def texts(answer: decision_pb2.DecideResponse) -> tuple[str, bool]:
    """What is said, and whether it goes out as what reads something of the person."""
    given = answer.given
    personal = given.HasField("personal_content")
    return (given.personal_content if personal else given.content).parts[0].text, personal


async def sources(desk: Desk, answer: decision_pb2.DecideResponse) -> tuple[Source, ...]:
    row = await desk.store.decision(bytes.fromhex(answer.decision_id))
    assert row is not None
    return unpacked(row.grounds).sources


async def test_the_language_a_text_is_chosen_by_is_among_what_was_read(desk: Desk) -> None:
    """With where it is from, counted, and given as what is personal; a language that is asked for is not."""
    await AttributeTables(desk.database).record([value(Attribute.LANGUAGE, "de", subject=ME)])
    counted: Counter[str] = Counter()
    desk.decider._note = counted.update
    answer = await desk.decide()
    assert texts(answer) == ("Guten Tag", True)
    assert await sources(desk, answer) == (Source("attribute.language", 2, "till", NOW_MS),)
    assert counted == {"attribute.language": 1}
    asked = await desk.decide(language="de")
    assert (texts(asked), await sources(desk, asked)) == (("Guten Tag", False), ())


async def test_a_language_that_is_unknown_or_not_permitted_is_the_first(desk: Desk) -> None:
    """That it was looked for is said; of a text in one language nothing is looked for."""
    answer = await desk.decide()
    assert texts(answer) == ("Good day", False)
    assert await sources(desk, answer) == (Source("attribute.language"),)
    await AttributeTables(desk.database).record([value(Attribute.LANGUAGE, "de", subject=ME, uses=0)])
    assert texts(await desk.decide()) == ("Good day", False)
    await AttributeTables(desk.database).record([value(Attribute.LANGUAGE, "de", subject=ME)])
    set_state(desk.calls.guard, ME, "service")
    assert texts(await desk.decide()) == ("Good day", False)
    desk.definitions.templates = {"greeting": Template("greeting", 1, State.LIVE, GREETING.variants[:1])}
    assert await sources(desk, await desk.decide()) == ()


async def test_the_time_zone_a_night_is_told_by_is_among_what_was_read(desk: Desk) -> None:
    """Of what reaches out; who asks is answered at any hour."""
    assert await sources(desk, await desk.mail()) == (Source("attribute.time_zone"),)


async def test_the_time_zone_a_yearly_date_is_counted_in_is_among_what_was_read(desk: Desk) -> None:
    """Nothing else that a condition reads goes by the clock on the wall."""
    soon = option("soon", Depth.SEGMENT, condition=YearlyWithin("attribute.birthday", 7))
    rain = option("rain", Depth.CONTEXT, condition=Compare("context.weather", Comparison.EQUAL, "rain"))
    reads = {"attribute.birthday", "attribute.time_zone", "context.weather"}
    for options, expected in (((soon, rain), reads), ((rain,), {"context.weather"})):
        banner = play("banner", option("everybody"), *options)
        desk.definitions.all = [banner]
        assert {one.name for one in await sources(desk, await desk.decide())} == expected
        stated = Definition(Name(Kind.PLAY, "banner"), State.LIVE, banner)
        assert definition_reads(stated, catalogue_of([stated]), lint) == expected


async def test_the_order_a_person_wants_a_page_in_is_read_and_given_as_theirs(desk: Desk) -> None:
    """Also without a template; what they name that is not there is passed over. One block has no order."""
    blocks = ("news", "offers", "basket")
    desk.definitions.all = [play("page", option("page", blocks=blocks))]
    before = await desk.decide()
    assert list(before.given.content.blocks) == list(blocks)
    assert await sources(desk, before) == (Source("interface.block_order"),)
    order = value(Attribute.INTERFACE_BLOCK_ORDER, "basket, gone", subject=ME, party=1, origin="app")
    await AttributeTables(desk.database).record([order])
    answer = await desk.decide()
    assert list(answer.given.personal_content.blocks) == ["basket", "news", "offers"]
    assert await sources(desk, answer) == (Source("interface.block_order", 1, "app", NOW_MS),)
    desk.definitions.all = [play("page", option("page", blocks=blocks[:1]))]
    assert await sources(desk, await desk.decide()) == ()


async def test_an_advertisement_is_in_no_persons_order(desk: Desk) -> None:
    """Its purpose may not read what was chosen for an interface, so it stands as it was declared."""
    ads = "marketing.ads.first_party"
    set_state(desk.calls.guard, ME, *GRANTED, ads)
    desk.definitions.all = [play("page", option("page", blocks=("a", "b")), purpose=ads)]
    order = value(Attribute.INTERFACE_BLOCK_ORDER, "b", subject=ME, party=1)
    await AttributeTables(desk.database).record([order])
    answer = await desk.decide(purpose=ads)
    assert (list(answer.given.content.blocks), await sources(desk, answer)) == (["a", "b"], ())


def test_what_a_definition_reads_has_the_language_and_the_zone() -> None:
    """A play that may not read one of them does not."""
    own = option("greeting", Depth.GENERAL, template_id="greeting")
    banner, letter = play("banner", own), play("letter", own, slot="", channels=(Channel.EMAIL,))
    priced = play("letter", own, slot="", channels=(Channel.EMAIL,), purpose="personalise.pricing")
    for one, reads in (
        (banner, {"attribute.language"}),
        (letter, {"attribute.language", "attribute.time_zone"}),
        (priced, {"attribute.language"}),
    ):
        named = [
            Definition(Name(Kind.PLAY, one.play_id), State.LIVE, one),
            Definition(Name(Kind.TEMPLATE, "greeting"), State.LIVE, GREETING),
        ]
        assert definition_reads(named[0], catalogue_of(named), lint) == reads
    assert definition_reads(named[1], catalogue_of(named), lint) == {"attribute.language"}
    page = Definition(
        Name(Kind.PLAY, "page"), State.LIVE, play("page", option("page", blocks=("news", "basket")))
    )
    assert definition_reads(page, catalogue_of([page]), lint) == {"interface.block_order"}
