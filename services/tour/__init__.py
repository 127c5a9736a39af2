"""A walk with one household through a running suite, every claim checked on the way.

It talks to the gateway as the public client does, with a shop's, a partner's and an operator's
token, and reads no file of the suite; where a person proves who they are, a desk outside the suite
attests it. It leaves everything as it found it but for the keys, so it passes again and again;
what an interrupted tour left behind is put back first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from services.tour.audit import Audit
from services.tour.callers import Callers, connected
from services.tour.claims import Claims
from services.tour.crowd import Crowd
from services.tour.desk import Desk, desk_of
from services.tour.graph import Graph
from services.tour.household import Household, StatementRefused, find_household, put_back
from services.tour.offers import Offers
from services.tour.rights import Rights
from services.tour.rotation import Rotation
from services.tour.walk import Walk
from veilgraph.client import Veilgraph, VeilgraphError


def run_tour(target: str, tokens: Sequence[str], dataset: str, folder: Path, console: Console) -> int:
    """Walks one household through the suite.

    Args:
        target: ``host:port`` of the gateway.
        tokens: one for each of ``Callers``.
        dataset: name of the imported data set.
        folder: the data set's folder; the development verifier's key is there, and what the tour
            keeps goes there.
        console: where the walk is shown.

    Returns:
        0 if every claim held, otherwise 1.
    """
    with connected(target, tokens) as callers:
        return tour(callers, dataset, console, desk_of(folder))


def tour(callers: Callers, dataset: str, console: Console, desk: Desk) -> int:
    """The same over open connections."""
    shop = callers.shop
    claims = Claims(console)
    household: Household | None = None
    try:
        household = find_household(shop, dataset)
        claims.check(household is not None, f"{dataset} holds a household that granted and was not linked")
        if household is not None:
            Walk(shop, callers.partner, household, claims, desk.now_ms).walk()
            crowd = Crowd(shop, desk)
            Graph(callers, crowd, claims, desk).walk()
            claims.check(crowd.erased() == len(crowd.ids), "Whoever was made up for it is gone again")
            Rotation(callers, household, claims).walk()
            Rights(shop, household, claims, desk).walk()
            Offers(callers, claims, desk).walk()
            Audit(desk.auditor, claims).walk()
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
