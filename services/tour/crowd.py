"""Identities made up for a tour: they permit what the tour needs, and are erased at its end.

Nobody else's are needed where a tour does what it would not do to anybody of the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.tour.desk import Desk
from services.tour.household import request_id, say
from veilgraph.client import Veilgraph, account_id, device_id, email
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.identity.v1 import identity_pb2

ANNA, BERT, TILL, ADDRESS = range(4)
PERMITTED: Final = ("identity.link", "loyalty", "personalise")
ERASE_S = 30.0


class Crowd:
    """Two customers' accounts, a till, and an e-mail address.

    Attributes:
        identifiers: theirs, in the order of ``ANNA``, ``BERT``, ``TILL``, ``ADDRESS``.
        ids: this shop's subject ids of them.
    """

    def __init__(self, shop: Veilgraph, desk: Desk) -> None:
        """Makes them up, and has them permit what a tour needs."""
        self._shop = shop
        self._desk = desk
        name = request_id()
        self.identifiers = [
            account_id(f"anna-{name}"),
            account_id(f"bert-{name}"),
            device_id(f"till-{name}"),
            email(f"{name}@example.com"),
        ]
        self.ids = [result.subject for result in self._resolved(shop)]
        for subject in self.ids:
            say(shop, subject, consent_pb2.ACTION_GRANT, PERMITTED)

    def known_to(self, client: Veilgraph) -> list[str]:
        """The subject ids another caller has of them."""
        return [result.subject for result in self._resolved(client)]

    def people(self, purpose: int) -> list[str]:
        """The person behind each, in the view of a purpose."""
        return [result.person for result in self._resolved(self._shop, purpose)]

    def allowing(self, purpose: str) -> set[int]:
        """Who of them allows a purpose."""
        return {place for place, subject in enumerate(self.ids) if _allowed(self._shop, subject)[purpose]}

    def link(
        self, one: int, other: int, evidence: identity_pb2.Evidence, source: str, seen_at_ms: int
    ) -> str:
        """Reports evidence; the reason it is refused for, empty if it is taken."""
        link = identity_pb2.Link(
            subject=self.ids[one], other=self.ids[other], evidence=evidence, source=source
        )
        link.observed_at.FromMilliseconds(seen_at_ms)
        request = identity_pb2.LinkRequest(links=[link], request_id=request_id())
        return self._shop.identity.Link(request).results[0].error.reason

    def erased(self) -> int:
        """Has them all erased; how many identities that were."""
        request = rights_pb2.EraseRequest(
            subject=self.ids[0],
            proofs=[self._desk.attest(subject) for subject in self.ids],
            request_id=request_id(),
        )
        return self._shop.rights.Erase(request, timeout_s=ERASE_S).identities

    def _resolved(self, client: Veilgraph, purpose: int = 0) -> list[identity_pb2.ResolveResult]:
        request = identity_pb2.ResolveRequest(identifiers=self.identifiers)
        request.for_purpose = purpose  # type: ignore[assignment]
        return list(client.identity.Resolve(request).results)


def _allowed(client: Veilgraph, subject: str) -> Mapping[str, bool]:
    states = client.consent.GetState(consent_pb2.GetStateRequest(subject=subject)).purposes
    return {state.purpose: state.allowed for state in states}
