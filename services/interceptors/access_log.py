"""One line a call, refusals too, and never an identifier.

A line is made of names from the contract and the configuration, a status, numbers and a duration;
there is nothing in it that a client wrote, at whatever level. Quiet writes only of calls that were
refused or failed; debug says of each call that it began, and what was decided on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import IntEnum
from time import perf_counter

from services.interceptors.call import Call
from services.interceptors.layer import Layer
from services.trace_context import trace_id

#: How a call ends that was neither refused nor failed; whoever reads a stream ends it by cancelling.
_WELL = frozenset({"OK", "CANCELLED"})


class Level(IntEnum):
    """How much is written of calls."""

    QUIET = 0
    NORMAL = 1
    DEBUG = 2


def normal() -> Level:
    """The level of whoever has no other."""
    return Level.NORMAL


def access_log(write: Callable[[str], object], level: Callable[[], Level] = normal) -> Layer:
    """Writes JSON lines through ``write``, which must not block or raise; ``level`` is asked by each call."""

    def around(call: Call) -> Generator[None, None, None]:
        begun = perf_counter()
        code = "CANCELLED"
        if level() is Level.DEBUG:
            write(f'{{"began":"{call.plan.name}","id":"{call.request_id}"}}\n')
        try:
            yield
            code = call.status.code.name if call.status is not None else "OK"
        finally:
            now = level()
            if now is not Level.QUIET or code not in _WELL:
                ms = (perf_counter() - begun) * 1000
                caller = call.caller.id if call.caller is not None else ""
                reason = call.status.reason if call.status is not None else ""
                write(
                    f'{{"at_ms":{call.now_ms},"rpc":"{call.plan.name}","caller":"{caller}","code":"{code}",'
                    f'"reason":"{reason}","ms":{ms:.3f},"messages":{call.messages},"id":"{call.request_id}",'
                    f'"trace":"{trace_id(call.trace)}"'
                    f"{_decided(call) if now is Level.DEBUG else ''}}}\n"
                )

    return Layer("access_log", around=around)


def _decided(call: Call) -> str:
    """What was decided on, of how many people, and how much was refused; of whom is not told."""
    purpose = call.guard.policy.leaves[call.purpose] if call.purpose >= 0 else ""
    decided = call.decisions | call.judged
    return (
        f',"purpose":"{purpose}","epoch":{call.guard.epoch},"allowed":{sum(decided.values())},'
        f'"denied":{len(decided) - sum(decided.values())},"refused":{len(call.refused)}'
    )
