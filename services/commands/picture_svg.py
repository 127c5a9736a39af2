"""A person as an SVG: kinds as shapes, evidence as lines, what joins nobody as broken ones.

Members are numbered as in the answer of ``GetPerson``; no id, value or token is in the picture.
It has no colour of its own for text and ground, so that it can be read in light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape

from services.commands.picture_layout import Curve, Layout, layout
from veilgraph.identity.v1 import identity_pb2, people_pb2

RADIUS = 17.0
_MARGIN = 24.0
_LEGEND_WIDTH = 250.0
_LINE = 20.0
_TEXT_WIDTH = 6.4  # of a character at 11 px, on the safe side
#: Corners of each kind's shape (0: round), how it is turned, and its colour; by the enum's number.
_SHAPES = ((8, 22.5), (0, 0), (4, 45), (4, 0), (3, 0), (5, 0), (6, 0), (3, 180), (6, 30))
_COLOURS = ("#4c78a8", "#e07b39", "#3f9b6c", "#b279a2", "#c9a227", "#d1495b", "#5ba3a0", "#9d755d", "#7a7fd1")
_STYLE = """
svg { color-scheme: light dark; --ink: #1c1e21; --soft: #62676e; --ground: #ffffff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e8eaed; --soft: #a0a6ad; --ground: #16181b; --bad: #f28b82; }
}
text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.ground { fill: var(--ground); }
.halo { stroke: var(--ground); stroke-width: 4; paint-order: stroke; }
.head { font-size: 14px; font-weight: 600; }
.soft { fill: var(--soft); }
.link { fill: none; stroke: var(--soft); }
.held { stroke-dasharray: 7 5; }
.fallen { stroke: var(--bad); stroke-dasharray: 2 5; }
.why { fill: var(--bad); }
.shape { stroke: var(--ink); stroke-width: 1.5; }
.start { stroke-width: 3.5; }
.beyond { fill-opacity: .12; stroke-dasharray: 3 3; }
.outside { fill-opacity: .35; }
.number { text-anchor: middle; dominant-baseline: central; font-weight: 600; }
.middle { text-anchor: middle; }
"""


def picture(person: people_pb2.GetPersonResponse, view: str = "") -> str:
    """The SVG of a person.

    Args:
        person: as it was answered.
        view: the purpose in whose view it was asked for; empty if in none.
    """
    widths = [_width(_words(link)) for link in person.links]
    ends = [(link.one, link.other) for link in person.links]
    placed = layout(len(person.members), ends, widths)
    legend = list(_legend(person))
    beside = placed.width + 2 * _MARGIN
    width = beside + _LEGEND_WIDTH + _MARGIN
    height = max(placed.height, len(legend) * _LINE) + 2 * _MARGIN + 2 * _LINE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {_size(width, height)}>',
        f"<title>{escape(_title(person))}</title>",
        f"<style>{_STYLE}</style>",
        '<rect class="ground" width="100%" height="100%"/>',
        _text(_MARGIN, _MARGIN, _title(person), "head"),
        _text(_MARGIN, _MARGIN + _LINE, _subtitle(person, view), "soft"),
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN + 2 * _LINE:.0f})">',
        *_drawn(person, placed, in_view=bool(view)),
        "</g>",
        f'<g class="legend" transform="translate({beside:.0f} {_MARGIN + 2 * _LINE:.0f})">',
        *(f'<g transform="translate(0 {place * _LINE:.0f})">{row}</g>' for place, row in enumerate(legend)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(person: people_pb2.GetPersonResponse, placed: Layout, *, in_view: bool) -> Iterator[str]:
    for link, curve in zip(person.links, placed.links, strict=True):
        yield _link(link, curve)
    for number, (member, at) in enumerate(zip(person.members, placed.members, strict=True)):
        yield _member(number, member, at, in_view=in_view)
    for link, curve in zip(person.links, placed.links, strict=True):
        yield _text(*curve.text, _words(link), f"middle halo{' why' if _why(link) else ''}", dy=4)


def _link(link: people_pb2.PersonLink, curve: Curve) -> str:
    start, bend, end = (f"{x:.1f} {y:.1f}" for x, y in (curve.start, curve.bend, curve.end))
    path = f"M {start} Q {bend} {end}"
    seen = _day(link.observed_at.ToMilliseconds())
    told = [
        f"{_evidence(link)}, seen by {link.source} on {seen}",
        f"{link.confidence_permille / 10:g} % sure",
        f"{link.link_purpose} ({link.legal_basis})",
        f"state {link.state}",
    ]
    if link.HasField("valid_until"):
        told.append(f"until {_day(link.valid_until.ToMilliseconds())}")
    if _why(link):
        told.append(_why(link))
    return (
        f'<path class="link {_standing(link)}" stroke-width="{_thickness(link):.2f}" d="{path}">'
        f"<title>{escape('; '.join(told))}</title></path>"
    )


def _member(number: int, member: people_pb2.PersonMember, at: tuple[float, float], *, in_view: bool) -> str:
    states = ["shape"]
    if not number:
        states.append("start")
    if not member.reached:
        states.append("beyond")
    elif in_view and not member.in_view:
        states.append("outside")
    x, y = at
    return (
        f'<g class="member" transform="translate({x:.1f} {y:.1f})">{_shape(member.kind, " ".join(states))}'
        f'<text class="number">{number + 1}</text>{_text(0, 30, _kind(member.kind), "middle halo")}'
        f"{_text(0, 42, _day(member.born_at.ToMilliseconds()), 'middle soft halo')}</g>"
    )


def _shape(kind: int, states: str) -> str:
    corners, turned = _SHAPES[kind % len(_SHAPES)]
    look = f'class="{states}" fill="{_COLOURS[kind % len(_COLOURS)]}"'
    if not corners:
        return f'<circle {look} r="{RADIUS:.0f}"/>'
    turns = (math.radians(turned - 90 + 360 * corner / corners) for corner in range(corners))
    reach = RADIUS * (1.25 if corners < 5 else 1.1)  # noqa: PLR2004 - fewer corners look smaller
    points = " ".join(f"{reach * math.cos(turn):.1f},{reach * math.sin(turn):.1f}" for turn in turns)
    return f'<polygon {look} points="{points}"/>'


def _legend(person: people_pb2.GetPersonResponse) -> Iterator[str]:
    """What is in the picture and nothing else."""
    yield _text(0, 0, "Identifiers", "head")
    for kind in sorted({member.kind for member in person.members}):
        yield f'<g class="kind"><g transform="translate(14 -4) scale(.5)">{_shape(kind, "shape")}</g>' + (
            _text(40, 0, _kind(kind)) + "</g>"
        )
    yield ""
    yield _text(0, 0, "Links (thicker: surer)", "head")
    said = {"": "joins them", "held": "stands, joins nobody now", "fallen": "does not stand"}
    for standing in sorted({_standing(link) for link in person.links}):
        line = f'<path class="link {standing}" stroke-width="3" d="M 0 -4 L 30 -4"/>'
        yield f'<g class="line">{line}{_text(40, 0, said[standing])}</g>'
    for label, count in _counted(link.state for link in person.links):
        yield _text(40, 0, f"{count} {label}", "soft")


def _counted(states: Iterable[str]) -> list[tuple[str, int]]:
    found = list(states)
    return [(state, found.count(state)) for state in sorted(set(found))]


def _standing(link: people_pb2.PersonLink) -> str:
    if link.state not in {"ACTIVE", "LINK_PENDING"}:
        return "fallen"
    return "held" if link.held_back else ""


def _why(link: people_pb2.PersonLink) -> str:
    """Why a link joins nobody; empty if it does."""
    if _standing(link) == "fallen":
        return f"{link.state}: {link.reason}" if link.reason else link.state
    return link.held_back


def _words(link: people_pb2.PersonLink) -> str:
    why = _why(link)
    return f"{_evidence(link)} ({why})" if why else _evidence(link)


def _thickness(link: people_pb2.PersonLink) -> float:
    return 1 + 4 * link.confidence_permille / 1000


def _title(person: people_pb2.GetPersonResponse) -> str:
    reached = sum(member.reached for member in person.members)
    return f"A person of {reached} identifier{'s' * (reached != 1)}"


def _subtitle(person: people_pb2.GetPersonResponse, view: str) -> str:
    parts = [f"{len(person.links)} links", f"consent epoch {person.consent_epoch}"]
    if view:
        one = sum(member.in_view for member in person.members)
        parts.insert(0, f"{one} of them are one person for {view}")
    if person.truncated:
        parts.append("cut: there is more")
    return " · ".join(parts)


def _kind(kind: int) -> str:
    return _plain(identity_pb2.IdentifierKind, kind, "IDENTIFIER_KIND_")


def _evidence(link: people_pb2.PersonLink) -> str:
    return _plain(identity_pb2.Evidence, link.evidence, "EVIDENCE_")


def _plain(enum: object, number: int, prefix: str) -> str:
    """The name of an enum's value in words; the number of one that this program does not know."""
    found = enum.DESCRIPTOR.values_by_number.get(number)  # type: ignore[attr-defined]
    return str(number) if found is None else found.name.removeprefix(prefix).lower().replace("_", " ")


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def _size(width: float, height: float) -> str:
    return f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'


def _width(words: str) -> float:
    return len(words) * _TEXT_WIDTH


def _text(x: float, y: float, words: str, look: str = "", dy: float = 0) -> str:
    return f'<text class="{look}" x="{x:.1f}" y="{y + dy:.1f}">{escape(words)}</text>'
