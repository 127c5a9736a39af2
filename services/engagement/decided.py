"""One question of a call, and what came out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engagement.content import Content
from engagement.decision import Outcome
from engagement.decision_store import Row
from engagement.grounds import Grounds
from identity.ids import SubjectId
from services.engagement.situating import Question


class Asked(NamedTuple):
    """One question about one person; ``None``: about nobody."""

    subject: SubjectId | None
    question: Question


@dataclass(frozen=True, slots=True)
class Decided:
    """What came out of one question.

    Attributes:
        row: as it is kept.
        outcome: what it gives; of one that is told again, as it was given.
        grounds: what it rests on.
        content: what is put before the person; ``None``: nothing is given, or the option has none.
        again: it was made before.
        kept: it is written down, or will be in a moment.
    """

    row: Row
    outcome: Outcome
    grounds: Grounds
    content: Content | None = None
    again: bool = False
    kept: bool = True
