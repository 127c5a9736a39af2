"""Who calls on a tour: a shop, a partner that must not learn what the shop knows, and those who run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from veilgraph.client import Veilgraph, connect

TIMEOUT_S = 10.0
#: Their names in a development suite, in the order of ``Callers``.
NAMES = ("shop", "partner", "operator", "approver", "importer")


class Callers(NamedTuple):
    """A connection for each.

    Attributes:
        shop: may link, record consent, recommend, decide, keep loyalty and serve rights.
        partner: may resolve and recommend.
        operator: may see people, try rules, rotate keys and declare plays.
        approver: may approve plays.
        importer: may change the catalogue.
    """

    shop: Veilgraph
    partner: Veilgraph
    operator: Veilgraph
    approver: Veilgraph
    importer: Veilgraph


@contextmanager
def connected(target: str, tokens: Sequence[str]) -> Iterator[Callers]:
    """Connections to a gateway, ``host:port``, closed after the block; a token for each of ``NAMES``."""
    with ExitStack() as stack:
        yield Callers(
            *(stack.enter_context(connect(target, token=token, timeout_s=TIMEOUT_S)) for token in tokens)
        )
