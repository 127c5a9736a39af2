"""By whose word alone an identifier is shown to be shared.

Whoever may link can crowd an identifier with other people's accounts. That takes the identifier's
links from joining anybody, but a refusal that came over one of them must not go with it: only a
link whose own source shows by itself that people share the identifier counts for nothing
afterwards, whatever else was linked with it goes on carrying refusals. So no source frees what it
did not carry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from identity.ids import SubjectId


class Witnesses:
    """What each source says of shared identifiers."""

    def __init__(self, above: Mapping[int, Mapping[int, int]]) -> None:
        """Knows of nothing yet.

        Args:
            above: for each kind how many of another kind may be linked with one of it directly.
        """
        self._above = above
        self._linked: dict[tuple[SubjectId, str], dict[SubjectId, int]] = {}
        self._joints: set[tuple[SubjectId, str]] = set()

    def hear(self, shared: SubjectId, source: str, other: SubjectId, kind: int) -> None:
        """A source links a shared identifier with another one, of a kind; also if that is refused."""
        self._linked.setdefault((shared, source), {})[other] = kind

    def hear_joint(self, shared: SubjectId, source: str) -> None:
        """What a source links makes too many people, each with an anchor, hang together by it."""
        self._joints.add((shared, source))

    def alone(self, shared: SubjectId, kind: int, source: str) -> bool:
        """Whether a source by itself shows that an identifier, of a kind, is shared."""
        if (shared, source) in self._joints:
            return True
        above = self._above.get(kind)
        linked = self._linked.get((shared, source))
        if not above or not linked:
            return False
        counts = Counter(linked.values())
        return any(counts[other] > most for other, most in above.items())
