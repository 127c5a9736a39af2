"""From a request to a question: texts become numbers, and what can not be answered is refused.

Ids that are not in the catalogue are passed over, except of the one item a list is about. A
contradiction is refused and not resolved, because whoever wrote it meant something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from secrets import randbits

from recommender.catalogue import Catalogue
from recommender.errors import UnknownItem
from recommender.filters import Criteria
from recommender.history import History
from recommender.paging import LIST_MAX
from recommender.question import NO_RULES, Exploration, Offer, Question, Recipe, Rules, Sponsorship
from recommender.taste import Taste
from services.errors import InvalidRequest
from veilgraph.recommender.v1 import recommender_pb2

PAGE_SIZE_DEFAULT = 10
DRAWN_FROM_DEFAULT = 100
SHARE_MAX_PERMILLE_DEFAULT = 200
RELEVANCE_FLOOR_PERMILLE_DEFAULT = 500
_ABOUT_AN_ITEM = frozenset({Recipe.SIMILAR, Recipe.TOGETHER})
_PERMILLE = 1000


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as it may be used.

    Attributes:
        history: the events that may be used; empty for guests and denials.
        not_personal: why the answer must not be personal; empty if it may be.
        entitled: the exclusive items they may see.
        age_years: they are known to be at least so old; 0 when that is not known.
        for_advertising: the events that may be used to choose paid items.
        tastes: what they declared that they like and dislike.
        age_band: the band whose trend they may be shown; 0 for none.
    """

    history: History
    not_personal: str
    entitled: tuple[int, ...]
    age_years: int
    for_advertising: History
    tastes: tuple[Taste, ...] = ()
    age_band: int = 0


def question_of(
    request: recommender_pb2.RecommendRequest, asker: Asker, shown: tuple[int, ...], catalogue: Catalogue
) -> Question:
    """The question a request asks.

    Raises:
        InvalidRequest: the request contradicts itself or lacks what its recipe needs.
        UnknownItem: the item a list is about is not there for this asker.
    """
    recipe = Recipe(request.recipe)
    count = request.page_size or PAGE_SIZE_DEFAULT
    if request.situation.with_child:
        asker = replace(asker, age_years=0)
    criteria = Criteria(tuple(request.categories), age_years=asker.age_years)
    among: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    if request.HasField("filter"):
        criteria = _criteria(request, asker)
        among, without = _named(request.filter, catalogue)
    return Question(
        recipe=recipe,
        count=min(count, LIST_MAX - len(shown)),
        history=asker.history,
        not_personal=asker.not_personal,
        session_items=_session(request, asker, catalogue),
        item=_item(request, recipe, asker, catalogue),
        criteria=criteria,
        among=among,
        without=without,
        shown=shown,
        entitled=asker.entitled,
        include_known=request.include_known,
        explain=request.explain,
        rules=_rules(request, count, catalogue) if request.HasField("rules") else NO_RULES,
        diversity=request.diversity_permille / _PERMILLE,
        exploration=_exploration(request.exploration) if request.HasField("exploration") else None,
        sponsorship=_sponsorship(request, asker, catalogue) if request.HasField("sponsorship") else None,
        tastes=asker.tastes,
        age_band=asker.age_band,
        situation=situation_of(request.situation),
    )


def _session(
    request: recommender_pb2.RecommendRequest, asker: Asker, catalogue: Catalogue
) -> tuple[int, ...]:
    """The session's items; what the asker must not see is as unknown to them as what is not there."""
    return tuple(
        number
        for number in catalogue.numbers(request.session_item_ids)
        if not catalogue.is_hidden(number, asker.entitled, asker.age_years)
    )


def situation_of(situation: recommender_pb2.Situation) -> tuple[str, ...]:
    """The tags that hold, as items name them."""
    named = (
        ("weather", recommender_pb2.Weather, situation.weather),
        ("arrival", recommender_pb2.DayPart, situation.arrival),
        ("device", recommender_pb2.Device, situation.device),
    )
    tags = []
    for tag, words, value in named:
        if value:
            prefix = words.Name(0).removesuffix("UNSPECIFIED")
            tags.append(f"{tag}:{words.Name(value).removeprefix(prefix).lower()}")
    return (*tags, "with:child") if situation.with_child else tuple(tags)


def _item(
    request: recommender_pb2.RecommendRequest, recipe: Recipe, asker: Asker, catalogue: Catalogue
) -> int:
    """The number of the item a list is about; 0 for none."""
    if recipe not in _ABOUT_AN_ITEM:
        if request.item_id:
            raise InvalidRequest("RECIPE_TAKES_NO_ITEM", field="item_id")
        return 0
    if not request.item_id:
        if recipe is Recipe.TOGETHER and request.session_item_ids:
            return 0
        raise InvalidRequest("FIELD_REQUIRED", field="item_id")
    number = catalogue.number(request.item_id)
    if number is None or not catalogue.is_listed(number):
        raise UnknownItem
    if catalogue.is_hidden(number, asker.entitled, asker.age_years):
        raise UnknownItem  # as if it were not there
    return number


def _criteria(request: recommender_pb2.RecommendRequest, asker: Asker) -> Criteria:
    asked = request.filter
    if asked.price_max_minor and asked.price_min_minor > asked.price_max_minor:
        raise InvalidRequest("FILTERS_CONTRADICT", field="filter.price_min_minor")
    if (asked.price_min_minor or asked.price_max_minor) and not asked.currency:
        raise InvalidRequest("CURRENCY_MISSING", field="filter.currency")
    return Criteria(
        categories=tuple(request.categories),
        brands=tuple(asked.brands),
        price_min_minor=asked.price_min_minor,
        price_max_minor=asked.price_max_minor,
        currency=asked.currency,
        in_stock=asked.in_stock,
        place_cell=asked.place_cell,
        languages=tuple(asked.languages),
        age_years=min(asker.age_years, asked.age_years or asker.age_years),
    )


def _named(
    asked: recommender_pb2.Filter, catalogue: Catalogue
) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """The items a filter names: only these, if any are named, and never those."""
    both = set(asked.include_item_ids).intersection(asked.exclude_item_ids)
    if both:
        at = next(at for at, item_id in enumerate(asked.exclude_item_ids) if item_id in both)
        raise InvalidRequest("FILTERS_CONTRADICT", field=f"filter.exclude_item_ids[{at}]")
    among = tuple(catalogue.numbers(asked.include_item_ids)) if asked.include_item_ids else None
    return among, tuple(catalogue.numbers(asked.exclude_item_ids))


def _rules(request: recommender_pb2.RecommendRequest, count: int, catalogue: Catalogue) -> Rules:
    rules, filter_ = request.rules, request.filter
    kept_out = {*rules.bury_item_ids, *filter_.exclude_item_ids}
    only = set(filter_.include_item_ids)
    places: set[int] = set()
    items: set[str] = set()
    for at, pin in enumerate(rules.pins):
        if pin.position in places or pin.position > count:
            raise InvalidRequest("FILTERS_CONTRADICT", field=f"rules.pins[{at}].position")
        if pin.item_id in items or pin.item_id in kept_out or (only and pin.item_id not in only):
            raise InvalidRequest("FILTERS_CONTRADICT", field=f"rules.pins[{at}].item_id")
        places.add(pin.position)
        items.add(pin.item_id)
    return Rules(
        pins=_known({pin.position: pin.item_id for pin in rules.pins}, catalogue),
        buried=frozenset(catalogue.numbers(rules.bury_item_ids)),
        per_brand_max=rules.per_brand_max,
        per_category_max=rules.per_category_max,
        tail_place=rules.tail_place,
    )


def _known(pins: Mapping[int, str], catalogue: Catalogue) -> dict[int, int]:
    return {
        place: number
        for place, item_id in sorted(pins.items())
        if (number := catalogue.number(item_id)) is not None
    }


def _exploration(asked: recommender_pb2.Exploration) -> Exploration:
    return Exploration(
        chance=asked.chance_permille / _PERMILLE,
        drawn_from=asked.drawn_from or DRAWN_FROM_DEFAULT,
        first_places=asked.first_places,
        seed=randbits(64),
    )


def _sponsorship(
    request: recommender_pb2.RecommendRequest, asker: Asker, catalogue: Catalogue
) -> Sponsorship:
    asked = request.sponsorship
    excluded = {*request.filter.exclude_item_ids, *request.rules.bury_item_ids}
    for at, item in enumerate(asked.items):
        if item.item_id in excluded:
            raise InvalidRequest("FILTERS_CONTRADICT", field=f"sponsorship.items[{at}].item_id")
    return Sponsorship(
        offers=tuple(_offers(asked.items, catalogue)),
        share_max_permille=asked.share_max_permille or SHARE_MAX_PERMILLE_DEFAULT,
        relevance_floor=(asked.relevance_floor_permille or RELEVANCE_FLOOR_PERMILLE_DEFAULT) / _PERMILLE,
        history=asker.for_advertising,
    )


def _offers(items: Iterable[recommender_pb2.SponsoredItem], catalogue: Catalogue) -> Iterable[Offer]:
    for item in items:
        number = catalogue.number(item.item_id)
        if number is not None:
            yield Offer(number, item.sponsor)
