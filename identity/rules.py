"""The rules file, compiled: what counts as evidence, whose word counts, and what one person may have.

What the file does not name does not count: every kind of evidence and every kind of identifier
must stand there, and a key that nobody knows is refused by its place. A ``Rules`` never
changes; new rules are another file of a higher version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from identity.errors import RulesError
from identity.ids import IdentifierToken
from identity.ledger import CERTAIN_PERMILLE, GUESSES, NEVER_MS, Evidence
from identity.table import Table
from identity.tokens import DIGEST_BYTES, IdentifierKind, Sealed, Tokeniser

VIEWS_MAX = 4
DETERMINISTIC = "identity.link.deterministic"
PROBABILISTIC = "identity.link.probabilistic"
#: No rule counts further than this; a person is bounded by ``members_max`` first.
COUNT_MAX = 100_000
DAYS_MAX = 36_500
#: Values that stand for no identifier, one of ``any`` counted for every kind; each is sealed under
#: every key that opens.
BLOCKED_MAX = 2_000
DAY_MS = 86_400_000
_KINDS = {kind.name.lower(): kind for kind in IdentifierKind}
_EVIDENCE = {evidence.name.lower(): evidence for evidence in Evidence}


class Strength(Enum):
    """What an identifier of a kind says about who is behind it."""

    #: One person's own; two people that each have one are not joined by a guess.
    ANCHOR = "anchor"
    PLAIN = "plain"
    #: May stand between people: looked at as a joint between those it joins.
    SHAREABLE = "shareable"


@dataclass(frozen=True, slots=True)
class KindRule:
    """What holds for one kind of identifier.

    Attributes:
        strength: see ``Strength``.
        per_person_max: how many of this kind one person may have.
        window_ms: only those seen within so long before the sighting count.
        shared_above: of another kind, how many may be linked directly to one of this kind
            before it is one that people share.
    """

    strength: Strength
    per_person_max: int
    window_ms: int = NEVER_MS
    shared_above: Mapping[IdentifierKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """What one kind of evidence counts for.

    Attributes:
        deterministic: proof, so that grants travel along it.
        both_ends: the person has proven to be behind both identifiers.
        needs_permille: for each view how sure a sighting must be to join people in it; more than
            anybody can be where it joins nobody.
        holds_ms: how long after it was seen it counts.
    """

    deterministic: bool
    both_ends: bool
    needs_permille: tuple[int, ...]
    holds_ms: int = NEVER_MS


@dataclass(frozen=True, slots=True)
class SourceRule:
    """What the word of a source counts for.

    Attributes:
        known: the file names it, or takes whoever it does not name.
        active: not retired.
        trust_permille: how far it is believed; what it is sure of counts for so much of it.
        evidence: what it may have seen.
        callers: who may speak for it; ``None`` for anybody.
    """

    known: bool
    active: bool
    trust_permille: int
    evidence: frozenset[Evidence]
    callers: frozenset[str] | None = None

    def counts(self, evidence: Evidence) -> bool:
        """Whether what it says it saw joins anybody."""
        return self.known and self.active and evidence in self.evidence


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """A deployment's rules. Two are the same if they are one object; their content has a ``digest``.

    Attributes:
        version: number of the file; a newer one is higher.
        digest: SHA-256 of what the file says, hexadecimal; its layout does not matter.
        views: names of the views.
        members_max: the largest person, counted over every edge not declared wrong.
        weak_below_permille: proof of which a source is less sure than this is a guess.
        anchored_parts_max: into how many parts with an anchor each a person may fall without a
            shareable identifier before that is one that people share.
        blocked: values that are no identifiers, each with the kind it may come as.
        kinds: what holds for each kind of identifier.
        evidence: what each kind of evidence counts for.
        sources: what the word of each named source counts for.
        others: what that of any other source counts for.
        attesters: the deployment's registered verifiers by the name they have as the source of
            an edge, each with the callers that may speak for it.
    """

    version: int
    digest: str
    views: tuple[str, ...]
    members_max: int
    weak_below_permille: int
    anchored_parts_max: int
    blocked: tuple[tuple[IdentifierKind, str], ...]
    kinds: Mapping[IdentifierKind, KindRule]
    evidence: Mapping[Evidence, EvidenceRule]
    sources: Mapping[str, SourceRule]
    others: SourceRule
    attesters: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def source(self, name: str) -> SourceRule:
        """What the word of a source counts for."""
        return self.sources.get(name, _VERIFIER if name in self.attesters else self.others)

    def deterministic(self, evidence: Evidence) -> bool:
        """Whether the evidence is proof, so that grants travel along it."""
        return self.evidence[evidence].deterministic

    def attester(self, evidence: Evidence, source: str) -> str:
        """The registered verifier that saw both ends proven; empty if nobody of that kind did."""
        return source if self.evidence[evidence].both_ends and source in self.attesters else ""

    def may_speak(self, caller: str, source: str) -> bool:
        """Whether a caller may name a source: anybody but where the source has callers of its own.

        A registered verifier has those of the deployment, whatever the file says.
        """
        callers = self.attesters.get(source)
        if callers is None:
            callers = self.source(source).callers
        return callers is None or caller in callers

    def link_purpose(self, evidence: Evidence) -> str:
        """The purpose whose refusal takes such an edge away."""
        return DETERMINISTIC if self.deterministic(evidence) else PROBABILISTIC


_VERIFIER = SourceRule(known=True, active=True, trust_permille=CERTAIN_PERMILLE, evidence=frozenset(Evidence))


def compile_rules(content: Mapping[str, Any]) -> Rules:
    """Compiles the content of a rules file.

    Args:
        content: the parsed TOML file, see ``identity/rules.toml``.

    Raises:
        RulesError: a part is missing, unknown or out of bounds; the text says where.
    """
    file = Table(content)
    views = file.texts("views")
    if not 0 < len(set(views)) == len(views) <= VIEWS_MAX:
        raise RulesError("views", f"1 to {VIEWS_MAX}, each with its own name")
    sources = file.table("sources")
    named = sources.table("named", optional=True)
    rules = Rules(
        version=file.whole("version", 1, NEVER_MS),
        digest=digest_of(content),
        views=views,
        members_max=file.whole("members_max", 1, COUNT_MAX),
        weak_below_permille=file.whole("weak_below_permille", 0, CERTAIN_PERMILLE),
        anchored_parts_max=file.whole("anchored_parts_max", 1, COUNT_MAX),
        blocked=_blocked(file),
        kinds={_KINDS[name]: _kind(table) for name, table in file.tables("kinds", _KINDS)},
        evidence={
            _EVIDENCE[name]: _evidence(_EVIDENCE[name], table, views)
            for name, table in file.tables("evidence", _EVIDENCE)
        },
        others=_others(sources),
        sources={name: _named(named.table(name)) for name in named.names()},
    )
    file.close()
    return rules


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of what a rules file says, hexadecimal."""
    said = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def blocked_tokens(rules: Rules, tokeniser: Tokeniser) -> frozenset[IdentifierToken]:
    """The tokens of one tenant that stand for no identifier, under every version that opens.

    A handler sees tokens only, so the blocked values take the way every identifier takes:
    hashed as the client hashes them, then tokenised. An all-zero digest is blocked, too.
    """
    values = [(kind, hashlib.sha256(value.encode()).digest()) for kind, value in rules.blocked]
    values += [(kind, bytes(DIGEST_BYTES)) for kind in IdentifierKind]
    return frozenset(
        IdentifierToken(tokeniser.sealed(kind, digest, Sealed.IDENTIFIER, version))
        for version in (tokeniser.version, *tokeniser.older)
        for kind, digest in values
    )


def _kind(table: Table) -> KindRule:
    shared = table.table("shared_above", optional=True)
    for name in shared.names():
        if name not in _KINDS:
            raise RulesError(shared.at(name), "not a kind of identifier")
    return KindRule(
        strength=Strength(table.choice("strength", [one.value for one in Strength])),
        per_person_max=table.whole("per_person_max", 1, COUNT_MAX),
        window_ms=_days(table, "window_days"),
        shared_above={_KINDS[name]: shared.whole(name, 1, COUNT_MAX) for name in shared.names()},
    )


def _evidence(evidence: Evidence, table: Table, views: tuple[str, ...]) -> EvidenceRule:
    deterministic, both_ends = table.flag("deterministic"), table.flag("both_ends")
    if deterministic and evidence in GUESSES:
        raise RulesError(table.at("deterministic"), "such evidence is a guess, never proof")
    if both_ends and not deterministic:
        raise RulesError(table.at("both_ends"), "what proves both ends is deterministic")
    joins = table.texts("views", views)
    needs = table.table("confidence_min_permille", optional=True)
    for name in needs.names():
        if name not in joins:
            raise RulesError(needs.at(name), "not a view such evidence joins people in")
    return EvidenceRule(
        deterministic=deterministic,
        both_ends=both_ends,
        needs_permille=tuple(
            needs.whole(view, 0, CERTAIN_PERMILLE, 0) if view in joins else CERTAIN_PERMILLE + 1
            for view in views
        ),
        holds_ms=_days(table, "expires_after_days"),
    )


def _others(sources: Table) -> SourceRule:
    taken = sources.choice("unknown", ("accept", "refuse")) == "accept"
    trust = sources.whole("trust_permille", 0, CERTAIN_PERMILLE)
    return SourceRule(taken, active=True, trust_permille=trust, evidence=frozenset(Evidence))


def _named(table: Table) -> SourceRule:
    return SourceRule(
        known=True,
        active=table.choice("status", ("active", "retired")) == "active",
        trust_permille=table.whole("trust_permille", 0, CERTAIN_PERMILLE, CERTAIN_PERMILLE),
        evidence=frozenset(_EVIDENCE[name] for name in table.texts("evidence", _EVIDENCE)),
        callers=frozenset(table.texts("callers")) if "callers" in table.names() else None,
    )


def _days(table: Table, key: str) -> int:
    """A number of days as milliseconds; 0, like a key that is absent, is for ever."""
    days = table.whole(key, 0, DAYS_MAX, 0)
    return days * DAY_MS or NEVER_MS


def _blocked(file: Table) -> tuple[tuple[IdentifierKind, str], ...]:
    lists = file.table("blocked")
    everywhere = lists.texts("any")
    blocked = tuple(
        (kind, value) for name, kind in _KINDS.items() for value in [*everywhere, *lists.texts(name)]
    )
    if len(blocked) > BLOCKED_MAX:
        raise RulesError("blocked", f"at most {BLOCKED_MAX} values, one of any counted for each kind")
    return blocked
