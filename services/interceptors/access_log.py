"""One line a call, refusals too, and never an identifier.

The line is made of names from the contract and the configuration, a status and a duration;
there is nothing in it that a client wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import perf_counter

from services.interceptors.call import Call
from services.interceptors.layer import Layer


def access_log(write: Callable[[str], object]) -> Layer:
    """Writes one JSON line a call through ``write``, which must not block or raise."""

    def around(call: Call) -> Generator[None, None, None]:
        begun = perf_counter()
        code = "CANCELLED"
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            ms = (perf_counter() - begun) * 1000
            caller = call.caller.id if call.caller is not None else ""
            reason = call.status.reason if call.status is not None else ""
            write(
                f'{{"at_ms":{call.now_ms},"rpc":"{call.plan.name}","caller":"{caller}","code":"{code}",'
                f'"reason":"{reason}","ms":{ms:.3f},"messages":{call.messages},"id":"{call.request_id}"}}\n'
            )

    return Layer("access_log", around=around)
