"""Decides, and keeps what was decided: one way for a page that asks, a campaign, and what is due.

What is known is read once, of one state; deciding itself asks nobody. What takes a place, asks or binds
is written by the statement that counts; finds it no room, what is known is read and decided again. The
same request is told what it was told before, while that stands and is still permitted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple, Protocol

from consent.policy import Policy
from engagement.content import Content, Template, bare
from engagement.decided import Asking, draw_of, held_for, outcome_of, row_of
from engagement.decision import Held, History, Outcome
from engagement.decision_store import Became, Before, DecisionStore, Look, Room, Row, Whose
from engagement.errors import RequestIdReused
from engagement.facts import Facts
from engagement.fields import PRICING
from engagement.grounds import grounds_of, unpacked
from engagement.guards import PIPELINE, decide, guarded, judged
from engagement.play import OUTBOUND, Limits, Option, Play, Segment, State
from identity.ids import SubjectId
from services.begun import Begun
from services.engagement.decided import Asked, Decided
from services.engagement.reads import NoteReads, uncounted
from services.engagement.situating import (
    SERVICE,
    Bounds,
    Question,
    Recalled,
    of_nobody,
    situation_of,
    whose_of,
    windows_of,
)
from services.interceptors.call import Call

#: So often a decision that found no room is made again; each time somebody else had taken it.
_ATTEMPTS_MAX = 4
_RETRY_MS = 1_000
#: After so many people others have their turn: some milliseconds.
_PEOPLE_AT_ONCE = 10
_IN_FORCE = (State.PILOT, State.LIVE)
#: What protects a person does so for what they were told before, too.
_AGAIN = [
    guard
    for guard in PIPELINE
    if guard.name
    in {"consent", "identity_confidence", "child", "open_complaint", "personal_price", "channel_allowed"}
]


class Definitions(Protocol):
    """What is in force; it may change between two decisions and not while one is made."""

    def plays(self, slot: str) -> Sequence[Play]:
        """The plays of a slot."""

    def play(self, play_id: str) -> Play | None:
        """The play of an id; ``None``: none is in force."""

    @property
    def segments(self) -> Mapping[str, Segment]:
        """By id."""

    @property
    def limits(self) -> Limits:
        """The tenant's."""

    @property
    def templates(self) -> Mapping[str, Template]:
        """By id."""


class Filling(Protocol):
    """Fills templates; ``services.engagement.templates.Templates`` does."""

    def fill(
        self, template: Template, language: str, facts: Facts, outcome: Outcome, currency: str = ""
    ) -> Content:
        """The content of what was decided."""


class Knows(Protocol):
    """Makes facts of people; ``services.engagement.knowing.Knowing`` does."""

    async def facts_of_each(
        self, call: Call, subjects: Sequence[SubjectId | None], purpose: str, limits_zone: str
    ) -> list[Facts]:
        """What is known of each, in their order; of ``None`` nothing."""


class _Seen(NamedTuple):
    """One question with all that was read for it."""

    asked: Asked
    plays: Sequence[Play]
    recalled: Recalled
    row: Row | None
    bounds: Bounds
    whose: Whose


class Decider:
    """Makes the decisions of one process."""

    def __init__(
        self,
        *,
        store: DecisionStore,
        definitions: Definitions,
        knowing: Knows,
        filling: Filling,
        policy: Policy,
        note: NoteReads = uncounted,
    ) -> None:
        """Makes the decider; ``note`` counts which fields were read."""
        self._store = store
        self._definitions = definitions
        self._knowing = knowing
        self._filling = filling
        self._policy = policy
        self._note = note
        self._begun = Begun()
        self._turns = count(1)

    async def one(self, call: Call, subject: SubjectId | None, question: Question) -> Decided:
        """One decision.

        Raises:
            RequestIdReused: the request id was used for another question.
        """
        (decided,) = await self.each(call, [Asked(subject, question)])
        if decided is None:
            raise RequestIdReused
        return decided

    async def each(self, call: Call, asked: Sequence[Asked]) -> list[Decided | None]:
        """Decisions in the order of the questions; ``None``: its request id was used for another.

        Args:
            call: whose subjects they are, or who has judged them.
            asked: all of one purpose, one place and one instant.
        """
        done: dict[int, Decided | None] = {}
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            left = [place for place in range(len(asked)) if place not in done]
            if not left:
                break
            seen = await self._seen(call, [asked[place] for place in left])
            made = await self._made(call, dict(zip(left, seen, strict=True)))
            found_room = await self._kept(call, made, dict(zip(left, seen, strict=True)))
            for place, decided in made.items():
                if place in found_room:
                    done[place] = decided
                elif attempt == _ATTEMPTS_MAX and decided is not None:
                    done[place] = self._out_of_room(decided)
        return [done[place] for place in range(len(asked))]

    def out_of_time(self, call: Call, question: Question) -> Decided:
        """What is given where there is no time to look at anything: what is for everybody."""
        (seen,) = self._of_nobody([Asked(None, replace(question, context={}, writes=False))])
        return self._new(call, seen)

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        await self._begun.drained()

    async def _seen(self, call: Call, asked: Sequence[Asked]) -> list[_Seen]:
        """All that is read for some questions, of one state."""
        if all(one.subject is None for one in asked):
            return self._of_nobody(asked)
        question = asked[0].question
        bounds, plays = self._bounds(), self._plays(question)
        slot = question.slot or next((play.slot for play in plays), "")
        looks = [Look(whose_of(call, one.subject), one.question.decision_id, slot) for one in asked]
        befores = await self._store.before(looks, windows_of(bounds.limits, question.now_ms))
        facts = await self._knowing.facts_of_each(
            call, [one.subject for one in asked], question.purpose, bounds.limits.zone
        )
        return [
            _Seen(one, plays, Recalled(known, before.history), _row_of(one, before), bounds, look.whose)
            for one, known, before, look in zip(asked, facts, befores, looks, strict=True)
        ]

    def _of_nobody(self, asked: Sequence[Asked]) -> list[_Seen]:
        bounds, plays = self._bounds(), self._plays(asked[0].question)
        nobody = Recalled(of_nobody(asked[0].question, bounds.limits), History())
        return [_Seen(one, plays, nobody, None, bounds, Whose((), ())) for one in asked]

    async def _made(self, call: Call, seen: Mapping[int, _Seen]) -> dict[int, Decided | None]:
        made: dict[int, Decided | None] = {}
        for number, (place, one) in enumerate(seen.items(), start=1):
            row = one.row
            if row is not None and row.digest != one.asked.question.digest:
                made[place] = None
            elif row is not None and row.became not in {Became.HELD, Became.RELEASED}:
                made[place] = self._again(call, one, row)
            else:
                made[place] = self._new(call, one)
            if not number % _PEOPLE_AT_ONCE:
                await asyncio.sleep(0)
        return made

    def _new(self, call: Call, seen: _Seen) -> Decided:
        subject, question = seen.asked
        situation = situation_of(call, subject, question, seen.recalled, seen.bounds)
        outcome = decide(seen.plays, situation, draw_of(question.decision_id))
        content = self._content(outcome, situation.facts, question)
        shown = content.read if content is not None else frozenset()
        if question.writes:
            self._note({*outcome.read, *shown})
        grounds = grounds_of(outcome, situation.facts, shown)
        row = row_of(self._asking(seen.asked), outcome, grounds)
        return Decided(row, outcome, grounds, content, kept=question.writes)

    def _again(self, call: Call, seen: _Seen, row: Row) -> Decided:
        """A decision that was made before, or why it can not be told any more."""
        subject, question = seen.asked
        grounds = unpacked(row.grounds)
        found = _found(row, seen.plays)
        if found is None:
            return Decided(row, held_for(Held.NOTHING_LIVE), grounds, again=True)
        play, option = found
        if not self._permits(call, subject, row, play):
            return Decided(row, held_for(Held.NOT_PERMITTED), grounds, again=True)
        if row.binds_until_ms and row.binds_until_ms <= question.now_ms:
            return Decided(row, held_for(Held.NOT_ELIGIBLE), grounds, again=True)
        situation = situation_of(call, subject, question, seen.recalled, seen.bounds)
        left = guarded(replace(play, options=(option,)), judged(situation), _AGAIN)
        if not left.candidates:
            return Decided(row, held_for(left.held), grounds, again=True)
        outcome = outcome_of(row, play, option, grounds)
        content = self._content(outcome, situation.facts, question)
        return Decided(row, outcome, grounds, content, again=True)

    def _permits(self, call: Call, subject: SubjectId | None, row: Row, play: Play) -> bool:
        """Whether the person permits now what was decided before."""
        if subject is None or row.subject not in call.members(subject):
            return False
        if row.personalised and not call.allows(subject, PRICING):
            return False
        outbound = next((purpose for channel, purpose in OUTBOUND.items() if channel == row.channel), "")
        owed = play.service and play.purpose == SERVICE
        return not outbound or owed or call.allows(subject, outbound)

    def _content(self, outcome: Outcome, facts: Facts, question: Question) -> Content | None:
        """What is put before the person."""
        if outcome.candidate is None:
            return None
        play, option, *_ = outcome.candidate
        template = self._definitions.templates.get(option.template_id)
        if template is None:
            return bare(option, play.purpose, facts)
        return self._filling.fill(template, question.language, facts, outcome, question.currency)

    async def _kept(
        self, call: Call, made: Mapping[int, Decided | None], seen: Mapping[int, _Seen]
    ) -> set[int]:
        """Writes what is new; the places of all that stand now."""
        promised, stand = {}, set(made)
        for place, decided in made.items():
            if decided is None or decided.again or not decided.kept:
                continue
            if decided.row.became == Became.PROMISED:
                promised[place] = decided.row, _room(seen[place])
            else:
                self._store.note(decided.row)
        if promised:
            written = await self._promised(list(promised.values()))
            stand -= {place for place, stands in zip(promised, written, strict=True) if not stands}
            ids = [row.decision_id for place, (row, _) in promised.items() if place in stand]
            call.promised.append(lambda: self._begun.to_the_end(self._store.give_back(ids)))
        return stand

    async def _promised(self, wanted: Sequence[tuple[Row, Room]]) -> Sequence[bool]:
        """Promises; to whom nobody waits for any more nothing is promised."""
        writing = asyncio.ensure_future(self._store.promise(wanted))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._begun.begin(self._taken_back(writing, [row.decision_id for row, _ in wanted]))
            raise

    async def _taken_back(self, writing: asyncio.Future[Sequence[bool]], ids: Sequence[bytes]) -> None:
        stand = await writing
        await self._store.give_back([one for one, stands in zip(ids, stand, strict=True) if stands])

    def _out_of_room(self, decided: Decided) -> Decided:
        """What was taken again and again while it was decided; nothing of it is kept."""
        return Decided(
            decided.row,
            held_for(Held.CAP_REACHED, decided.row.decided_at_ms + _RETRY_MS),
            decided.grounds,
            kept=False,
        )

    def _asking(self, asked: Asked) -> Asking:
        subject, question = asked
        return Asking(
            question.decision_id,
            subject or b"",
            question.digest,
            self._policy.index(question.purpose),
            question.slot,
            question.play_id,
            question.now_ms,
            question.price_minor,
            question.currency,
            next(self._turns),
        )

    def _bounds(self) -> Bounds:
        return Bounds(self._definitions.limits, self._definitions.segments)

    def _plays(self, question: Question) -> Sequence[Play]:
        """Plays of the purpose that is asked for; whether each is for the person, the guards say.

        One that waits for a human goes out by what was set off, and by no other way.
        """
        named = self._definitions.play(question.play_id)
        found = self._definitions.plays(question.slot) if question.slot else [named] if named else []
        asked = [play for play in found if question.due or not play.review]
        return [play for play in asked if play.purpose == question.purpose and play.state in _IN_FORCE]


def _row_of(asked: Asked, before: Before) -> Row | None:
    """What was decided before; for nobody it is decided anew, and comes out the same."""
    return None if asked.subject is None else before.row


def _found(row: Row, plays: Sequence[Play]) -> tuple[Play, Option] | None:
    for play in plays:
        for option in play.options:
            if (play.play_id, option.option_id) == (row.play_id, row.option_id):
                return play, option
    return None


def _room(seen: _Seen) -> Room:
    limits = seen.bounds.limits
    windows = windows_of(limits, seen.asked.question.now_ms)
    return Room(seen.whose, limits.cap, limits.asks, windows)
