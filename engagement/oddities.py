"""What is merely odd about a definition: it is taken all the same, and whoever applies it is told.

Like what is refused it follows from the definitions alone, each judged beside all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engagement.content import Lint, Template, fields_shown
from engagement.definition import Catalogue, Definition, Fault, is_for_everybody
from engagement.loyalty.programme import Programme
from engagement.owed import is_promised
from engagement.play import OUTBOUND, Depth, Limits, Option, Play, Segment, State

_EVERYBODY = 1000  # permille


def warnings_of(definition: Definition, beside: Catalogue, lint: Lint) -> list[Fault]:
    """What is odd about a definition; it is taken all the same."""
    match definition.body:
        case Play() as play:
            return list(_play_warnings(play, beside, lint))
        case Template() as template:
            languages = [variant.language.lower() for variant in template.variants]
            used = any(option.template_id == template.template_id for option in _options(beside))
            return [
                *([] if used else [Fault("template", "UNUSED", "no play uses it")]),
                *(
                    [Fault("template.where_from", "NO_ORIGIN", "it reads no field, so it says no origin")]
                    if template.where_from and not fields_shown(template, lint)
                    else []
                ),
                *(
                    [Fault("template.variants", "LANGUAGE_TWICE", "only the first of a language is used")]
                    if len(set(languages)) < len(languages)
                    else []
                ),
            ]
        case Segment(segment_id=segment_id):
            used = any(play.segment_id == segment_id for play in beside.plays.values())
            return [] if used else [Fault("segment", "UNUSED", "no play uses it")]
        case Limits() | Programme():
            return []


def _options(beside: Catalogue) -> Iterable[Option]:
    return (option for play in beside.plays.values() for option in play.options)


def _play_warnings(play: Play, beside: Catalogue, lint: Lint) -> Iterator[Fault]:
    outbound = [channel for channel in play.channels if channel in OUTBOUND]
    if outbound and play.slot:
        yield Fault("play.channels", "REACHES_OUT_OF_SLOT", "a slot is asked for; it reaches out to nobody")
    if play.trigger is None and not play.slot and not outbound:
        yield Fault("play.slot", "ASKED_BY_NAME", "no slot asks for it and nothing sets it off")
    for index, option in enumerate(play.options):
        if not option.owed and is_promised(option, beside.programmes):
            text = "a status promises this price; unless it is owed, it is explored and alternated"
            yield Fault(f"play.options[{index}].owed", "PROMISED_NOT_OWED", text)
    before = [one for one in beside.plays.values() if _hides(one, play)]
    if before:
        text = f"play {before[0].play_id} of the slot comes first and always gives something"
        yield Fault("play.priority", "NEVER_REACHED", text)
    if play.review and play.trigger is None:
        yield Fault("play.review", "NEVER_GIVEN", "what a human approves is set off, and nothing sets it off")
    if beside.limits is None and not play.service:
        yield Fault("play", "LIMITS_UNSAID", "no limits are declared; the suite's own hold")
    if not play.service and outbound and not play.review and is_for_everybody(play, beside, lint):
        yield Fault("play.condition", "FOR_EVERYBODY", "it reaches out to everybody who permits it")


def _hides(other: Play, play: Play) -> bool:
    """Whether a play gives something whenever its slot would come to another."""
    if not play.slot or (other.slot, other.purpose) != (play.slot, play.purpose):
        return False
    first = (-other.priority, other.play_id) < (-play.priority, play.play_id)
    return first and set(play.channels) <= set(other.channels) and _gives_always(other)


def _gives_always(play: Play) -> bool:
    """Whether a play in force has something for everybody at any time, that no guard takes away alone."""
    bounded = play.segment_id or play.condition or play.from_ms or play.until_ms or play.asks or play.review
    if bounded or play.rollout_permille < _EVERYBODY or play.state not in {State.PILOT, State.LIVE}:
        return False
    return any(
        one.depth is Depth.GENERAL and one.condition is None and one.discount is None and not one.sponsored
        for one in play.options
    )
