"""Who may decide by which state, and until when: what the barrier of a restricting write asks.

A holder of a lease counts until it acknowledged the state or its lease ran out, whichever is
first. The authority counts a lease from the receipt of the request, the holder from its own
earlier sending; a margin covers clocks that run at different rates. So the authority never
thinks a lease over that its holder still trusts.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Life of a lease, by the clock that also runs while a machine sleeps.
TTL_MS = 5_000
RENEWALS_A_TTL = 5
MARGIN_MS = 50
#: A lease of an earlier term may go on for this part of its life after the next term began: whoever
#: renews it and then falls silent is waited for no longer than two lives after the end of the other.
LINGERS = 2
#: Confirmed by everybody, for nobody is there.
EVERYTHING = 1 << 62


@dataclass(slots=True)
class _Lease:
    until_ms: int
    applied: int
    lingers_until_ms: int = 0


class Leases:
    """The leases that are out, by holder (a replica's 16 random bytes)."""

    def __init__(self, ttl_ms: int = TTL_MS, margin_ms: int = MARGIN_MS) -> None:
        self.ttl_ms = ttl_ms
        self._margin_ms = margin_ms
        self._leases: dict[bytes, _Lease] = {}

    @property
    def holders(self) -> frozenset[bytes]:
        """Everybody whose lease may be out."""
        return frozenset(self._leases)

    def grant(self, holder: bytes, received_ms: int, applied: int) -> None:
        """Gives a lease; an earlier one of the same holder does not end sooner by it.

        Args:
            holder: who asked.
            received_ms: when the request for it was received.
            applied: the epoch that the holder has applied.
        """
        until_ms = received_ms + self.ttl_ms + self._margin_ms
        lease = self._leases.setdefault(holder, _Lease(until_ms, applied))
        lease.until_ms = max(lease.until_ms, until_ms)
        lease.applied = max(lease.applied, applied)

    def remember(self, holder: bytes, now_ms: int) -> None:
        """Counts a lease of an earlier term as given now: it can not end later, and lingers for a while."""
        self.grant(holder, now_ms, 0)
        self._leases[holder].lingers_until_ms = now_ms + self.ttl_ms // LINGERS

    def lingers(self, holder: bytes, now_ms: int) -> bool:
        """Whether a lease of an earlier term may go on although its holder has nothing of this one.

        It never ended, and nothing of this term was acknowledged, so whatever was restricted and
        has returned its holder knows.
        """
        lease = self._leases.get(holder)
        return lease is not None and lease.applied == 0 and now_ms < lease.lingers_until_ms

    def acknowledge(self, holder: bytes, epoch: int) -> None:
        """Everything up to an epoch is in effect at a holder."""
        lease = self._leases.get(holder)
        if lease is not None:
            lease.applied = max(lease.applied, epoch)

    def release(self, holder: bytes) -> None:
        """A holder says that it decides nothing any more."""
        self._leases.pop(holder, None)

    def expire(self, now_ms: int) -> None:
        """Drops the leases that ran out."""
        for holder in [one for one, lease in self._leases.items() if lease.until_ms <= now_ms]:
            del self._leases[holder]

    def over(self, now_ms: int) -> bool:
        """Whether a lease ran out that is not dropped yet."""
        return self.next_end_ms() <= now_ms

    def confirmed(self) -> int:
        """The epoch that everybody who may decide has applied; ``EVERYTHING`` if nobody may."""
        return min((lease.applied for lease in self._leases.values()), default=EVERYTHING)

    def next_end_ms(self) -> int:
        """When the next lease runs out; ``EVERYTHING`` if none is out."""
        return min((lease.until_ms for lease in self._leases.values()), default=EVERYTHING)
