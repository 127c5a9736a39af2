"""A batch of decisions is the decisions of its people one by one, whatever is known of each of them.

What is read of many at once, and what is worked out once for many, must not mix them up: the oracle asks
for each alone, of tables that hold the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.guard_table import GuardTable, GuardUpdate
from consent.policy import Policy
from engagement.attributes import Attribute
from engagement.condition import Compare, Comparison, Count
from engagement.content import Part, Template, Variant
from engagement.declaration import Declaration
from engagement.event import EventKind, Party
from engagement.play import Channel, Depth, Discount, Limits, State
from identity.ids import SubjectId
from services.deployment.config import shipped_policy
from services.engagement.decided import Asked, Decided
from services.engagement.deciding import Decider
from services.engagement.knowing import Knowing
from services.engagement.situating import Question
from services.engagement.templates import Templates
from services.interceptors.call import Call, Caller
from services.storage.attributes import AttributeTables
from services.storage.database import Database
from services.storage.decisions import DecisionTables
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.known import KnownTables
from services.storage.sqlite import SqliteFile
from tests.conftest import set_state
from tests.engagement.attributes import value
from tests.engagement.declarations import declare_request, likes
from tests.engagement.events import DAY_MS, NOW_MS, event, subject
from tests.engagement.offers import CONTENT, Declared, message, option, play

PEOPLE = tuple(subject(number) for number in range(1, 7))
PRICING = "personalise.pricing"
EVERYTHING = frozenset({CONTENT, PRICING, "service", "marketing.email"})
LIKES_TEA = Compare("declared.likes", Comparison.HAS, "category:tea")
ORDERS = Count(frozenset({EventKind.ORDER}), 30, Comparison.AT_LEAST, 1)
GREETING = Template(
    "greeting", 1, State.LIVE, (Variant("en", (Part("line", "You like {{ declared.likes }}", "Hi"),)),)
)
KINDS = (EventKind.VIEW, EventKind.ORDER, EventKind.ORDER, EventKind.COMPLAINT)
#: Of whom there is as much are met long ago and were here lately.
MET = [(EventKind.VIEW, 200), (EventKind.VIEW, 3)]
TEN = Discount(permille=100)
DEFINITIONS = Declared(
    [
        play("offer", option("ten", Depth.SEGMENT, discount=TEN, condition=ORDERS), priority=2, offer_days=3),
        play(
            "banner",
            option("all"),
            option("tea", Depth.INDIVIDUAL, condition=LIKES_TEA, template_id="greeting"),
        ),
        message(asks=True),
    ],
    Limits(quiet_from_minute=0, quiet_until_minute=0, cap=1),
    templates={"greeting": GREETING},
)


@dataclass(frozen=True)
class Known:
    """What there is of one birth subject: did, days ago; said; was given; permits."""

    did: list[tuple[EventKind, int]]
    likes: list[str]
    language: str
    shown: bool
    mailed: bool
    permits: frozenset[str]


knowns = st.builds(
    Known,
    did=st.tuples(
        st.sampled_from((MET, MET, [])),
        st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from((5, 40))), max_size=2),
    ).map(lambda parts: parts[0] + parts[1]),
    likes=st.sampled_from((["tea"], ["tea", "cake"], [])),
    language=st.sampled_from(("", "en", "cs")),
    shown=st.booleans(),
    mailed=st.booleans(),
    permits=st.sampled_from((EVERYTHING, EVERYTHING, EVERYTHING - {PRICING}, EVERYTHING - {CONTENT})),
)
worlds = st.tuples(
    st.lists(knowns, min_size=len(PEOPLE), max_size=len(PEOPLE)),
    st.lists(st.sampled_from((1, 1, 2, 3)), min_size=len(PEOPLE), max_size=len(PEOPLE)),
)


class Desk:
    """Decides by tables of its own."""

    def __init__(self, database: Database, guard: GuardTable) -> None:
        self.database, self.guard = database, guard
        self.store = DecisionTables(database)
        self.decider = Decider(
            store=self.store,
            definitions=DEFINITIONS,
            knowing=Knowing(KnownTables(database), guard.policy),
            filling=Templates(lambda _: None),
            policy=guard.policy,
        )

    async def each(self, questions: Sequence[Asked]) -> list[Decided | None]:
        call = Call(plan=cast("Any", None), guard=self.guard, metadata={}, clock_ms=lambda: NOW_MS)
        call.caller = Caller("till", "tenant", frozenset(), -1)
        call.begin_message(NOW_MS)
        call.purpose = self.guard.policy.index(CONTENT)
        return await self.decider.each(call, questions)

    async def know(self, of: Sequence[Known]) -> None:
        """All writes that wait for one another share a commit."""
        people = list(zip(PEOPLE, of, strict=True))
        events = [
            event(
                f"{one.hex()} {n}", subject=one, kind=kind, occurred_at_ms=NOW_MS - days * DAY_MS - 1, uses=-1
            )
            for one, known in people
            for n, (kind, days) in enumerate(known.did)
        ]
        told = [
            value(Attribute.LANGUAGE, known.language, subject=one, party=Party.ZERO)
            for one, known in people
            if known.language
        ]
        said = [
            Declaration(one, tuple(likes(name, subject=one) for name in known.likes)) for one, known in people
        ]
        declared = DeclaredTables(self.database)
        await asyncio.gather(
            EventTables(self.database).append(events),
            AttributeTables(self.database).record(told),
            *(declared.declare(declare_request(str(n)), one) for n, one in enumerate(said)),
        )
        before = [asked(one, f"shown {n}", "home") for n, (one, known) in enumerate(people) if known.shown]
        before += [asked(one, f"mailed {n}") for n, (one, known) in enumerate(people) if known.mailed]
        for one in before:
            await self.each([one])
        await self.store.flush()


def asked(one: SubjectId, request: str, slot: str = "", **changed: Any) -> Asked:
    """Of a page's place, or the letter."""
    question = Question(
        purpose=CONTENT,
        decision_id=request.encode()[-16:].rjust(16),
        digest=one,
        slot=slot,
        play_id="" if slot else "letter",
        channel=Channel.WEB if slot else None,
        context={},
        price_minor=1000,
        cost_minor=100,
        currency="EUR",
        language="",
        now_ms=NOW_MS,
        writes=True,
    )
    return Asked(one, replace(question, **changed))


def joined(guard: GuardTable, of: Sequence[Known], sizes: Sequence[int]) -> list[SubjectId]:
    """Has neighbours be one person; one birth subject of each person."""
    firsts, left = [], list(zip(PEOPLE, of, strict=True))
    for size in sizes:
        person, left = left[:size], left[size:]
        members = tuple(one for one, _ in person)
        firsts += members[:1]
        for one, known in person:
            set_state(guard, one, *known.permits, members=members)
    return firsts


@settings(max_examples=8, deadline=None)
@given(worlds, st.sampled_from(("home", "")))
def test_a_batch_is_its_decisions_one_by_one(world: tuple[list[Known], list[int]], slot: str):
    """The same rows, reasons, prices and texts, for people who are joined and apart, and kept alike."""
    asyncio.run(batch_is_singles(shipped_policy(), *world, slot))


async def batch_is_singles(policy: Policy, of: list[Known], sizes: list[int], slot: str) -> None:
    guard = GuardTable(policy)
    guard.apply(GuardUpdate(1, {}))
    people = joined(guard, of, sizes)
    questions = [asked(one, f"now {number}", slot) for number, one in enumerate(people)]
    with TemporaryDirectory() as folder:
        files = [SqliteFile(Path(folder, f"{name}.db"), "engagement") for name in ("together", "apart")]
        async with files[0].opened() as first, files[1].opened() as second:
            together, apart = Desk(first, guard), Desk(second, guard)
            for desk in (together, apart):
                await desk.know(of)
            at_once = await together.each(questions)
            one_by_one = [(await apart.each([question]))[0] for question in questions]
            assert at_once == one_by_one
            for desk in (together, apart):
                await desk.store.flush()
            ids = [question.question.decision_id for question in questions]
            assert [await together.store.decision(one) for one in ids] == [
                await apart.store.decision(one) for one in ids
            ]
