"""DecisionService over its tables, handed its calls as the guard hands them over."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h3  # type: ignore[import-untyped]
import pytest

from consent.policy import Policy
from engagement.condition import Near
from engagement.decision_store import Became, Room, Row
from engagement.errors import RequestIdReused
from engagement.event import EventKind
from engagement.play import Depth, Discount, Limits
from identity.ids import SubjectId
from services.engagement.deciding import Decider
from services.engagement.decision_service import ANSWERING_S, DecisionServicer
from services.engagement.knowing import Knowing
from services.engagement.releasing import Releasing
from services.engagement.templates import Templates
from services.errors import InvalidRequest, Refusal
from services.interceptors.call import Call
from services.storage.database import Database
from services.storage.decisions import DecisionTables
from services.storage.engagement import EventTables
from services.storage.firings import FiringTables
from services.storage.known import KnownTables
from tests.conftest import set_state
from tests.contract.engines import ENGINES, tables
from tests.engagement.conftest import Calls
from tests.engagement.events import DAY_MS, NOW_MS, event, subject
from tests.engagement.offers import CONTENT, Declared, message, option, play
from veilgraph.engagement.v1 import decision_pb2, offer_pb2

ME, OTHER = subject(1), subject(2)
GRANTED = (CONTENT, "service", "marketing.email", "personalise.pricing", "analytics.reporting")


class Desk:
    """The service, and calls of it in one line each."""

    def __init__(self, database: Database, calls: Calls, policy: Policy, definitions: Declared) -> None:
        self.calls, self.definitions, self.database = calls, definitions, database
        self.store = DecisionTables(database)
        self.events = EventTables(database)
        knowing = Knowing(KnownTables(database), policy)
        self.decider = Decider(
            store=self.store,
            definitions=definitions,
            knowing=knowing,
            filling=Templates(lambda _: None),
            policy=policy,
        )
        releasing = Releasing(
            firings=FiringTables(database),
            decides=self.decider,
            knows=knowing,
            decisions=self.store,
            in_force=cast("Any", definitions),
        )
        self.servicer = DecisionServicer(
            decider=self.decider, store=self.store, definitions=definitions, releasing=releasing
        )
        self._ids = iter(range(1, 10_000))

    def call(self, who: SubjectId | None, purpose: str = CONTENT, caller: str = "till") -> Call:
        call = self.calls.begin(caller)
        call.begin_message(self.calls.clock())
        call.subjects = {"subject": [who]}
        call.depth_reasons = ["" if who else "NOT_PERMITTED"]
        call.purpose = self.calls.guard.policy.index(purpose)
        return call

    async def decide(
        self, who: SubjectId | None = ME, *, caller: str = "till", purpose: str = CONTENT, **fields: Any
    ) -> decision_pb2.DecideResponse:
        values: dict[str, Any] = {"request_id": f"r{next(self._ids)}"}
        if "play_id" not in fields:
            values |= {"slot": "home", "channel": offer_pb2.CHANNEL_WEB}
        request = decision_pb2.DecideRequest(**(values | fields))
        return await self.servicer.Decide(request, self.call(who, purpose, caller))

    async def mail(self, who: SubjectId | None = ME, **fields: Any) -> decision_pb2.DecideResponse:
        return await self.decide(who, play_id="letter", **fields)

    async def report(self, decision_id: str, outcome: str, who: SubjectId = ME, **fields: Any) -> None:
        request = decision_pb2.ReportRequest(
            decision_id=decision_id,
            outcome=f"DECISION_OUTCOME_{outcome}",
            **{"request_id": f"r{next(self._ids)}", **fields},
        )
        await self.servicer.Report(request, self.call(who, "service"))

    async def acted(self, who: SubjectId = ME, days_ago: float = 0, first_days_ago: int = 60) -> None:
        """The person was there once long ago, and lately."""
        ago = [first_days_ago, days_ago]
        await self.events.append(
            [
                event(
                    f"{who.hex()}-{days}",
                    subject=who,
                    kind=EventKind.VIEW,
                    occurred_at_ms=NOW_MS - int(days * DAY_MS),
                    uses=-1,
                )
                for days in ago
            ]
        )


@pytest.fixture
def engine() -> str:
    """Where the desk keeps its tables, unless a test says otherwise."""
    return "sqlite"


@pytest.fixture
async def desk(tmp_path: Path, calls: Calls, policy: Policy, engine: str) -> AsyncIterator[Desk]:
    set_state(calls.guard, ME, *GRANTED)
    definitions = Declared([play(), message()], Limits(quiet_from_minute=0, quiet_until_minute=0))
    async with tables(engine, tmp_path, "engagement") as database:
        made = Desk(database, calls, policy, definitions)
        await made.acted()
        yield made
        await made.servicer.drained()
        await made.store.flush()


async def test_nobody_is_given_what_is_for_everybody(desk: Desk) -> None:
    answer = await desk.decide(None)
    assert (answer.given.option_id, answer.given.depth) == ("everybody", offer_pb2.DEPTH_GENERAL)
    assert answer.given.propensity == 1
    assert answer.depth_reason == "NOT_PERMITTED"


async def test_a_message_takes_a_place_until_there_is_none(desk: Desk) -> None:
    first, second, third = [await desk.mail() for _ in range(3)]
    assert (first.given.option_id, second.given.option_id) == ("mail", "mail")
    assert first.given.channel == offer_pb2.CHANNEL_EMAIL
    assert third.hold.reason == decision_pb2.HOLD_REASON_CAP_REACHED
    assert third.hold.retry_at.seconds * 1000 == NOW_MS + 7 * DAY_MS
    await desk.report(first.decision_id, "FAILED")
    assert (await desk.mail()).given.option_id == "mail"


@pytest.mark.parametrize("engine", ENGINES)
async def test_of_64_at_once_no_more_are_given_than_the_cap(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.mail() for _ in range(64)))
    assert sum(answer.HasField("given") for answer in answers) == 2
    held = {answer.hold.reason for answer in answers if answer.HasField("hold")}
    assert held == {decision_pb2.HOLD_REASON_CAP_REACHED}


async def test_the_same_request_is_told_the_same_and_takes_one_place(desk: Desk) -> None:
    answers = [await desk.mail(request_id="same") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].given.option_id == "mail"
    assert (await desk.mail()).HasField("given")


async def test_a_request_id_serves_one_question(desk: Desk) -> None:
    await desk.mail(request_id="same")
    with pytest.raises(RequestIdReused):
        await desk.mail(request_id="same", language="de")
    assert (await desk.mail(request_id="same", caller="another")).HasField("given")


async def test_a_repeated_request_is_judged_by_what_is_permitted_now(desk: Desk) -> None:
    assert (await desk.mail(request_id="same")).HasField("given")
    set_state(desk.calls.guard, ME, CONTENT, "service")
    again = await desk.mail(request_id="same")
    assert again.hold.reason == decision_pb2.HOLD_REASON_NOT_PERMITTED


async def test_a_price_is_the_same_in_every_channel_under_the_same_decision(desk: Desk) -> None:
    off = option("ten", Depth.INDIVIDUAL, discount=Discount(permille=100))
    desk.definitions.all = [play("sale", off, offer_days=3)]
    web = await desk.decide(price_minor=1000, currency="EUR")
    app = await desk.decide(channel=offer_pb2.CHANNEL_APP, price_minor=1200, currency="EUR")
    assert (web.given.price_minor, app.given.price_minor) == (900, 900)
    assert app.decision_id == web.decision_id
    assert "HONOURED" in app.given.reasons
    assert web.given.price_personalised
    assert web.given.disclosure
    assert web.given.expires_at.seconds * 1000 == NOW_MS + 3 * DAY_MS


async def test_an_offer_of_a_linked_identity_that_refuses_is_neither_told_nor_in_the_way(desk: Desk) -> None:
    """It was given while that one permitted it; its place under the cap is taken nevertheless."""
    off = option("ten", discount=Discount(permille=100))
    desk.definitions.all = [play("sale", off, offer_days=3)]
    desk.definitions.limits = replace(desk.definitions.limits, cap=3)
    set_state(desk.calls.guard, OTHER, *GRANTED)
    theirs = await desk.decide(OTHER, price_minor=500, currency="EUR")
    assert theirs.given.price_minor == 450
    set_state(desk.calls.guard, OTHER, "service", members=(ME, OTHER))
    set_state(desk.calls.guard, ME, *GRANTED, members=(ME, OTHER))
    mine = await desk.decide(ME, price_minor=1000, currency="EUR")
    assert mine.given.price_minor == 900
    desk.definitions.all.append(message())
    assert [(await desk.mail()).HasField("given") for _ in range(2)] == [True, False]


async def test_a_dry_run_and_another_instant_leave_nothing(desk: Desk) -> None:
    for fields in ({"dry_run": True}, {"at": {"seconds": NOW_MS // 1000 + 60}}):
        answer = await desk.mail(**fields)
        assert (answer.given.option_id, answer.decision_id) == ("mail", "")
    await desk.store.flush()
    rows = await desk.database.read(lambda reader: reader.execute("SELECT count(*) FROM decision").fetchone())
    assert rows[0] == 0


async def test_who_acted_long_ago_rests_until_they_click(desk: Desk) -> None:
    mail = await desk.mail()
    desk.calls.clock.now_ms += 30 * DAY_MS
    resting = await desk.mail()
    assert resting.hold.reason == decision_pb2.HOLD_REASON_RESTING
    await desk.report(mail.decision_id, "CLICK")
    assert (await desk.mail()).HasField("given")


async def test_unsubscribing_closes_a_channel_and_a_complaint_silences(desk: Desk) -> None:
    mail = await desk.mail()
    await desk.report(mail.decision_id, "UNSUBSCRIBE")
    assert (await desk.mail()).hold.reason == decision_pb2.HOLD_REASON_CHANNEL_CLOSED
    await desk.report(mail.decision_id, "RESUBSCRIBE")
    await desk.report(mail.decision_id, "COMPLAINT")
    assert (await desk.mail()).hold.reason == decision_pb2.HOLD_REASON_OPEN_COMPLAINT
    await desk.report(mail.decision_id, "COMPLAINT_CLOSED")
    assert (await desk.mail()).HasField("given")


@pytest.mark.parametrize(
    ("outcome", "value", "taken"),
    [
        ("NPS", 0, True),
        ("NPS", 11, False),
        ("NPS", None, False),
        ("CSAT", 0, False),
        ("CES", 7, True),
        ("CLICK", 1, False),
    ],
)
async def test_an_answer_is_within_its_scale(
    desk: Desk, outcome: str, value: int | None, taken: bool
) -> None:
    mail = await desk.mail()
    fields = {} if value is None else {"value": value}
    if taken:
        await desk.report(mail.decision_id, outcome, **fields)
        return
    with pytest.raises(InvalidRequest):
        await desk.report(mail.decision_id, outcome, **fields)


async def test_nps_from_one_only_where_the_play_says_so(desk: Desk) -> None:
    desk.definitions.all = [message(nps_from_one=True)]
    mail = await desk.mail()
    with pytest.raises(InvalidRequest):
        await desk.report(mail.decision_id, "NPS", value=0)
    await desk.report(mail.decision_id, "NPS", value=1)


async def test_a_decision_of_somebody_else_is_unknown(desk: Desk) -> None:
    set_state(desk.calls.guard, OTHER, *GRANTED)
    mail = await desk.mail()
    for outcome in ("SENT", "COMPLAINT"):
        with pytest.raises(Refusal) as refused:
            await desk.report(mail.decision_id, outcome, OTHER)
        assert refused.value.reason == "DECISION_UNKNOWN"


class Held(DecisionTables):
    """A store whose promises are written, and told only when the test lets them be."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.written, self.told = asyncio.Event(), asyncio.Event()

    async def promise(self, wanted: Sequence[tuple[Row, Room]]) -> list[bool]:
        stand = await super().promise(wanted)
        self.written.set()
        await self.told.wait()
        return stand


async def test_a_till_without_time_is_given_what_is_for_everybody(desk: Desk) -> None:
    """It is given in the time there is, names no decision, and says why."""
    call = desk.call(ME)
    call.deadline_at = asyncio.get_running_loop().time() + ANSWERING_S / 2
    request = decision_pb2.DecideRequest(slot="home", channel=offer_pb2.CHANNEL_WEB, request_id="till")
    answer = await desk.servicer.Decide(request, call)
    assert answer.given.option_id == "everybody"
    assert answer.given.reasons[0] == "OUT_OF_TIME"
    assert not answer.decision_id
    request.play_id, request.slot = "letter", ""
    held = await desk.servicer.Decide(request, call)
    assert held.hold.reason == decision_pb2.HOLD_REASON_OUT_OF_TIME


async def test_what_was_being_promised_when_time_ran_out_is_taken_back(desk: Desk) -> None:
    """Both places under the cap are free afterwards, and the same request can take one."""
    slow = Held(desk.database)
    desk.decider._store = slow
    call = desk.call(ME)
    call.deadline_at = asyncio.get_running_loop().time() + ANSWERING_S + 0.05
    request = decision_pb2.DecideRequest(play_id="letter", request_id="late")
    answer = await desk.servicer.Decide(request, call)
    written = slow.written.is_set()
    slow.told.set()
    await desk.servicer.drained()
    assert written
    assert answer.hold.reason == decision_pb2.HOLD_REASON_OUT_OF_TIME
    assert (await desk.mail(request_id="late")).HasField("given")
    assert (await desk.mail()).HasField("given")
    assert (await desk.mail()).hold.reason == decision_pb2.HOLD_REASON_CAP_REACHED


async def test_context_is_of_known_fields_and_their_kinds(desk: Desk) -> None:
    for values, reason in (
        ([{"name": "favourite", "text": "x"}], "CONTEXT_UNKNOWN"),
        ([{"name": "weather", "text": "rain"}] * 2, "CONTEXT_UNKNOWN"),
        ([{"name": "weather", "number": 3}], "CONTEXT_KIND"),
        ([{"name": "basket_size"}], "CONTEXT_KIND"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await desk.decide(context=values)
        assert refused.value.reason == reason
    answer = await desk.decide(context=[{"name": "weather", "text": "rain"}])
    assert answer.HasField("given")


async def test_where_exactly_somebody_is_counts_with_their_permission_alone(desk: Desk) -> None:
    """Without it, and of nobody, the place is dropped and the rest is answered."""
    shop = h3.latlng_to_cell(52.52, 13.405, 10)
    near = option("near", Depth.CONTEXT, condition=Near("context.place_cell", (shop,), 300))
    desk.definitions.all = [play("banner", near)]
    here = {"coordinates": {"latitude_micro": 52_520_000, "longitude_micro": 13_405_000}}
    for who in (ME, None):
        assert (await desk.decide(who, **here)).hold.reason == decision_pb2.HOLD_REASON_NOT_ELIGIBLE
    set_state(desk.calls.guard, ME, *GRANTED, "location_precise")
    assert (await desk.decide(ME, **here)).given.option_id == "near"
    far = {"coordinates": {"latitude_micro": 48_137_000, "longitude_micro": 11_575_000}}
    assert (await desk.decide(ME, **far)).hold.reason == decision_pb2.HOLD_REASON_NOT_ELIGIBLE


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("flushed", [True, False])
async def test_personal_and_general_alternate_within_one_millisecond(desk: Desk, flushed: bool) -> None:
    """Whether what was shown last is written or still waits to be, and whether it promised anything."""
    desk.definitions.all = [
        play("banner", option("everybody"), option("mine", Depth.INDIVIDUAL)),
        play("other", option("all"), option("own", Depth.INDIVIDUAL), slot="side", offer_days=1),
    ]
    desk.definitions.limits = Limits(cap=1_000)
    for slot in ("home", "side"):
        depths = []
        for number in range(16):
            channel = (offer_pb2.CHANNEL_WEB, offer_pb2.CHANNEL_APP)[number % 2]
            item = [{"name": "item", "text": f"item-{number}"}]
            answer = await desk.decide(slot=slot, channel=channel, context=item)
            depths.append(answer.given.depth)
            if flushed:
                await desk.store.flush()
        pairs = set(itertools.pairwise(depths))
        assert (offer_pb2.DEPTH_INDIVIDUAL, offer_pb2.DEPTH_INDIVIDUAL) not in pairs
        assert depths.count(offer_pb2.DEPTH_INDIVIDUAL) > 4


async def test_a_store_row_says_what_was_given(desk: Desk) -> None:
    answer = await desk.mail()
    row = await desk.store.decision(bytes.fromhex(answer.decision_id))
    assert row is not None
    assert (row.subject, row.option_id, row.became) == (ME, "mail", Became.PROMISED)
