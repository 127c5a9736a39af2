"""The stations about rights: what a person is told, and who else is.

What the household is told is kept as a page beside the data set's other files, for the reader;
asking changes nothing of what is kept about them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from services.importing.dealing import Channel
from services.tour.claims import Claims
from services.tour.household import SERVICE, Household, portrait, request_id
from services.tour.tables import kept_table
from veilgraph.client import Denied, InvalidRequest, Veilgraph
from veilgraph.consent.v1 import rights_pb2

PAGE_FILE = "access.html"
READ_S = 60.0
#: Elements and attributes a page to read and print is made of; any other could fetch or run something.
_PLAIN = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "section", "h1", "h2", "p", "span", "bdi"),
        *("table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd"),
    )
)
_PLAIN_ATTRIBUTES = frozenset({"lang", "charset", "name", "content", "http-equiv", "class"})


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands outside the suite when somebody asks for their rights.

    Attributes:
        attest: gives the proof of a registered verifier that the person behind a subject id of
            the shop was authenticated.
        now_ms: the present instant, milliseconds since the epoch.
        keep: writes a text, for its owner's eyes, under a name; gives its path.
    """

    attest: Callable[[str], str]
    now_ms: Callable[[], int]
    keep: Callable[[str, str], Path]


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
