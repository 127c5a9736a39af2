"""Follows the map of people in the guard table and keeps what changes in it.

The guard table says who is one person in each view; a change is what one step of its stream
makes of that. Changes are kept soon after the step; what was not kept when the process ended,
or could not be, is found by comparing the map that was kept with the table, so nothing that
lasts is lost. What came and went in between was nobody's to act on. Under other views than
those the map was kept in, it begins anew.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context

from consent.guard_table import GuardEntry, GuardTable, GuardUpdate
from identity.ids import SubjectId
from identity.people_map import Change, MapChange, Person, changes, in_views
from services.feed import Feed, FeedStopped
from services.storage.database import StoreUnusable
from services.storage.people_map import MapStep, PeopleMapStore, Places

#: Steps kept in one transaction at most.
STEPS_MAX = 256
#: The first entry of a map, in no view: from here on changes are kept.
BEGINNING = Change(merges=False, whole=(), parts=())
#: Entries a comparison looks at before others get their turn.
COMPARED_AT_ONCE = 2_000
RETRY_S = 1.0


class PeopleMap:
    """The changes of the map of one deployment; used from one event loop.

    Attributes:
        feed: the changes, for whoever waits for them.
    """

    def __init__(
        self,
        guard: GuardTable,
        store: PeopleMapStore,
        clock_ms: Callable[[], int],
        report: Callable[[str], object],
    ) -> None:
        """Follows nothing before ``followed`` is asked for.

        Args:
            guard: the process's guard table.
            store: keeps the map and its changes.
            clock_ms: the present instant, milliseconds since the epoch.
            report: takes a line when changes could not be kept.
        """
        self._guard = guard
        self._store = store
        self._clock_ms = clock_ms
        self._report = report
        self._views = range(len(guard.policy.views))
        self._steps: list[MapStep] = []
        self._compared: int | None = None
        self._persons = itertools.count(1)
        self._woken = asyncio.Event()
        self._current = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.feed: Feed[MapChange] = Feed(store.after, store.last_seq)

    async def followed(self) -> None:
        """Follows from now on; returns once the map that was kept is the guard table's.

        Nobody pays for a map that nobody watches: the first who asks has it followed, and what
        changed before is found by the comparison.

        Raises:
            FeedStopped: what follows the map has ended.
        """
        if self._task is None:
            self._guard.foretell(self._step)
            self._guard.watch(lambda _: self._woken.set())
            self._woken.set()
            # In a context of its own: the map is nobody's call's to record.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        current = asyncio.ensure_future(self._current.wait())
        await asyncio.wait({current, self._task}, return_when=asyncio.FIRST_COMPLETED)
        current.cancel()
        if self._task.done():
            raise FeedStopped

    async def stop(self) -> None:
        """Follows no longer; what is not kept is found at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def changes(self, after: int, limit: int) -> Sequence[MapChange]:
        """Up to ``limit`` changes beyond one, in order."""
        return await self._store.after(after, limit)

    async def first_cursor(self) -> int:
        """The oldest cursor that nothing was swept away behind."""
        return await self._store.first_cursor()

    def _step(self, update: GuardUpdate) -> None:
        """Notes what a step is about to change; the table still is what it was."""
        if self._compared != self._guard.generation or not self._guard.loaded:
            return  # the comparison finds it
        old = {subject: self._guard.entry(subject) for subject in update.entries}
        moved = {
            subject: entry
            for subject, entry in update.entries.items()
            if _members(old[subject]) != _members(entry)
        }
        if moved:
            gone = {subject for subject, entry in moved.items() if entry is None}
            before = {view: _people((old[subject] for subject in moved), view, gone) for view in self._views}
            after = {view: _people(moved.values(), view, ()) for view in self._views}
            entries = update.entries
            self._note(
                before, after, moved, lambda one: entries[one] if one in entries else self._guard.entry(one)
            )
            self._woken.set()

    def _note(
        self,
        before: Mapping[int, set[Person]],
        after: Mapping[int, set[Person]],
        moved: Mapping[SubjectId, GuardEntry | None],
        entry_of: Callable[[SubjectId], GuardEntry | None],
    ) -> None:
        happened: dict[int, list[Change]] = {}
        for view in self._views:
            if view and before[view] == before[view - 1] and after[view] == after[view - 1]:
                happened[view] = happened[view - 1]
            else:
                left = before[view] & after[view]
                happened[view] = changes(sorted(before[view] - left), sorted(after[view] - left))
        self._steps.append(MapStep(in_views(happened), self._all_places(moved, entry_of)))

    def _all_places(
        self,
        moved: Mapping[SubjectId, GuardEntry | None],
        entry_of: Callable[[SubjectId], GuardEntry | None],
    ) -> dict[SubjectId, Places]:
        """Where those who moved are, and all who are a person with one of them: it gets another number."""
        numbers: dict[Person, int] = defaultdict(lambda: next(self._persons))
        everybody, left = dict(moved), list(moved)
        while left:
            entry = everybody[left.pop()]
            beside = {one for view in self._views for one in _person(entry, view)} - everybody.keys()
            everybody.update((one, entry_of(one)) for one in beside)
            left += beside
        return {subject: self._places(subject, entry, numbers) for subject, entry in everybody.items()}

    def _places(self, subject: SubjectId, entry: GuardEntry | None, numbers: Mapping[Person, int]) -> Places:
        """Where a birth subject is in each view; views in which it is the same are one mask."""
        masks: dict[Person, int] = {}
        for view in self._views:
            person = _person(entry, view)
            if len(person) > 1:
                masks[person] = masks.get(person, 0) | 1 << view
        return [(mask, numbers[person], person.index(subject)) for person, mask in masks.items()]

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._take_in()
            except StoreUnusable as error:
                self._report(f"identity: changes of the map of people not kept yet: {type(error).__name__}\n")
                self._steps.clear()
                self._compared = None
                self._woken.set()
                await asyncio.sleep(RETRY_S)

    async def _take_in(self) -> None:
        while self._steps:
            await self._keep()
        if self._guard.loaded and self._compared != self._guard.generation:
            await self._compare()
            self._woken.set()  # to keep what it found
        elif self._guard.loaded:
            self._current.set()

    async def _keep(self) -> None:
        steps, self._steps = self._steps[:STEPS_MAX], self._steps[STEPS_MAX:]
        if steps:
            last = await self._store.keep(steps, self._clock_ms())
            if last:
                self.feed.published(last)

    async def _compare(self) -> None:
        """Notes what leads from the map that was kept to the guard table's, as it is now.

        What a step changes while this goes on is noted behind it.
        """
        views = self._guard.policy.views
        begins = await self._store.views() != views  # else bits would stand for others
        if begins:
            await self._store.begin(views)
        self._persons = itertools.count(await self._store.last_person() + 1)
        self._compared = self._guard.generation
        now = dict(self._guard.entries())
        found, kept = await self._kept(now)
        await self._new(now, kept, found)
        behind, self._steps = self._steps, []
        if begins:  # nobody has a cursor from before that opens
            self._steps.append(MapStep([(0, BEGINNING)], self._all_places(found.moved, now.get)))
        elif found.moved:
            self._note(found.before, found.after, found.moved, now.get)
        self._steps += behind

    async def _kept(
        self, now: Mapping[SubjectId, GuardEntry]
    ) -> tuple[_Difference, dict[int, set[SubjectId]]]:
        """What of the map that was kept is not so any more; in each view the oldest of whom it is."""
        found, same = _Difference(self._views), {view: set[SubjectId]() for view in self._views}
        for number, (views, person) in enumerate(await self._store.kept()):
            if not number % COMPARED_AT_ONCE:
                await asyncio.sleep(0)
            for view in self._views:
                if not views >> view & 1:
                    continue
                if _person(now.get(person[0]), view) == person:
                    same[view].add(person[0])
                else:
                    found.before[view].add(tuple(one for one in person if one in now))
                    found.moved.update((one, now.get(one)) for one in person)
        return found, same

    async def _new(
        self,
        now: Mapping[SubjectId, GuardEntry],
        same: Mapping[int, set[SubjectId]],
        found: _Difference,
    ) -> None:
        """Adds the persons that were not kept as they are now."""
        for number, (subject, entry) in enumerate(now.items()):
            if not number % COMPARED_AT_ONCE:
                await asyncio.sleep(0)
            if entry.members is None:
                continue
            for view in self._views:
                person = entry.members[view]
                if len(person) > 1 and person[0] == subject and subject not in same[view]:
                    found.after[view].add(person)
                    found.moved.update((one, now.get(one)) for one in person)


class _Difference:
    """What differs between two maps: persons there were and there are by view, and all of theirs."""

    def __init__(self, views: Iterable[int]) -> None:
        self.before: dict[int, set[Person]] = {view: set() for view in views}
        self.after: dict[int, set[Person]] = {view: set() for view in views}
        self.moved: dict[SubjectId, GuardEntry | None] = {}


def _members(entry: GuardEntry | None) -> Sequence[Person] | None:
    return None if entry is None else entry.members


def _person(entry: GuardEntry | None, view: int) -> Person:
    """The person of an entry in a view; empty for one that is alone."""
    return entry.members[view] if entry is not None and entry.members is not None else ()


def _people(entries: Iterable[GuardEntry | None], view: int, gone: Iterable[SubjectId]) -> set[Person]:
    """The persons of more than one in some entries; who is gone is not in them."""
    people = {person for entry in entries if len(person := _person(entry, view)) > 1}
    left = frozenset(gone)
    return {tuple(one for one in person if one not in left) for person in people} if left else people
