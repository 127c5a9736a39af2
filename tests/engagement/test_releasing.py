"""Giving out what is due: judged by the whole person of that moment, once, and again unless reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.content import Content
from engagement.decided import held_for
from engagement.decision import Candidate, Held
from engagement.decision_store import Became
from engagement.event import EventKind
from engagement.firing import DAY_MS, Firing
from engagement.grounds import Grounds
from engagement.play import Channel, DateTrigger, Depth, EventTrigger, LapseTrigger, Limits, Option, Play
from engagement.release import Dropped, State
from identity.ids import SubjectId
from services.engagement.decided import Decided
from services.engagement.deciding import Decider
from services.engagement.decision_messages import shown_of
from services.engagement.knowing import Knowing
from services.engagement.released import Released, Wanted
from services.engagement.releasing import CLAIM_MS, LEASE_MS, Releasing
from services.interceptors.call import Call, StateChanged
from services.storage.database import Database
from services.storage.decisions import DecisionTables
from services.storage.engagement import EventTables
from services.storage.firing_walk import WalkTables
from services.storage.firings import FiringTables, reported
from services.storage.known import KnownTables
from tests.conftest import Clock, set_state
from tests.contract.engines import tables
from tests.engagement.conftest import Calls
from tests.engagement.events import event, subject
from tests.engagement.firings import Triggered, play
from tests.engagement.kept_decisions import row as kept_row

CONTENT, EMAIL, SMS = "personalise.content", "marketing.email", "marketing.sms"
ME, OTHER = subject(1), subject(2)
ADDED = EventTrigger(frozenset({EventKind.BASKET_ADD}), 3600, frozenset({EventKind.ORDER}))
VISITED = EventTrigger(frozenset({EventKind.VISIT}))
AWAKE = Limits(cap=2, cap_days=7, quiet_from_minute=0, quiet_until_minute=0)
HOUR_MS = 3_600_000


@dataclass
class World:
    """Stores, definitions and calls of one deployment."""

    database: Database
    guard: GuardTable
    policy: Policy
    clock: Clock
    calls: Calls
    definitions: Triggered = field(default_factory=lambda: Triggered(limits=AWAKE))

    def __post_init__(self) -> None:
        self.firings, self.decisions = FiringTables(self.database), DecisionTables(self.database)
        self.releasing = self.process()

    def process(self) -> Releasing:
        """Another process over the same tables."""
        knowing = Knowing(KnownTables(self.database), self.policy)
        decider = Decider(
            store=self.decisions,
            definitions=self.definitions,
            knowing=knowing,
            filling=None,  # type: ignore[arg-type]
            policy=self.policy,
        )
        return Releasing(
            firings=self.firings,
            decides=decider,
            knows=knowing,
            decisions=self.decisions,
            in_force=self.definitions,
        )

    def permit(self, *people: SubjectId, also: Sequence[str] = ()) -> None:
        """Has some birth subjects permit all that a mail needs, as one person if they are several."""
        for one in people:
            members = tuple(people) if len(people) > 1 else ()
            set_state(self.guard, one, CONTENT, EMAIL, "service", *also, members=members)

    def call(self) -> Call:
        call = self.calls.begin("mailer")
        call.begin_message(self.clock())
        call.purpose = self.policy.index(CONTENT)
        return call

    async def did(self, who: SubjectId, kind: EventKind, ago_ms: int = 0, ref: str = "") -> None:
        at_ms = self.clock.now_ms - ago_ms
        key = f"{who.hex()}{kind}{at_ms}{ref}"
        await EventTables(self.database).append(
            [event(key, subject=who, kind=kind, occurred_at_ms=at_ms, order_ref=ref)]
        )

    async def set_off(self, *people: SubjectId, occurrence: str = "ref:b1", **changed: Any) -> None:
        now_ms = self.clock.now_ms
        firings = [Firing(who, "p", occurrence, now_ms - 1, now_ms)._replace(**changed) for who in people]
        await WalkTables(self.database).follow(firings, 0, now_ms)

    async def due(self, call: Call | None = None, **wanted: Any) -> list[Released]:
        asked = {"purpose": CONTENT, "channels": frozenset(), "limit": 10, "wait_s": 0.0} | wanted
        return await self.releasing.due(Wanted(**asked), call or self.call())

    async def approve(self, shown: Released) -> bool:
        """A human says yes to what they are shown."""
        decision_id = shown.decided.row.decision_id
        return await self.releasing.review(decision_id, self.clock.now_ms, shown_of(shown.decided))

    async def report(self, released: Released, *, sent: bool = True) -> None:
        await self.database.write(partial(reported, decision_id=released.decided.row.decision_id, sent=sent))

    async def became(self, *people: SubjectId) -> list[tuple[State, str]]:
        rows = await self.database.look(
            lambda reader: reader.execute("SELECT subject, state, reason FROM firing").fetchall()
        )
        return [(State(state), reason) for who, state, reason in sorted(rows) if who in (people or (ME,))]


@pytest.fixture
async def world(
    tmp_path: Path, guard: GuardTable, policy: Policy, clock: Clock, calls: Calls
) -> AsyncIterator[World]:
    """One play that a visit sets off, and somebody who visited yesterday and permits all of it."""
    async with tables("sqlite", tmp_path, "engagement") as database:
        made = World(database, guard, policy, clock, calls)
        made.definitions.all = [play(VISITED)]
        made.permit(ME)
        for who in (ME, OTHER):
            await made.did(who, EventKind.VIEW, DAY_MS)
        yield made


async def test_what_is_due_is_given_out_once(world: World) -> None:
    """Under a decision that is kept, and takes a place under the cap."""
    await world.set_off(ME)
    (one,) = await world.due()
    assert (one.subject, one.until_ms) == (ME, world.clock.now_ms + LEASE_MS)
    kept = await world.decisions.decision(one.decided.row.decision_id)
    assert kept is not None
    assert (kept.play_id, kept.option_id, kept.channel) == ("p", "hello", Channel.EMAIL)
    assert await world.due() == []


async def test_before_linking_two_and_after_linking_one(world: World) -> None:
    """The florist: web and phone of one person get one message once they are known as one."""
    world.permit(OTHER)
    await world.set_off(ME, OTHER, occurrence="ref:before")
    assert {one.subject for one in await world.due()} == {ME, OTHER}
    world.permit(ME, OTHER)
    await world.set_off(ME, OTHER, occurrence="ref:after")
    world.definitions.limits = replace(AWAKE, cap=9)
    assert len(await world.due()) == 1
    assert (State.DROPPED, Dropped.SAME) in await world.became(ME, OTHER)
    world.clock.now_ms += LEASE_MS
    again = await world.due()
    assert len(again) == 2  # of the two that went out before one comes again, for they are one person now
    assert {one.decided.row.play_id for one in again} == {"p"}
    assert len({one.decided.row.decision_id for one in again}) == 2


async def test_what_went_out_under_one_identifier_goes_out_under_no_other_that_is_linked_since(
    world: World,
) -> None:
    """And an unlink brings nothing back."""
    await world.set_off(ME)
    (sent,) = await world.due()
    await world.report(sent)
    world.permit(ME, OTHER)
    await world.set_off(OTHER)
    assert await world.due() == []
    world.permit(ME)
    world.permit(OTHER)
    assert await world.due() == []
    assert await world.became(ME, OTHER) == [(State.DONE, ""), (State.DROPPED, Dropped.SAME)]


async def test_an_unlink_before_the_time_leaves_two_people_with_what_is_theirs(world: World) -> None:
    """Nothing was closed while nothing had gone out."""
    world.permit(ME, OTHER)
    await world.set_off(ME, OTHER)
    world.permit(ME)
    world.permit(OTHER)
    assert {one.subject for one in await world.due()} == {ME, OTHER}


async def test_nothing_is_given_out_after_a_withdrawal_and_nothing_when_it_is_granted_again(
    world: World,
) -> None:
    """Neither of the play's purpose nor of the channel's."""
    await world.set_off(ME)
    await world.set_off(OTHER)
    set_state(world.guard, ME, EMAIL)
    set_state(world.guard, OTHER, CONTENT)
    assert await world.due() == []
    world.permit(ME)
    world.permit(OTHER)
    assert await world.due() == []
    assert await world.became(ME, OTHER) == [(State.DROPPED, Dropped.NOT_PERMITTED)] * 2


async def test_what_is_not_reported_comes_again_under_the_same_decision(world: World) -> None:
    """And takes no second place under the cap; what is reported does not come."""
    world.definitions.limits = replace(AWAKE, cap=1)
    await world.set_off(ME)
    (first,) = await world.due()
    world.clock.now_ms += LEASE_MS - 1
    assert await world.due() == []
    world.clock.now_ms += 1
    (again,) = await world.due()
    assert again.decided.row.decision_id == first.decided.row.decision_id
    await world.report(again)
    world.clock.now_ms += LEASE_MS
    assert await world.due() == []


async def test_what_comes_again_is_judged_again(world: World) -> None:
    """After a withdrawal, and after a complaint, it does not."""
    world.permit(OTHER)
    await world.set_off(ME, OTHER)
    assert len(await world.due()) == 2
    world.clock.now_ms += LEASE_MS
    set_state(world.guard, ME, CONTENT)
    await world.did(OTHER, EventKind.COMPLAINT)
    assert await world.due() == []
    assert await world.became(ME, OTHER) == [
        (State.DROPPED, Dropped.NOT_PERMITTED),
        (State.DROPPED, Dropped.HELD),
    ]


async def test_a_process_that_dies_between_deciding_and_giving_out_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it worked at comes again to another, under the decision that stands."""
    await world.set_off(ME)

    async def killed(*_: Any) -> bool:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(FiringTables, "give", killed)
        with pytest.raises(asyncio.CancelledError):
            await world.due()
    assert await world.due() == []
    world.clock.now_ms += CLAIM_MS
    world.releasing = world.process()
    (one,) = await world.due()
    places = await world.database.look(
        lambda reader: reader.execute("SELECT count(*) FROM decision WHERE promises > 0").fetchone()
    )
    assert (one.subject, places[0]) == (ME, 1)


async def test_two_processes_give_one_person_one_message(world: World) -> None:
    """Each has claimed another identifier of the person; the place of the second is free again."""
    world.permit(ME, OTHER)
    await world.set_off(ME, OTHER)
    other = world.process()
    wanted = Wanted(CONTENT, frozenset(), 1, 0.0)
    each = await asyncio.gather(world.releasing.due(wanted, world.call()), other.due(wanted, world.call()))
    given = [one for some in each for one in some]
    assert len(given) == 1
    places = await world.database.look(
        lambda reader: reader.execute(
            "SELECT count(*) FROM decision WHERE promises > 0 AND became = 2"
        ).fetchone()
    )
    assert places[0] == 1


async def test_a_full_cap_puts_off_until_a_place_is_free(world: World) -> None:
    """It is not dropped."""
    world.definitions.limits = replace(AWAKE, cap=1, cap_days=2)
    await world.set_off(ME)
    await world.set_off(ME, occurrence="ref:b2")
    (first,) = await world.due()
    await world.report(first)
    assert await world.due() == []
    world.clock.now_ms += 2 * DAY_MS - 1
    assert await world.due() == []
    world.clock.now_ms += 1
    assert len(await world.due()) == 1


async def test_at_night_it_waits_for_the_persons_morning(world: World) -> None:
    """NOW is 22:13 UTC; nothing takes a place while it waits, and what was ordered meanwhile counts."""
    world.definitions.limits = Limits()
    world.definitions.all = [play(ADDED)]
    await world.did(ME, EventKind.BASKET_ADD, HOUR_MS, "b1")
    await world.did(OTHER, EventKind.BASKET_ADD, HOUR_MS, "b1")
    world.permit(OTHER)
    await world.set_off(ME, OTHER, at_ms=world.clock.now_ms - HOUR_MS)
    assert await world.due() == []
    assert await world.became(ME, OTHER) == [(State.PENDING, "")] * 2
    morning = (world.clock.now_ms // DAY_MS + 1) * DAY_MS + 8 * HOUR_MS
    world.clock.now_ms = morning - 1
    assert await world.due() == []
    await world.did(OTHER, EventKind.ORDER)
    world.clock.now_ms = morning
    assert [one.subject for one in await world.due()] == [ME]
    assert await world.became(OTHER) == [(State.DROPPED, Dropped.CALLED_OFF)]


async def test_what_could_not_go_out_for_too_long_is_dropped(world: World) -> None:
    """The play says for how long."""
    world.definitions.all = [play(VISITED, message_days=3)]
    await world.set_off(ME)
    world.clock.now_ms += 3 * DAY_MS
    assert await world.due() == []
    assert await world.became() == [(State.DROPPED, Dropped.TOO_LATE)]


async def test_what_the_guards_hold_back_for_good_is_dropped(world: World) -> None:
    """The person has not shown up for 30 days."""
    world.clock.now_ms += 40 * DAY_MS
    await world.set_off(ME)
    assert await world.due() == []
    assert await world.became() == [(State.DROPPED, Dropped.HELD)]


async def test_a_lapse_is_given_up_when_the_person_acts_under_another_identifier(world: World) -> None:
    """Of who is known as one person by then."""
    world.definitions.all = [play(LapseTrigger(frozenset({EventKind.VIEW}), 1))]
    await world.set_off(ME, occurrence="day:1", at_ms=world.clock.now_ms - DAY_MS)
    await world.did(OTHER, EventKind.VIEW)
    world.permit(ME, OTHER)
    assert await world.due() == []
    assert await world.became() == [(State.DROPPED, Dropped.SUPERSEDED)]


async def test_a_date_that_is_not_known_any_more_gives_nothing_out(world: World) -> None:
    """It was taken back since, or may not be read."""
    world.definitions.all = [play(DateTrigger("attribute.birthday", 0, 0))]
    await world.set_off(ME, occurrence="year:2023")
    assert await world.due() == []
    assert await world.became() == [(State.DROPPED, Dropped.CHANGED)]


async def test_only_what_a_caller_asks_for_is_given_out(world: World) -> None:
    """Of its purpose and by its channels."""
    world.definitions.all = [play(VISITED, channels=(Channel.EMAIL, Channel.SMS))]
    world.permit(ME, also=[SMS])
    await world.set_off(ME)
    assert await world.due(purpose="personalise.search") == []
    assert await world.due(channels=frozenset({Channel.PUSH})) == []
    (one,) = await world.due(channels=frozenset({Channel.SMS}))
    assert one.decided.row.channel == Channel.SMS
    world.clock.now_ms += LEASE_MS
    assert await world.due(channels=frozenset({Channel.EMAIL})) == []
    world.clock.now_ms += 200
    assert len(await world.due(channels=frozenset({Channel.SMS, Channel.EMAIL}))) == 1


async def test_a_play_that_is_not_in_force_gives_nothing_out(world: World) -> None:
    """What it set off waits, and is too late one day."""
    await world.set_off(ME)
    world.definitions.all = []
    assert await world.due() == []
    assert await world.became() == [(State.PENDING, "")]


async def test_what_a_human_has_to_approve_is_shown_and_waits(world: World) -> None:
    """It goes out by their word, under the decision they saw; or never."""
    world.definitions.all = [play(VISITED, review=True)]
    world.permit(OTHER)
    await world.set_off(ME, OTHER)
    assert await world.due() == []
    shown = await world.due(awaiting_review=True)
    assert [(one.subject, one.until_ms) for one in shown] == [(ME, None), (OTHER, None)]
    assert len(await world.due(awaiting_review=True)) == 2
    assert await world.due() == []
    mine, others = (one.decided.row.decision_id for one in shown)
    assert await world.approve(shown[0])
    assert await world.releasing.review(others, world.clock.now_ms, None)
    assert not await world.releasing.review(bytes(16), world.clock.now_ms, bytes(16))
    assert await world.due(awaiting_review=True) == []
    world.clock.now_ms += 200
    (one,) = await world.due()
    assert (one.subject, one.decided.row.decision_id) == (ME, mine)
    assert await world.became(OTHER) == [(State.DROPPED, Dropped.REFUSED)]


async def test_a_withdrawal_hides_what_waits_for_a_human(world: World) -> None:
    """And their word does not bring it back."""
    world.definitions.all = [play(VISITED, review=True)]
    await world.set_off(ME)
    (shown,) = await world.due(awaiting_review=True)
    set_state(world.guard, ME, EMAIL)
    assert await world.due(awaiting_review=True) == []
    await world.approve(shown)
    assert await world.due() == []


def of_items(*item_ids: str, **changed: Any) -> Play:
    """What a human must see, about some items."""
    return play(VISITED, review=True, options=(Option("hello", Depth.GENERAL, item_ids=item_ids),), **changed)


async def test_what_is_not_as_it_was_approved_is_put_before_a_human_again(world: World) -> None:
    """Nothing of it goes out, its place is free, the reason is told; a new word is for what is now."""
    world.definitions.all = [of_items("roses")]
    world.definitions.limits = replace(AWAKE, cap=1)
    await world.set_off(ME)
    (shown,) = await world.due(awaiting_review=True)
    assert not shown.changed
    assert await world.approve(shown)
    world.definitions.all = [of_items("lilies", version=2)]
    assert await world.due() == []
    assert await world.became() == [(State.AWAITING_REVIEW, "")]
    (again,) = await world.due(awaiting_review=True)
    assert again.changed
    assert again.decided.content is not None
    assert again.decided.content.item_ids == ("lilies",)
    assert again.decided.outcome.candidate is not None
    assert await world.approve(shown)  # of what is not any more: it comes back
    world.clock.now_ms += 200
    assert await world.due() == []
    assert await world.approve(again)
    world.clock.now_ms += 200
    (given,) = await world.due()
    assert given.decided.content == again.decided.content
    assert given.decided.row.decision_id == shown.decided.row.decision_id


async def test_what_was_approved_for_one_channel_is_left_to_whoever_sends_by_it(world: World) -> None:
    """Who sends by another neither takes it nor puts it before a human again; nor are they shown it."""
    world.definitions.all = [play(VISITED, review=True, channels=(Channel.EMAIL, Channel.SMS))]
    world.permit(ME, also=[SMS])
    await world.set_off(ME)
    (shown,) = await world.due(awaiting_review=True)
    assert shown.decided.row.channel == Channel.EMAIL
    assert await world.due(awaiting_review=True, channels=frozenset({Channel.SMS})) == []
    assert await world.approve(shown)
    assert await world.due(channels=frozenset({Channel.SMS})) == []
    assert await world.became() == [(State.PENDING, "")]
    kept = await world.decisions.decision(shown.decided.row.decision_id)
    assert kept is not None
    assert kept.became == Became.RELEASED
    world.clock.now_ms += 200
    (given,) = await world.due(channels=frozenset({Channel.EMAIL}))
    assert shown_of(given.decided) == shown_of(shown.decided)


async def test_what_was_approved_before_approvals_said_what_of_is_shown_again(world: World) -> None:
    """Nobody knows what they saw."""
    world.definitions.all = [of_items("roses")]
    await world.set_off(ME)
    (shown,) = await world.due(awaiting_review=True)
    await world.approve(shown)
    await world.database.write(lambda writer: writer.execute("UPDATE firing SET shown = NULL") and None)
    assert await world.due() == []
    assert len(await world.due(awaiting_review=True)) == 1


async def test_another_text_another_price_and_another_person_are_another_thing_to_approve() -> None:
    """When it was decided, when it goes out and how likely it was are not."""
    base = decided(price_minor=900)
    for same in (decided(price_minor=900, propensity=0.5), decided(price_minor=900, send_at_ms=7)):
        assert shown_of(same) == shown_of(base)
    others = [
        decided(price_minor=901),
        decided(price_minor=900, option_id="other"),
        decided(price_minor=900, channel=6),
        decided(price_minor=900, decision_id=bytes(15) + b"1"),
        replace(base, content=Content((("body", "Dear Ann"),))),
        replace(base, content=Content((("body", "Dear Ben"),))),
    ]
    assert len({shown_of(one) for one in (base, *others)}) == len(others) + 1


def decided(price_minor: int, **fields: Any) -> Decided:
    """A decision that gives something."""
    candidate = Candidate(of_items("roses"), Option("hello", Depth.GENERAL), Channel.EMAIL, 0)
    outcome = replace(held_for(Held.NOTHING_LIVE), candidate=candidate, held=None)
    row = kept_row(1, price_minor=price_minor, full_price_minor=1000, currency="EUR")._replace(**fields)
    return Decided(row, outcome, Grounds())


async def test_an_answer_that_is_made_anew_gives_out_the_same(world: World) -> None:
    """Consent changed while it was made; the call has leased already, and keeps what may still go out."""
    world.permit(OTHER)
    await world.set_off(ME, OTHER)
    call = world.call()
    first = await world.due(call)
    set_state(world.guard, OTHER, EMAIL)
    call.begin_message(world.clock())
    second = await world.due(call)
    assert [one.subject for one in first] == [ME, OTHER]
    assert [one.subject for one in second] == [ME]
    assert second[0].decided.row.decision_id == first[0].decided.row.decision_id


async def test_while_nobody_can_be_decided_about_nothing_is_lost(world: World) -> None:
    """It comes again once somebody can."""
    await world.set_off(ME)
    world.guard.lose()
    with pytest.raises(StateChanged):
        await world.due()
    world.permit(ME)
    world.clock.now_ms += CLAIM_MS
    assert len(await world.due()) == 1


async def test_a_call_waits_for_what_becomes_due(world: World) -> None:
    """It is woken by the clock; what another process sets off meanwhile is found, too."""
    waiting = asyncio.create_task(world.due(wait_s=5.0))
    await asyncio.sleep(0)
    await world.set_off(ME)
    async with asyncio.timeout(2):
        assert len(await waiting) == 1


async def test_waiting_ends_with_its_time_and_with_the_service(world: World) -> None:
    """With nothing given out."""
    assert await world.due(wait_s=0.01) == []
    waiting = asyncio.create_task(world.due(wait_s=60.0))
    await asyncio.sleep(0)
    world.releasing.close()
    async with asyncio.timeout(2):
        assert await waiting == []


async def test_so_many_are_given_out_as_were_asked_for_oldest_first(world: World) -> None:
    """The others wait for the next call."""
    people = [subject(number) for number in range(10, 16)]
    for who in people:
        world.permit(who)
        await world.did(who, EventKind.VIEW, DAY_MS)
    for number, who in enumerate(people):
        await world.set_off(who, due_at_ms=world.clock.now_ms - number)
    assert [one.subject for one in await world.due(limit=4)] == people[:1:-1]
    assert [one.subject for one in await world.due(limit=4)] == people[1::-1]


async def test_a_service_message_is_kept_before_it_goes_out(world: World) -> None:
    """It takes no place, and whoever reports it is understood."""
    world.definitions.all = [play(VISITED, service=True, options=(Option("invoice", Depth.GENERAL),))]
    await world.set_off(ME)
    (one,) = await world.due()
    kept = await DecisionTables(world.database).decision(one.decided.row.decision_id)
    assert kept is not None
    assert not kept.promises
