"""Brings sums from the events they were made of to those they are to be made of.

Whose events, component or permission changed is found by comparing what was folded with
what may be: their old shares are taken out, their new ones put in, and nobody else is folded
again. One rule for new events, withdrawals, merges, splits and erasures, and for an item
that enters the head, which touches everybody who holds it. The result is that of folding
all anew, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommender.events import EventTable, Ints
from recommender.products import ROW_PRODUCTS, Product, Share, add_share, checked, shares_of
from recommender.sums import Plan, SumRows, Sums, counts_of

_ROWS_AT_ONCE = 512
#: Sums that are larger together are made one after the other; people's rows are then made twice.
_BYTES_AT_ONCE = 768 << 20
#: When more of the people are touched than this, all are folded anew.
_TOUCHED_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Folded:
    """Sums, and what they were made of."""

    plan: Plan
    sums: Sums


@dataclass(frozen=True, slots=True)
class Change:
    """From which sums to which.

    Attributes:
        was: where to begin; ``None`` for nothing.
        now: what is wanted.
        out: the people whose old shares are taken out.
        into: the people whose new shares are put in.
    """

    was: Folded | None
    now: Plan
    out: Ints
    into: Ints

    @property
    def is_none(self) -> bool:
        """Whether the sums there are are those that are wanted."""
        if self.was is None or len(self.out) or len(self.into):
            return False
        return np.array_equal(self.was.plan.head, self.now.head) and self.was.plan.items == self.now.items

    def parts(self) -> Iterator[tuple[Plan, int]]:
        """The people to take out and to put in, as plans, and their signs.

        Who is taken out is taken out of the items that stay in the head; those that enter it
        hold nothing yet.
        """
        if self.was is not None:
            stays = np.intersect1d(self.was.plan.head, self.now.head)
            yield replace(self.was.plan, events=_of(self.was.plan.events, self.out), head=stays), -1
        yield replace(self.now, events=_of(self.now.events, self.into)), 1


def change_to(now: Plan, was: Folded | None) -> Change:
    """What has to be done to have the sums of a plan; everything when there is nothing to begin with."""
    everybody = np.unique(now.events.person)
    nobody = everybody[:0]
    if was is None or (was.plan.reference, was.plan.parameters) != (now.reference, now.parameters):
        return Change(None, now, nobody, everybody)
    entering = np.setdiff1d(now.head, was.plan.head)
    holders = now.events.person[np.isin(now.events.item, entering)]
    touched = np.union1d(changed_people(was.plan.events, now.events), holders)
    if len(touched) > _TOUCHED_MAX * len(everybody):
        return Change(None, now, nobody, everybody)
    return Change(was, now, touched, touched)


def changed_people(was: EventTable, now: EventTable) -> Ints:
    """The people who do not have the same events in both tables, ascending."""
    rows = np.concatenate([np.stack(was.columns()), np.stack(now.columns())], axis=1)
    sign = np.concatenate([np.full(len(was), -1), np.full(len(now), 1)])
    order = np.lexsort(rows)
    rows, sign = rows[:, order], sign[order]
    if not len(order):
        return np.unique(was.person)
    starts = np.flatnonzero(np.r_[True, (rows[:, 1:] != rows[:, :-1]).any(axis=0)])
    differs = np.add.reduceat(sign, starts) != 0
    people: Ints = np.unique(rows[0, starts[differs]])
    return people


def folded(change: Change, keep: Callable[[Product, Ints], SumRows] = lambda _, total: total) -> Sums:
    """The sums a change leads to.

    Args:
        change: what has to be done.
        keep: takes each product as it is finished and gives what it is read from later, so that
            not all of them are in memory.

    Raises:
        SumOverflow: an entry could leave the integers.
    """
    counts = None if change.was is None else change.was.sums.counts.grown(change.now.items)
    for plan, sign in change.parts():
        part = counts_of(replace(plan, items=change.now.items))
        counts = part if counts is None else counts.plus(part, sign)
    assert counts is not None  # noqa: S101 - there is always one part
    products: dict[Product, SumRows] = {}
    bounds: dict[Product, int] = {}
    for kinds in _at_once(len(change.now.head)):
        made = _products(change, kinds)
        for kind in kinds:
            total, bounds[kind] = made.pop(kind)
            products[kind] = keep(kind, total)
            del total  # else it is in memory beside the next
    return Sums(products, bounds, counts)


def _at_once(head: int) -> Sequence[Sequence[Product]]:
    """Which products are made together: those of rows are, unless they are too large."""
    if len(ROW_PRODUCTS) * 8 * head**2 <= _BYTES_AT_ONCE:
        return (Product.HELD,), ROW_PRODUCTS
    return [(kind,) for kind in Product]


def products_of(plan: Plan, kinds: Sequence[Product]) -> dict[Product, Ints]:
    """Some products of a plan, folded from nothing."""
    made = _products(change_to(plan, None), kinds)
    return {kind: total for kind, (total, _) in made.items()}


def _products(change: Change, kinds: Sequence[Product]) -> dict[Product, tuple[Ints, int]]:
    """Some products as they are after a change, with their bounds."""
    totals = {kind: _begin(change, kind) for kind in kinds}
    bounds = {kind: 0 if change.was is None else change.was.sums.bounds[kind] for kind in kinds}
    for share, sign in _shares(change, with_rows=tuple(kinds) != (Product.HELD,)):
        for kind, total in totals.items():
            bounds[kind] = checked(kind, bounds[kind] + sign * share.bounds[kind])
            add_share(total, kind, share, sign)
    return {kind: (totals[kind], bounds[kind]) for kind in kinds}


def _shares(change: Change, *, with_rows: bool) -> Iterator[tuple[Share, int]]:
    """The shares to add, placed in the head that is wanted, with their signs."""
    for plan, sign in change.parts():
        place = np.searchsorted(change.now.head, plan.head)
        for share in shares_of(plan.events, plan.head, plan.reference, plan.parameters, with_rows=with_rows):
            yield replace(share, column=place[share.column]), sign


def _begin(change: Change, kind: Product) -> Ints:
    """A product as it was, its items in the places of the head that is wanted."""
    head = change.now.head
    total = np.zeros((len(head), len(head)), np.int64)
    if change.was is None:
        return total
    old = change.was.sums.products[kind]
    _, source, place = np.intersect1d(change.was.plan.head, head, assume_unique=True, return_indices=True)
    for start in range(0, len(old), _ROWS_AT_ONCE):
        inside = (source >= start) & (source < start + _ROWS_AT_ONCE)
        if inside.any():
            rows = old[start : start + _ROWS_AT_ONCE]
            total[np.ix_(place[inside], place)] = rows[np.ix_(source[inside] - start, source)]
    return total


def _of(events: EventTable, people: Ints) -> EventTable:
    return events.where(np.isin(events.person, people))


def sums_of(plan: Plan) -> Sums:
    """The sums of a plan, folded from nothing."""
    return folded(change_to(plan, None))
