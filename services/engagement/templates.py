"""Templates filled by python-liquid, within bounds.

Few tags and filters are known, nothing is read from a disk, and loops, depth and output are bounded, so
a hostile text is refused before it costs anything. What is not known of a person is an error and never
an empty word: then the plain text is given, as it is where a filled text would tell too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from liquid import Environment, Mode
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.template import BoundTemplate
from liquid.undefined import StrictDefaultUndefined

from engagement.content import (
    Content,
    Linted,
    Template,
    Variant,
    is_known,
    is_personal,
    money,
    ordered,
    origin_line,
    plain_parts,
    put_by,
    read_by,
    revealed,
    undecided_number,
    variant_for,
    withheld,
)
from engagement.decision import Outcome
from engagement.facts import Facts
from engagement.fields import LANGUAGE, Kind, field_of

#: Filled texts are so long at most, bytes.
OUTPUT_BYTES_MAX = 8_000
#: Templates that are kept parsed.
_PARSED_MAX = 2_000
_TAGS = frozenset(
    {"#", "assign", "case", "comment", "content", "echo", "for", "if", "illegal", "output", "unless"}
)
_FILTERS = frozenset(
    {
        "capitalize",
        "default",
        "downcase",
        "escape",
        "first",
        "join",
        "last",
        "size",
        "strip",
        "truncate",
        "upcase",
    }
)
#: What a decision says, as templates name it.
_OFFER = frozenset({"offer.price", "offer.discount", "offer.percent", "offer.until", "offer.items"})
_WHERE_FROM = "where_from"
_MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NESTED_PARENTHESES_MAX = 8
#: A value of each kind, for a trial.
_SAMPLES: Mapping[Kind, object] = {
    Kind.TEXT: "text",
    Kind.NUMBER: 7,
    Kind.YES: True,
    Kind.TEXTS: ["one", "two", "three"],
    Kind.DAY: "02-29",
    Kind.CELL: "871e3541affffff",
}


#: Texts by what they are for.
Texts = tuple[tuple[str, str], ...]


class _Bounded(Environment):
    context_depth_limit = 8
    block_nesting_limit = 8
    loop_iteration_limit = 200
    local_namespace_limit = 4_000
    output_stream_limit = OUTPUT_BYTES_MAX


def _environment() -> Environment:
    environment = _Bounded(undefined=StrictDefaultUndefined, tolerance=Mode.STRICT)
    for known, kept in ((environment.tags, _TAGS), (environment.filters, _FILTERS)):
        for name in known.keys() - kept:
            del known[name]
    return environment


_LIQUID = _environment()


@lru_cache(_PARSED_MAX)
def lint(text: str) -> Linted:
    """What a text reads, and why it is refused: TEMPLATE_SYNTAX, TEMPLATE_UNDEFINED or TEMPLATE_HOSTILE."""
    if _is_hostile(text):
        return Linted(frozenset(), "TEMPLATE_HOSTILE")
    try:
        parsed = _parsed(text)
        named = [_named(segments) for segments in _segments(parsed)]
        if "" in named:
            return Linted(frozenset(), "TEMPLATE_UNDEFINED")
        parsed.render(**_trial(named))
    except ResourceLimitError:
        return Linted(frozenset(), "TEMPLATE_HOSTILE")
    except (LiquidError, RecursionError):
        return Linted(frozenset(), "TEMPLATE_SYNTAX")
    return Linted(frozenset(name for name in named if field_of(name) is not None))


class Templates:
    """Fills templates."""

    def __init__(self, log: Callable[[str], object]) -> None:
        """Makes it.

        Args:
            log: told why a filled text was not given; never what it said.
        """
        self._log = log

    def fill(
        self, template: Template, language: str, facts: Facts, outcome: Outcome, currency: str = ""
    ) -> Content:
        """The content of what was decided.

        Args:
            template: of the option that was chosen.
            language: BCP 47, as it was asked for; empty: the person's own, or the template's first.
            facts: what may be read of the person; nothing else can be shown.
            outcome: what was decided; it gives something.
            currency: ISO 4217 of its prices.
        """
        assert outcome.candidate is not None  # noqa: S101 - nothing is filled for a hold
        play, option, *_ = outcome.candidate
        put = put_by(template, option, play.purpose) - ({LANGUAGE} if language else set())
        variant = variant_for(template, language or _own_language(put, facts))
        reads = read_by(variant, lint)
        origins = origin_line(reads, facts)
        told = {
            **_nested({name: facts.fields[name].value for name in reads if name in facts.fields}),
            "offer": _offer(outcome, currency),
            _WHERE_FROM: origins,
        }
        parts, reason = _filled(variant, told)
        reason = reason or _tells_too_much(parts, reads, template, variant, facts)
        if not reason and undecided_number([text for _, text in parts], outcome, currency):
            reason = "NOT_DECIDED"
        if reason:
            self._log(f"template {template.template_id} version {template.version}: plain text, {reason}")
        return Content(
            parts=plain_parts(variant) if reason else parts,
            item_ids=option.item_ids,
            blocks=ordered(option.blocks, facts),
            scene_id=template.scene_id,
            scene_element_ids=template.scene_element_ids,
            origin_line="" if reason or not template.where_from else origins,
            disclosure=variant.disclosure if outcome.price_personalised else "",
            personal=(not reason and is_personal(reads)) or is_known(put, facts),
            plain_because=reason.partition(" ")[0],
            read=reads | put,
        )


@lru_cache(_PARSED_MAX)
def _parsed(text: str) -> BoundTemplate:
    return _LIQUID.from_string(text)


def _own_language(put: frozenset[str], facts: Facts) -> str:
    """The language that the person is known to speak, where it may be read."""
    known = facts.fields.get(LANGUAGE) if LANGUAGE in put else None
    return str(known.value) if known is not None else ""


def _filled(variant: Variant, told: Mapping[str, Any]) -> tuple[Texts, str]:
    """The texts of a variant, or why they can not be filled."""
    try:
        return tuple((part.name, _said(part.text, told)) for part in variant.parts), ""
    except LiquidError as error:
        return (), f"NOT_FILLED {type(error).__name__}"


def _said(text: str, told: Mapping[str, Any]) -> str:
    """A text, filled if there is something to be filled."""
    return _parsed(text).render(**told) if "{" in text else text


def _tells_too_much(
    parts: Texts, reads: frozenset[str], template: Template, variant: Variant, facts: Facts
) -> str:
    """Why filled texts are not given: a field was read or shows whose value the person did not give."""
    if not reads:
        return ""  # it says the same to everybody
    read = withheld(reads, template.reveals, facts)
    shown = read[0] if read else revealed([text for _, text in parts], template, variant, facts)
    return f"NOT_GIVEN {shown}" if shown else ""


def _is_hostile(text: str) -> bool:
    """Whether a text asks for what is no use in one: ranges, or expressions deeper than anybody writes."""
    for markup in _MARKUP.finditer(text):
        said = _QUOTED.sub("", markup[0])
        if ".." in said or said.count("(") > _NESTED_PARENTHESES_MAX:
            return True
    return False


def _segments(parsed: BoundTemplate) -> Iterable[list[Any]]:
    """The names that a text reads from outside, in their segments."""
    for variables in parsed.analyze().globals.values():
        for variable in variables:
            yield list(variable.segments)


def _named(segments: list[Any]) -> str:
    """The field, or the word of the decision, that a name begins with; empty: there is none."""
    words: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
            return ""
        words.append(segment)
        name = ".".join(words)
        field = field_of(name)
        if field is not None:
            return "" if field.kind is Kind.EVENTS else name
        if name in _OFFER or name == _WHERE_FROM:
            return name
    return ""


def _trial(names: Iterable[str]) -> dict[str, Any]:
    """Something for every name, so that a text can be tried."""
    fields = {name: field for name in names if (field := field_of(name)) is not None}
    samples = {name: _SAMPLES.get(field.kind, "text") for name, field in fields.items()}
    offer = dict.fromkeys((name.partition(".")[2] for name in _OFFER), "text")
    return {**_nested(samples), "offer": offer | {"items": ["one", "two"]}, _WHERE_FROM: "text"}


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    """Values by dotted names, as templates walk them."""
    root: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        here = root
        for word in path:
            here = here.setdefault(word, {})
        here[last] = list(value) if isinstance(value, tuple) else value
    return root


def _offer(outcome: Outcome, currency: str) -> dict[str, Any]:
    """What was decided, as texts say it; what was not decided is not there."""
    assert outcome.candidate is not None  # noqa: S101 - nothing is filled for a hold
    option = outcome.candidate.option
    said: dict[str, Any] = {"items": list(option.item_ids)}
    if outcome.price_minor is not None:
        said["price"] = money(outcome.price_minor, currency)
    if option.discount is not None and option.discount.permille:
        whole, rest = divmod(option.discount.permille, 10)
        said["percent"] = f"{whole}.{rest} %" if rest else f"{whole} %"
        said["discount"] = said["percent"]
    elif option.discount is not None:
        said["discount"] = money(option.discount.amount_minor, option.discount.currency)
    if outcome.binds_until_ms:
        said["until"] = _date(outcome.binds_until_ms)
    return said


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
