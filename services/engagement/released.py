"""What is asked for and given out when something is due, under an id that follows from what set it off.

Deciding again about the same firing is deciding under the same id: it takes no second place under the cap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from engagement.firing import Firing
from engagement.play import Channel, Play
from identity.ids import SubjectId
from services.engagement.decided import Decided
from services.engagement.situating import Question

_ID_DOMAIN = b"veilgraph/firing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for.

    Attributes:
        purpose: plays of this purpose, a leaf.
        channels: by these channels; empty: by any.
        limit: at most so many.
        wait_s: how long to wait for one.
        awaiting_review: those that wait for a human instead.
    """

    purpose: str
    channels: frozenset[Channel]
    limit: int
    wait_s: float
    awaiting_review: bool = False


class Released(NamedTuple):
    """One decision that is given out, or shown to whoever reviews it.

    Attributes:
        subject: whom it is for.
        decided: what it is.
        until_ms: so long it is its caller's; ``None``: it is shown.
        changed: another thing was approved before, which would not go out any more as it was.
    """

    subject: SubjectId
    decided: Decided
    until_ms: int | None
    changed: bool = False


class Offered(NamedTuple):
    """A play as a caller asked for it.

    Attributes:
        play: what was set off.
        channel: it is to go by; ``None``: it chooses its own.
        by: the channels that the caller is for; what goes by another is left to others.
    """

    play: Play
    channel: Channel | None
    by: Collection[Channel]


def decision_id_of(firing: Firing) -> bytes:
    """The id of the decision that a firing is given out as; the same however often it is decided."""
    digest = hashlib.blake2b(digest_size=16, person=_ID_DOMAIN)
    for part in (firing.subject, firing.play_id.encode(), firing.occurrence.encode()):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def question_of(firing: Firing, offered: Offered, now_ms: int, *, writes: bool) -> Question:
    """What is asked when a firing is due."""
    decision_id = decision_id_of(firing)
    return Question(
        purpose=offered.play.purpose,
        decision_id=decision_id,
        digest=decision_id,
        slot="",
        play_id=offered.play.play_id,
        channel=offered.channel,
        context={},
        price_minor=None,
        cost_minor=None,
        currency="",
        language="",
        now_ms=now_ms,
        writes=writes,
        due=True,
    )
