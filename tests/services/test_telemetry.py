"""Lines are written out soon, whichever thread they come from."""

from __future__ import annotations

import asyncio
import io

from services.deployment.telemetry import FLUSH_S, LineLog


async def test_a_line_of_a_thread_is_written_out_as_one_of_the_loop_is() -> None:
    """A model that is looked through in a thread says there why it is not used; that ended a start."""
    stream = io.StringIO()
    log = LineLog(stream)
    await asyncio.to_thread(log.write, "from a thread\n")
    log.write("from the loop\n")
    async with asyncio.timeout(50 * FLUSH_S):
        while "thread" not in stream.getvalue():  # noqa: ASYNC110 - it is written by a timer
            await asyncio.sleep(FLUSH_S / 10)
    assert sorted(stream.getvalue().splitlines()) == ["from a thread", "from the loop"]


async def test_what_was_taken_is_there_after_a_flush() -> None:
    stream = io.StringIO()
    log = LineLog(stream)
    log.write("one\n")
    log.flush()
    assert stream.getvalue() == "one\n"
