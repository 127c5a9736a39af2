"""Plays as tests declare them, and definitions that are in force because a test says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engagement.content import Template
from engagement.play import Channel, Depth, Limits, Option, Play, Segment, State

CONTENT = "personalise.content"


@dataclass
class Declared:
    """Definitions in force; implements ``services.engagement.deciding.Definitions``."""

    all: list[Play] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)

    def plays(self, slot: str) -> Sequence[Play]:
        return [play for play in self.all if play.slot == slot]

    def play(self, play_id: str) -> Play | None:
        return next((play for play in self.all if play.play_id == play_id), None)


def option(option_id: str, depth: Depth = Depth.GENERAL, **fields: Any) -> Option:
    return Option(option_id, depth, **fields)


def play(play_id: str = "banner", *options: Option, **fields: Any) -> Play:
    """A page's banner that is the same for everybody, unless it is said otherwise."""
    values: dict[str, Any] = {
        "play_id": play_id,
        "version": 1,
        "state": State.LIVE,
        "purpose": CONTENT,
        "priority": 0,
        "slot": "home",
        "channels": (Channel.WEB, Channel.APP),
        "options": options or (option("everybody"),),
    }
    return Play(**(values | fields))


def message(play_id: str = "letter", **fields: Any) -> Play:
    """A message by e-mail to one person."""
    values = {"slot": "", "channels": (Channel.EMAIL,)}
    return play(play_id, option("mail", Depth.INDIVIDUAL), **(values | fields))
