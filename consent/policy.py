"""The policy file, compiled to bit masks.

A purpose is a leaf of a tree of dotted names; each leaf owns one bit of a 64-bit mask, and
a node stands for the mask of the leaves beneath it. Every decision of the suite is an AND
on such masks. Bits are given in the file's order and never reused. What the law of a place
makes of a purpose is its regime's to say (``consent.regimes``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from consent.errors import PolicyError, UnknownPurpose
from consent.regimes import BASES, Regime, compile_regimes, strictest
from consent.retention import Retention, compile_retention

LEAVES_MAX = 64
VIEWS_MAX = 4
#: The purposes no person can refuse: recording and correcting what is held (a legal
#: obligation) and running the suite (about no person).
UNREFUSABLE = ("rights", "operate")
#: The node of the purposes that identities are linked under.
LINKING = "identity.link"
#: What a child is protected from under every policy, where the tree has it: profiling, pricing,
#: advertising and sale. A policy file can add to it and not take away.
CHILD_PROTECTION = ("analytics.profiling", "personalise.pricing", "marketing.ads", "share.sale")
#: Three years, in which a regulator or a court may ask how consent was obtained.
PROOF_DAYS = 1095
BACKUP_DAYS = 35
_KEYS = frozenset(
    {
        "version",
        "taxonomy_version",
        "regime",
        "views",
        "purposes",
        "regimes",
        "tenants",
        "minors",
        "retention",
        "erasure",
    }
)


@dataclass(frozen=True)
class Policy:
    """A deployment's purposes: their bits, legal bases and views.

    Attributes:
        version: number of the policy file.
        taxonomy_version: version of the purpose tree.
        leaves: names of the purposes; position = bit.
        regimes: the legal bases under each regime; position = bit in masks of regimes.
        views: names of the graph's views.
        view_of: for each leaf the position of its view in ``views``, or -1 for none.
        since: for each leaf the taxonomy version that introduced it.
        minor_mask: the purposes a minor is protected from.
        child_mask: those a child is protected from; never fewer.
        digest: SHA-256 of the content, hexadecimal.
        retention: how long what is kept may stay.
        proof_days: so long the skeleton of an erased person's consent is kept.
        backup_days: so long a backup that holds an erased person may be kept.
    """

    version: int
    taxonomy_version: int
    leaves: tuple[str, ...]
    regimes: tuple[Regime, ...]
    views: tuple[str, ...]
    view_of: tuple[int, ...]
    since: tuple[int, ...]
    minor_mask: int
    child_mask: int
    digest: str
    retention: Retention = field(hash=False)
    proof_days: int = PROOF_DAYS
    backup_days: int = BACKUP_DAYS

    @cached_property
    def _masks(self) -> Mapping[str, int]:
        return _node_masks(self.leaves)

    @cached_property
    def _indexes(self) -> dict[str, int]:
        return {leaf: index for index, leaf in enumerate(self.leaves)}

    def index(self, leaf: str) -> int:
        """The bit position of a leaf.

        Raises:
            UnknownPurpose: the name is not a leaf.
        """
        try:
            return self._indexes[leaf]
        except KeyError:
            raise UnknownPurpose(leaf) from None

    def names_in(self, mask: int) -> tuple[str, ...]:
        """The leaves in a mask, in the tree's order; the mask may be signed."""
        return tuple(leaf for index, leaf in enumerate(self.leaves) if mask >> index & 1)

    def has(self, node: str) -> bool:
        """Whether a name is a node of the tree."""
        return node in self._masks

    def mask(self, node: str) -> int:
        """The leaves beneath a node (a leaf stands for itself), as a bit mask.

        Raises:
            UnknownPurpose: the name is not a node of the tree.
        """
        try:
            return self._masks[node]
        except KeyError:
            raise UnknownPurpose(node) from None

    def mask_at(self, node: str, taxonomy_version: int) -> int:
        """The leaves beneath a node that existed in a version of the tree (0 = none of them).

        Raises:
            UnknownPurpose: the name is not a node of the tree.
        """
        try:
            return self._masks_at[min(taxonomy_version, self.taxonomy_version)][node]
        except KeyError:
            raise UnknownPurpose(node) from None

    @cached_property
    def _masks_at(self) -> tuple[dict[str, int], ...]:
        """For every version of the tree up to this one the masks of the nodes."""
        existed = [
            sum(1 << index for index, since in enumerate(self.since) if since <= version)
            for version in range(self.taxonomy_version + 1)
        ]
        return tuple({node: mask & leaves for node, mask in self._masks.items()} for leaves in existed)

    @cached_property
    def view_masks(self) -> tuple[int, ...]:
        """For each view the purposes that see a person in it."""
        return tuple(
            sum(1 << index for index, of in enumerate(self.view_of) if of == view)
            for view in range(len(self.views))
        )

    @cached_property
    def viewless_mask(self) -> int:
        """The purposes that see the identifier alone."""
        return sum(1 << index for index, of in enumerate(self.view_of) if of < 0)

    def protected(self, age: str) -> int:
        """The purposes that somebody of an age is protected from; an age is a name of ``[minors]``."""
        return {"CHILD": self.child_mask, "MINOR": self.minor_mask}.get(age, 0)

    def regime_mask(self, name: str) -> int:
        """The bit of a regime; 0, which stands for UNKNOWN, when this policy has none of that name."""
        return self._regime_masks.get(name, 0)

    def regime_names(self, regimes: int) -> tuple[str, ...]:
        """The names in a mask of regimes; none for UNKNOWN."""
        return tuple(one.name for place, one in enumerate(self.regimes) if regimes >> place & 1)

    @cached_property
    def _regime_masks(self) -> Mapping[str, int]:
        return {regime.name: 1 << place for place, regime in enumerate(self.regimes)}

    @cached_property
    def every_regime(self) -> int:
        """Mask of all regimes: no less strict than UNKNOWN, for one the policy lost."""
        return (1 << len(self.regimes)) - 1

    def under(self, regimes: int) -> Regime:
        """What holds for somebody under several regimes: the strictest of them.

        Args:
            regimes: mask of regimes; 0 for UNKNOWN, which is the strictest of all there are.
        """
        known = self._under.get(regimes)
        if known is None:
            places = [place for place in range(len(self.regimes)) if regimes >> place & 1]
            known = strictest(self.regimes[place] for place in places) if places else self.unknown
            self._under[regimes] = known
        return known

    @cached_property
    def _under(self) -> dict[int, Regime]:
        return {}

    def legal_basis(self, node: str, regime: str) -> str:
        """The legal bases of the leaves beneath a node under a regime, joined by ``+``; mostly one.

        Raises:
            UnknownPurpose: the name is not a node of the tree.
        """
        mask, law = self.mask(node), self.under(self.regime_mask(regime))
        return "+".join(dict.fromkeys(one for index, one in enumerate(law.basis) if mask >> index & 1))

    @cached_property
    def unknown(self) -> Regime:
        """What holds for somebody of whom no regime is known."""
        return strictest(self.regimes)

    @property
    def basis(self) -> tuple[str, ...]:
        """The legal basis of each leaf for somebody of whom no regime is known."""
        return self.unknown.basis

    @property
    def bases_mask(self) -> int:
        """The purposes that need no grant under any regime."""
        return self.unknown.free

    @cached_property
    def unrefusable_mask(self) -> int:
        """The purposes no person can refuse."""
        return sum(1 << self._indexes[leaf] for leaf in UNREFUSABLE)

    @cached_property
    def link_mask(self) -> int:
        """The purposes that identities are linked under."""
        return self._masks.get(LINKING, 0)

    @cached_property
    def consent_nodes(self) -> tuple[str, ...]:
        """The leaves whose legal basis is consent somewhere: what a person can be asked for."""
        return tuple(
            leaf
            for index, leaf in enumerate(self.leaves)
            if any(regime.basis[index] == "consent" for regime in self.regimes)
        )


def _node_masks(leaves: Sequence[str]) -> Mapping[str, int]:
    masks: dict[str, int] = {}
    for index, leaf in enumerate(leaves):
        parts = leaf.split(".")
        for depth in range(1, len(parts) + 1):
            node = ".".join(parts[:depth])
            masks[node] = masks.get(node, 0) | 1 << index
    return masks


def compile_policy(content: Mapping[str, Any], tenant: str = "") -> Policy:
    """Compiles the content of a policy file.

    Args:
        content: the parsed TOML file, see ``consent/policy.toml``.
        tenant: whose ``[tenants.…]`` tables count.

    Raises:
        PolicyError: a part is missing, unknown or out of bounds.
    """
    _check_keys(content)
    purposes: Mapping[str, Mapping[str, Any]] = content.get("purposes", {})
    views = tuple(content.get("views", ()))
    if not 0 < len(purposes) <= LEAVES_MAX:
        raise PolicyError(f"a policy has 1 to {LEAVES_MAX} purposes, not {len(purposes)}")
    if not 0 < len(views) <= VIEWS_MAX:
        raise PolicyError(f"a policy has 1 to {VIEWS_MAX} views, not {len(views)}")
    for name in UNREFUSABLE:
        if name not in purposes:
            raise PolicyError(f"the purpose {name!r} is missing")
    for name, rule in purposes.items():
        _check_purpose(name, rule, purposes, views, content["taxonomy_version"])
    masks = _node_masks(tuple(purposes))
    unrefusable = sum(masks[name] for name in UNREFUSABLE)
    base = Regime(content["regime"], tuple(rule["basis"] for rule in purposes.values()))
    minor, child = (_protected(content.get("minors", {}), age, masks) for age in ("MINOR", "CHILD"))
    for name in CHILD_PROTECTION:
        child |= masks.get(name, 0)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return Policy(
        version=content.get("version", 1),
        taxonomy_version=content["taxonomy_version"],
        leaves=tuple(purposes),
        regimes=compile_regimes(content, tenant, base, masks, unrefusable),
        views=views,
        view_of=tuple(-1 if r["view"] == "none" else views.index(r["view"]) for r in purposes.values()),
        since=tuple(rule["since"] for rule in purposes.values()),
        minor_mask=minor,
        child_mask=child | minor,
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
        retention=compile_retention(content.get("retention", {})),
        proof_days=_days(content, "consent_proof_days", PROOF_DAYS),
        backup_days=_days(content, "backup_days", BACKUP_DAYS),
    )


def _check_keys(content: Mapping[str, Any]) -> None:
    unknown = set(content) - _KEYS
    if unknown:
        raise PolicyError(f"unknown keys: {sorted(unknown)}")
    for name in ("version", "taxonomy_version"):
        if not isinstance(content.get(name, 1), int) or content.get(name, 1) < 1:
            raise PolicyError(f"{name} {content[name]!r} is no number from 1 on")
    for name in ("taxonomy_version", "regime"):
        if name not in content:
            raise PolicyError(f"the key {name!r} is missing")


def _days(content: Mapping[str, Any], name: str, default: int) -> int:
    table = content.get("erasure", {})
    unknown = set(table) - {"consent_proof_days", "backup_days"}
    if unknown:
        raise PolicyError(f"erasure: unknown keys {sorted(unknown)}")
    days = table.get(name, default)
    if type(days) is not int or days < 0:
        raise PolicyError(f"erasure.{name} {days!r} is no number of days")
    return int(days)


def _protected(table: Mapping[str, Any], age: str, masks: Mapping[str, int]) -> int:
    unknown = set(table) - {"CHILD", "MINOR"}
    if unknown:
        raise PolicyError(f"minors: unknown ages {sorted(unknown)}")
    mask = 0
    for node in table.get(age, ()):
        if node not in masks:
            raise PolicyError(f"minors.{age}: unknown purpose {node!r}")
        if any(masks[node] & masks[name] for name in UNREFUSABLE):
            raise PolicyError(f"minors.{age}: nobody is protected from {node!r}")
        mask |= masks[node]
    return mask


def _check_purpose(
    name: str, rule: Mapping[str, Any], purposes: Mapping[str, Any], views: tuple[str, ...], version: int
) -> None:
    if set(rule) != {"basis", "view", "since"}:
        raise PolicyError(f"{name}: needs exactly basis, view and since")
    if rule["basis"] not in BASES:
        raise PolicyError(f"{name}: unknown basis {rule['basis']!r}")
    if rule["view"] != "none" and rule["view"] not in views:
        raise PolicyError(f"{name}: unknown view {rule['view']!r}")
    if not 1 <= rule["since"] <= version:
        raise PolicyError(f"{name}: since {rule['since']} is outside 1..{version}")
    if any(other.startswith(name + ".") for other in purposes):
        raise PolicyError(f"{name}: a purpose with purposes beneath it is no leaf")
