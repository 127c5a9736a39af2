"""Definitions as the contract has them, made into those that decide."""

from __future__ import annotations

from functools import singledispatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.condition import (
    All,
    Any,
    Compare,
    Condition,
    Count,
    DaysSince,
    Near,
    Not,
    Sum,
    YearlyWithin,
)
from engagement.condition_check import placed
from engagement.definition import Kind, Name
from engagement.evaluate import holds
from engagement.facts import Facts
from engagement.play import Channel, DateTrigger, Depth, EventTrigger, LapseTrigger, PlaceTrigger, State
from services.engagement.definition_messages import DefinitionMalformed, condition_of, definition_of
from tests.engagement.conditions import CONDITIONS, FACTS, HERE
from tests.engagement.declared_definitions import (
    EMAIL,
    EQUAL,
    ORDER,
    VIEW,
    Definition,
    compared,
    condition,
    limits,
    play,
)
from veilgraph.engagement.v1 import definition_pb2


def told(wanted: Condition) -> definition_pb2.Condition:
    """A condition as a caller would send it: by recursion, each node before what is beneath it."""
    message = definition_pb2.Condition()
    _add(wanted, message)
    return message


@singledispatch
def _add(node: Condition, message: definition_pb2.Condition) -> int:
    raise TypeError(type(node))


def _next(message: definition_pb2.Condition) -> tuple[int, definition_pb2.ConditionNode]:
    return len(message.nodes), message.nodes.add()


@_add.register(All)
@_add.register(Any)
def _(node: All | Any, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    children = made.all_of if isinstance(node, All) else made.any_of
    children.SetInParent()
    for child in node.of:
        children.nodes.append(_add(child, message))
    return at


@_add.register
def _(node: Not, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    made.not_of = _add(node.of, message)
    return at


@_add.register
def _(node: Compare, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    made.compare.field, made.compare.comparison = node.field, int(node.comparison)  # type: ignore[assignment]
    setattr(made.compare, "number" if isinstance(node.value, int) else "text", node.value)
    return at


@_add.register
def _(node: YearlyWithin, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    made.yearly_within.field, made.yearly_within.days = node.field, node.days
    return at


@_add.register
def _(node: Near, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    made.near.field, made.near.distance_m = node.field, node.distance_m
    made.near.cells.extend(node.cells)
    return at


@_add.register(Count)
@_add.register(Sum)
@_add.register(DaysSince)
def _(node: Count | Sum | DaysSince, message: definition_pb2.Condition) -> int:
    at, made = _next(message)
    name = {Count: "count", Sum: "sum", DaysSince: "days_since"}[type(node)]
    leaf = getattr(made, name)
    for field in leaf.DESCRIPTOR.fields:
        value = getattr(node, field.name)
        if isinstance(value, frozenset):
            getattr(leaf, field.name).extend(sorted(value))
        else:
            setattr(leaf, field.name, value)
    return at


@given(CONDITIONS, FACTS)
def test_a_condition_means_what_its_nodes_say(wanted: Condition, facts: Facts) -> None:
    """Sent and read it is the same tree, and holds of the same people."""
    read = condition_of(told(wanted), "c")
    assert read == wanted
    assert holds(read, facts) == holds(wanted, facts)


@given(CONDITIONS)
def test_faults_name_nodes_by_the_positions_they_were_sent_at(wanted: Condition) -> None:
    """The order of reading is the order of the list."""
    sent = [node.WhichOneof("node") for node in told(wanted).nodes]
    kinds = {All: "all_of", Any: "any_of", Not: "not_of", Compare: "compare", Count: "count", Sum: "sum"}
    kinds |= {DaysSince: "days_since", YearlyWithin: "yearly_within", Near: "near"}
    assert [kinds[type(one.node)] for one in placed(wanted)] == sent


NODES = st.lists(
    st.one_of(
        st.builds(lambda: compared("context.weather", EQUAL, text="a")),
        st.builds(lambda at: definition_pb2.ConditionNode(not_of=at), st.integers(0, 6)),
        st.builds(
            lambda nodes: definition_pb2.ConditionNode(all_of={"nodes": nodes}),  # type: ignore[arg-type]
            st.lists(st.integers(-1, 6), max_size=3),
        ),
        st.just(definition_pb2.ConditionNode()),
    ),
    min_size=1,
    max_size=7,
)


@given(NODES)
def test_whatever_nodes_are_sent_they_are_a_tree_or_refused(
    nodes: list[definition_pb2.ConditionNode],
) -> None:
    """What is read has every node exactly once."""
    try:
        read = condition_of(condition(*nodes), "c")
    except DefinitionMalformed as error:
        assert error.fault.path.startswith("c.nodes[")
        return
    assert len(placed(read)) == len(nodes)


def test_a_play_is_read_with_all_that_it_says() -> None:
    """Numbers of the contract become the domain's own words; 0 days of a message are a week."""
    said = {"asks": True, "review": True, "service": True, "nps_from_one": True}
    sent = play(priority=7, segment_id="s", from_time={"seconds": 5}, offer_days=3, **said)
    definition = definition_of(sent)
    assert definition.name == Name(Kind.PLAY, "banner")
    read = definition.body
    assert (read.purpose, read.priority, read.slot, read.channels) == (  # type: ignore[union-attr]
        "personalise.content", 7, "home.banner", (Channel.WEB,)
    )  # fmt: skip
    assert (read.from_ms, read.until_ms, read.offer_days, read.message_days) == (5000, 0, 3, 7)  # type: ignore[union-attr]
    assert [option.depth for option in read.options] == [Depth.GENERAL, Depth.INDIVIDUAL]  # type: ignore[union-attr]
    assert (definition.state, read.segment_id) == (State.LIVE, "s")  # type: ignore[union-attr]
    assert {name: getattr(read, name) for name in said} == said


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (
            {"event": {"kinds": [VIEW], "delay_s": 60, "unless": [ORDER]}},
            EventTrigger(frozenset({VIEW}), 60, frozenset({ORDER})),
        ),
        (
            {"date": {"field": "attribute.birthday", "minute_of_day": 9}},
            DateTrigger("attribute.birthday", 0, 9),
        ),
        ({"lapse": {"kinds": [ORDER], "days": 60}}, LapseTrigger(frozenset({ORDER}), 60)),
        ({"place": {"cells": [HERE], "distance_m": 5, "rest_days": 1}}, PlaceTrigger((HERE,), 5, 1)),
        ({}, None),
    ],
)
def test_what_sets_a_play_off_is_read(sent: dict[str, object], read: object) -> None:
    """One of four, or nothing."""
    assert definition_of(play(slot="", channels=[EMAIL], **sent)).body.trigger == read  # type: ignore[union-attr]


def test_limits_are_read_field_by_field() -> None:
    """Every number is where it was sent."""
    sent = limits(cap=9, sponsored_permille=1)
    read = definition_of(sent).body
    assert all(
        getattr(read, field.name) == getattr(sent.limits, field.name)
        for field in sent.limits.DESCRIPTOR.fields
    )


@pytest.mark.parametrize(
    "sent",
    [Definition(), play(channels=[0]), play(condition=condition(compared("context.weather", EQUAL)))],
)
def test_what_is_no_definition_is_refused(sent: Definition) -> None:
    """It declares nothing, names no channel, compares with nothing."""
    sent.state = 1  # type: ignore[assignment]
    with pytest.raises(DefinitionMalformed):
        definition_of(sent)
