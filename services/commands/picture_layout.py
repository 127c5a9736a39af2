"""Where the members and links of a person stand in a picture: far enough apart to be read.

networkx finds places, here they are drawn apart until no member touches another and, where
there is room, no text another text. Everything is computed from the order of members and
links, so that the same person is the same picture every time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

#: Two members' middles are no closer, pixels.
MEMBERS_APART = 130.0
#: A member with its text beneath fits into so much on either side of its middle, pixels.
MEMBER_WIDE, MEMBER_ABOVE, MEMBER_BELOW = 44.0, 22.0, 46.0
TEXT_HIGH = 14.0
_SMALL_MAX = 60
_PARALLEL_APART = 46.0
_PASSES_MAX = 400
_GROWTHS_MAX = 10
_GROWTH = 1.18
#: Where along a link its text may stand, the best place first.
_ALONG = (0.5, 0.42, 0.58, 0.34, 0.66)

Places = npt.NDArray[np.float64]


class Box(NamedTuple):
    """A rectangle, pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Curve(NamedTuple):
    """A link as it is drawn: a quadratic curve, and the middle of its text."""

    start: tuple[float, float]
    bend: tuple[float, float]
    end: tuple[float, float]
    text: tuple[float, float]


class Layout(NamedTuple):
    """The places of everything, from (0, 0) on.

    Attributes:
        members: the middle of each member.
        links: each link.
        width: of the whole, pixels.
        height: likewise.
    """

    members: list[tuple[float, float]]
    links: list[Curve]
    width: float
    height: float


def layout(members: int, links: Sequence[tuple[int, int]], text_widths: Sequence[float]) -> Layout:
    """Places members and links.

    Args:
        members: how many there are.
        links: the two members of each; several may have the same.
        text_widths: of the text at each link, pixels.
    """
    places = _apart(_places(members, links))
    for _ in range(_GROWTHS_MAX):
        curves, free = _curves(places, links, text_widths)
        if free:
            break
        places = places * _GROWTH
    return _moved(places, curves, text_widths)


def text_box(middle: tuple[float, float], width: float) -> Box:
    """What a text around a middle covers."""
    x, y = middle
    return Box(x - width / 2, y - TEXT_HIGH / 2, x + width / 2, y + TEXT_HIGH / 2)


def member_box(middle: tuple[float, float]) -> Box:
    """What a member with its text covers."""
    x, y = middle
    return Box(x - MEMBER_WIDE, y - MEMBER_ABOVE, x + MEMBER_WIDE, y + MEMBER_BELOW)


def _places(members: int, links: Sequence[tuple[int, int]]) -> Places:
    graph = nx.Graph()
    graph.add_nodes_from(range(members))
    graph.add_edges_from((one, other) for one, other in links if one != other)
    parts = [min(part) for part in nx.connected_components(graph)]
    graph.add_edges_from((0, part) for part in parts if part)  # nothing drifts away
    if members <= _SMALL_MAX:
        found = nx.kamada_kawai_layout(graph)
    else:
        found = nx.spring_layout(graph, seed=1, iterations=60, method="force")
    places = np.array([found[number] for number in range(members)], dtype=np.float64)
    ends = np.array([edge for edge in graph.edges if edge[0] != edge[1]], dtype=np.int64)
    if len(ends):
        lengths = np.hypot(*(places[ends[:, 0]] - places[ends[:, 1]]).T)
        places *= 1.4 * MEMBERS_APART / max(float(lengths.mean()), 1e-6)
    return places


def _apart(places: Places) -> Places:
    """Pushes members that are too close away from one another."""
    count = len(places)
    # Two at the very same place go different ways.
    turns = np.arange(count) * math.pi * (3 - math.sqrt(5))
    places = places + np.stack([np.cos(turns), np.sin(turns)], axis=1) * 1e-3
    for _ in range(_PASSES_MAX):
        away = places[:, None, :] - places[None, :, :]
        distance = np.hypot(away[..., 0], away[..., 1])
        np.fill_diagonal(distance, np.inf)
        lacking = np.maximum(MEMBERS_APART * 1.02 - distance, 0)
        if float(distance.min()) >= MEMBERS_APART:
            break
        places = places + (away / distance[..., None] * lacking[..., None] / 2).sum(axis=1)
    return places


def _curves(
    places: Places, links: Sequence[tuple[int, int]], text_widths: Sequence[float]
) -> tuple[list[Curve], bool]:
    """The links between members as they stand, and whether every text is free."""
    taken = np.empty((len(places) + len(links), 4))
    taken[: len(places)] = [member_box((float(x), float(y))) for x, y in places]
    turn: dict[tuple[int, int], int] = {}
    curves, free = [], True
    between = [(min(link), max(link)) for link in links]
    lanes = Counter(between)
    for filled, (pair, width) in enumerate(zip(between, text_widths, strict=True), len(places)):
        number = turn[pair] = turn.get(pair, -1) + 1
        curve = _curve(places, pair, number - (lanes[pair] - 1) / 2)
        middles = [_at(curve, along) for along in _ALONG]
        clear = [middle for middle in middles if _is_free(text_box(middle, width), taken[:filled])]
        free = free and bool(clear)
        chosen = curve._replace(text=clear[0] if clear else middles[0])
        taken[filled] = text_box(chosen.text, width)
        curves.append(chosen)
    return curves, free


def _is_free(box: Box, taken: Places) -> bool:
    """Whether a box has no point in common with any of others, one a row."""
    left, top, right, bottom = taken.T
    meets = (left < box.right) & (box.left < right) & (top < box.bottom) & (box.top < bottom)
    return not meets.any()


def _curve(places: Places, pair: tuple[int, int], lane: float) -> Curve:
    (x1, y1), (x2, y2) = ((float(x), float(y)) for x, y in (places[pair[0]], places[pair[1]]))
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    aside = 2 * lane * _PARALLEL_APART
    bend = (
        (x1 + x2) / 2 - (y2 - y1) / length * aside,
        (y1 + y2) / 2 + (x2 - x1) / length * aside,
    )
    return Curve((x1, y1), bend, (x2, y2), bend)


def _at(curve: Curve, t: float) -> tuple[float, float]:
    x, y = (
        (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
        for a, b, c in zip(curve.start, curve.bend, curve.end, strict=True)
    )
    return x, y


def _moved(places: Places, curves: Sequence[Curve], text_widths: Sequence[float]) -> Layout:
    """Everything shifted so that the whole begins at (0, 0)."""
    boxes = [member_box((float(x), float(y))) for x, y in places]
    boxes += [text_box(curve.text, width) for curve, width in zip(curves, text_widths, strict=True)]
    boxes += [Box(*curve.bend, *curve.bend) for curve in curves]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)

    def moved(point: Sequence[float]) -> tuple[float, float]:
        return point[0] - left, point[1] - top

    return Layout(
        [moved((float(x), float(y))) for x, y in places],
        [Curve(*map(moved, curve)) for curve in curves],
        max(box.right for box in boxes) - left,
        max(box.bottom for box in boxes) - top,
    )
