"""The shape of a layer.

A layer is a plain generator around the call (it yields once, and an error of the layers
inside it is thrown in at the yield), a hook on messages coming in, a hook on messages going
out, or any of these together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from services.interceptors.call import Call

Around = Callable[[Call], Generator[None, None, None]]
Incoming = Callable[[Call, Any], None]
Outgoing = Callable[[Call, Any], Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """One named layer of the chain.

    Attributes:
        name: as it is printed at start-up.
        around: encloses the call.
        incoming: judges a request message, in the chain's order; may change it.
        outgoing: takes a response message and returns what leaves, in the reverse order.
    """

    name: str
    around: Around | None = None
    incoming: Incoming | None = None
    outgoing: Outgoing | None = None
