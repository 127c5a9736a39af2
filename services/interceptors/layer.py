"""The shape of a layer.

A layer is a hook at the call's beginning, or a plain generator around the call (it yields
once, and an error of the layers inside it is thrown in at the yield), a hook on messages coming
in, a hook on messages going out, or several of these together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from services.interceptors.call import Call

Begin = Callable[[Call], None]
Around = Callable[[Call], Generator[None, None, None]]
Incoming = Callable[[Call, Any], None]
Outgoing = Callable[[Call, Any], Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """One named layer of the chain.

    Attributes:
        name: as it is printed at start-up.
        begin: begins the call, where nothing is left to do at its end.
        around: encloses the call. A layer has this or ``begin``.
        incoming: judges a request message, in the chain's order; may change it.
        outgoing: takes a response message and returns what leaves, in the reverse order.
    """

    name: str
    around: Around | None = None
    incoming: Incoming | None = None
    outgoing: Outgoing | None = None
    begin: Begin | None = None


class Entered:
    """The layers a call has entered."""

    __slots__ = ("_entered", "_next")

    def __init__(self) -> None:
        self._entered: list[Generator[None, None, None]] = []
        self._next = 0

    def enter(self, layers: Sequence[Layer], call: Call) -> None:
        """Enters the layers, outermost first; those entered before one that raises are left by ``exit``.

        Called again it goes on with the layer that raised.
        """
        for layer in islice(layers, self._next, None):
            if layer.begin is not None:
                layer.begin(call)
            elif layer.around is not None:
                generator = layer.around(call)
                next(generator)
                self._entered.append(generator)
            self._next += 1

    def exit(self, error: BaseException | None) -> None:
        """Leaves all layers, innermost first; what none of them answered is raised on."""
        for generator in reversed(self._entered):
            try:
                if error is None:
                    next(generator, None)
                else:
                    generator.throw(error)
            except StopIteration:
                error = None
            except BaseException as raised:  # noqa: BLE001 - the next layer out may answer it
                error = raised
        if error is not None:
            raise error
