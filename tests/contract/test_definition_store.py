"""What the store of definitions must do, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engagement.errors import RequestIdReused
from services.storage.definitions import (
    REQUESTS_KEPT_MS,
    Change,
    DefinitionRequest,
    DefinitionTables,
    KeptVersion,
    Placed,
)
from tests.contract.engines import ENGINES, tables

pytestmark = pytest.mark.parametrize("engine", ENGINES)
NOW_MS = 1_700_000_000_000


@pytest.fixture
async def store(engine: str, tmp_path: Path) -> AsyncIterator[DefinitionTables]:
    """An empty store of the engine under test."""
    async with tables(engine, tmp_path, "engagement") as database:
        yield DefinitionTables(database)


def asked(key: bytes, digest: bytes = b"d", now_ms: int = NOW_MS) -> DefinitionRequest:
    return DefinitionRequest(key.ljust(16), digest, now_ms)


def version(
    number: int, *, name: str = "banner", state: int = 1, in_force: int = 0, by: str | None = None
) -> Placed:
    approved = NOW_MS if by else None
    kept = KeptVersion(1, name, number, b"content %d" % number, state, "ann", NOW_MS, by, approved)
    return Placed(kept, number, in_force)


async def test_every_version_is_kept_and_the_newest_and_the_one_in_force_are_current(
    store: DefinitionTables,
) -> None:
    """The first was approved later, and its content and author stay what they were."""
    await store.keep(asked(b"1"), Change(0, [version(1)], b"a"))
    live = version(1, state=3, in_force=1, by="bob")
    await store.keep(asked(b"2"), Change(1, [live], b"b"))
    await store.keep(asked(b"3"), Change(2, [version(2, in_force=1), version(1, name="other")], b"c"))
    current = await store.current()
    assert current.revision == await store.revision() == 3
    assert [(one.kept.id, one.kept.version) for one in current.versions] == [
        ("banner", 2),
        ("banner", 1),
        ("other", 1),
    ]
    assert current.versions[1].kept == live.kept
    await store.keep(asked(b"4"), Change(3, [version(3, in_force=3)], b"d"))
    assert [
        (one.kept.version, one.newest, one.in_force) for one in (await store.versions(1, "banner")).versions
    ] == [
        (3, 3, 3),
        (2, 3, 3),
        (1, 3, 3),
    ]
    assert [one.kept.version for one in (await store.current()).versions if one.kept.id == "banner"] == [3]


async def test_a_change_made_from_what_is_no_more_is_not_kept(store: DefinitionTables) -> None:
    """Of those made at once from one revision one is kept, and the others are told."""
    changes = [
        store.keep(asked(bytes([number])), Change(0, [version(1, name=f"p{number}")], b"a"))
        for number in range(8)
    ]
    answers = await asyncio.gather(*changes)
    assert sorted(answers, key=str) == [None] * 7 + [b"a"]
    assert await store.revision() == 1
    assert len((await store.current()).versions) == 1


async def test_a_repeat_is_answered_as_before_whatever_it_was_made_from(store: DefinitionTables) -> None:
    """Another content under the same key is refused; nothing of either is kept again."""
    await store.keep(asked(b"1"), Change(0, [version(1)], b"first"))
    assert await store.keep(asked(b"1"), Change(7, [version(2)], b"second")) == b"first"
    assert await store.answered(asked(b"1")) == b"first"
    assert await store.answered(asked(b"2")) is None
    with pytest.raises(RequestIdReused):
        await store.keep(asked(b"1", b"other"), Change(1, [version(2)], b"second"))
    with pytest.raises(RequestIdReused):
        await store.answered(asked(b"1", b"other"))
    assert await store.revision() == 1


async def test_what_changes_nothing_counts_no_revision_and_is_remembered(store: DefinitionTables) -> None:
    """Its answer stays for a day."""
    await store.keep(asked(b"1"), Change(0, [], b"nothing"))
    assert await store.revision() == 0
    assert await store.answered(asked(b"1")) == b"nothing"
    later = NOW_MS + REQUESTS_KEPT_MS + 1
    await store.keep(asked(b"2", now_ms=later), Change(0, [], b"nothing"))
    assert await store.answered(asked(b"1", now_ms=later)) is None
