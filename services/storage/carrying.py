"""Functions that call on as if nothing took time, carried by a coroutine that waits for them.

A store's function of a connection calls ``execute`` and gets rows. Over a network there is
waiting in between: the function runs on a stack of its own (a greenlet), which is left at each
wait and taken up again with what was waited for, as SQLAlchemy does it.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


def waited_for(awaitable: Awaitable[T]) -> T:
    """Waits; called by a function that ``carried`` carries."""
    carrier = getcurrent().parent
    assert carrier is not None  # noqa: S101 - whoever calls this is carried
    result: T = carrier.switch(awaitable)
    return result


async def carried(function: Callable[[], T]) -> T:
    """Runs a function; others run while it waits. What it raises is raised."""
    stack = greenlet(function)
    stack.gr_context = contextvars.copy_context()
    passed: Any = stack.switch()
    while not stack.dead:
        try:
            result = await passed
        except BaseException:  # noqa: BLE001 - the function's to handle, a cancellation too
            passed = stack.throw(*sys.exc_info())
        else:
            passed = stack.switch(result)
    value: T = passed
    return value
