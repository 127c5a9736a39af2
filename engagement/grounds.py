"""What a decision rested on, packed small: the guards, what else was likely, and where things came from.

No value is kept, only names and sources: what was known may be corrected or erased later, and its copy
here would not be. It is kept as long as the decision is, and read by ``Why`` alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from engagement.decision import Chance, Outcome, Step
from engagement.event import EventKind
from engagement.facts import Facts
from engagement.fields import EVENTS_PREFIX
from engagement.play import Depth

_dense = json.JSONEncoder(separators=(",", ":")).encode  # made once: to make it costs more than to use it


@dataclass(frozen=True, slots=True)
class Source:
    """Where one field that was read came from.

    Attributes:
        name: of the field.
        party: an ``event.Party``; 0: the call said it, or nothing was known.
        origin: the system; empty where nothing was known.
        observed_at_ms: when; 0 where nothing was known.
    """

    name: str
    party: int = 0
    origin: str = ""
    observed_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is kept of how a decision came about.

    Attributes:
        steps: the guards in their order.
        chances: all that could have been given; they sum to 1, or there are none.
        sources: one for each field that was read.
        retry_at_ms: of what was held; 0: asking again does not help by itself.
    """

    steps: tuple[Step, ...] = ()
    chances: tuple[Chance, ...] = ()
    sources: tuple[Source, ...] = ()
    retry_at_ms: int = 0


def grounds_of(outcome: Outcome, facts: Facts, shown: Iterable[str] = ()) -> Grounds:
    """What is kept of how an outcome came about.

    Args:
        outcome: what was decided.
        facts: what it was decided by.
        shown: names of the fields that its content reads besides.
    """
    read = sorted({*outcome.read, *shown}) if shown else outcome.read  # which is sorted
    sources = tuple([_source(name, facts) for name in read])
    return Grounds(outcome.steps, outcome.alternatives, sources, outcome.retry_at_ms)


def shaping(steps: Iterable[Step]) -> list[str]:
    """The names of the guards that took something away or lowered the depth, in their order."""
    names = []
    left, ceiling = None, Depth.INDIVIDUAL
    for step in steps:
        if (left is not None and step.left < left) or step.ceiling < ceiling:
            names.append(step.guard)
        left, ceiling = step.left, step.ceiling
    return names


def packed(grounds: Grounds) -> bytes:
    """The grounds in a few hundred bytes; ``unpacked`` gives them back."""
    path = _path_packed(grounds.steps, grounds.chances)
    sources = ",".join(
        [
            f"[{_text(one.name)},{one.party:d},{_text(one.origin)},{one.observed_at_ms}]"
            for one in grounds.sources
        ]
    )
    return len(path).to_bytes(2, "big") + path + f"[[{sources}],{grounds.retry_at_ms}]".encode()


def unpacked(content: bytes) -> Grounds:
    """The grounds that were packed."""
    end = 2 + int.from_bytes(content[:2], "big")
    steps, chances = json.loads(zlib.decompress(content[2:end]))
    sources, retry_at_ms = json.loads(content[end:]) if content[end:] else ((), 0)
    return Grounds(
        tuple(Step(guard, left, Depth(ceiling)) for guard, left, ceiling in steps),
        tuple(Chance(option_id, probability) for option_id, probability in chances),
        tuple(Source(*source) for source in sources),
        retry_at_ms,
    )


@lru_cache(1000)
def _text(said: str) -> str:
    """A text as JSON has it: there are few names of fields and of systems."""
    return _dense(said)


@lru_cache(1000)
def _path_packed(steps: tuple[Step, ...], chances: tuple[Chance, ...]) -> bytes:
    """Its way through the guards: that of many people at once, and nothing about any of them."""
    content = [
        [[step.guard, step.left, int(step.ceiling)] for step in steps],
        [[chance.option_id, chance.probability] for chance in chances],
    ]
    return zlib.compress(_dense(content).encode(), 6)


def _source(name: str, facts: Facts) -> Source:
    """Where a field came from; of events the newest of the kind says it."""
    if name.startswith(EVENTS_PREFIX):
        kind = EventKind[name.removeprefix(EVENTS_PREFIX)]
        newest = next((event for event in facts.events if event.kind == kind), None)
        if newest is None:
            return Source(name)
        return Source(name, newest.party, newest.origin, newest.occurred_at_ms)
    known = facts.fields.get(name)
    if known is None:
        return Source(name)
    return Source(name, known.party, known.origin, known.observed_at_ms)
