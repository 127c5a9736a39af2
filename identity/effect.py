"""What an edge counts for under rules: the one place that says so.

An edge stands for good; what it joins follows from who says it, how sure, how long ago, and by
which evidence. Where none of that joins anybody any more (a source is retired, a rule narrowed,
the evidence ran out) the edge still carries refusals, so that withdrawing never widens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from identity.errors import RulesError
from identity.ledger import CERTAIN_PERMILLE, Edge, Sighting
from identity.rules import Rules


class Effect(NamedTuple):
    """What an edge that stands counts for.

    Attributes:
        views: the views it joins people in; bit = position in ``Rules.views``. With none it
            carries refusals only.
        deterministic: grants travel along it.
        link_purpose: the purpose whose refusal at either end takes it away.
        ends_ms: from when on it carries refusals only.
        attested_by: the registered verifier that saw both ends proven; empty if none did.
    """

    views: int
    deterministic: bool
    link_purpose: str
    ends_ms: int
    attested_by: str

    @property
    def refusal_only(self) -> bool:
        """It joins nobody in any view."""
        return not self.views

    def at(self, now_ms: int) -> int:
        """The views it joins people in at an instant."""
        return self.views if now_ms < self.ends_ms else 0


def effect(edge: Edge | Sighting, rules: Rules) -> Effect:
    """What an edge counts for, or would if the ledger took it, while it stands."""
    rule = rules.evidence[edge.evidence]
    sure = sureness(edge, rules)
    views = 0
    if rules.source(edge.source).counts(edge.evidence):
        for view, needed in enumerate(rule.needs_permille):
            views |= (sure >= needed) << view
    return Effect(
        views,
        bool(views) and rule.deterministic and sure >= rules.weak_below_permille,
        rules.link_purpose(edge.evidence),
        min(edge.valid_until_ms, edge.observed_at_ms + rule.holds_ms),
        rules.attester(edge.evidence, edge.source) if views else "",
    )


def sureness(edge: Edge | Sighting, rules: Rules) -> int:
    """How sure one may be of an edge: as sure as its source was, as far as that is believed; permille."""
    return edge.confidence_permille * rules.source(edge.source).trust_permille // CERTAIN_PERMILLE


def weak(edge: Edge | Sighting, rules: Rules) -> bool:
    """Whether it is a guess: no proof by its evidence, or proof nobody is sure of."""
    return not rules.deterministic(edge.evidence) or sureness(edge, rules) < rules.weak_below_permille


def admits(rules: Rules, view: str, now_ms: int) -> Callable[[Edge], bool]:
    """Which edges join people in a view now: evidence that counts there and has not run out.

    Raises:
        RulesError: there is no such view.
    """
    if view not in rules.views:
        raise RulesError("views", f"unknown view {view!r}")
    bit = 1 << rules.views.index(view)
    joins: dict[tuple[int, str, int], bool] = {}  # edges differ in little else than their ends

    def in_view(edge: Edge) -> bool:
        says = edge.evidence, edge.source, edge.confidence_permille
        if says not in joins:
            joins[says] = bool(effect(edge, rules).views & bit)
        holds_ms = rules.evidence[edge.evidence].holds_ms
        return joins[says] and now_ms < edge.valid_until_ms and now_ms - edge.observed_at_ms < holds_ms

    return in_view
