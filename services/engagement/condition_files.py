"""Conditions as files have them, nested, made into the contract's list of nodes.

A node is written where one thinks of it; in the list it comes before what is beneath it, so the position
of every node follows from the order of reading.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from engagement.condition import NODES_MAX
from services.engagement.definition_keys import DefinitionFileError, Keys
from veilgraph.engagement.v1 import definition_pb2, profile_pb2

EVENT_KINDS: Mapping[str, int] = {
    value.name.removeprefix("EVENT_KIND_"): value.number
    for value in profile_pb2.EventKind.DESCRIPTOR.values
    if value.number
}
#: How a value is compared, by the key that says with what.
_COMPARISONS: Mapping[str, int] = {
    "equals": definition_pb2.COMPARISON_EQUAL,
    "not_equals": definition_pb2.COMPARISON_NOT_EQUAL,
    "less_than": definition_pb2.COMPARISON_LESS,
    "at_most": definition_pb2.COMPARISON_AT_MOST,
    "more_than": definition_pb2.COMPARISON_MORE,
    "at_least": definition_pb2.COMPARISON_AT_LEAST,
    "has": definition_pb2.COMPARISON_HAS,
}
_NODES = ("all", "any", "not", "field", "count", "sum", "days_since", "yearly", "near")


class Nodes:
    """Fills one condition."""

    def __init__(
        self, condition: definition_pb2.Condition, path: str, places: MutableMapping[str, str]
    ) -> None:
        """Begins.

        Args:
            condition: the list to be filled.
            path: of it in the definition.
            places: where in the file each node stands; added to.
        """
        self._nodes = condition.nodes
        self._path = path
        self._places = places

    def add(self, content: object, where: str) -> int:
        """Adds a node with all that is beneath it; its position.

        Raises:
            DefinitionFileError: it is none.
        """
        position = len(self._nodes)
        if position >= NODES_MAX:
            raise DefinitionFileError(where, f"a condition has {NODES_MAX} nodes at most")
        keys = Keys(content, where)
        kinds = [kind for kind in _NODES if kind in keys]
        if len(kinds) != 1:
            raise DefinitionFileError(where, f"exactly one of {', '.join(_NODES)} says what it is")
        self._places[f"{self._path}.nodes[{position}]"] = where
        node = self._nodes.add()
        match kinds[0]:
            case "all" | "any" as kind:
                held = node.all_of if kind == "all" else node.any_of
                held.nodes.extend([self.add(child, at) for child, at in keys.entries(kind)])
            case "not":
                node.not_of = self.add(keys.any("not"), keys.at("not"))
            case _:
                _leaf(kinds[0], keys, node)
        keys.done()
        return position


def _leaf(kind: str, keys: Keys, node: definition_pb2.ConditionNode) -> None:
    match kind:
        case "field":
            _compare(keys, node.compare)
        case "count":
            node.count.kinds.extend(_kinds(keys, kind))
            node.count.window_days = keys.number("days")
            node.count.item_ids.extend(keys.texts("items", ()))
            node.count.comparison, node.count.number = _number(keys)  # type: ignore[assignment]
        case "sum":
            node.sum.kinds.extend(_kinds(keys, kind))
            node.sum.window_days = keys.number("days")
            node.sum.currency = keys.text("currency")
            node.sum.comparison, node.sum.amount_minor = _number(keys)  # type: ignore[assignment]
        case "days_since":
            node.days_since.kinds.extend(_kinds(keys, kind))
            node.days_since.comparison, node.days_since.days = _number(keys)  # type: ignore[assignment]
        case "yearly":
            node.yearly_within.field = keys.text(kind)
            node.yearly_within.days = keys.number("within_days")
        case "near":
            node.near.field = keys.text(kind)
            node.near.cells.extend(keys.texts("cells"))
            node.near.distance_m = keys.number("within_m")


def _kinds(keys: Keys, key: str) -> list[profile_pb2.EventKind]:
    return keys.names(key, EVENT_KINDS)


def _compare(keys: Keys, compare: definition_pb2.FieldComparison) -> None:
    compare.field = keys.text("field")
    key = _comparison(keys)
    compare.comparison = _COMPARISONS[key]  # type: ignore[assignment]
    value = keys.any(key)
    if isinstance(value, bool):
        compare.flag = value
    elif isinstance(value, int):
        compare.number = value
    elif isinstance(value, str):
        compare.text = value
    else:
        raise DefinitionFileError(keys.at(key), "a text, a whole number, true or false is needed")


def _number(keys: Keys) -> tuple[int, int]:
    """How a number is compared, and with what."""
    key = _comparison(keys)
    return _COMPARISONS[key], keys.number(key)


def _comparison(keys: Keys) -> str:
    found = [key for key in _COMPARISONS if key in keys]
    if len(found) != 1:
        raise DefinitionFileError(
            keys.where, f"exactly one of {', '.join(_COMPARISONS)} says how it is compared"
        )
    return found[0]
