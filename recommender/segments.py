"""What people of an age band begin to buy, where enough of them are behind it to hide each.

Sums over people, like all that is learned: a person is taken out by subtraction. A band has a
trend only with ``PEOPLE_MIN`` people who bought something and let it be learned from, and an
item a part in it only with ``BUYERS_MIN`` of them; below that there is nothing, not even a hint.
People are training persons, so that one with many identities counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.decay import by_age, weights_by_age
from recommender.events import EventTable, Ints
from recommender.holdings import pair_keys
from recommender.vectors import Floats

#: Age bands are numbered from 1; 0 is nobody's.
BANDS = 10
PEOPLE_MIN = 20
BUYERS_MIN = 5


@dataclass(frozen=True, slots=True)
class SegmentSums:
    """Sums over some people.

    Attributes:
        people: how many people of each band bought something, shape (bands,).
        buyers: how many of them bought each item, shape (bands, items).
        begun: the same, each decayed by the day they began, shape (bands, items).
    """

    people: Ints
    buyers: Ints
    begun: Ints

    def minus(self, other: SegmentSums) -> SegmentSums:
        """These sums without those of some of their people; exact."""
        return SegmentSums(self.people - other.people, self.buyers - other.buyers, self.begun - other.begun)


@dataclass(frozen=True, slots=True)
class Segments:
    """The trends of the bands that have one, one band after the other.

    Attributes:
        ends: where each band's items end, shape (bands,); those of band 0 begin at 0.
        item: item numbers.
        trend: standardised over the head items, as the trend of all is; above 0.
    """

    ends: Ints
    item: Ints
    trend: Floats

    @classmethod
    def none(cls) -> Segments:
        """No band has a trend."""
        return cls(np.zeros(BANDS, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))

    def of_band(self, band: int, items: int) -> Floats | None:
        """The trend of a band per item number below ``items``, 0 for most; ``None``: it has none."""
        if not 0 < band < BANDS or self.ends[band] == self.ends[band - 1]:
            return None
        mine = slice(int(self.ends[band - 1]), int(self.ends[band]))
        known = self.item[mine] < items
        trend = np.zeros(items, np.float32)
        trend[self.item[mine][known]] = self.trend[mine][known]
        return trend


def segment_sums(
    bought: EventTable, band_of: Ints, reference: int, half_life_days: float, items: int
) -> SegmentSums:
    """Sums over people whose band is known.

    Args:
        bought: orders that count as purchases.
        band_of: of each person; 0 and persons beyond its end have none.
        reference: the day ages are counted from.
        half_life_days: of the trend.
        items: item numbers are below this.
    """
    keys, position = pair_keys(bought)
    first = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(first, position, bought.day)
    person, item = keys >> 32, keys & 0xFFFFFFFF
    band = np.append(band_of, 0)[np.minimum(person, len(band_of))]
    told = band > 0
    sums = SegmentSums(*(np.zeros(shape, np.int64) for shape in (BANDS, (BANDS, items), (BANDS, items))))
    np.add.at(sums.buyers, (band[told], item[told]), 1)
    np.add.at(
        sums.begun, (band[told], item[told]), by_age(weights_by_age(half_life_days), reference, first[told])
    )
    _, one_each = np.unique(person[told], return_index=True)
    np.add.at(sums.people, band[told][one_each], 1)
    return sums


def segments_of(sums: SegmentSums, head: Ints) -> Segments:
    """The trends that may be shown."""
    ends, items, trends = np.zeros(BANDS, np.int64), [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for band in range(1, BANDS):
        if sums.people[band] >= PEOPLE_MIN:
            begun = np.where(sums.buyers[band] >= BUYERS_MIN, sums.begun[band], 0)
            mean, deviation = float(begun[head].mean()), float(begun[head].std())
            above = np.flatnonzero(begun > mean) if deviation > 0 else items[0]
            items.append(above)
            trends.append(((begun[above] - mean) / max(deviation, 1e-9)).astype(np.float32))
        ends[band] = sum(map(len, items))
    return Segments(ends, np.concatenate(items), np.concatenate(trends))
