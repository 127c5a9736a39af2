"""How long it takes until nobody acts on what was taken away, and who is waited for, as metrics.

Measured at the consent authority, from the arrival of a restricting change (a refusal, a link, an
erasure, a change of keys) until it has passed the barrier: the promise is the life of a lease at most.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.consent.authority import ConsentAuthority

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0)


def watch_authority(registry: CollectorRegistry, authority: ConsentAuthority) -> None:
    """Registers ``veilgraph_withdrawal_seconds``, ``_barrier_wait_seconds`` and ``_lease_holders``."""
    seconds = Histogram(
        "veilgraph_withdrawal_seconds",
        "From the arrival of a change that restricts until nobody acts on the state before.",
        buckets=_BUCKETS_S,
        registry=registry,
    )
    authority.rounds.restricted = seconds.observe
    waits = Gauge(
        "veilgraph_barrier_wait_seconds",
        "For how long the oldest change has waited until everybody has taken it in.",
        registry=registry,
    )
    waits.set_function(lambda: authority.rounds.waits_s)
    holders = Gauge(
        "veilgraph_lease_holders",
        "Processes whose lease on the state of consent may be out.",
        registry=registry,
    )
    holders.set_function(lambda: len(authority.barrier.holders))
