"""What every replica keeps in memory to decide without asking anybody.

For each birth subject the masks already folded over everybody it is linked with, and, for
the few that are linked, who the person behind it is in each view. The consent authority
computes entries; a replica only applies them, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from consent.policy import Policy
from consent.why import NOTHING, Why
from identity.ids import SubjectId

NEVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class GuardEntry:
    """What is decided about one birth subject.

    Attributes:
        allow: bit p = processing for purpose p is allowed, folded over the person in p's view.
        refuse: bit p = somebody in the refusal component refuses p.
        changes_at_ms: instant from which the entry no longer holds (a grant or an edge runs
            out), milliseconds since the epoch; ``NEVER_MS`` when nothing does.
        members: for each view all birth subjects of the person, oldest first, this one
            included; ``None`` when it stands alone in every view.
        why: what denies the purposes that are denied; ``None`` when only nobody was asked yet.
    """

    allow: int
    refuse: int
    changes_at_ms: int
    members: tuple[tuple[SubjectId, ...], ...] | None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class GuardUpdate:
    """One step of the ordered guard stream: entries that replace earlier ones."""

    epoch: int
    entries: Mapping[SubjectId, GuardEntry | None]


def narrows(old: GuardEntry, new: GuardEntry) -> bool:
    """Whether somebody may do less by the new entry than by the old one, now or sooner than before."""
    if old.allow & ~new.allow or new.refuse & ~old.refuse or new.changes_at_ms < old.changes_at_ms:
        return True
    if old.members is None:
        return False
    if new.members is None:
        return True
    return any(not set(was) <= set(now) for was, now in zip(old.members, new.members, strict=True))


class GuardTable:
    """One replica's copy. Unready, before the first snapshot or without a live lease, it decides nothing.

    Attributes:
        loaded: a snapshot was applied and not lost since.
        generation: counts how often the whole state was replaced or lost.
        live: whether the replica's lease on its state still runs.
    """

    def __init__(self, policy: Policy, *, live: Callable[[], bool] = lambda: True) -> None:
        self.policy = policy
        self.epoch = 0
        self.loaded = False
        self.generation = 0
        self.live = live
        self._entries: dict[SubjectId, GuardEntry] = {}
        self._unrefusable = policy.unrefusable_mask
        self._watchers: list[Callable[[GuardUpdate], None]] = []
        self._foretold: list[Callable[[GuardUpdate], None]] = []

    @property
    def ready(self) -> bool:
        """Whether anything may be decided by the table now."""
        return self.loaded and self.live()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, subject: SubjectId) -> bool:
        return subject in self._entries

    def subjects(self) -> Iterable[SubjectId]:
        """All birth subjects known here."""
        return self._entries.keys()

    def entry(self, subject: SubjectId) -> GuardEntry | None:
        """The entry of a birth subject, or None when it is unknown."""
        return self._entries.get(subject)

    def entries(self) -> Iterable[tuple[SubjectId, GuardEntry]]:
        """Every birth subject known here with its entry."""
        return self._entries.items()

    def watch(self, watcher: Callable[[GuardUpdate], None]) -> None:
        """Has ``watcher`` told every step from now on, once the table has taken it in."""
        self._watchers.append(watcher)

    def foretell(self, listener: Callable[[GuardUpdate], None]) -> None:
        """Has ``listener`` told every step from now on right before the table takes it in.

        A replacement of the whole state is told afterwards only, to those who ``watch``.
        """
        self._foretold.append(listener)

    def apply(self, update: GuardUpdate) -> None:
        """Applies one step of the stream. Steps must come in order; an older one changes nothing."""
        if update.epoch <= self.epoch and self.loaded:
            return
        for listener in self._foretold:
            listener(update)
        for subject, entry in update.entries.items():
            if entry is None:
                self._entries.pop(subject, None)
            else:
                self._entries[subject] = entry
        self._reached(update)

    def replace(self, update: GuardUpdate) -> None:
        """Takes the whole state in the place of what was held; decided by is one or the other."""
        self._entries = {subject: entry for subject, entry in update.entries.items() if entry is not None}
        self.generation += 1
        self._reached(update)

    def lose(self) -> None:
        """Forgets everything: who feeds the table has stopped. The next step applied is a snapshot."""
        self.loaded = False
        self.generation += 1
        self._entries = {}

    def _reached(self, update: GuardUpdate) -> None:
        self.epoch = update.epoch
        self.loaded = True
        for watcher in self._watchers:
            watcher(update)

    def allows(self, subject: SubjectId, purpose_index: int, now_ms: int) -> bool:
        """Whether processing for a purpose is allowed now. Unknown subjects are denied.

        An entry past its ``changes_at_ms`` allows nothing but what cannot be refused, until
        the authority sends the next one.
        """
        entry = self._entries.get(subject)
        if not self.live() or entry is None:  # in this order: who is unknown takes no fewer steps
            return False
        allow = entry.allow if now_ms < entry.changes_at_ms else self._unrefusable
        return bool(allow >> purpose_index & 1)

    def reason(self, subject: SubjectId, purpose_index: int, now_ms: int) -> str:
        """Why ``allows`` says no; empty when it says yes.

        For those alone who may tell one reason from another. A subject that is not known is
        ``SUBJECT_ERASED``: the two are one answer.
        """
        if self.allows(subject, purpose_index, now_ms):
            return ""
        entry = self._entries.get(subject)
        if entry is None:
            return "SUBJECT_ERASED"
        if entry.allow >> purpose_index & 1:
            return "CONSENT_EXPIRED"  # what allowed it has run out, or may have
        return (entry.why or NOTHING).reason(purpose_index)

    def linked(self, subject: SubjectId, purpose_index: int) -> tuple[SubjectId, ...]:
        """The birth subjects of the person in the purpose's view, whatever they allow.

        For what protects the person and must not fall away with somebody's grant; whose data may
        be read is to be asked of each. Empty when ``subject`` is unknown.
        """
        entry = self._entries.get(subject)
        if not self.live() or entry is None:
            return ()
        view = self.policy.view_of[purpose_index]
        return (subject,) if entry.members is None or view < 0 else entry.members[view]

    def members(self, subject: SubjectId, purpose_index: int, now_ms: int) -> tuple[SubjectId, ...]:
        """The birth subjects whose data may be read when ``subject`` is asked about for a purpose.

        The person in the purpose's view, less those for whom the purpose itself is not
        allowed. Empty when it is not allowed for ``subject``.
        """
        if not self.allows(subject, purpose_index, now_ms):
            return ()
        entries, unrefusable = self._entries, self._unrefusable
        entry = entries[subject]
        view = self.policy.view_of[purpose_index]
        if entry.members is None or view < 0:
            return (subject,)
        # As ``allows`` for each, with everything at hand: every call about a person asks this.
        allowed = []
        for member in entry.members[view]:
            one = entries.get(member)
            if one is not None:
                allow = one.allow if now_ms < one.changes_at_ms else unrefusable
                if allow >> purpose_index & 1:
                    allowed.append(member)
        return tuple(allowed)
