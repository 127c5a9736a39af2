"""What is kept about a person, gathered from every store, and what was done with it.

A report is read once, front to back: the stores stream, so that a person of many years costs no
more memory than one of a day, and where things came from is counted on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from consent.component import EdgeFact
from consent.coverage import Coverage
from identity.ids import SubjectId
from services.contract import PERSONAL_CLASSES
from services.rights.disclosure import Disclosure, merged
from services.rights.proofs import Proof
from services.stores import DISCLOSURE, ExportedValue, PersonalStore

_LINK, _IDENTIFIER = "link", "identifier"
#: States of a link in identity's ledger under which the two are not strangers to each other.
_STANDING = frozenset({"ACTIVE", "LINK_PENDING", "UNLINK_PENDING"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was proven.

    Attributes:
        proofs: what its tokens attest.
        coverage: whom it is about.
        ask_for: kinds of the identifiers that are linked and not covered, in order of name.
    """

    proofs: tuple[Proof, ...]
    coverage: Coverage
    ask_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where things of one kind came from; ``first_ms`` and ``last_ms`` are ``None`` if never dated."""

    source: str
    party: str
    store: str
    kind: str
    count: int
    first_ms: int | None
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is allowed now for one purpose of one identity; ``reason`` says why not."""

    subject: SubjectId
    purpose: str
    allowed: bool
    reason: str
    legal_basis: str


class Origins:
    """Counts where values came from."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str], tuple[int, int | None, int | None]] = {}

    def add(self, value: ExportedValue) -> None:
        """Counts one value, dated by when it happened or else was recorded."""
        key = value.source, value.party, value.store, value.kind
        at_ms = value.observed_at_ms if value.observed_at_ms is not None else value.recorded_at_ms
        count, first, last = self._found.get(key, (0, None, None))
        if at_ms is not None:
            first = at_ms if first is None else min(first, at_ms)
            last = at_ms if last is None else max(last, at_ms)
        self._found[key] = (count + 1, first, last)

    def provenances(self) -> list[Provenance]:
        """One entry per source, party, store and kind; the most first."""
        found = [Provenance(*key, *counted) for key, counted in self._found.items()]
        return sorted(found, key=lambda one: (-one.count, one.source, one.party, one.store, one.kind))


@dataclass(slots=True)
class Report:
    """Everything of one request, read store by store.

    Attributes:
        asked: who is asked about.
        made_at_ms: when, milliseconds since the epoch.
        stores: every store of the deployment, in the order they are read.
        origins: where what was read so far came from.
        told: what stores recorded of having told others, so far.
    """

    asked: Asked
    made_at_ms: int
    stores: Sequence[PersonalStore]
    origins: Origins = field(default_factory=Origins)
    told: list[Disclosure] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of all stores."""
        return [store.name for store in self.stores]

    async def kept(self, names: Collection[str]) -> AsyncIterator[ExportedValue]:
        """What the stores of these names keep; what they told others is put aside."""
        for store in self.stores:
            if store.name not in names:
                continue
            async for value in store.export(self.asked.coverage.covered):
                if value.kind == DISCLOSURE:
                    self.told.append(Disclosure(**value.value))  # type: ignore[arg-type]
                    continue
                self.origins.add(value)
                yield value

    def recipients(self) -> list[Disclosure]:
        """Who was told something, of what was read so far; by caller, method and purpose.

        Whoever was refused, or reported something and was told nothing, received nothing.
        """
        return [one for one in merged(self.told) if one.classes & PERSONAL_CLASSES]

    async def read(self) -> Report:
        """Reads everything and keeps nothing but the counts."""
        async for _ in self.kept(self.names):
            pass
        return self


async def kinds_beside(
    identity: PersonalStore, coverage: Coverage, edges_at: Callable[[SubjectId], Sequence[EdgeFact]]
) -> tuple[str, ...]:
    """The kinds of the identifiers that are linked with the covered ones and are not covered.

    Of a link identity tells the kind at its other end and never who that is; the ends within
    the coverage are subtracted, and what remains is beside it.
    """
    if not coverage.neighbours:
        return ()
    links: Counter[tuple[SubjectId, str]] = Counter()
    kind_of: dict[SubjectId, str] = {}
    async for value in identity.export(coverage.covered):
        if value.kind == _IDENTIFIER:
            kind_of[value.subject] = str(value.value["kind"])
        elif value.kind == _LINK and value.value["state"] in _STANDING:
            links[value.subject, str(value.value["with"])] += 1
    for subject in coverage.covered:
        for edge in edges_at(subject):
            other = edge.b if edge.a == subject else edge.a
            if other in kind_of:
                links[subject, kind_of[other]] -= 1
    return tuple(sorted({kind for (_, kind), count in links.items() if count > 0}))
