"""What is given of what is left, and exactly how likely it was.

Of the options left one by a number that is drawn outside. The intervals of that number are the chances
that are logged, so a chance is exact whatever weighed it. No option falls below the floor, and all paid
ones together stay within their share; both leave the others' proportions as they were. What a person
declared they want, or is owed by their standing, is given to them, and nothing is explored.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from engagement.decision import Candidate, Chance
from engagement.facts import Known
from engagement.guards.left import Left
from engagement.play import Option

#: The least chance of an option that can be given at all, where there are at most a hundred.
FLOOR_PERMILLE = 10
_INTERFACE = "interface."


class Drawn(NamedTuple):
    """What was drawn, how likely it was, and what else could have been."""

    candidate: Candidate
    propensity: float
    alternatives: tuple[Chance, ...]


def drawn(left: Left, fields: Mapping[str, Known], paid_permille: int, draw: float) -> Drawn:
    """Gives one of what is left; something is.

    Args:
        left: with weights.
        fields: what is known.
        paid_permille: the share that paid options have at most, together.
        draw: at least 0 and less than 1.
    """
    given = _by_option(left.candidates)
    left.read.update(_field_of(one.option) for one in given if one.option.interface_choice)
    certain = _owed(given) or [one for one in given if is_certain(one.option, fields)]
    if certain:
        given = certain
        split = _split(tuple(one.option.option_id for one in given), (1 / len(given),) * len(given))
    else:
        split = _weighed(
            tuple((one.option.option_id, left.weight(one), one.option.sponsored) for one in given),
            paid_permille,
        )
    at = bisect_right(split.bounds, draw)
    return Drawn(given[at], split.alternatives[at].probability, split.alternatives)


def is_certain(option: Option, fields: Mapping[str, Known]) -> bool:
    """Whether an option is owed, or declared to be wanted; nobody declares what somebody else pays for."""
    if option.owed:
        return True
    if not option.interface_choice or option.sponsored:
        return False
    known = fields.get(_field_of(option))
    return known is not None and known.value == option.interface_choice.partition(":")[2]


def chances(weights: Sequence[float], paid: Sequence[bool], paid_permille: int) -> list[float]:
    """The chances of options by how much they are preferred; they sum to 1.

    Args:
        weights: above 0, in any unit.
        paid: which of them are paid for.
        paid_permille: the share of those at most, while there are others.
    """
    if not any(paid) or all(paid):
        return _floored(weights, 1.0)
    of_paid = [weight for weight, is_paid in zip(weights, paid, strict=True) if is_paid]
    of_rest = [weight for weight, is_paid in zip(weights, paid, strict=True) if not is_paid]
    heaviest = max(weights)
    part = sum(weight / heaviest for weight in of_paid) / sum(weight / heaviest for weight in weights)
    mass = min(max(part, len(of_paid) * FLOOR_PERMILLE / 1000), paid_permille / 1000)
    split_paid, split_rest = iter(_floored(of_paid, mass)), iter(_floored(of_rest, 1 - mass))
    return [next(split_paid if is_paid else split_rest) for is_paid in paid]


def _floored(weights: Sequence[float], mass: float) -> list[float]:
    """A mass in proportion to weights; who would have less than the floor has it, at the others' cost."""
    floor = min(FLOOR_PERMILLE / 1000, mass / len(weights))
    heaviest = max(weights)
    low = [False] * len(weights)
    while True:
        total = sum(weight / heaviest for weight, is_low in zip(weights, low, strict=True) if not is_low)
        unit = (mass - floor * sum(low)) / total
        split = [
            floor if is_low else unit * (weight / heaviest)
            for weight, is_low in zip(weights, low, strict=True)
        ]
        lower = [is_low or part < floor for part, is_low in zip(split, low, strict=True)]
        if lower == low or all(lower):
            return split
        low = lower


class _Split(NamedTuple):
    """The options that can be given, and where the interval of each but the last ends."""

    alternatives: tuple[Chance, ...]
    bounds: tuple[float, ...]


@lru_cache(1000)
def _weighed(given: tuple[tuple[str, float, bool], ...], paid_permille: int) -> _Split:
    """How options of some weights, paid or not, are drawn: those of a play are weighed alike for many."""
    names, weights, paid = zip(*given, strict=True)
    return _split(names, chances(weights, paid, paid_permille))


def _split(names: Sequence[str], shares: Sequence[float]) -> _Split:
    chance_of_each = tuple(map(Chance, names, shares))
    return _Split(chance_of_each, tuple(accumulate(shares))[:-1])


def _by_option(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Each option by the first of its channels that is left."""
    first: dict[str, Candidate] = {}
    for one in candidates:
        first.setdefault(one.option.option_id, one)
    return list(first.values())


def _owed(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Of what is owed the one that takes most off: statuses do not add up."""
    owed = [one for one in candidates if one.option.owed]
    return [max(owed, key=_permille)] if owed else ()


def _permille(candidate: Candidate) -> int:
    return candidate.option.discount.permille if candidate.option.discount is not None else 0


def _field_of(option: Option) -> str:
    return _INTERFACE + option.interface_choice.partition(":")[0]
