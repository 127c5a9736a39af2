"""Work in the background that nobody waits for: it is done again until it ends well.

Such work has nobody to fail to. Whatever ends it early is told in a line that names its kind
and nothing it said, and after a pause it begins again; what it did so far it must find done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

RETRY_S = 1.0


async def until_done(
    work: Callable[[], Awaitable[None]],
    not_yet: str,
    *,
    report: Callable[[str], object],
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """Returns when ``work`` has ended by itself.

    Args:
        work: is called again after each failure.
        not_yet: what is told of one, before the name of its kind.
        report: takes that line.
        pause: waits for a number of seconds.
    """
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - told, and done again
            report(f"{not_yet}: {type(error).__name__}\n")
            await pause(RETRY_S)
        else:
            return
