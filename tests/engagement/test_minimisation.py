"""What is held and not read is named, and nothing is said before it was counted long enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from engagement.attributes import Attribute
from engagement.declaration import Declaration
from engagement.event import EventKind, Party
from engagement.minimisation import FieldUse, report_of
from services.engagement.reads import Reads
from services.storage.attributes import AttributeTables
from services.storage.database import StoreUnusable
from services.storage.declared import DeclaredTables
from services.storage.engagement import EventTables
from services.storage.field_reads import FieldReadTables, minimisation_report
from tests.conftest import Clock
from tests.contract.engines import ENGINES, tables
from tests.engagement.attributes import value
from tests.engagement.declarations import declare_request, likes
from tests.engagement.events import DAY_MS, NOW_MS, event, subject

TODAY = NOW_MS // DAY_MS


def test_a_field_is_unread_when_no_day_looked_at_has_a_read():
    """The first day looked at counts; the day before it does not; what nobody holds is not named."""
    held = {"a": 3, "b": 1, "c": 2, "gone": 0}
    reads = {("a", 11): 2, ("a", 90): 1, ("b", 10): 7, ("gone", 100): 1}
    report = report_of(held, reads, 10, today=100, days=90)
    assert report.uses == (FieldUse("a", 3, 3, 90), FieldUse("b", 1, 0, 10), FieldUse("c", 2, 0, None))
    assert [use.field for use in report.unread] == ["b", "c"]


@pytest.mark.parametrize(("begun", "counted"), [(None, 0), (12, 89), (11, 90)])
def test_nothing_is_called_unread_before_it_was_counted_for_as_long(begun: int | None, counted: int):
    report = report_of({"a": 1}, {}, begun, today=100, days=90)
    assert report.counted_days == counted
    assert bool(report.unread) == (counted >= 90)


@pytest.mark.parametrize("engine", ENGINES)
async def test_reads_are_counted_by_field_and_day_over_everybody(engine: str, tmp_path: Path):
    clock = Clock(NOW_MS - 100 * DAY_MS)
    async with tables(engine, tmp_path, "engagement") as database:
        reads = Reads(FieldReadTables(database), clock)
        await reads.write()
        clock.now_ms = NOW_MS - 95 * DAY_MS
        reads.note(["attribute.language", "events.ORDER"])
        await reads.write()
        clock.now_ms = NOW_MS
        reads.note(["events.ORDER"])
        reads.note(["events.ORDER", "declared.likes"])
        await reads.write()
        await reads.write()
        await EventTables(database).append([event("a"), event("b", kind=EventKind.CALL, item_id="")])
        values = [value(), value(Attribute.DIET, "", corrected=1, party=Party.ZERO)]
        await AttributeTables(database).record(values)
        said = Declaration(subject(1), (likes("tea"), likes("milk", -1)))
        await DeclaredTables(database).declare(declare_request(), said)
        report = await database.read(lambda reader: minimisation_report(TODAY, 90, reader))
    assert report.counted_days == 101
    assert {use.field: (use.held, use.reads, use.last_read_day) for use in report.uses} == {
        "attribute.language": (1, 0, TODAY - 95),
        "declared.dislikes": (1, 0, None),
        "declared.likes": (1, 1, TODAY),
        "events.CALL": (1, 0, None),
        "events.ORDER": (1, 2, TODAY),
    }
    assert {use.field for use in report.unread} == {"attribute.language", "declared.dislikes", "events.CALL"}


async def test_what_can_not_be_written_is_counted_on():
    class Shut:
        """A store that can not be used for a while."""

        usable = False
        kept: dict[str, int] = {}  # noqa: RUF012 - of one test

        async def add(self, reads: dict[str, int], _day: int) -> None:
            if not self.usable:
                raise StoreUnusable
            self.kept = dict(reads)

    shut = Shut()
    reads = Reads(shut, Clock(NOW_MS))
    reads.note(["a"])
    await reads.write()
    reads.note(["a"])
    shut.usable = True
    await reads.write()
    assert shut.kept == {"a": 2}
