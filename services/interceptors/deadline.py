"""Leaves time to say who timed out.

A call is given up a little before its caller stops waiting, so that the answer names the
service and not the network; one whose deadline leaves no time is not begun.
"""

from __future__ import annotations

import asyncio

from services.errors import TooLate
from services.interceptors.call import Call
from services.interceptors.layer import Layer


def deadline(*, default_s: float = 10.0, least_s: float = 0.005, margin_s: float = 0.002) -> Layer:
    """Sets ``call.deadline_at`` (event-loop time).

    Args:
        default_s: for callers that set no deadline; streams without one have none.
        least_s: a shorter time left is refused at once, DEADLINE_TOO_SHORT.
        margin_s: kept back to answer within the deadline.
    """

    def begin(call: Call) -> None:
        remaining = call.time_remaining_s
        if remaining is None and not call.streams:
            remaining = default_s
        if remaining is not None:
            if remaining < least_s:
                raise TooLate("DEADLINE_TOO_SHORT")
            call.deadline_at = asyncio.get_running_loop().time() + remaining - margin_s

    return Layer("deadline", begin=begin)
