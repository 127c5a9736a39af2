"""What a decision is made from: the call, what is known of the person, and what was before.

Of whom the purpose may not be used for, nothing is asked: the situation is nobody's. What keeps a
person from harm (places under the cap, questions, complaints, closed channels) counts over all their
identifiers, whichever of them permit the purpose; what shapes an offer is of those that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from engagement import complaint
from engagement.decision import History, Situation
from engagement.decision_store import Whose, Windows
from engagement.declared import AgeBand
from engagement.facts import Facts, Known
from engagement.own_action import last_own_action_ms
from engagement.play import Channel, Limits, Segment
from identity.ids import SubjectId
from services.interceptors.call import Call

DAY_MS = 86_400_000
#: Where everybody but who refuses it is known as one person by proof alone.
SERVICE = "service"
_MINOR = frozenset(band.name for band in AgeBand if band <= AgeBand.FROM_16_TO_17)
_STABLE_BITS = 63


@dataclass(frozen=True, slots=True)
class Question:
    """What a call asks.

    Attributes:
        purpose: a leaf of the purpose tree.
        decision_id: 16 bytes; of the caller and its request.
        digest: of everything asked.
        slot: the place that asks; empty: a play is asked by name.
        play_id: the play asked by name; empty: a place asks.
        channel: that asks; ``None``: a play that reaches out chooses its own.
        context: what the call said, by field.
        price_minor: without discount; ``None``: not told.
        cost_minor: likewise.
        currency: of both.
        language: of the content; empty: the person's own.
        now_ms: the instant that is decided for.
        writes: what is decided is written down.
        due: it was set off; what a human has to approve is decided for nothing else.
    """

    purpose: str
    decision_id: bytes
    digest: bytes
    slot: str
    play_id: str
    channel: Channel | None
    context: Mapping[str, Known]
    price_minor: int | None
    cost_minor: int | None
    currency: str
    language: str
    now_ms: int
    writes: bool
    due: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the tenant's definitions say besides plays: its limits, and the segments in force by id."""

    limits: Limits
    segments: Mapping[str, Segment]


class Recalled(NamedTuple):
    """What is known of somebody: what the purpose may read, and what the store has of offers before."""

    facts: Facts
    history: History


def whose_of(call: Call, subject: SubjectId | None) -> Whose:
    """Whose history counts; nobody's for nobody. What was promised to one is told to none by a guess."""
    if subject is None:
        return Whose((), ())
    members, proven, linked = call.members(subject), _proven(call, subject), call.linked(subject)
    if members == proven == linked:
        return Whose(members, members, members)
    others = (one for one in linked if one in members or call.allows(one, SERVICE))
    person = tuple(dict.fromkeys((*members, *others)))
    readable, certain = (tuple(one for one in those if one in proven) for those in (members, person))
    return Whose(readable, person, certain)


def windows_of(limits: Limits, now_ms: int) -> Windows:
    """How far back and ahead promises count."""
    return Windows(now_ms, limits.cap_days * DAY_MS, limits.asks_days * DAY_MS)


def situation_of(
    call: Call, subject: SubjectId | None, question: Question, recalled: Recalled, bounds: Bounds
) -> Situation:
    """Everything a decision is made from.

    Args:
        call: of whose subjects it is one.
        subject: who is asked for; ``None``: nobody.
        question: what is asked.
        recalled: what is known of them.
        bounds: the tenant's.
    """
    facts = with_context(recalled.facts, question)
    return Situation(
        purpose=question.purpose,
        person=None if subject is None else stable_number(call, subject),
        certain=subject is not None and is_certain(call, subject),
        minor=is_minor(facts) or (subject is not None and is_protected(call, subject)),
        permits=_permits_nothing if subject is None else partial(call.allows, subject),
        facts=facts,
        history=with_events(recalled.history, facts),
        limits=bounds.limits,
        segments=bounds.segments,
        channel=question.channel,
        price_minor=question.price_minor,
        cost_minor=question.cost_minor,
        currency=question.currency,
    )


def of_nobody(question: Question, limits: Limits) -> Facts:
    """What is known of nobody: nothing."""
    return Facts((), {}, question.now_ms, limits.zone, events_known=False)


def stable_number(call: Call, subject: SubjectId) -> int:
    """A number of the person for buckets: of the smallest of their birth subjects, 63 bits."""
    return int.from_bytes(min(call.linked(subject))[:8], "big") >> (64 - _STABLE_BITS)


def is_certain(call: Call, subject: SubjectId) -> bool:
    """Whether nobody belongs to the person by a guess alone."""
    members, proven = call.members(subject), _proven(call, subject)
    return members == proven or set(members) <= set(proven)


def is_minor(facts: Facts) -> bool:
    """Whether the person said they are younger than 18."""
    band = facts.fields.get("declared.age_band")
    return band is not None and band.value in _MINOR


def is_protected(call: Call, subject: SubjectId) -> bool:
    """Whether consent knows somebody of the person as a minor."""
    entry = call.guard.entry(subject)
    return entry is not None and entry.why is not None and bool(entry.why.minor)


def with_context(facts: Facts, question: Question) -> Facts:
    """The facts of the instant that is asked for, with what the call said."""
    if not question.context and facts.now_ms == question.now_ms:
        return facts
    fields = {**facts.fields, **question.context} if question.context else facts.fields
    return replace(facts, fields=fields, now_ms=question.now_ms)


def with_events(history: History, facts: Facts) -> History:
    """A history with what events tell of it."""
    if not facts.events:
        return history
    own = last_own_action_ms(facts.events)
    reported = history.last_own_action_ms
    latest = max((at_ms for at_ms in (own, reported) if at_ms is not None), default=None)
    return replace(
        history,
        last_own_action_ms=latest,
        first_event_ms=min(event.occurred_at_ms for event in facts.events),
        open_complaint=history.open_complaint or complaint.is_open(facts.events),
    )


def _proven(call: Call, subject: SubjectId) -> tuple[SubjectId, ...]:
    """The birth subjects that belong to the person by proof."""
    return call.linked(subject, call.guard.policy.index(SERVICE))


def _permits_nothing(_purpose: str) -> bool:
    return False
