"""Whether what the callers were told, and what the tables hold afterwards, is what was promised."""

from __future__ import annotations

from tests.faults.load import Told


class Broken(AssertionError):  # noqa: N818 - named after what it says
    """A promise was not kept; the text says which."""


def judge(told: Told, recorded: int, learned: int, unsure: int) -> None:
    """Compares.

    Args:
        told: what the callers saw.
        recorded: events that engagement has of the one who was tracked.
        learned: those that the recommender has.
        unsure: so many may have been recorded and not acknowledged when the callers were stopped.

    Raises:
        Broken: something was lost, done twice, shown to who may not see it, or refused for no reason.
    """
    if recorded < told.events:
        raise Broken(f"{told.events - recorded} of {told.events} acknowledged events are lost")
    if recorded > told.events + unsure:
        raise Broken(f"{recorded - told.events} events more than were sent")
    if learned != recorded:
        raise Broken(f"the recommender has {learned} of {recorded} events")
    if told.stale:
        raise Broken(f"{told.stale} of {told.asked_after} were read after they had withdrawn")
    if told.failures:
        raise Broken(", ".join(f"{count} times {what}" for what, count in told.failures.items()))
    if not (told.events and told.read_before and told.asked_after and told.lists):
        raise Broken("nothing was tried: the callers did not get through")


def summed_up(told: Told) -> str:
    """The figures, in a few words."""
    asked_anew = told.given_up.total() + told.late
    return (
        f"{told.events} events, {told.withdrawals} withdrawals, {told.asked_after} asked after, "
        f"{told.lists} lists (longest pause {told.pause_s:.1f} s), {asked_anew} asked anew"
    )
