"""A walk with one household through a running suite, every claim checked on the way.

It talks to the gateway as the public client does, with a shop's and a partner's token, and
reads no file of the suite. It leaves everything as it found it, so it passes again and
again; what an interrupted tour left behind is put back first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from services.tour.claims import Claims
from services.tour.household import Household, StatementRefused, find_household, put_back
from services.tour.walk import Walk
from veilgraph.client import Veilgraph, VeilgraphError, connect

TIMEOUT_S = 10.0


def run_tour(target: str, token_shop: str, token_partner: str, dataset: str, console: Console) -> int:
    """Walks one household through the suite.

    Args:
        target: ``host:port`` of the gateway.
        token_shop: token of a caller that may link, record consent and recommend.
        token_partner: token of another caller that may resolve and recommend.
        dataset: name of the imported data set.
        console: where the walk is shown.

    Returns:
        0 if every claim held, otherwise 1.
    """
    with (
        connect(target, token=token_shop, timeout_s=TIMEOUT_S) as shop,
        connect(target, token=token_partner, timeout_s=TIMEOUT_S) as partner,
    ):
        return tour(shop, partner, dataset, console)


def tour(
    shop: Veilgraph,
    partner: Veilgraph,
    dataset: str,
    console: Console,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> int:
    """The same over open connections."""
    claims = Claims(console)
    household: Household | None = None
    try:
        household = find_household(shop, dataset)
        claims.check(household is not None, f"{dataset} holds a household that granted and was not linked")
        if household is not None:
            Walk(shop, partner, household, claims, now_ms).walk()
    except (VeilgraphError, StatementRefused) as error:
        claims.check(held=False, sentence=f"Every call is answered (this one was not: {error})")
    if household is not None and claims.failed:
        _leave_as_found(shop, household, console)
    console.print(claims.verdict(), highlight=False)
    return 1 if claims.failed else 0


def _leave_as_found(shop: Veilgraph, household: Household, console: Console) -> None:
    try:
        if put_back(shop, household.ids):
            console.print("What the tour had changed was put back.")
    except (VeilgraphError, StatementRefused) as error:
        console.print(f"The tour could not put back what it had changed ({error}); the next one will.")
