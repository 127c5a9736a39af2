"""Catalogue items as messages and back, and what a message can not say in its limits."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from recommender.catalogue import Item
from services.interceptors.call import Call
from veilgraph.recommender.v1 import recommender_pb2

_DAY_S = 86_400


def refused(items: Iterable[recommender_pb2.Item], call: Call) -> list[recommender_pb2.Item]:
    """Names the items whose fields do not go together; returns the others."""
    kept = []
    for index, item in zip(call.accepted, items, strict=True):
        if item.price_minor and not item.currency:
            call.refuse_item(index, "CURRENCY_MISSING", f"items[{index}].currency")
        elif item.listed_since.seconds // _DAY_S > call.now_ms // (_DAY_S * 1000):
            call.refuse_item(index, "TIME_IN_FUTURE", f"items[{index}].listed_since")
        else:
            kept.append(item)
    return kept


def item_of(message: recommender_pb2.Item) -> Item:
    """A message as an item."""
    return Item(
        item_id=message.item_id,
        title=message.title,
        category=message.category,
        brand=message.brand,
        price_minor=message.price_minor,
        currency=message.currency,
        out_of_stock=message.out_of_stock,
        place_cells=tuple(sorted(set(message.place_cells))),
        languages=tuple(sorted(set(message.languages))),
        age_min_years=message.age_min_years,
        description=message.description,
        tags=tuple(filter(None, message.tags)),
        since_day=message.listed_since.seconds // _DAY_S if message.HasField("listed_since") else None,
        exclusive=message.exclusive,
        suits=tuple(sorted(set(message.suits))),
    )


def item_message(item: Item) -> recommender_pb2.Item:
    """An item as a message."""
    message = recommender_pb2.Item(
        item_id=item.item_id,
        title=item.title,
        category=item.category,
        brand=item.brand,
        price_minor=item.price_minor,
        currency=item.currency,
        out_of_stock=item.out_of_stock,
        place_cells=item.place_cells,
        languages=item.languages,
        age_min_years=item.age_min_years,
        description=item.description,
        tags=item.tags,
        exclusive=item.exclusive,
        suits=item.suits,
    )
    if item.since_day:
        message.listed_since.CopyFrom(Timestamp(seconds=item.since_day * _DAY_S))
    return message
