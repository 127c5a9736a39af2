"""Who may see exclusive items: lists by birth subject, in memory.

What one of a person's subjects is entitled to, the person is. Whoever is on no list sees
none: an exclusive item without a list is hidden from all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from identity.ids import SubjectId


class Place(NamedTuple):
    """A birth subject on the list of an item, by the item's number."""

    subject: SubjectId
    item: int


class Entitlement(NamedTuple):
    """That somebody has a place on an item's list.

    Attributes:
        subject: the birth subject.
        item: the item's number.
        until_ms: it ends at this instant, milliseconds since the epoch; ``None``: it does not.
    """

    subject: SubjectId
    item: int
    until_ms: int | None


class Entitlements:
    """All places on all lists."""

    def __init__(self, entitlements: Iterable[Entitlement] = ()) -> None:
        self._items: dict[SubjectId, dict[int, int | None]] = {}
        for entitlement in entitlements:
            self.grant(entitlement)

    def grant(self, entitlement: Entitlement) -> None:
        """Puts a subject on an item's list; a new end replaces the one before."""
        self._items.setdefault(entitlement.subject, {})[entitlement.item] = entitlement.until_ms

    def replace(self, subjects: Iterable[SubjectId], entitlements: Iterable[Entitlement]) -> None:
        """Has subjects be on these lists and on no other."""
        for subject in subjects:
            self._items.pop(subject, None)
        for entitlement in entitlements:
            self.grant(entitlement)

    def replace_those_with(self, first_bytes: bytes, entitlements: Iterable[Entitlement]) -> None:
        """Has all subjects that begin with one of some bytes be on these lists and on no other."""
        self.replace([subject for subject in self._items if subject[0] in first_bytes], entitlements)

    def of(self, subjects: Iterable[SubjectId], now_ms: int) -> tuple[int, ...]:
        """The items a person may see now.

        Args:
            subjects: the person's birth subjects.
            now_ms: entitlements that ended by then do not count.
        """
        if not self._items:
            return ()
        return tuple(
            item
            for subject in subjects
            for item, until_ms in self._items.get(subject, {}).items()
            if until_ms is None or until_ms > now_ms
        )
