"""What is asked of the recommender and what it answers, in numbers and not yet in texts.

A question holds only what may be used for it: whoever denies a purpose is not in it with the
data of that purpose. So the same code answers everybody, and less permission simply means
less in the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from recommender.explain import Ground, Reason
from recommender.filters import EVERYTHING, Criteria
from recommender.history import History
from recommender.taste import Taste

NO_EVENTS = "NO_EVENTS"
NO_MODEL = "NO_MODEL"
SAME_FOR_ALL = "SAME_FOR_ALL"
DEADLINE = "DEADLINE"


class Recipe(IntEnum):
    """Kinds of list; numbers as in the contract."""

    FOR_YOU = 1
    BUY_AGAIN = 2
    TRENDING = 3
    CONTINUE = 4
    SIMILAR = 5
    TOGETHER = 6
    NEW = 7


class Depth(IntEnum):
    """How personal an answer is; numbers as in the contract."""

    UNSPECIFIED = 0
    GENERAL = 1
    CONTEXT = 2
    SEGMENT = 3
    INDIVIDUAL = 4


class Placement(IntEnum):
    """What an item is in a list for; numbers as in the contract."""

    ORGANIC = 1
    PINNED = 2
    EXPLORED = 3
    SPONSORED = 4
    TAIL = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """What the shop wants of the order; item numbers.

    Attributes:
        pins: place on the first page, from 1 on, to item.
        buried: items that come after all others.
        per_brand_max: at most so many of a brand on a page; 0 means any number.
        per_category_max: at most so many of a category on a page; 0 means any number.
        tail_place: the last place is the best relevant item's that is not in the model's head.
    """

    pins: Mapping[int, int] = field(default_factory=dict)
    buried: frozenset[int] = frozenset()
    per_brand_max: int = 0
    per_category_max: int = 0
    tail_place: bool = False


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Exploration:
    """ε-greedy, place by place.

    Attributes:
        chance: that a place goes to an item drawn at random, above 0 to 1.
        drawn_from: how many of the best that are left are drawn from, with one chance each.
        first_places: so many places are the best items in any case.
        seed: what the draws are made of; the service draws a new one for every call.
    """

    chance: float
    drawn_from: int
    first_places: int
    seed: int


class Offer(NamedTuple):
    """An item somebody pays for: its number, and who pays."""

    item: int
    sponsor: str


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """What may be shown for money.

    Attributes:
        offers: most wanted first.
        share_max_permille: at most this part of the list, counted from its top to any place.
        relevance_floor: the part of the last item's score that an offer has to reach.
        history: the person's events that may be used for advertising; empty where they do not permit it.
    """

    offers: Sequence[Offer]
    share_max_permille: int
    relevance_floor: float
    history: History


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and all that may be used to answer it.

    Attributes:
        recipe: kind of list.
        count: how many items, sponsored ones not counted.
        history: the person's events that may be used; empty for guests and denials.
        not_personal: why the answer must not be personal; empty if it may be.
        session_items: item numbers of this call.
        item: the item a list is about; 0 for none.
        criteria: which items may be in the list.
        among: only these items; ``None`` means all.
        without: never these items.
        shown: what the pages before held.
        entitled: the exclusive items the person may see.
        include_known: FOR_YOU: also what the person has bought before.
        explain: give reasons.
        rules: what the shop wants of the order.
        diversity: how much unlike those before it an item is wanted, 0 to 1.
        exploration: how much is tried out, if anything.
        sponsorship: what may be shown for money, if anything.
        tastes: what the person declared that they like and dislike, as far as it may be used.
        age_band: the band they declared; 0 where none may be used.
        situation: tags of what holds for this call only.
    """

    recipe: Recipe
    count: int
    history: History
    not_personal: str
    session_items: tuple[int, ...] = ()
    item: int = 0
    criteria: Criteria = EVERYTHING
    among: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    shown: tuple[int, ...] = ()
    entitled: tuple[int, ...] = ()
    include_known: bool = False
    explain: bool = False
    rules: Rules = NO_RULES
    diversity: float = 0.0
    exploration: Exploration | None = None
    sponsorship: Sponsorship | None = None
    tastes: tuple[Taste, ...] = ()
    age_band: int = 0
    situation: tuple[str, ...] = ()

    @property
    def kept_out(self) -> tuple[int, ...]:
        """Items that are not in the list whatever the recipe: named, in the session, or shown before."""
        return (*self.session_items, self.item, *self.without, *self.shown)

    @property
    def by_score_alone(self) -> bool:
        """Whether the best items in their order are the answer."""
        return self.rules is NO_RULES and not self.diversity and self.exploration is None


class Recommended(NamedTuple):
    """One item of an answer.

    Attributes:
        item: its number.
        score: what it was ordered by.
        reasons: strongest first.
        trend_share: the part of the score that comes from what everybody buys.
        grounds: what its score is made of, where reasons were asked for.
        placement: what it is in the list for.
        propensity: the chance that it came to this place, given those above; 0 where nothing was drawn.
        sponsor: who pays for it.
    """

    item: int
    score: float
    reasons: tuple[Reason, ...] = ()
    trend_share: float = 0.0
    grounds: tuple[Ground, ...] = ()
    placement: Placement = Placement.ORGANIC
    propensity: float = 0.0
    sponsor: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An ordered list, how personal it is, and why not more.

    Attributes:
        items: best first; more than were asked for only by sponsored ones.
        depth: how personal it is.
        depth_reason: why not more; empty for the most personal.
        sponsored_depth: what sponsored items were chosen by; unspecified without any.
        more: whether there may be items for another page; certainly not only when all there are were seen.
    """

    items: list[Recommended]
    depth: Depth
    depth_reason: str
    sponsored_depth: Depth = Depth.UNSPECIFIED
    more: bool = False
