"""What changes when people do: persons that were several become one, or one becomes several.

The map of a view is a partition of birth subjects. Whatever leads from one to another is told
as splits, then merges, over the pieces both have in common, so that a link and its unlinking
are the same change forth and back. Nobody's own id is ever part of a change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from identity.ids import SubjectId

#: Everybody of a person, oldest first. Who stands alone is a person, too.
Person = tuple[SubjectId, ...]


class Change(NamedTuple):
    """One person and the persons it was made of, or fell into.

    Attributes:
        merges: the parts became the whole; else the whole fell into the parts.
        whole: everybody concerned.
        parts: the same in two persons or more.
    """

    merges: bool
    whole: Person
    parts: tuple[Person, ...]

    @property
    def before(self) -> tuple[Person, ...]:
        """The persons there were."""
        return self.parts if self.merges else (self.whole,)

    @property
    def after(self) -> tuple[Person, ...]:
        """The persons there are now."""
        return (self.whole,) if self.merges else self.parts


class MapChange(NamedTuple):
    """A change with its place among all.

    Attributes:
        seq: place, counted from 1.
        views: the views it happened in; bit = position in the policy's views.
        change: what happened.
    """

    seq: int
    views: int
    change: Change


def changes(before: Iterable[Person], after: Iterable[Person]) -> list[Change]:
    """What leads from some persons to others: splits first, then merges.

    Args:
        before: disjoint persons. Whoever is in ``after`` alone was one by themselves.
        after: disjoint persons; likewise.
    """
    old, new = list(before), list(after)
    now = _index(new)
    then = _index(old)
    splits = [Change(False, person, parts) for person in old if len(parts := _pieces(person, now)) > 1]  # noqa: FBT003
    merges = [Change(True, person, parts) for person in new if len(parts := _pieces(person, then)) > 1]  # noqa: FBT003
    return splits + merges


def in_views(by_view: Mapping[int, Iterable[Change]]) -> list[tuple[int, Change]]:
    """The changes of all views, each once with the mask of the views it happened in; splits first."""
    masks: dict[Change, int] = {}
    for view, changed in by_view.items():
        for change in changed:
            masks[change] = masks.get(change, 0) | 1 << view
    return sorted(((mask, change) for change, mask in masks.items()), key=lambda one: one[1].merges)


def among(change: Change, told: Collection[SubjectId]) -> Change | None:
    """A change as it is told of some birth subjects alone; ``None`` when nothing of it is left to tell.

    A merge needs two parts. Of a split whoever is left is told, were it one: a merge that is
    remembered after its end mixes people up.
    """
    whole = tuple(one for one in change.whole if one in told)
    parts = tuple(part for part in (tuple(o for o in p if o in told) for p in change.parts) if part)
    if len(parts) < (2 if change.merges else 1):
        return None
    return Change(change.merges, whole, parts)


def _index(people: Iterable[Person]) -> dict[SubjectId, int]:
    return {subject: number for number, person in enumerate(people) for subject in person}


def _pieces(person: Person, elsewhere: Mapping[SubjectId, int]) -> tuple[Person, ...]:
    """The person by whom its members are with elsewhere; who is nowhere there is alone."""
    pieces: dict[int | SubjectId, list[SubjectId]] = {}
    for subject in person:
        pieces.setdefault(elsewhere.get(subject, subject), []).append(subject)
    return tuple(map(tuple, pieces.values()))
