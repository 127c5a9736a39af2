"""The rules file, compiled: which evidence joins people in which view, and what is no identifier.

Evidence is a bit of a mask, as purposes are in the policy. What the file does not name does
not count: every kind of evidence and every kind of identifier must stand there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from identity.errors import RulesError
from identity.ids import IdentifierToken
from identity.ledger import Edge, Evidence
from identity.tokens import DIGEST_BYTES, IdentifierKind, Tokeniser

VIEWS_MAX = 4
DETERMINISTIC = "identity.link.deterministic"
PROBABILISTIC = "identity.link.probabilistic"


@dataclass(frozen=True, slots=True)
class Rules:
    """A deployment's rules.

    Attributes:
        views: names of the views.
        view_masks: for each view the evidence that counts in it; bit = the evidence's number.
        deterministic_mask: the evidence that is proof.
        members_max: the largest person, counted over every edge not declared wrong.
        blocked: values that are no identifiers, each with the kind it may come as.
        both_ends_mask: the evidence by which a person has proven to be behind both identifiers.
        attesters: the deployment's registered verifiers by the name they have as the source of
            an edge, each with the callers that may speak for it.
    """

    views: tuple[str, ...]
    view_masks: tuple[int, ...]
    deterministic_mask: int
    members_max: int
    blocked: tuple[tuple[IdentifierKind, str], ...]
    both_ends_mask: int = 0
    attesters: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def deterministic(self, evidence: Evidence) -> bool:
        """Whether the evidence is proof, so that grants travel along it."""
        return bool(self.deterministic_mask >> evidence & 1)

    def attester(self, evidence: Evidence, source: str) -> str:
        """The registered verifier that saw both ends proven; empty if nobody of that kind did."""
        return source if self.both_ends_mask >> evidence & 1 and source in self.attesters else ""

    def may_speak(self, caller: str, source: str) -> bool:
        """Whether a caller may name a source: anybody an ordinary one, few a registered verifier."""
        callers = self.attesters.get(source)
        return callers is None or caller in callers

    def link_purpose(self, evidence: Evidence) -> str:
        """The purpose whose refusal takes such an edge away."""
        return DETERMINISTIC if self.deterministic(evidence) else PROBABILISTIC

    def views_of(self, evidence: Evidence) -> int:
        """The views such an edge joins people in; bit = position in ``views``."""
        return sum(1 << view for view, mask in enumerate(self.view_masks) if mask >> evidence & 1)

    def admits(self, view: str, now_ms: int) -> Callable[[Edge], bool]:
        """Which edges join people in a view now: evidence that counts there and has not run out.

        Raises:
            RulesError: there is no such view.
        """
        if view not in self.views:
            raise RulesError(f"unknown view {view!r}")
        mask = self.view_masks[self.views.index(view)]
        return lambda edge: bool(mask >> edge.evidence & 1) and now_ms < edge.valid_until_ms


def compile_rules(content: Mapping[str, Any]) -> Rules:
    """Compiles the content of a rules file.

    Args:
        content: the parsed TOML file, see ``identity/rules.toml``.

    Raises:
        RulesError: a part is missing, unknown or out of bounds.
    """
    if set(content) != {"members_max", "views", "evidence", "blocked"}:
        raise RulesError("a rules file has exactly members_max, views, evidence and blocked")
    views, members_max = tuple(content["views"]), content["members_max"]
    if not 0 < len(set(views)) == len(views) <= VIEWS_MAX:
        raise RulesError(f"there are 1 to {VIEWS_MAX} views, each with its own name")
    if type(members_max) is not int or members_max < 1:
        raise RulesError("members_max is a number from 1")
    rows: Mapping[str, Mapping[str, Any]] = content["evidence"]
    if set(rows) != {evidence.name.lower() for evidence in Evidence}:
        raise RulesError("every kind of evidence has its rule, and nothing else has one")
    for name, row in rows.items():
        for answer in ("deterministic", "both_ends"):
            if not isinstance(row.get(answer), bool):
                raise RulesError(f"{name}: {answer} is true or false")
        if set(row) != {"deterministic", "both_ends", "views"} or not set(row["views"]) <= set(views):
            raise RulesError(f"{name}: needs exactly deterministic, both_ends and views, from those above")
        if row["both_ends"] and not row["deterministic"]:
            raise RulesError(f"{name}: what proves both ends is deterministic")
    return Rules(
        views=views,
        view_masks=tuple(_mask(name for name, row in rows.items() if view in row["views"]) for view in views),
        deterministic_mask=_mask(name for name, row in rows.items() if row["deterministic"]),
        both_ends_mask=_mask(name for name, row in rows.items() if row["both_ends"]),
        members_max=members_max,
        blocked=_blocked(content["blocked"]),
    )


def blocked_tokens(rules: Rules, tokeniser: Tokeniser) -> frozenset[IdentifierToken]:
    """The tokens of one tenant that stand for no identifier.

    A handler sees tokens only, so the blocked values take the way every identifier takes:
    hashed as the client hashes them, then tokenised. An all-zero digest is blocked, too.
    """
    values = {tokeniser.token(kind, hashlib.sha256(value.encode()).digest()) for kind, value in rules.blocked}
    return frozenset(values | {tokeniser.token(kind, bytes(DIGEST_BYTES)) for kind in IdentifierKind})


def _mask(names: Iterable[str]) -> int:
    return sum(1 << Evidence[name.upper()] for name in names)


def _blocked(lists: Mapping[str, Any]) -> tuple[tuple[IdentifierKind, str], ...]:
    if set(lists) != {"any"} | {kind.name.lower() for kind in IdentifierKind}:
        raise RulesError("blocked has a list for `any` and for every kind of identifier, and nothing else")
    if not all(isinstance(value, str) for values in lists.values() for value in values):
        raise RulesError("blocked values are texts")
    return tuple(
        (kind, value) for kind in IdentifierKind for value in [*lists["any"], *lists[kind.name.lower()]]
    )
