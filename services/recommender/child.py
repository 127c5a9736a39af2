"""A job in a program of its own: what it says to who started it, one line of JSON at a time.

Both ends stand here. A job reads its folder, says a line a step and ends with what it found or
with why it found nothing; its memory goes back to the machine with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from services.recommender.followed import Step
from services.storage.training_events import Grouping
from services.storage.training_job import Job, read_job

Say: TypeAlias = Callable[[dict[str, Any]], None]
_ROOT = Path(__file__).resolve().parent.parent.parent
#: A report is one line.
_LINE_BYTES_MAX = 1 << 22


async def told_by(
    module: str, folder: Path, threads: int, say: Callable[[Step], None]
) -> tuple[dict[str, Any], int]:
    """Runs a program to its end; it ends with who waits for it.

    Args:
        module: the program; it calls ``speak``.
        folder: its job's.
        threads: for its arithmetic.
        say: told each step.

    Returns:
        The last thing it said, empty if it said nothing, and its exit status.
    """
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(folder)),
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)},
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES_MAX,
    )
    assert program.stdout is not None  # noqa: S101 - asked for
    last: dict[str, Any] = {}
    try:
        async for line in program.stdout:
            last = json.loads(line)
            if "step" in last:
                say(Step(last["step"], int(last["done"]), int(last["steps"])))
        return last, await program.wait()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


def speak(
    run: Callable[[Job, Grouping, Say], None], folder: str, errors: Mapping[type[Exception], str]
) -> int:
    """Runs the job in a folder; returns the exit status.

    Args:
        run: does the job and says what it found.
        folder: where the job was written.
        errors: what is said as ``{"error"}`` for each error that is an answer.
    """
    os.umask(0o077)

    def say(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    try:
        run(*read_job(Path(folder)), say)
    except tuple(errors) as error:
        say({"error": next(said for kind, said in errors.items() if isinstance(error, kind))})
        return 1
    return 0
