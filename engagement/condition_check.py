"""Whether a condition says something: fields that there are, compared with what they can be.

A fault names the node by its position in the order of reading (a node before what is beneath it), which is
how conditions are written in the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import h3

from engagement.condition import (
    DEPTH_MAX,
    NODES_MAX,
    All,
    Any,
    Compare,
    Comparison,
    Condition,
    Count,
    DaysSince,
    Leaf,
    Near,
    Not,
    Sum,
    YearlyWithin,
)
from engagement.definition import Fault
from engagement.fields import EVENTS_PREFIX, Field, Kind, field_of

_VALUE_TYPES = {
    Kind.TEXT: str,
    Kind.NUMBER: int,
    Kind.YES: bool,
    Kind.TEXTS: str,
    Kind.CELL: str,
    Kind.DAY: str,
}
_SAMENESS = frozenset({Comparison.EQUAL, Comparison.NOT_EQUAL})
_ORDER = frozenset({Comparison.LESS, Comparison.AT_MOST, Comparison.MORE, Comparison.AT_LEAST})
_HAS = frozenset({Comparison.HAS})
_MEMBER = {
    Compare: "compare",
    Count: "count",
    Sum: "sum",
    DaysSince: "days_since",
    YearlyWithin: "yearly_within",
    Near: "near",
}


class Placed(NamedTuple):
    """A node, its position in the order of reading, and how deep it is, from 1."""

    node: Condition
    position: int
    depth: int


def placed(condition: Condition) -> list[Placed]:
    """All nodes of a condition in the order of reading."""
    nodes: list[Placed] = []
    waiting: list[tuple[Condition, int]] = [(condition, 1)]
    while waiting:
        node, depth = waiting.pop()
        nodes.append(Placed(node, len(nodes), depth))
        children = node.of if isinstance(node, All | Any) else (node.of,) if isinstance(node, Not) else ()
        waiting += [(child, depth + 1) for child in reversed(children)]
    return nodes


def condition_faults(condition: Condition, purpose: str, path: str) -> Iterator[Fault]:
    """What is wrong with a condition.

    Args:
        condition: of a play, an option or a segment.
        purpose: a leaf; every field must be readable for it.
        path: of the condition within its definition.
    """
    nodes = placed(condition)
    if len(nodes) > NODES_MAX:
        yield Fault(path, "CONDITION_TOO_LARGE", f"a condition has {NODES_MAX} nodes at most")
        return
    if max(node.depth for node in nodes) > DEPTH_MAX:
        yield Fault(path, "CONDITION_TOO_DEEP", f"a condition is {DEPTH_MAX} deep at most")
        return
    for node, position, _ in nodes:
        at = f"{path}.nodes[{position}]"
        if isinstance(node, All | Any):
            if not node.of:
                yield Fault(at, "CONDITION_EMPTY", "nothing is beneath it")
        elif not isinstance(node, Not):
            yield from _leaf_faults(node, purpose, f"{at}.{_MEMBER[type(node)]}")


def field_faults(name: str, kinds: frozenset[Kind], purpose: str, path: str) -> Iterator[Fault]:
    """What is wrong with reading a field of some kinds for a purpose."""
    field = field_of(name)
    if field is None:
        yield Fault(path, "FIELD_UNKNOWN", f"there is no field {name!r}")
        return
    if field.kind not in kinds:
        wanted = " or ".join(sorted(kinds))
        yield Fault(path, "TYPE_WRONG", f"{name} is a {field.kind}, and a {wanted} is needed")
    if not field.may_be_read_for(purpose):
        yield Fault(path, "FIELD_NOT_FOR_PURPOSE", f"{name} is not read for {purpose}")


def cell_faults(cells: tuple[str, ...], path: str) -> Iterator[Fault]:
    """What is wrong with some H3 cells."""
    if not cells:
        yield Fault(path, "CELL_INVALID", "at least one H3 cell is needed")
    for index, cell in enumerate(cells):
        if not h3.is_valid_cell(cell):
            yield Fault(f"{path}[{index}]", "CELL_INVALID", f"{cell!r} is no H3 cell")


def _leaf_faults(leaf: Leaf, purpose: str, at: str) -> Iterator[Fault]:
    match leaf:
        case Compare(name):
            yield from field_faults(name, frozenset(_VALUE_TYPES), purpose, f"{at}.field")
            field = field_of(name)
            if field is not None and field.kind in _VALUE_TYPES:
                yield from _value_faults(leaf, field, at)
            return
        case YearlyWithin(name):
            yield from field_faults(name, frozenset({Kind.DAY}), purpose, f"{at}.field")
            return
        case Near(name, cells):
            yield from field_faults(name, frozenset({Kind.CELL}), purpose, f"{at}.field")
            yield from cell_faults(cells, f"{at}.cells")
            return
    if not leaf.kinds:
        yield Fault(f"{at}.kinds", "CONDITION_EMPTY", "at least one kind of event is needed")
    if leaf.comparison is Comparison.HAS:
        yield Fault(f"{at}.comparison", "COMPARISON_WRONG", "numbers are compared by size")
    for kind in sorted(leaf.kinds):
        yield from field_faults(
            f"{EVENTS_PREFIX}{kind.name}", frozenset({Kind.EVENTS}), purpose, f"{at}.kinds"
        )


def _value_faults(leaf: Compare, field: Field, at: str) -> Iterator[Fault]:
    if type(leaf.value) is not _VALUE_TYPES[field.kind]:
        yield Fault(f"{at}.value", "TYPE_WRONG", f"{leaf.field} is compared with a {field.kind}")
        return
    if leaf.comparison not in _comparisons(field):
        yield Fault(f"{at}.comparison", "COMPARISON_WRONG", f"{leaf.field} is not compared so")
    if field.choices and leaf.value not in field.choices:
        yield Fault(f"{at}.value", "VALUE_UNKNOWN", f"{leaf.field} is one of {', '.join(field.choices)}")


def _comparisons(field: Field) -> frozenset[Comparison]:
    if field.kind is Kind.TEXTS:
        return _HAS
    if field.kind is Kind.NUMBER or field.choices:
        return _SAMENESS | _ORDER
    return _SAMENESS
