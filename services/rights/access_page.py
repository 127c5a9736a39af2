"""The access page: what is kept about a person, to be read and printed by that person.

One self-contained document: no script, no link, nothing that is fetched. A text is markup only
if it was made here: every other text is escaped where it enters, whoever wrote it, and stands
in isolation from its surroundings (``bdi``), so that no value can turn the page's reading
order. It names identities by number and kind, never by an id, and nobody else at all.
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from identity.ids import SubjectId
from services.contract import class_names
from services.rights.access import Asked, Decision, Provenance, Report
from services.rights.disclosure import Disclosure
from services.stores import ExportedValue, Json

#: What XML 1.0 can not hold, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PURPOSES_SHOWN: Final = 6
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #cfd4da; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; }
th, td { border-bottom: 1px solid #e4e7eb; }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; column-gap: .7rem; }
dt { color: #5a6472; } dd { margin: 0; }
td, dd { overflow-wrap: anywhere; }
.no { color: #8c1d18; } .yes { color: #1d6b32; } .note { color: #5a6472; }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt; }
  thead { display: table-header-group; } tr { break-inside: avoid; }
}
"""


class Markup(str):
    """A text that is markup already, made by ``element``; every other text is escaped."""

    __slots__ = ()


def element(name: str, *parts: str, **attributes: str) -> Markup:
    """An element around parts; those that are no ``Markup`` are escaped."""
    given = "".join(f' {key.rstrip("_")}="{escaped(value)}"' for key, value in attributes.items())
    inside = "".join(part if isinstance(part, Markup) else escaped(part) for part in parts)
    return Markup(f"<{name}{given}>{inside}</{name}>")


def escaped(text: str) -> str:
    """A text that stands for itself in markup."""
    return html.escape(_FORBIDDEN.sub("\ufffd", text))


def beginning(asked: Asked, made_at_ms: int) -> Markup:
    """Everything up to the first section: the document's head and what it is."""
    head = element(
        "head",
        Markup('<meta charset="utf-8"/>'),
        Markup('<meta name="viewport" content="width=device-width"/>'),
        # Even a mistake of ours could fetch and run nothing.
        Markup(
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
        ),
        element("title", "What is kept about you"),
        Markup(f"<style>{_STYLE}</style>"),
    )
    count = len(asked.coverage.covered)
    said = f"Made on {_when(made_at_ms)} for {count} {'identity' if count == 1 else 'identities'} of yours."
    return Markup(
        f'<!DOCTYPE html>\n<html lang="en">{head}<body>'
        f"{element('h1', 'What is kept about you')}{element('p', said)}"
    )


def ending() -> Markup:
    """The end of the document."""
    return Markup("</body></html>\n")


def identities(asked: Asked) -> Markup:
    """Who the person is here: what was proven, what belongs to it, what was left out."""
    proofs = {proof.subject: proof for proof in asked.proofs}
    rows = []
    for number, subject in enumerate(asked.coverage.covered, 1):
        proof = proofs.get(subject)
        how = (
            f"proven by {proof.method}, attested by {proof.verifier} on {_when(proof.authenticated_at_ms)}"
            if proof is not None
            else "one with a proven identity: a verifier saw both proven by the same person"
        )
        rows.append((f"Identity {number}", how))
    parts = [_table(("Identity", "How it is known to be yours"), rows)]
    if asked.ask_for:
        kinds = ", ".join(_words(kind) for kind in asked.ask_for)
        said = (
            f"Also linked with you, but not proven and therefore not on this page: {kinds}. "
            "If it is yours, prove it in the same request."
        )
        parts.append(element("p", said, class_="note"))
    return section("Who you are here", *parts)


async def values(
    title: str, found: AsyncIterator[ExportedValue], numbers: Mapping[SubjectId, int], empty: str
) -> AsyncIterator[Markup]:
    """A section of values, in pieces as they come.

    Args:
        title: of the section.
        found: the values.
        numbers: the number of each identity on this page.
        empty: what to say when there are none.
    """
    some = False
    async for value in found:
        if not some:
            some = True
            heads = ("What", "Content", "When", "Recorded", "Source", "May be used for")
            yield Markup(f"<section>{element('h2', title)}<table><thead>{_row('th', heads)}</thead><tbody>")
        yield _row(
            "td",
            (
                f"{value.kind} in {value.store}, identity {numbers[value.subject]}",
                _content(value.value),
                _when(value.observed_at_ms),
                _when(value.recorded_at_ms),
                value.source + (f" ({_words(value.party)} party)" if value.party else ""),
                _uses(value.purposes),
            ),
        )
    yield Markup("</tbody></table></section>") if some else section(title, element("p", empty))


async def contents(report: Report) -> AsyncIterator[Markup]:
    """The sections of what is kept: what identifies, what was said, recorded and concluded."""
    numbers = {subject: number for number, subject in enumerate(report.asked.coverage.covered, 1)}
    told = _Telling(report)
    for title, found, empty in (
        ("What identifies you", told.of("identity"), "Nothing."),
        ("What you said", told.of("consent", kind="consent record"), "Nothing was asked of you yet."),
        ("What was recorded", told.rest("identity", "consent"), "Nothing was recorded."),
        ("What was inferred", told.waiting(told.concluded), "Nothing was inferred."),
    ):
        async for piece in values(title, found, numbers, empty):
            yield piece


class _Telling:
    """Reads every store once; what comes before its section waits for it."""

    def __init__(self, report: Report) -> None:
        self.concluded: list[ExportedValue] = []
        self._beside: list[ExportedValue] = []
        self._report = report

    async def of(self, *names: str, kind: str = "") -> AsyncIterator[ExportedValue]:
        """What stores keep, of one kind if one is named."""
        async for value in self._report.kept(names):
            if value.inferred:
                self.concluded.append(value)
            elif kind and value.kind != kind:
                self._beside.append(value)
            else:
                yield value

    async def rest(self, *told: str) -> AsyncIterator[ExportedValue]:
        """What was left aside of the stores told before, and what all others keep."""
        async for value in self.waiting(self._beside):
            yield value
        others = [name for name in self._report.names if name not in told]
        async for value in self.of(*others):
            yield value

    async def waiting(self, found: Iterable[ExportedValue]) -> AsyncIterator[ExportedValue]:
        """What waited, when its turn comes."""
        for value in found:
            yield value


def where_from(found: Sequence[Provenance]) -> Markup:
    """Where everything above came from."""
    rows = [
        (one.source, _words(one.party), f"{one.kind} in {one.store}", f"{one.count:,}", _when(one.first_ms),
         _when(one.last_ms))
        for one in found
    ]  # fmt: skip
    heads = ("Source", "Whose data", "What", "How many", "First", "Last")
    return section("Where it came from", _table(heads, rows))


def recipients(found: Sequence[Disclosure], leaves: Sequence[str]) -> Markup:
    """Who received it; ``leaves`` names the purposes by their bit positions."""
    rows = [
        (one.caller, one.method.rsplit("/", 1)[-1], leaves[one.purpose],
         ", ".join(_words(name) for name in class_names(one.classes)),
         f"{one.answered:,}", f"{one.refused:,}", _when(one.first_ms), _when(one.last_ms))
        for one in found
    ]  # fmt: skip
    heads = ("Who", "By", "Purpose", "What it can show", "Answered", "Refused", "First", "Last")
    none = element("p", "Nobody, as far back as the records go.")
    return section("Who received it", _table(heads, rows) if rows else none)


def decisions(found: Sequence[Decision], numbers: Mapping[SubjectId, int]) -> Markup:
    """What is allowed now, purpose by purpose, and why."""
    rows = [
        (
            f"Identity {numbers[one.subject]}",
            one.purpose,
            element(
                "span", "allowed" if one.allowed else "not allowed", class_="yes" if one.allowed else "no"
            ),
            _words(one.reason) if one.reason else f"by {_words(one.legal_basis)}",
        )
        for one in found
    ]
    return section("What is decided now, and why", _table(("Identity", "Purpose", "Now", "Why"), rows))


def section(title: str, *parts: Markup) -> Markup:
    """One section of the page."""
    return element("section", element("h2", title), *parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    body = element("tbody", *(_row("td", row) for row in rows))
    return element("table", element("thead", _row("th", heads)), body)


def _row(cell: str, texts: Sequence[str]) -> Markup:
    cells = (text if isinstance(text, Markup) else element("bdi", text) for text in texts)
    return element("tr", *(element(cell, one) for one in cells))


def _content(value: Mapping[str, Json]) -> Markup:
    """The fields of a value that say something."""
    pairs = [
        Markup(element("dt", _words(name)) + element("dd", element("bdi", _said(name, one))))
        for name, one in value.items()
        if one not in (None, "", [], {})
    ]
    return element("dl", *pairs) if pairs else element("span", "nothing more")


def _said(name: str, one: Json) -> str:
    if name.endswith("_ms") and isinstance(one, int) and not isinstance(one, bool):
        return _when(one)
    if isinstance(one, dict):
        return "; ".join(f"{_words(key)}: {_said(key, each)}" for key, each in one.items())
    if isinstance(one, list):
        return ", ".join(_said(name, each) for each in one)
    return {True: "yes", False: "no"}.get(one, str(one)) if isinstance(one, bool) else str(one)


def _uses(purposes: Sequence[str]) -> str:
    if not purposes:
        return ""
    if len(purposes) <= _PURPOSES_SHOWN:
        return ", ".join(purposes)
    return f"{len(purposes)} purposes, {', '.join(purposes[:_PURPOSES_SHOWN])} among them"


def _words(name: str) -> str:
    return name.removesuffix("_ms").replace("_", " ").lower()


def _when(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%d %b %Y %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return str(at_ms)  # beyond what a calendar holds; said as it is kept
