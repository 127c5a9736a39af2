"""Plays that something sets off, and a store of firings in memory that does what a store must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engagement.firing import Firing
from engagement.play import Channel, Depth, Option, Play, Trigger
from engagement.play import State as PlayState
from engagement.release import Dropped, Sibling, State
from tests.engagement.offers import Declared

VOID = {Dropped.CALLED_OFF, Dropped.SUPERSEDED, Dropped.CHANGED, Dropped.RESTED}


def play(trigger: Trigger | None, **changed: Any) -> Play:
    """A message by mail that a trigger sets off."""
    values: dict[str, Any] = {
        "play_id": "p",
        "version": 1,
        "state": PlayState.LIVE,
        "purpose": "personalise.content",
        "priority": 0,
        "slot": "",
        "channels": (Channel.EMAIL,),
        "options": (Option("hello", Depth.GENERAL),),
        "trigger": trigger,
    }
    return Play(**(values | changed))


class Triggered(Declared):
    """Definitions in force, and which of the plays something sets off."""

    @property
    def triggered(self) -> Sequence[Play]:
        return [play for play in self.all if play.trigger is not None]


@dataclass
class Kept:
    """A firing in memory."""

    firing: Firing
    state: State
    next_at_ms: int
    reason: Dropped | None = None
    given_at_ms: int | None = None

    @property
    def sibling(self) -> Sibling:
        return Sibling(self.firing, self.state, self.given_at_ms)


class MemoryFirings:
    """All firings by their keys."""

    def __init__(self) -> None:
        self.kept: dict[tuple[bytes, str, str], Kept] = {}

    def put(self, firings: Iterable[Firing]) -> None:
        """Takes in what was set off."""
        for firing in firings:
            before = self.kept.get(firing[:3])
            waits = before is not None and before.state is State.PENDING
            void = before is not None and before.state is State.DROPPED and before.reason in VOID
            if before is None or ((waits or void) and firing.at_ms > before.firing.at_ms):
                self.kept[firing[:3]] = Kept(firing, State.PENDING, firing.due_at_ms)

    def due(self, now_ms: int) -> list[Kept]:
        """What waits and is due, oldest first."""
        waiting = (one for one in self.kept.values() if one.state is State.PENDING)
        return sorted(
            (one for one in waiting if one.next_at_ms <= now_ms), key=lambda one: (one.next_at_ms, one.firing)
        )

    def siblings(self, of: Kept, members: Iterable[bytes]) -> list[Kept]:
        """Every other firing for some birth subjects."""
        people = set(members)
        return [one for one in self.kept.values() if one is not of and one.firing.subject in people]

    def give(self, one: Kept, now_ms: int, siblings: Iterable[Kept]) -> None:
        """Gives one out and closes what waits for the same."""
        one.state, one.given_at_ms = State.DONE, now_ms
        for other in siblings:
            if other.state is State.PENDING and other.firing.occurrence == one.firing.occurrence:
                other.state, other.reason = State.DROPPED, Dropped.SAME
