"""What the law of a place makes of each purpose: the regimes of a policy file.

A regime gives every leaf of the purpose tree one legal basis. The bases stand in a fixed
order of strictness, and whoever is under several regimes, or under none that is known, is
under the strictest basis each leaf has in any of them: more regimes never permit more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from consent.errors import PolicyError

#: Legal bases, the most lenient first. ``opt_out`` needs no record until somebody refuses;
#: ``forbidden`` is not lawful even with a grant.
BASES = (
    "none",
    "legal_obligation",
    "vital_interest",
    "contract",
    "legitimate_interest",
    "opt_out",
    "consent",
    "forbidden",
)
#: What a subject is under of whom no regime is known. It has no table: it is the strictest of all.
UNKNOWN = "UNKNOWN"
REGIMES_MAX = 64
_STRICTNESS = {basis: place for place, basis in enumerate(BASES)}
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


@dataclass(frozen=True)
class Regime:
    """The legal bases under one regime, or under several at once.

    Attributes:
        name: its name; several are joined by ``+``.
        basis: legal basis of each leaf.
    """

    name: str
    basis: tuple[str, ...]

    @cached_property
    def free(self) -> int:
        """The purposes that need no grant."""
        return self._mask(lambda place: place < _STRICTNESS["consent"])

    @cached_property
    def forbidden(self) -> int:
        """The purposes that nothing permits."""
        return self._mask(lambda place: place == _STRICTNESS["forbidden"])

    @cached_property
    def binding(self) -> int:
        """The purposes whose basis an objection or a restriction does not beat."""
        return self._mask(lambda place: place <= _STRICTNESS["vital_interest"])

    def _mask(self, has: Any) -> int:
        return sum(1 << index for index, basis in enumerate(self.basis) if has(_STRICTNESS[basis]))


def strictest(regimes: Iterable[Regime]) -> Regime:
    """The regime of somebody who is under all of these."""
    together = list(regimes)
    columns = zip(*(regime.basis for regime in together), strict=True)
    name = "+".join(regime.name for regime in together)
    return Regime(name, tuple(max(column, key=_STRICTNESS.__getitem__) for column in columns))


def compile_regimes(
    content: Mapping[str, Any],
    tenant: str,
    base: Regime,
    leaves_of: Mapping[str, int],
    unrefusable: int,
) -> tuple[Regime, ...]:
    """Compiles the tables ``[regimes.…]`` and ``[tenants.….regimes.…]``.

    Args:
        content: the parsed policy file.
        tenant: whose tables count; those of other tenants are checked and left aside.
        base: the regime that ``[purposes]`` gives the bases of.
        leaves_of: for each node of the purpose tree its mask.
        unrefusable: leaves that no table may speak of.

    Returns:
        ``base`` (with the tenant's changes) first, then the others in the file's order.

    Raises:
        PolicyError: a name, a purpose or a basis is unknown, or regimes inherit in a circle.
    """
    if not _is_name(base.name):
        raise PolicyError(f"regime: {base.name!r} is no name of a regime")
    shared = _tables(content.get("regimes", {}), "regimes", leaves_of, unrefusable)
    if base.name in shared:
        raise PolicyError(f"regimes.{base.name}: [purposes] is the table of this regime")
    tenants = {
        name: _tables(_regimes_of(name, tables), f"tenants.{name}.regimes", leaves_of, unrefusable)
        for name, tables in content.get("tenants", {}).items()
    }
    compiled = {
        name: _Compiler(base, shared, own, leaves_of).all() for name, own in tenants.items()
    }  # every tenant's: a gap in any of them is a gap in the file
    return compiled.get(tenant) or _Compiler(base, shared, {}, leaves_of).all()


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name != UNKNOWN


def _regimes_of(name: str, tables: Any) -> Any:
    if not isinstance(tables, Mapping) or set(tables) != {"regimes"}:
        raise PolicyError(f"tenants.{name}: has regimes and nothing else")
    return tables["regimes"]


def _tables(
    tables: Any, where: str, leaves_of: Mapping[str, int], unrefusable: int
) -> dict[str, Mapping[str, str]]:
    if not isinstance(tables, Mapping):
        raise PolicyError(f"{where}: is no table")
    for name, table in tables.items():
        at = f"{where}.{name}"
        if not _is_name(name):
            raise PolicyError(f"{at}: no name of a regime")
        if not isinstance(table, Mapping):
            raise PolicyError(f"{at}: is no table")
        for node, basis in table.items():
            if node == "like":
                continue
            if node not in leaves_of:
                raise PolicyError(f"{at}: unknown purpose {node!r}")
            if leaves_of[node] & unrefusable:
                raise PolicyError(f"{at}: {node!r} has the same basis everywhere")
            if basis not in BASES[1:]:
                raise PolicyError(f"{at}: unknown basis {basis!r} of {node!r}")
    return dict(tables)


class _Compiler:
    """Resolves inheritance: each regime once, and none while it is being resolved."""

    def __init__(
        self,
        base: Regime,
        shared: Mapping[str, Mapping[str, str]],
        own: Mapping[str, Mapping[str, str]],
        leaves_of: Mapping[str, int],
    ) -> None:
        self._base = base
        self._tables = {
            name: dict(shared.get(name, {})) | dict(own.get(name, {}))
            for name in (base.name, *dict.fromkeys((*shared, *own)))
        }
        self._leaves_of = leaves_of
        self._done: dict[str, Regime] = {}

    def all(self) -> tuple[Regime, ...]:
        if len(self._tables) > REGIMES_MAX:
            raise PolicyError(f"a policy has at most {REGIMES_MAX} regimes")
        return tuple(self._regime(name, ()) for name in self._tables)

    def _regime(self, name: str, asked: tuple[str, ...]) -> Regime:
        if name in asked:
            raise PolicyError(f"regimes inherit in a circle: {' like '.join((*asked, name))}")
        if name not in self._tables:
            raise PolicyError(f"regimes.{asked[-1]}: is like {name!r}, which is no regime")
        if name not in self._done:
            table = self._tables[name]
            if name == self._base.name:
                if "like" in table:
                    raise PolicyError(f"regimes.{name}: is like no other")
                parent = self._base
            else:
                parent = self._regime(table.get("like", self._base.name), (*asked, name))
            self._done[name] = Regime(name, self._overridden(parent.basis, table))
        return self._done[name]

    def _overridden(self, basis: tuple[str, ...], table: Mapping[str, str]) -> tuple[str, ...]:
        """What is said of a node holds for the leaves beneath it of which nothing closer is said."""
        changed = list(basis)
        for node in sorted((one for one in table if one != "like"), key=lambda one: one.count(".")):
            for index in range(len(changed)):
                if self._leaves_of[node] >> index & 1:
                    changed[index] = table[node]
        return tuple(changed)
