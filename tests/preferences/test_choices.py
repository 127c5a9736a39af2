"""Switches: what is said to turn one, and that it is enough and not more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.preferences.choices import Act, Switch, grouped

BASES = ("consent", "opt_out", "legitimate_interest", "contract", "vital_interest")
OWN = ("UNKNOWN", "GRANTED", "REFUSED", "WITHDRAWN", "EXPIRED")
switches = st.builds(
    Switch,
    purpose=st.just("loyalty"),
    allowed=st.booleans(),
    own=st.sampled_from(OWN),
    basis=st.sampled_from(BASES),
    objected=st.booleans(),
    restricted=st.booleans(),
)


def after(switch: Switch, acts: tuple[Act, ...]) -> Switch:
    """What the record says when these have been said (docs/consent.md)."""
    for act in acts:
        if act is Act.LIFT:
            switch = replace(switch, objected=False, restricted=False)
        elif act is Act.OBJECT:
            switch = replace(switch, objected=True)
        else:
            own = {Act.GRANT: "GRANTED", Act.REFUSE: "REFUSED", Act.WITHDRAW: "WITHDRAWN"}[act]
            switch = replace(switch, own=own)
    return switch


@given(switches, st.booleans())
def test_what_is_said_turns_the_switch_and_nothing_of_it_could_be_left_unsaid(switch: Switch, on: bool):
    acts = switch.turned(on)
    assert after(switch, acts).is_wanted is on
    for place in range(len(acts)):
        assert after(switch, acts[:place] + acts[place + 1 :]).is_wanted is not on


@given(switches)
def test_a_permission_is_taken_back_by_no_objection(switch: Switch):
    """An objection would outlive a later yes that is given elsewhere."""
    acts = switch.turned(on=False)
    assert (Act.OBJECT in acts) is (bool(acts) and switch.basis not in {"consent", "opt_out"})


@given(switches)
def test_nobody_is_told_that_something_elsewhere_stands_against_what_they_said_themselves(switch: Switch):
    if switch.why.value == "elsewhere":
        assert switch.is_wanted and not switch.allowed


def test_what_the_law_demands_or_forbids_has_no_switch():
    for basis in ("legal_obligation", "none", "forbidden", ""):
        switch = Switch("rights", allowed=True, own="UNKNOWN", basis=basis)
        assert not switch.has_say and not switch.turned(on=False) and not switch.turned(on=True)


def test_groups_keep_the_trees_order():
    names = ("service", "marketing.email", "marketing.sms", "loyalty")
    found = grouped(Switch(name, allowed=True, own="UNKNOWN", basis="consent") for name in names)
    assert {group: [one.purpose for one in members] for group, members in found.items()} == {
        "service": ["service"],
        "marketing": ["marketing.email", "marketing.sms"],
        "loyalty": ["loyalty"],
    }
