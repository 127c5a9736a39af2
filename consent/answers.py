"""Which refusals rest because a grant answers them: decision semantics 3, last sentence.

A grant given after a notice that showed a refusal of the same person answers it. The refusal
rests for those whom the grant reaches, as long as the grant is in force and an unbroken chain
of proof on both sides joins the two who spoke. Whether an edge is permitted was decided
before, from refusals as they were said: no refusal rests by a link that it forbids itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from consent.fold import Answerable, OwnState
from consent.parts import Parts
from identity.ids import SubjectId

#: For each subject, whose refusals rest for it, and for which purposes.
Resting = Mapping[SubjectId, Mapping[SubjectId, int]]


class Span(NamedTuple):
    """How far grants for some purposes go.

    Attributes:
        purposes: mask of the purposes.
        linked: who is joined by proof on both sides.
        reached: whom a grant of each subject reaches.
    """

    purposes: int
    linked: Parts
    reached: Parts


def resting(
    own: Mapping[SubjectId, OwnState],
    granted: Mapping[SubjectId, int],
    spans: Sequence[Span],
    now_ms: int,
) -> Resting:
    """The refusals that rest now.

    Args:
        own: own states of everybody in a refusal component.
        granted: what each of them grants now.
        spans: permitted proof, for each group of purposes.
        now_ms: the instant.
    """
    refusals = {one.refusal: (who, one) for who, state in own.items() for one in state.answerable}
    rests: dict[SubjectId, dict[SubjectId, int]] = {}
    for grantor, refuser, mask in _answered(own, refusals, now_ms):
        for span in spans:
            answered = mask & span.purposes & granted[grantor]
            if not answered or refuser not in span.linked[grantor]:
                continue
            for reached in span.reached[grantor]:
                theirs = rests.setdefault(reached, {})
                theirs[refuser] = theirs.get(refuser, 0) | answered
    return rests


def _answered(
    own: Mapping[SubjectId, OwnState],
    refusals: Mapping[bytes, tuple[SubjectId, Answerable]],
    now_ms: int,
) -> Iterable[tuple[SubjectId, SubjectId, int]]:
    """Grantor, refuser and the leaves both spoke of, the grant not before the refusal."""
    for grantor, state in own.items():
        for answer in state.answers:
            refuser, refusal = refusals.get(answer.refusal, (grantor, None))
            if refusal is not None and now_ms < answer.valid_until_ms and refusal.at_ms <= answer.at_ms:
                yield grantor, refuser, answer.mask & refusal.mask
