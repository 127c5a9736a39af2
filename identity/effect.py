"""What an edge counts for under rules: the one place that says so.

An edge stands for good; what it joins follows from who says it, how sure, how long ago, and by
which evidence. Where none of that joins anybody any more (a source is retired, a rule narrowed,
the evidence ran out) the edge still carries refusals, so that withdrawing never widens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from identity.errors import RulesError
from identity.ledger import CERTAIN_PERMILLE, Edge, Evidence, Sighting
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
    views, deterministic, link_purpose, holds_ms, attested_by = _counts(
        rules, edge.evidence, edge.source, edge.confidence_permille
    )
    ends_ms = min(edge.valid_until_ms, edge.observed_at_ms + holds_ms)
    return Effect(views, deterministic, link_purpose, ends_ms, attested_by)


def sureness(edge: Edge | Sighting, rules: Rules) -> int:
    """How sure one may be of an edge: as sure as its source was, as far as that is believed; permille."""
    return _believed(rules, edge.source, edge.confidence_permille)


def weak(edge: Edge | Sighting, rules: Rules) -> bool:
    """Whether it is a guess: no proof by its evidence, or proof nobody is sure of."""
    return not rules.deterministic(edge.evidence) or sureness(edge, rules) < rules.weak_below_permille


def joins(edge: Edge | Sighting, rules: Rules, now_ms: int) -> bool:
    """Whether an edge joins people in any view at an instant, while it stands."""
    return effect(edge, rules).at(now_ms) != 0


def admits(rules: Rules, view: str, now_ms: int) -> Callable[[Edge], bool]:
    """Which edges join people in a view now: evidence that counts there and has not run out.

    Raises:
        RulesError: there is no such view.
    """
    if view not in rules.views:
        raise RulesError("views", f"unknown view {view!r}")
    number = rules.views.index(view)
    return lambda edge: bool(effect(edge, rules).at(now_ms) >> number & 1)


@lru_cache(maxsize=1 << 14)  # edges differ in little else than their ends and instants
def _counts(
    rules: Rules, evidence: Evidence, source: str, confidence_permille: int
) -> tuple[int, bool, str, int, str]:
    """Views, whether it is proof, the link purpose, for how long, and who attests it; see ``Effect``."""
    rule = rules.evidence[evidence]
    views = _views(rules, evidence, source, confidence_permille)
    sure = _believed(rules, source, confidence_permille)
    return (
        views,
        bool(views) and rule.deterministic and sure >= rules.weak_below_permille,
        rules.link_purpose(evidence),
        rule.holds_ms,
        rules.attester(evidence, source) if views else "",
    )


def _views(rules: Rules, evidence: Evidence, source: str, confidence_permille: int) -> int:
    """The views that what a source saw joins people in; bit = position in ``Rules.views``."""
    if not rules.source(source).counts(evidence):
        return 0
    sure = _believed(rules, source, confidence_permille)
    return sum(
        (sure >= needed) << view for view, needed in enumerate(rules.evidence[evidence].needs_permille)
    )


def _believed(rules: Rules, source: str, confidence_permille: int) -> int:
    return confidence_permille * rules.source(source).trust_permille // CERTAIN_PERMILLE
