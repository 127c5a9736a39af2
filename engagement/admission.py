"""Which definitions are taken.

A definition is judged beside all the others it stands with, so that what reads too much by its segment or
its template is found as well. Everything here follows from the definitions alone: nobody's data is looked
at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engagement.condition_check import cell_faults, condition_faults, field_faults
from engagement.content import Lint, Template, is_personal, number_besides
from engagement.definition import (
    LIMITS_ID,
    PILOT_PERMILLE_MAX,
    Catalogue,
    Definition,
    Fault,
    Kind,
    Name,
    conditions_of,
    option_shows,
    play_reads,
    programmes_read,
    trigger_reads,
)
from engagement.evaluate import fields_read, zone_of
from engagement.fields import CALL_PREFIX, PRICING, field_of
from engagement.fields import Kind as FieldKind
from engagement.loyalty.programme import Programme
from engagement.loyalty.programme import faults_of as programme_faults
from engagement.owed import faults_of as owed_faults
from engagement.play import (
    OUTBOUND,
    DateTrigger,
    Depth,
    Limits,
    Option,
    PlaceTrigger,
    Play,
    Segment,
    State,
)

#: What may be done with people's data by a play or a segment.
_NODES = ("service", "personalise", "marketing", "loyalty")
_SERVICE = "service"
_ADS = "marketing.ads.first_party"
_DECLARED = ("declared.", "interface.")


def faults_of(definition: Definition, beside: Catalogue, lint: Lint) -> list[Fault]:
    """What is wrong with a definition.

    Args:
        definition: to be taken.
        beside: the definitions it will stand with, itself among them.
        lint: looks at the texts of templates.
    """
    match definition.body:
        case Play() as play:
            return list(_play_faults(play, definition.state, beside, lint))
        case Segment() as segment:
            return list(_segment_faults(segment))
        case Template() as template:
            return list(_template_faults(template, lint))
        case Limits() as limits:
            return list(_limits_faults(limits))
        case Programme() as programme:
            return [
                Fault(f"programme.{fault.field}", "PROGRAMME_MALFORMED", fault.text)
                for fault in programme_faults(programme)
            ]


def broken_plays(changed: Collection[Name], beside: Catalogue, lint: Lint) -> Iterator[tuple[Name, Fault]]:
    """What is wrong with plays that did not change, by what of those they stand on did.

    Args:
        changed: names of definitions that are other than before, or gone.
        beside: what stands beside each other now.
        lint: looks at the texts of templates.

    Yields:
        The changed definition and what is wrong with the play.
    """
    for play in beside.plays.values():
        if Name(Kind.PLAY, play.play_id) in changed or play.state is State.DRAFT:
            continue
        stands_on = [name for name in _stands_on(play, beside, lint) if name in changed]
        for fault in _play_faults(play, play.state, beside, lint) if stands_on else ():
            yield stands_on[0], Fault("", "BREAKS_PLAY", f"play {play.play_id}, {fault.path}: {fault.text}")


def _stands_on(play: Play, beside: Catalogue, lint: Lint) -> Iterator[Name]:
    yield Name(Kind.SEGMENT, play.segment_id)
    yield Name(Kind.LIMITS, LIMITS_ID)
    yield from (Name(Kind.TEMPLATE, option.template_id) for option in play.options)
    read = programmes_read(play_reads(play, beside, lint))
    yield from (Name(Kind.PROGRAMME, programme_id) for programme_id in sorted(read))


def _play_faults(play: Play, state: State, beside: Catalogue, lint: Lint) -> Iterator[Fault]:
    yield from _purpose_faults(play.purpose, "play.purpose")
    yield from _form_faults(play)
    if state is State.PILOT and play.rollout_permille > PILOT_PERMILLE_MAX:
        text = f"nobody approved a pilot; it is for {PILOT_PERMILLE_MAX} thousandths at most"
        yield Fault("play.rollout_permille", "PILOT_TOO_WIDE", text)
    if play.asks and (beside.limits is None or not beside.limits.asks):
        yield Fault("play.asks", "ASKS_WITHOUT_BOUND", "limits say how often somebody is asked")
    if play.condition is not None:
        yield from condition_faults(play.condition, play.purpose, "play.condition")
    yield from _trigger_faults(play)
    yield from _reference_faults(play, beside)
    for name in sorted(programmes_read(play_reads(play, beside, lint)) - beside.programmes.keys()):
        yield Fault("play", "REFERENCE_MISSING", f"it reads of the programme {name!r}, which there is not")
    for index, option in enumerate(play.options):
        yield from _option_faults(option, play, beside, lint, f"play.options[{index}]")


def _form_faults(play: Play) -> Iterator[Fault]:
    """What contradicts itself."""
    if play.service != (play.purpose == _SERVICE):
        text = "what is owed, and nothing else, has the purpose service"
        yield Fault("play.service", "SERVICE_PURPOSE", text)
    if play.slot and play.trigger is not None:
        yield Fault("play.slot", "SLOT_AND_TRIGGER", "a play is asked for by a slot, or set off")
    if len(set(play.channels)) < len(play.channels):
        yield Fault("play.channels", "NAMED_TWICE", "each channel is named once")
    if play.until_ms and play.until_ms <= play.from_ms:
        yield Fault("play.until_time", "TIMES_REVERSED", "it ends after it begins")
    outbound = all(channel in OUTBOUND for channel in play.channels)
    if not outbound and not any(option.depth is Depth.GENERAL for option in play.options):
        yield Fault("play.options", "GENERAL_MISSING", "one option at least is for everybody")
    ids = [option.option_id for option in play.options]
    for index, option_id in enumerate(ids):
        if ids.index(option_id) != index:
            yield Fault(f"play.options[{index}].option_id", "NAMED_TWICE", "an option's id is its own")


def _purpose_faults(purpose: str, path: str) -> Iterator[Fault]:
    if not any(purpose == node or purpose.startswith(f"{node}.") for node in _NODES):
        yield Fault(path, "PURPOSE_WRONG", f"nothing is offered for {purpose!r}")


def _trigger_faults(play: Play) -> Iterator[Fault]:
    match play.trigger:
        case DateTrigger(name):
            yield from field_faults(name, frozenset({FieldKind.DAY}), play.purpose, "play.date.field")
            if name.startswith(CALL_PREFIX):
                yield Fault("play.date.field", "FIELD_OF_CALL", "no call is there when a date comes")
            return
        case PlaceTrigger(cells):
            yield from cell_faults(cells, "play.place.cells")
            return
    member = "lapse" if play.trigger is not None and not hasattr(play.trigger, "delay_s") else "event"
    for name in sorted(trigger_reads(play)):
        yield from field_faults(name, frozenset({FieldKind.EVENTS}), play.purpose, f"play.{member}.kinds")


def _reference_faults(play: Play, beside: Catalogue) -> Iterator[Fault]:
    segment = beside.of_play(play)
    if play.segment_id and segment is None:
        yield Fault("play.segment_id", "REFERENCE_MISSING", f"there is no segment {play.segment_id!r}")
    if segment is not None and segment.purpose != play.purpose:
        text = f"the segment is for {segment.purpose}, the play for {play.purpose}"
        yield Fault("play.segment_id", "PURPOSE_DIFFERS", text)


def _option_faults(option: Option, play: Play, beside: Catalogue, lint: Lint, at: str) -> Iterator[Fault]:
    if option.condition is not None:
        yield from condition_faults(option.condition, play.purpose, f"{at}.condition")
    template = beside.templates.get(option.template_id)
    if option.template_id and template is None:
        text = f"there is no template {option.template_id!r}"
        yield Fault(f"{at}.template_id", "REFERENCE_MISSING", text)
    shown = option_shows(option, beside, lint)
    for name in sorted(shown):
        field = field_of(name)
        if field is not None and not field.may_be_read_for(play.purpose):
            text = f"the template reads {name}, which is not read for {play.purpose}"
            yield Fault(f"{at}.template_id", "FIELD_NOT_FOR_PURPOSE", text)
    yield from _depth_faults(option, shown, at)
    if template is not None:
        yield from _plain_faults(option, template, at)
    yield from _discount_faults(option, play, beside, template, at)
    if option.owed:
        yield from (
            Fault(f"{at}.owed", "OWED_UNFOUNDED", text)
            for text in owed_faults(option, play, beside.programmes)
        )
    if option.sponsored and option.depth > Depth.CONTEXT and play.purpose != _ADS:
        yield Fault(f"{at}.sponsored", "ADS_PURPOSE", f"a personal advertisement needs {_ADS}")
    if option.sponsored and play.service:
        yield Fault(f"{at}.sponsored", "SERVICE_OFFERS", "what is owed advertises nothing")


def _depth_faults(option: Option, shown: frozenset[str], at: str) -> Iterator[Fault]:
    """An option is as personal as what it reads says it is."""
    read = shown | fields_read(option.condition)
    if is_personal(read) and option.depth < Depth.SEGMENT:
        yield Fault(f"{at}.depth", "DEPTH_TOO_LOW", "it reads of the person, and is SEGMENT at least")
    elif read and option.depth < Depth.CONTEXT:
        yield Fault(f"{at}.depth", "DEPTH_TOO_LOW", "it reads of the call, and is CONTEXT at least")


def _discount_faults(
    option: Option, play: Play, beside: Catalogue, template: Template | None, at: str
) -> Iterator[Fault]:
    discount = option.discount
    if discount is None:
        return
    if play.service:
        yield Fault(f"{at}.discount", "SERVICE_OFFERS", "what is owed offers nothing")
    if bool(discount.permille) == bool(discount.amount_minor):
        yield Fault(f"{at}.discount", "DISCOUNT_UNCLEAR", "exactly one of permille and amount is set")
    if bool(discount.amount_minor) != bool(discount.currency):
        yield Fault(
            f"{at}.discount.currency", "CURRENCY_MISSING", "an amount, and nothing else, has a currency"
        )
    if not discount.margin_floor_permille:
        yield Fault(f"{at}.discount.margin_floor_permille", "FLOOR_MISSING", "a discount keeps a margin")
    if _depends_on_people(option, play, beside):
        yield from _own_price_faults(option, play, template, at)


def _own_price_faults(option: Option, play: Play, template: Template | None, at: str) -> Iterator[Fault]:
    if option.depth < Depth.SEGMENT:
        text = "who gets this price depends on people, so it is SEGMENT at least"
        yield Fault(f"{at}.depth", "DEPTH_TOO_LOW", text)
    if play.purpose != PRICING:
        yield Fault("play.purpose", "PRICING_PURPOSE", f"a price of people's own needs {PRICING}")
    if template is None or not all(variant.disclosure for variant in template.variants):
        text = "a price of people's own is disclosed in every language"
        yield Fault(f"{at}.template_id", "DISCLOSURE_MISSING", text)


def _depends_on_people(option: Option, play: Play, beside: Catalogue) -> bool:
    if option.depth >= Depth.SEGMENT or play.trigger is not None:
        return True
    read = frozenset(name for one in conditions_of(play, beside) for name in fields_read(one))
    return is_personal(read | fields_read(option.condition))


def _plain_faults(option: Option, template: Template, at: str) -> Iterator[Fault]:
    """What is said to everybody names no price or percentage but the option's own."""
    for variant in template.variants:
        plain = [*(part.plain or part.text for part in variant.parts), variant.disclosure]
        number = number_besides(plain, option.discount, (), "")
        if number:
            text = f"the plain text in {variant.language} says {number.strip()!r}, which the option does not"
            yield Fault(f"{at}.template_id", "NUMBER_UNDECIDED", text)


def _segment_faults(segment: Segment) -> Iterator[Fault]:
    yield from _purpose_faults(segment.purpose, "segment.purpose")
    yield from condition_faults(segment.condition, segment.purpose, "segment.condition")
    for name in sorted(fields_read(segment.condition)):
        if name.startswith(CALL_PREFIX):
            yield Fault("segment.condition", "FIELD_OF_CALL", f"{name} is of a call, and makes no segment")
        elif segment.declared and not name.startswith(_DECLARED):
            yield Fault("segment.declared", "NOT_DECLARED", f"{name} is not declared by people")


def _template_faults(template: Template, lint: Lint) -> Iterator[Fault]:
    names = [part.name for part in template.variants[0].parts]
    for name in template.reveals:
        if field_of(name) is None:
            yield Fault("template.reveals", "FIELD_UNKNOWN", f"there is no field {name!r}")
    for number, variant in enumerate(template.variants):
        at = f"template.variants[{number}]"
        own = [part.name for part in variant.parts]
        if own != names or len(set(own)) < len(own):
            yield Fault(f"{at}.parts", "PARTS_DIFFER", "all languages have the same parts, each once")
        for index, part in enumerate(variant.parts):
            linted = lint(part.text)
            if linted.fault:
                yield Fault(
                    f"{at}.parts[{index}].text", linted.fault, "the text can not be filled within bounds"
                )
            elif not part.plain and "{" in part.text:
                text = "a text that is filled needs a plain one beside it"
                yield Fault(f"{at}.parts[{index}].plain", "PLAIN_MISSING", text)


def _limits_faults(limits: Limits) -> Iterator[Fault]:
    if zone_of(limits.zone) is None:
        yield Fault("limits.zone", "ZONE_UNKNOWN", f"{limits.zone!r} is no time zone")
