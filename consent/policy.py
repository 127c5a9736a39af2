"""The policy file, compiled to bit masks.

A purpose is a leaf of a tree of dotted names; each leaf owns one bit of a 64-bit mask, and
a node stands for the mask of the leaves beneath it. Every decision of the suite is an AND
on such masks. Bits are given in the file's order and never reused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from consent.errors import PolicyError, UnknownPurpose

LEAVES_MAX = 64
VIEWS_MAX = 4
BASES = frozenset({"consent", "contract", "legitimate_interest", "legal_obligation", "none"})
#: The purposes no person can refuse: recording and correcting what is held (a legal
#: obligation) and running the suite (about no person).
UNREFUSABLE = ("rights", "operate")


@dataclass(frozen=True)
class Policy:
    """A deployment's purposes: their bits, legal bases and views.

    Attributes:
        taxonomy_version: version of the purpose tree.
        regime: the regime decisions are made under.
        leaves: names of the purposes; position = bit.
        basis: legal basis of each leaf.
        views: names of the graph's views.
        view_of: for each leaf the position of its view in ``views``, or -1 for none.
        since: for each leaf the taxonomy version that introduced it.
        digest: SHA-256 of the content, hexadecimal.
    """

    taxonomy_version: int
    regime: str
    leaves: tuple[str, ...]
    basis: tuple[str, ...]
    views: tuple[str, ...]
    view_of: tuple[int, ...]
    since: tuple[int, ...]
    digest: str

    @cached_property
    def _masks(self) -> dict[str, int]:
        masks: dict[str, int] = {}
        for index, leaf in enumerate(self.leaves):
            parts = leaf.split(".")
            for depth in range(1, len(parts) + 1):
                node = ".".join(parts[:depth])
                masks[node] = masks.get(node, 0) | 1 << index
        return masks

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

    @cached_property
    def bases_mask(self) -> int:
        """The purposes that need no grant: their legal basis is not consent."""
        return sum(1 << index for index, basis in enumerate(self.basis) if basis != "consent")

    @cached_property
    def unrefusable_mask(self) -> int:
        """The purposes no person can refuse."""
        return sum(1 << self._indexes[leaf] for leaf in UNREFUSABLE)

    @cached_property
    def consent_nodes(self) -> tuple[str, ...]:
        """The leaves whose legal basis is consent: what a person can be asked for."""
        return tuple(leaf for leaf, basis in zip(self.leaves, self.basis, strict=True) if basis == "consent")


def compile_policy(content: Mapping[str, Any]) -> Policy:
    """Compiles the content of a policy file.

    Args:
        content: the parsed TOML file, see ``consent/policy.toml``.

    Raises:
        PolicyError: a part is missing, unknown or out of bounds.
    """
    unknown = set(content) - {"taxonomy_version", "regime", "views", "purposes"}
    if unknown:
        raise PolicyError(f"unknown keys: {sorted(unknown)}")
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
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return Policy(
        taxonomy_version=content["taxonomy_version"],
        regime=content["regime"],
        leaves=tuple(purposes),
        basis=tuple(rule["basis"] for rule in purposes.values()),
        views=views,
        view_of=tuple(-1 if r["view"] == "none" else views.index(r["view"]) for r in purposes.values()),
        since=tuple(rule["since"] for rule in purposes.values()),
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
    )


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
