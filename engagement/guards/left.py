"""What is left of one play while the guards go over it: it only ever gets less.

A guard is handed this and nothing else to work on. It can take candidates away, lower the depth and
send messages later; it can not add, deepen or hasten, because there is no way to say so. Whoever took
the last candidate away says why nothing is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from engagement.decision import Candidate, GivenOffer, Held, Situation, Step
from engagement.play import OUTBOUND, Channel, Depth, Option, Play

#: What tells one candidate of a play from another.
Key = tuple[str, Channel]


class Left:
    """Candidates of a play, in the order of its options and channels.

    Attributes:
        play: whose they are.
        candidates: what may still be given.
        reaches_out: it would be sent; else it answers who asks. Never some of both.
        send_at_ms: when it would be sent.
        ceiling: how personal it may be.
        held: why nothing is given, where no candidate is left.
        retry_at_ms: when asking again may help then; 0: it will not by itself.
        offers: of the play that bind now.
        best: the one among them that the person is told.
        read: names of the fields read so far.
        steps: what each guard left.
        weights: how much a candidate is preferred, by its key.
    """

    __slots__ = (
        *("best", "candidates", "ceiling", "held", "offers", "play"),
        *("reaches_out", "read", "retry_at_ms", "send_at_ms", "steps", "weights"),
    )

    def __init__(self, play: Play, situation: Situation) -> None:
        now_ms = situation.facts.now_ms
        channels = _channels(play, situation.channel)
        self.play = play
        self.candidates: Sequence[Candidate] = [
            Candidate(play, option, channel, now_ms) for option in play.options for channel in channels
        ]
        self.offers: Sequence[GivenOffer] = [
            offer
            for offer in situation.history.offers
            if offer.play_id == play.play_id and offer.given_at_ms <= now_ms < offer.until_ms
        ]
        self.reaches_out = any(channel in OUTBOUND for channel in channels)
        self.send_at_ms = now_ms
        self.best: GivenOffer | None = None
        self.ceiling = Depth.INDIVIDUAL
        self.held = Held.CHANNEL_CLOSED  # where no guard took the last, no channel was there
        self.retry_at_ms = 0
        self.read: set[str] = set()
        self.steps: list[Step] = []
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

    def clear(self, held: Held, retry_at_ms: int = 0) -> None:
        """Takes everything away."""
        self.candidates, self.held, self.retry_at_ms = (), held, retry_at_ms

    def lower(self, ceiling: Depth, held: Held, but: Callable[[Candidate], bool] | None = None) -> None:
        """Lowers the depth that may be, and takes away what is deeper.

        Args:
            ceiling: nothing deeper stays; the ceiling is never raised.
            held: why nothing is given, if nothing stays.
            but: for what the new ceiling does not count.
        """
        self.ceiling = min(self.ceiling, ceiling)
        self.keep(lambda one: one.option.depth <= ceiling or (but is not None and but(one)), held)

    def delay(self, at_ms: int) -> None:
        """Sends everything later; an instant before now changes nothing."""
        self.send_at_ms = max(self.send_at_ms, at_ms)
        self.candidates = [one._replace(send_at_ms=self.send_at_ms) for one in self.candidates]

    def weigh(self, weights: Sequence[float]) -> None:
        """Says how much each candidate is preferred, in their order."""
        keys = [(one.option.option_id, one.channel) for one in self.candidates]
        self.weights = dict(zip(keys, weights, strict=True))

    def weight(self, candidate: Candidate) -> float:
        """How much a candidate is preferred."""
        return self.weights[candidate.option.option_id, candidate.channel]

    def owed(self, candidate: Candidate) -> bool:
        """Whether the person is owed it: what is owed is not offered, and no courtesy takes it away."""
        return self.play.service or candidate.option.owed

    def promised(self, option: Option) -> bool:
        """Whether an offer of an option binds."""
        return bool(self.offers) and any(offer.option_id == option.option_id for offer in self.offers)


class Guard(NamedTuple):
    """One step over what is left.

    Attributes:
        name: as it stands in a decision's steps.
        act: takes away, lowers, sends later.
    """

    name: str
    act: Callable[[Left, Situation], None]


def _channels(play: Play, asking: Channel | None) -> Sequence[Channel]:
    """The channel that asks; where none does, those that reach out, or all where none of them does."""
    if asking is not None:
        return (asking,) if asking in play.channels else ()
    return [channel for channel in play.channels if channel in OUTBOUND] or play.channels
