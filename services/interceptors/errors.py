"""The only place where an error becomes a status."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator

from services.errors import status_of
from services.interceptors.call import Call
from services.interceptors.layer import Layer


def errors(report: Callable[[str], object]) -> Layer:
    """Maps what the layers inside raise to the public table.

    Args:
        report: takes one text per unforeseen error: its type and where it was raised. The
            error's own text is left out, for it may quote what a client sent.
    """

    def around(call: Call) -> Generator[None, None, None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the boundary; everything else is INTERNAL
            call.status = status_of(error)
            if call.status.reason == "INTERNAL":
                report(_where(call, error))

    return Layer("errors", around=around)


def _where(call: Call, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    return f"call {call.request_id} {call.plan.name}: {type(error).__name__} at {places}\n"
