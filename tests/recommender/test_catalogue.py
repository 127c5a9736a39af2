"""The catalogue in memory."""

from __future__ import annotations

from recommender.catalogue import Catalogue, StoredItem


def stored(number: int, category: str = "food", *, listed: bool = True) -> StoredItem:
    """An item."""
    return StoredItem(number, f"item-{number}", f"Item {number}", category, listed)


def test_an_item_is_found_by_number_and_by_id() -> None:
    """Numbers need not come in order."""
    catalogue = Catalogue([stored(3), stored(1, "toys")])
    assert catalogue.shown(3) == ("item-3", "Item 3", "food")
    assert catalogue.number("item-1") == 1
    assert catalogue.number("item-2") is None
    assert catalogue.numbers(["item-1", "nothing", "item-3"]) == [1, 3]


def test_a_replaced_item_shows_its_new_texts() -> None:
    """The number stays."""
    catalogue = Catalogue([stored(1)])
    catalogue.put([StoredItem(1, "item-1", "New", "toys", listed=True)])
    assert catalogue.shown(1) == ("item-1", "New", "toys")


def test_an_unlisted_item_is_not_recommended() -> None:
    """Nor is one that was never listed, or one nobody numbered."""
    catalogue = Catalogue([stored(1), stored(2, listed=False)])
    catalogue.put([StoredItem(1, "item-1", "", "", listed=False)])
    assert [catalogue.is_listed(number) for number in (1, 2, 77)] == [False, False, False]
    assert catalogue.shown(77) == ("", "", "")


def test_a_shelf_is_a_copy() -> None:
    """What changes later does not change it; its version tells that something did."""
    catalogue = Catalogue([stored(1), stored(2, "toys")])
    shelf = catalogue.shelf()
    catalogue.put([stored(2, listed=False)])
    assert shelf.listed.tolist() == [False, True, True]
    assert [shelf.categories[code] for code in shelf.category] == ["", "food", "toys"]
    assert catalogue.version > shelf.version
