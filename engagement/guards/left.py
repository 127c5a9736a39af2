"""What is left while the guards go over the candidates: it only ever gets less.

A guard is handed this and nothing else to work on. It can take candidates away, lower the depth and
send messages later; it can not add, deepen or hasten, because there is no way to say so. Whoever took
the last candidate away says why nothing is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from engagement.decision import Candidate, GivenOffer, Held, Situation
from engagement.play import OUTBOUND, Channel, Depth, Play

#: What tells one candidate from another: play, option and channel.
Key = tuple[str, str, Channel]


def key_of(candidate: Candidate) -> Key:
    """What a candidate is known by, whenever it is sent."""
    return candidate.play.play_id, candidate.option.option_id, candidate.channel


class Left:
    """Candidates in the order of plays, options and channels, and the greatest depth there may be.

    Attributes:
        candidates: what may still be given.
        ceiling: how personal it may be.
        held: why nothing is given, where no candidate is left.
        retry_at_ms: when asking again may help then; 0: it will not by itself.
        offers: that bind now.
        best: by play the offer among them that the person is told.
        read: names of the fields read so far.
        weights: how much a candidate is preferred.
    """

    __slots__ = ("best", "candidates", "ceiling", "held", "offers", "read", "retry_at_ms", "weights")

    def __init__(self, candidates: Iterable[Candidate], offers: Sequence[GivenOffer]) -> None:
        self.candidates: Sequence[Candidate] = tuple(candidates)
        self.offers = offers
        self.best: Mapping[str, GivenOffer] = {}
        self.ceiling = Depth.INDIVIDUAL
        self.held = Held.NOTHING_LIVE
        self.retry_at_ms = 0
        self.read: set[str] = set()
        self.weights: Mapping[Key, float] = {}

    def keep(self, keeps: Callable[[Candidate], bool], held: Held, retry_at_ms: int = 0) -> None:
        """Takes away what is not to be kept.

        Args:
            keeps: whether a candidate stays.
            held: why nothing is given, if nothing stays.
            retry_at_ms: when asking again may help then; 0: it will not by itself.
        """
        kept = [candidate for candidate in self.candidates if keeps(candidate)]
        if len(kept) < len(self.candidates):
            self.candidates, self.held, self.retry_at_ms = kept, held, retry_at_ms

    def lower(self, ceiling: Depth, held: Held, but: Callable[[Candidate], bool] | None = None) -> None:
        """Lowers the depth that may be, and takes away what is deeper.

        Args:
            ceiling: nothing deeper stays; the ceiling is never raised.
            held: why nothing is given, if nothing stays.
            but: for whom the new ceiling does not count.
        """
        self.ceiling = min(self.ceiling, ceiling)
        self.keep(lambda one: one.option.depth <= ceiling or (but is not None and but(one)), held)

    def delay(self, until_ms: Callable[[Candidate], int]) -> None:
        """Sends candidates later; an instant before theirs changes nothing."""
        self.candidates = [
            replace(one, send_at_ms=at_ms) if (at_ms := until_ms(one)) > one.send_at_ms else one
            for one in self.candidates
        ]

    def weigh(self, weights: Iterable[float]) -> None:
        """Says how much each candidate is preferred, in their order."""
        self.weights = dict(zip(map(key_of, self.candidates), weights, strict=True))

    def honours(self, candidate: Candidate) -> bool:
        """Whether a candidate repeats an offer that binds."""
        return any(
            offer.play_id == candidate.play.play_id and offer.option_id == candidate.option.option_id
            for offer in self.offers
        )


class Guard(NamedTuple):
    """One step over what is left.

    Attributes:
        name: as it stands in a decision's steps.
        act: takes away, lowers, sends later.
    """

    name: str
    act: Callable[[Left, Situation], None]


def owed(candidate: Candidate) -> bool:
    """Whether the person is owed it, e.g. an invoice, and it is not an offer."""
    return candidate.play.service


def candidates_of(plays: Iterable[Play], situation: Situation) -> Iterator[Candidate]:
    """Every option of every play by the channel that asks; where none asks, by all that reach out."""
    for play in plays:
        for option in play.options:
            for channel in _channels(play, situation.channel):
                yield Candidate(play, option, channel, situation.facts.now_ms)


def _channels(play: Play, asking: Channel | None) -> Sequence[Channel]:
    if asking is not None:
        return (asking,) if asking in play.channels else ()
    return [channel for channel in play.channels if channel in OUTBOUND] or play.channels
