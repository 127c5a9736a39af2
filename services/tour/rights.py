"""The stations about rights: everything one person is told, and what an erasure leaves of another.

What the household is told is kept as a page beside the data set's other files, for the reader;
asking changes nothing. Who is erased was made up for it, and is gone afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from html.parser import HTMLParser

from google.protobuf.json_format import MessageToJson

from services.importing.dealing import Channel
from services.tour.claims import Claims
from services.tour.desk import Desk
from services.tour.household import SERVICE, Household, portrait, request_id, say
from services.tour.tables import kept_table, receipt_table
from veilgraph.client import Denied, InvalidRequest, Veilgraph, email
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2

PAGE_FILE, RECEIPT_FILE = "access.html", "erasure-receipt.json"
READ_S, ERASE_S, POLL_S = 60.0, 30.0, 0.2
#: Elements and attributes a page to read and print is made of; any other could fetch or run something.
_PLAIN = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "section", "h1", "h2", "p", "span", "bdi"),
        *("table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd"),
    )
)
_PLAIN_ATTRIBUTES = frozenset({"lang", "charset", "name", "content", "http-equiv", "class"})


class Rights:
    """The tour's last stations."""

    def __init__(self, shop: Veilgraph, household: Household, claims: Claims, desk: Desk) -> None:
        self._shop = shop
        self._ids = household.ids
        self._print = claims.console.print
        self._claim = claims.check
        self._desk = desk

    def walk(self) -> None:
        """Goes the whole way."""
        self._access()
        self._proofs()
        self._erasure()

    def _access(self) -> None:
        self._station("The person behind the e-mail address proves it and asks for everything")
        subject = self._ids[Channel.WEB]
        told = self._told(subject, rights_pb2.FORMAT_JSON)
        self._print(kept_table(told))
        self._claim(
            all(value.source and value.subject == subject for value in told.values),
            f"Each of {len(told.values):,} things kept names its source, and all are of this identity",
        )
        events = sum(value.store == "engagement" and value.kind == "event" for value in told.values)
        shown = portrait(self._shop, subject, SERVICE).total_events
        self._claim(events == shown > 0, f"All {shown:,} events are there")
        self._claim(
            all(json.loads(value.value_json) for value in told.values),
            "Each says what it is, as data to take along",
        )
        self._claim(any(value.inferred for value in told.values), "What was concluded about them is among it")
        sources = {one.source for one in told.where_from}
        self._claim(
            sum(one.count for one in told.where_from) == len(told.values),
            f"Where it came from is counted: {len(sources)} sources",
        )
        page = self._told(subject, rights_pb2.FORMAT_HTML).html
        self._claim(not active_parts(page), "The page to read runs nothing and fetches nothing")
        self._claim("vs_" not in page, "It names no id")
        self._print(f"The page: {self._desk.keep(PAGE_FILE, page)}", highlight=False)

    def _proofs(self) -> None:
        self._station("Nobody asks for anybody else")
        web, till = self._ids[Channel.WEB], self._ids[Channel.TILL]
        cases = (
            ((), "PROOF_MISSING", "Without a proof nothing is told"),
            ((self._desk.attest(till),), "NOT_PERMITTED", "A proof of another identity opens nothing"),
        )
        for proofs, expected, sentence in cases:
            self._claim(self._reason(web, *proofs) == expected, sentence)
        proof = self._desk.attest(web)
        once, again = self._reason(web, proof), self._reason(web, proof)
        self._claim((once, again) == ("", "PROOF_REUSED"), "A proof serves one request and no second one")

    def _erasure(self) -> None:
        self._station("Somebody made up for it buys something, and asks to be erased")
        subject = self._throw_away()
        told = self._told(subject, rights_pb2.FORMAT_JSON)
        events = sum(value.kind == "event" and value.store == "engagement" for value in told.values)
        self._claim(events == 1, "What they bought is kept about them")
        request = rights_pb2.EraseRequest(
            subject=subject, proofs=[self._desk.attest(subject)], request_id=request_id()
        )
        erasure_id = self._shop.rights.Erase(request, timeout_s=ERASE_S).erasure_id
        refused = self._reason(subject, self._desk.attest(subject))
        self._claim(refused == "NOT_PERMITTED", "At once the id means nobody, whatever the proof")
        receipt = self._receipt(erasure_id)
        if not self._claim(bool(receipt.body), "The receipt of the erasure is there"):
            return
        body = json.loads(receipt.body)
        self._print(receipt_table(body))
        kept = MessageToJson(receipt)
        self._print(f"The receipt: {self._desk.keep(RECEIPT_FILE, kept)}", highlight=False)
        self._claim(self._desk.genuine(kept), "The deployment signed it, as can be checked without the suite")
        changed = rights_pb2.SignedReceipt()
        changed.CopyFrom(receipt)
        changed.body = receipt.body.replace(b'"event":1', b'"event":0')
        self._claim(
            changed.body != receipt.body and not self._desk.genuine(MessageToJson(changed)),
            "With one count changed it is no longer what was signed",
        )
        stores = sum(1 for counts in body["erased"].values() if counts)
        self._claim(
            stores > 1 and body["keys"].keys() == body["erased"].keys(),
            f"{stores} stores gave up what they had, and each says which keys it destroyed",
        )
        self._claim(subject not in receipt.body.decode(), "It names nobody")

    def _throw_away(self) -> str:
        """An identity that nobody has, with a permission and a purchase."""
        identifier = email(f"{request_id()}@example.com")
        (result,) = self._shop.identity.Resolve(identity_pb2.ResolveRequest(identifiers=[identifier])).results
        say(self._shop, result.subject, consent_pb2.ACTION_GRANT, ["loyalty", "personalise"])
        bought = next(iter(portrait(self._shop, self._ids[Channel.WEB], SERVICE).events))
        event = profile_pb2.Event(
            event_id=request_id(),
            subject=result.subject,
            kind=profile_pb2.EVENT_KIND_ORDER,
            item_id=bought.item_id,
            source=bought.source,
        )
        event.occurred_at.FromMilliseconds(self._desk.now_ms())
        self._shop.profile.TrackBatch(profile_pb2.TrackBatchRequest(events=[event]))
        return result.subject

    def _receipt(self, erasure_id: str) -> rights_pb2.SignedReceipt:
        """The receipt once it is there; an empty one if it does not come."""
        asked = rights_pb2.GetReceiptRequest(erasure_id=erasure_id)
        until = time.monotonic() + ERASE_S
        while True:
            answer = self._shop.rights.GetReceipt(asked)
            if answer.HasField("receipt") or time.monotonic() > until:
                return answer.receipt
            time.sleep(POLL_S)

    def _told(self, subject: str, form: rights_pb2.Format) -> rights_pb2.AccessResponse:
        """Everything about an identity, its parts put together."""
        return told(self._shop, subject, [self._desk.attest(subject)], form)

    def _reason(self, subject: str, *proofs: str) -> str:
        """The reason a request is refused for; empty if it is answered."""
        try:
            told(self._shop, subject, proofs, rights_pb2.FORMAT_JSON)
        except (Denied, InvalidRequest) as error:
            return error.reason
        return ""

    def _station(self, title: str) -> None:
        self._print(f"\n[bold]{title}[/bold]", highlight=False)


def told(
    client: Veilgraph, subject: str, proofs: Sequence[str], form: rights_pb2.Format
) -> rights_pb2.AccessResponse:
    """Everything about an identity, its parts put together."""
    request = rights_pb2.AccessRequest(subject=subject, proofs=proofs, request_id=request_id(), format=form)
    together = rights_pb2.AccessResponse()
    for part in client.rights.Access(request, timeout_s=READ_S):
        together.MergeFrom(part)
    return together


def active_parts(page: str) -> list[str]:
    """What of a page is not plain: elements and attributes that could run or fetch something."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend({tag} - _PLAIN)
            found.extend({name for name, _ in attrs} - _PLAIN_ATTRIBUTES)

    reader = Reader()
    reader.feed(page)
    reader.close()
    return found
