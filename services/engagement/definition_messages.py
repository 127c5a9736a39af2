"""Definitions as the contract has them, made into those that decide.

The contract's limits were checked before. What only the whole says (a list that is no tree, a value that
is not there) is a fault with its path, so that whoever wrote it finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any as Anything

from engagement.condition import (
    NODES_MAX,
    All,
    Any,
    Compare,
    Comparison,
    Condition,
    Count,
    DaysSince,
    Near,
    Not,
    Sum,
    YearlyWithin,
)
from engagement.content import Part, Template, Variant
from engagement.definition import LIMITS_ID, Definition, Fault, Kind, Name
from engagement.event import EventKind
from engagement.play import (
    Channel,
    DateTrigger,
    Depth,
    Discount,
    EventTrigger,
    LapseTrigger,
    Limits,
    Option,
    PlaceTrigger,
    Play,
    Segment,
    State,
    Trigger,
)
from services.engagement.programmes import programme_of
from services.interceptors.declared import purpose_of
from veilgraph.engagement.v1 import definition_pb2
from veilgraph.privacy.v1 import privacy_pb2

_MESSAGE_DAYS = 7


class DefinitionMalformed(ValueError):  # noqa: N818 - named after what it says
    """A message is no definition; ``fault`` says why."""

    def __init__(self, path: str, reason: str, text: str) -> None:
        super().__init__(reason)
        self.fault = Fault(path, reason, text)


def definition_of(message: definition_pb2.Definition) -> Definition:
    """The definition that a message is.

    Raises:
        DefinitionMalformed: it is none.
    """
    state = State(message.state)
    match message.WhichOneof("declares"):
        case "play":
            return Definition(Name(Kind.PLAY, message.play.play_id), state, _play(message.play, state))
        case "segment":
            segment = _segment(message.segment, state)
            return Definition(Name(Kind.SEGMENT, segment.segment_id), state, segment)
        case "limits":
            return Definition(Name(Kind.LIMITS, LIMITS_ID), state, _limits(message.limits))
        case "template":
            template = _template(message.template, state)
            return Definition(Name(Kind.TEMPLATE, template.template_id), state, template)
        case "programme":
            programme = programme_of(message.programme)
            return Definition(Name(Kind.PROGRAMME, programme.programme_id), state, programme)
    raise DefinitionMalformed("", "FIELD_REQUIRED", "it declares nothing")


def condition_of(message: definition_pb2.Condition, path: str) -> Condition:
    """The tree that a list of nodes is.

    Raises:
        DefinitionMalformed: it is none: nodes are left over, come twice or out of order.
    """
    nodes = message.nodes
    if len(nodes) > NODES_MAX:
        raise DefinitionMalformed(path, "CONDITION_TOO_LARGE", f"a condition has {NODES_MAX} nodes at most")
    condition, end = _node(nodes, 0, path)
    if end != len(nodes):
        raise DefinitionMalformed(f"{path}.nodes[{end}]", "CONDITION_NO_TREE", "it is beneath no node")
    return condition


def _node(nodes: Sequence[definition_pb2.ConditionNode], at: int, path: str) -> tuple[Condition, int]:
    """The tree that begins at a position, and the position after it."""
    node, here = nodes[at], f"{path}.nodes[{at}]"
    which = node.WhichOneof("node")
    match which:
        case "all_of" | "any_of":
            children = list((node.all_of if which == "all_of" else node.any_of).nodes)
            of, end = _children(nodes, children, at, path)
            return (All(of) if which == "all_of" else Any(of)), end
        case "not_of":
            of, end = _children(nodes, [node.not_of], at, path)
            return Not(of[0]), end
        case None:
            raise DefinitionMalformed(here, "FIELD_REQUIRED", "the node says nothing")
    return _LEAVES[which](getattr(node, which), f"{here}.{which}"), at + 1


def _children(
    nodes: Sequence[definition_pb2.ConditionNode], children: Sequence[int], at: int, path: str
) -> tuple[tuple[Condition, ...], int]:
    of, end = [], at + 1
    for child in children:
        if child != end or child >= len(nodes):
            text = f"node {child} is not the next; a node's children follow it in order"
            raise DefinitionMalformed(f"{path}.nodes[{at}]", "CONDITION_NO_TREE", text)
        condition, end = _node(nodes, child, path)
        of.append(condition)
    return tuple(of), end


def _compare(message: definition_pb2.FieldComparison, path: str) -> Compare:
    value = message.WhichOneof("value")
    if value is None:
        raise DefinitionMalformed(f"{path}.value", "FIELD_REQUIRED", "it is compared with nothing")
    return Compare(message.field, Comparison(message.comparison), getattr(message, value))


def _count(message: definition_pb2.EventCount, _path: str) -> Count:
    kinds, items = _kinds(message.kinds), frozenset(message.item_ids)
    return Count(kinds, message.window_days, Comparison(message.comparison), message.number, items)


def _sum(message: definition_pb2.EventSum, _path: str) -> Sum:
    comparison = Comparison(message.comparison)
    return Sum(_kinds(message.kinds), message.window_days, message.currency, comparison, message.amount_minor)


def _days_since(message: definition_pb2.DaysSinceEvent, _path: str) -> DaysSince:
    return DaysSince(_kinds(message.kinds), Comparison(message.comparison), message.days)


def _yearly(message: definition_pb2.YearlyDateWithin, _path: str) -> YearlyWithin:
    return YearlyWithin(message.field, message.days)


def _near(message: definition_pb2.PlaceNear, _path: str) -> Near:
    return Near(message.field, tuple(message.cells), message.distance_m)


_LEAVES: dict[str, Callable[[Anything, str], Condition]] = {
    "compare": _compare,
    "count": _count,
    "sum": _sum,
    "days_since": _days_since,
    "yearly_within": _yearly,
    "near": _near,
}


def _kinds(kinds: Sequence[int]) -> frozenset[EventKind]:
    return frozenset(EventKind(kind) for kind in kinds)


def _purpose(number: int) -> str:
    value = privacy_pb2.Purpose.DESCRIPTOR.values_by_number[number]
    return purpose_of(value) or ""


def _play(message: definition_pb2.Play, state: State) -> Play:
    condition = condition_of(message.condition, "play.condition") if message.HasField("condition") else None
    return Play(
        play_id=message.play_id,
        version=0,
        state=state,
        purpose=_purpose(message.purpose),
        priority=message.priority,
        slot=message.slot,
        channels=tuple(_channel(number, index) for index, number in enumerate(message.channels)),
        options=tuple(_option(option, f"play.options[{at}]") for at, option in enumerate(message.options)),
        segment_id=message.segment_id,
        condition=condition,
        trigger=_trigger(message),
        service=message.service,
        asks=message.asks,
        review=message.review,
        rollout_permille=message.rollout_permille,
        from_ms=message.from_time.ToMilliseconds(),
        until_ms=message.until_time.ToMilliseconds(),
        offer_days=message.offer_days,
        message_days=message.message_days or _MESSAGE_DAYS,
        nps_from_one=message.nps_from_one,
    )


def _channel(number: int, index: int) -> Channel:
    if not number:
        raise DefinitionMalformed(f"play.channels[{index}]", "FIELD_ENUM", "a channel is named")
    return Channel(number)


def _option(message: definition_pb2.Option, path: str) -> Option:
    has = message.HasField
    discount = message.discount
    return Option(
        option_id=message.option_id,
        depth=Depth(message.depth),
        condition=condition_of(message.condition, f"{path}.condition") if has("condition") else None,
        template_id=message.template_id,
        discount=Discount(
            discount.permille, discount.amount_minor, discount.currency, discount.margin_floor_permille
        )
        if has("discount")
        else None,
        sponsored=message.sponsored,
        item_ids=tuple(message.item_ids),
        blocks=tuple(message.blocks),
        interface_choice=message.interface_choice,
        owed=message.owed,
    )


def _trigger(message: definition_pb2.Play) -> Trigger | None:
    match message.WhichOneof("trigger"):
        case "event":
            event = message.event
            return EventTrigger(_kinds(event.kinds), event.delay_s, _kinds(event.unless))
        case "date":
            return DateTrigger(message.date.field, message.date.days_before, message.date.minute_of_day)
        case "lapse":
            return LapseTrigger(_kinds(message.lapse.kinds), message.lapse.days)
        case "place":
            place = message.place
            return PlaceTrigger(tuple(place.cells), place.distance_m, place.rest_days)
    return None


def _segment(message: definition_pb2.Segment, state: State) -> Segment:
    condition = condition_of(message.condition, "segment.condition")
    return Segment(message.segment_id, 0, state, _purpose(message.purpose), condition, message.declared)


def _limits(message: definition_pb2.Limits) -> Limits:
    return Limits(**{field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields})


def _template(message: definition_pb2.Template, state: State) -> Template:
    variants = tuple(
        Variant(
            variant.language,
            tuple(Part(part.name, part.text, part.plain) for part in variant.parts),
            variant.disclosure,
        )
        for variant in message.variants
    )
    return Template(
        template_id=message.template_id,
        version=0,
        state=state,
        variants=variants,
        reveals=tuple(message.reveals),
        where_from=message.where_from,
        scene_id=message.scene_id,
        scene_element_ids=tuple(message.scene_element_ids),
    )
