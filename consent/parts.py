"""What edges connect: everybody reached from everybody, by union and find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from identity.ids import SubjectId

#: For each subject everybody it is connected with, itself included, in one order for all of them.
Parts = Mapping[SubjectId, tuple[SubjectId, ...]]


def parts_of(subjects: Sequence[SubjectId], ends: Iterable[tuple[SubjectId, SubjectId]]) -> Parts:
    """The parts that edges make of subjects; those of one part share one tuple.

    Args:
        subjects: everybody, in the order the parts are to be listed.
        ends: both ends of each edge, among ``subjects``.
    """
    root: dict[SubjectId, SubjectId] = {}

    def find(subject: SubjectId) -> SubjectId:
        while (above := root.get(subject, subject)) != subject:
            root[subject] = root.get(above, above)
            subject = above
        return subject

    for a, b in ends:
        root[find(a)] = find(b)
    if not root:
        return {subject: (subject,) for subject in subjects}
    gathered: dict[SubjectId, list[SubjectId]] = {}
    for subject in subjects:
        gathered.setdefault(find(subject), []).append(subject)
    parts: dict[SubjectId, tuple[SubjectId, ...]] = {}
    for members in gathered.values():
        part = tuple(members)
        parts.update(dict.fromkeys(part, part))
    return parts
