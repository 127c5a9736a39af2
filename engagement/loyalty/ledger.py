"""What a person did in a programme, folded from its lines and from tracked orders: the same in any order.

A purchase is what its reference names. Each birth subject whose lines name it is a witness of it, and
so is each whose tracked events do; of several witnesses the one that tells most is believed, what was
posted before what was tracked. So a purchase that is both, or that was reported for two identities of
one person, counts once; and what was returned counts as never bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engagement.event import Event, EventKind
from engagement.loyalty.entry import Entry, PostingKind
from engagement.loyalty.programme import Programme
from identity.ids import SubjectId

#: The kinds of events a programme may earn from.
EARNING_KINDS = (EventKind.ORDER, EventKind.REFUND)
#: What names an order that has no reference begins with; no reference does.
_NAMELESS = "\n"


class Moved(NamedTuple):
    """An amount or some points at an instant, of either sign."""

    at_ms: int
    number: int


class Purchase(NamedTuple):
    """One purchase, less what was returned of it.

    Attributes:
        at_ms: when it was made.
        name: what tells it from the person's others.
        amount_minor: what is left of it, at least 0.
    """

    at_ms: int
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What counts for a person in a programme, each list in the order of time.

    Attributes:
        purchases: those that were not returned whole.
        adjusted: amounts added by hand, and returns of purchases that nobody told of.
        earned: points that wait before they can be spent.
        added: points that do not; above 0.
        taken: points that are spent or taken away; above 0.
        since_ms: the first thing recorded; ``None``: there is none.
        latest_ms: the latest.
    """

    purchases: tuple[Purchase, ...]
    adjusted: tuple[Moved, ...]
    earned: tuple[Moved, ...]
    added: tuple[Moved, ...]
    taken: tuple[Moved, ...]
    since_ms: int | None
    latest_ms: int | None


class _Witness(NamedTuple):
    """What one birth subject's lines, or its events, tell of a purchase: each at its instant."""

    bought: list[Moved]
    returned: list[Moved]


#: By the name of a purchase the witnesses of it, by birth subject.
_Told = dict[str, dict[SubjectId, _Witness]]


def ledger_of(programme: Programme, entries: Iterable[Entry], events: Iterable[Event] = ()) -> Ledger:
    """Folds what was recorded for the birth subjects of a person.

    Args:
        programme: whose currency everything must be in that counts.
        entries: its lines, in any order; a line that comes twice counts once.
        events: tracked for the person, likewise; only orders and refunds count, and only where the
            programme earns from them.
    """
    lines = {entry.entry_key: entry for entry in entries if entry.currency in {"", programme.currency}}
    bought = [line for line in lines.values() if _is_purchase(line)]
    purchases, unknown = _purchases(_posted(bought), _tracked(programme, events))
    others = _left([line for line in lines.values() if not _is_purchase(line)])
    adjusted = [Moved(line.occurred_at_ms, left) for line, left in others if line.amount_minor and left]
    points = [(line, left) for line, left in others if line.points and left]
    instants = [
        *(purchase.at_ms for purchase in purchases),
        *(line.occurred_at_ms for line, left in others if left or _enrols(line)),
    ]
    return Ledger(
        purchases=tuple(sorted(purchases)),
        adjusted=tuple(sorted([*adjusted, *unknown])),
        earned=_moved(points, lambda line, left: left if line.kind == PostingKind.EARN else 0),
        added=_moved(points, lambda line, left: left if line.kind == PostingKind.ADJUST else 0),
        taken=_moved(points, lambda line, left: left if line.kind == PostingKind.SPEND else -left),
        since_ms=min(instants, default=None),
        latest_ms=max(instants, default=None),
    )


def _moved(points: Iterable[tuple[Entry, int]], number: Callable[[Entry, int], int]) -> tuple[Moved, ...]:
    """Those of some lines whose number is above 0."""
    numbers = ((line.occurred_at_ms, number(line, left)) for line, left in points)
    return tuple(sorted(Moved(at_ms, number) for at_ms, number in numbers if number > 0))


def _is_purchase(line: Entry) -> bool:
    return line.kind == PostingKind.EARN and bool(line.amount_minor)


def _enrols(line: Entry) -> bool:
    """It says nothing but that somebody is a member since then."""
    return line.kind == PostingKind.ADJUST and not line.amount_minor and not line.points


def _left(lines: Iterable[Entry]) -> list[tuple[Entry, int]]:
    """The lines that have names, each with what is left of its amount or points."""
    reversed_by: dict[tuple[bytes, str, int], int] = defaultdict(int)
    for line in lines:
        if line.reverses:
            reversed_by[line.subject, line.reverses, line.kind] += line.amount_minor + line.points
    left = []
    for line in lines:
        if line.reference:
            number = line.amount_minor + line.points  # one of the two is 0
            less = min(abs(number), reversed_by[line.subject, line.reference, line.kind])
            left.append((line, number - less if number > 0 else number + less))
    return left


def _posted(lines: Iterable[Entry]) -> _Told:
    """Who tells what of purchases by such lines. Returns of what is not there any more tell of nothing."""
    told: _Told = {}
    for line in lines:
        number = Moved(line.occurred_at_ms, line.amount_minor)
        if line.reverses:
            _witness(told, line.reverses, line.subject).returned.append(number)
        else:
            _witness(told, line.reference, line.subject).bought.append(number)
    return {
        name: bought
        for name, witnesses in told.items()
        if (bought := {subject: one for subject, one in witnesses.items() if one.bought})
    }


def _tracked(programme: Programme, events: Iterable[Event]) -> _Told:
    """Who tells what of purchases by events. An order without a name is a purchase of its own."""
    told: _Told = {}
    counting = events if programme.earns_from_events else ()
    for event in {event.event_key: event for event in counting}.values():
        if event.currency not in {"", programme.currency}:
            continue
        name = event.order_ref or _NAMELESS + event.event_key.hex()
        if event.kind == EventKind.ORDER:
            bought = Moved(event.occurred_at_ms, max(event.amount_minor, 0))
            _witness(told, name, event.subject).bought.append(bought)
        elif event.kind == EventKind.REFUND:
            returned = Moved(event.occurred_at_ms, abs(event.amount_minor))
            _witness(told, name, event.subject).returned.append(returned)
    return told


def _witness(told: _Told, name: str, subject: SubjectId) -> _Witness:
    witnesses = told.setdefault(name, {})
    found = witnesses.get(subject)
    if found is None:
        found = witnesses[subject] = _Witness([], [])
    return found


def _purchases(posted: _Told, tracked: _Told) -> tuple[list[Purchase], list[Moved]]:
    """The purchases that were not returned whole, and returns of which nobody knows the purchase."""
    purchases, unknown = [], []
    for name in {**posted, **tracked}:
        by_posting, by_event = [*posted.get(name, {}).values()], [*tracked.get(name, {}).values()]
        returned = _most([one.returned for one in by_posting + by_event])
        bought = _most([one.bought for one in by_posting]) or _most([one.bought for one in by_event])
        if not bought:
            unknown += [Moved(one.at_ms, -one.number) for one in returned]
            continue
        ordered = _sum(bought)
        left = max(ordered - _sum(returned), 0)
        if left or not (ordered or returned):
            purchases.append(Purchase(min(bought).at_ms, name, left))
    return purchases, unknown


def _most(told: list[list[Moved]]) -> list[Moved]:
    """What the witness tells that tells most; of equals always the same one."""
    if len(told) == 1:
        return told[0]
    return max(told, key=lambda one: (_sum(one), len(one), sorted(one)), default=[])


def _sum(moved: Sequence[Moved]) -> int:
    return moved[0].number if len(moved) == 1 else sum(one.number for one in moved)
