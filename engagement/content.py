"""What is put before somebody: texts in several languages, and what a filled text must not say.

A template is filled outside; what it reads is known before. A filled text is given only if it shows no
value that the person did not give (but for what the template openly reveals) and no price or percentage
that was not decided. Otherwise the plain text is given, which is the same for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from engagement.decision import Outcome
from engagement.event import Party
from engagement.facts import Facts
from engagement.fields import BLOCK_ORDER, LANGUAGE, field_of, may_read
from engagement.play import Discount, Option, State


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a template.

    Attributes:
        name: what it is for, e.g. "subject", or the id of an element of the scene.
        text: Liquid.
        plain: said instead where ``text`` can not be given; empty: ``text`` reads nothing and is it.
    """

    name: str
    text: str
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A template in one language, BCP 47; ``disclosure`` tells that a price is the person's own."""

    language: str
    parts: tuple[Part, ...]
    disclosure: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """What is put before somebody.

    Attributes:
        template_id: unique in the tenant.
        version: counts up from 1 with every change.
        state: how far it is.
        variants: one a language, not empty; the first is for whoever speaks none of the others.
        reveals: fields whose values it may show though the person did not give them.
        where_from: it says where what it uses comes from.
        scene_id: what a renderer outside makes of it.
        scene_element_ids: what the scene holds; a part of the same name is the text of one.
    """

    template_id: str
    version: int
    state: State
    variants: tuple[Variant, ...]
    reveals: tuple[str, ...] = ()
    where_from: bool = False
    scene_id: str = ""
    scene_element_ids: tuple[str, ...] = ()


class Linted(NamedTuple):
    """What is known of a text before it is filled: the fields it reads, and why it is refused."""

    reads: frozenset[str]
    fault: str = ""


#: Looks at the text of one part.
Lint = Callable[[str], Linted]


@dataclass(frozen=True, slots=True)
class Content:
    """What is given.

    Attributes:
        parts: names and filled texts, in the template's order.
        item_ids: what it is about.
        blocks: the page's blocks in their order.
        scene_id: of the renderer.
        scene_element_ids: what the scene holds.
        origin_line: where what it uses comes from; empty: it uses nothing, or the template does not say.
        disclosure: what is told of a price of the person's own.
        personal: something known of the person was used.
        plain_because: why the plain text is given, e.g. "NOT_GIVEN"; empty: the filled one is.
        read: the fields that were looked at for it.
    """

    parts: tuple[tuple[str, str], ...]
    item_ids: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    scene_id: str = ""
    scene_element_ids: tuple[str, ...] = ()
    origin_line: str = ""
    disclosure: str = ""
    personal: bool = False
    plain_because: str = ""
    read: frozenset[str] = frozenset()


#: Whose values may be shown: what the call said, and what the person did.
_OPEN = frozenset({0, int(Party.ZERO)})
#: Shorter texts are in too many words to mean anything.
_TELLING_CHARS = 3
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:%|per\s?cent\b|Prozent\b)", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_SIGN = r"(?:[€$£¥₽₹]|Kč|zł|\b[A-Z]{3}\b)"
_FIGURE = r"\d(?:[\d  ' .,]*\d)?"
_MONEY = re.compile(rf"(?:{_SIGN}\s*({_FIGURE})|({_FIGURE})\s*{_SIGN})")
_DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def put_by(template: Template | None, option: Option, purpose: str) -> frozenset[str]:
    """The fields that tell how something is put, and not what: in which language, which blocks first.

    Where there is no choice none is read. A purpose that may not read one puts it as it is for everybody.
    """
    choices = {
        LANGUAGE: len(template.variants) if template is not None else 0,
        BLOCK_ORDER: len(option.blocks),
    }
    return frozenset(name for name, choice in choices.items() if choice > 1 and may_read(name, purpose))


def bare(option: Option, purpose: str, facts: Facts) -> Content | None:
    """The content of an option without a template; ``None``: it has none."""
    if not option.item_ids and not option.blocks:
        return None
    put = put_by(None, option, purpose)
    return Content(
        (), option.item_ids, ordered(option.blocks, facts), personal=is_known(put, facts), read=put
    )


def variant_for(template: Template, language: str) -> Variant:
    """The variant of a language, else of its first word ("pt" for "pt-BR"), else the first."""
    by_language = {variant.language.lower(): variant for variant in reversed(template.variants)}
    wanted = language.lower()
    return by_language.get(wanted) or by_language.get(wanted.partition("-")[0]) or template.variants[0]


def fields_shown(template: Template, lint: Lint) -> frozenset[str]:
    """The fields that a template reads in any language."""
    return frozenset(name for variant in template.variants for name in read_by(variant, lint))


def read_by(variant: Variant, lint: Lint) -> frozenset[str]:
    """The fields that one variant reads."""
    return frozenset(name for part in variant.parts for name in lint(part.text).reads)


def plain_parts(variant: Variant) -> tuple[tuple[str, str], ...]:
    """The texts that are the same for everybody."""
    return tuple((part.name, part.plain or part.text) for part in variant.parts)


def withheld(names: Iterable[str], reveals: Collection[str], facts: Facts) -> list[str]:
    """Those of some fields whose values the person did not give and the template does not reveal."""
    return sorted(
        name
        for name in names
        if (known := facts.fields.get(name)) is not None and known.party not in _OPEN and name not in reveals
    )


def revealed(texts: Iterable[str], template: Template, variant: Variant, facts: Facts) -> str:
    """The name of a field whose value is in some texts and may not be; empty: there is none.

    Words that the template says to everybody reveal nothing.
    """
    hidden = withheld(facts.fields, template.reveals, facts)
    if not hidden:
        return ""
    said = " ".join(texts).casefold()
    everybody = " ".join(f"{part.text} {part.plain}" for part in variant.parts).casefold()
    for name in hidden:
        for word in _words(facts.fields[name].value):
            if _holds_word(said, word) and not _holds_word(everybody, word):
                return name
    return ""


def undecided_number(texts: Iterable[str], outcome: Outcome, currency: str) -> str:
    """A price or percentage in some texts that was not decided; empty: there is none."""
    option = outcome.candidate.option if outcome.candidate is not None else None
    discount = option.discount if option is not None else None
    prices = [outcome.price_minor, outcome.honours.price_minor if outcome.honours is not None else None]
    return number_besides(texts, discount, [price for price in prices if price is not None], currency)


def number_besides(
    texts: Iterable[str], discount: Discount | None, prices: Collection[int], currency: str
) -> str:
    """A price or percentage in some texts that is neither a discount nor one of some prices."""
    texts = [text for text in texts if _DIGIT.search(text)]
    if not texts:
        return ""
    permille = {discount.permille} if discount is not None else set()
    amounts = {*prices, *({discount.amount_minor} if discount is not None else ())}
    unit = (discount.currency if discount is not None else "") or currency
    for text in texts:
        for percent in _PERCENT.finditer(text):
            if _scaled(percent[1], 1) not in permille:
                return percent[0]
        for money in _MONEY.finditer(text):
            if _scaled(money[1] or money[2], decimals_of(unit)) not in amounts:
                return money[0]
    return ""


def money(amount_minor: int, currency: str) -> str:
    """An amount as texts say it, e.g. "12.50 EUR"."""
    decimals = decimals_of(currency)
    whole, rest = divmod(abs(amount_minor), 10**decimals)
    figure = f"{whole}.{rest:0{decimals}}" if decimals else str(whole)
    return f"{'-' if amount_minor < 0 else ''}{figure} {currency}"


def decimals_of(currency: str) -> int:
    """How many digits the minor unit of a currency has, ISO 4217; 2 for most."""
    return _DECIMALS.get(currency, 2)


def origin_line(names: Iterable[str], facts: Facts) -> str:
    """Where the values of some fields come from, e.g. "quiz 2026-05-03, till 2026-06-01"."""
    known = (facts.fields[name] for name in names if name in facts.fields)
    said = {f"{one.origin} {_day(one.observed_at_ms)}" for one in known if one.party}
    return ", ".join(sorted(said))


def ordered(blocks: tuple[str, ...], facts: Facts) -> tuple[str, ...]:
    """A page's blocks: first those the person wants first, in their order; the others as they were.

    Only what the person said themselves counts as wanted.
    """
    known = facts.fields.get(BLOCK_ORDER)
    if known is None or known.party != Party.ZERO or not isinstance(known.value, tuple):
        return blocks
    return tuple(dict.fromkeys((*(block for block in known.value if block in blocks), *blocks)))


def is_personal(names: Iterable[str]) -> bool:
    """Whether some fields tell something of a person, and not of the call alone."""
    return any((field := field_of(name)) is None or not field.of_call for name in names)


def is_known(names: Iterable[str], facts: Facts) -> bool:
    """Whether something is known of one of some fields."""
    return any(name in facts.fields for name in names)


def _words(value: object) -> Iterator[str]:
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, str):
            yield from (word for word in (one, one.partition(":")[2]) if len(word) >= _TELLING_CHARS)
        elif isinstance(one, int) and not isinstance(one, bool) and abs(one) > 9:  # noqa: PLR2004 - a digit
            yield str(one)


def _holds_word(text: str, word: str) -> bool:
    word = word.casefold()
    return word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _scaled(figure: str, decimals: int) -> int:
    """A figure in units of its last digit that counts; marks within it divide thousands."""
    unit: int = 10**decimals
    digits = re.sub(r"[^\d.,]", "", figure)
    whole, mark, rest = max(digits.rpartition("."), digits.rpartition(","), key=lambda cut: len(cut[0]))
    if mark and len(rest) <= max(decimals, 1):
        return int(re.sub(r"\D", "", whole) or "0") * unit + int(rest.ljust(decimals, "0") or "0")
    return int(re.sub(r"\D", "", digits)) * unit


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
