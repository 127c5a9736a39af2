"""Why a decision came out as it did, for the person and for who checks.

Only what was read is named, with where it came from and what permits its use; no value is repeated, and
nothing that the person was not given is named to them. An auditor is told besides what each guard left
and how likely everything was that was left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consent.policy import Policy
from consent.regimes import UNKNOWN
from engagement.decision_store import NO_PRICE, Report, Row
from engagement.fields import CALL_PREFIX, EVENTS_PREFIX
from engagement.grounds import Grounds, Source, unpacked
from engagement.play import Depth
from services.engagement.event_messages import timestamp
from veilgraph.engagement.v1 import decision_pb2, offer_pb2, profile_pb2

_CALL = "call"
_DEPTHS = {
    Depth.GENERAL: "It is the same for everybody.",
    Depth.CONTEXT: "It was chosen by what held at that moment, and not by who you are.",
    Depth.SEGMENT: "It was chosen for a group of people you are in.",
    Depth.INDIVIDUAL: "It was chosen for you.",
}
_PRICE = "The price was worked out for you; you can refuse that, and then get everybody's price."
_HELD = {
    "NOT_PERMITTED": "because you do not permit it",
    "NOTHING_LIVE": "because there was nothing to offer",
    "NOT_ELIGIBLE": "because nothing there was meant for you at that moment",
    "UNCERTAIN": "because it was not sure enough that it was you",
    "OPEN_COMPLAINT": "because you complained and nobody has settled it yet",
    "RESTING": "because you had not been here for a while and were left in peace",
    "MARGIN": "because nothing could be taken off the price",
    "CHANNEL_CLOSED": "because you do not want to be reached that way",
    "QUIET_HOURS": "because it was night where you are",
    "ASKED_ENOUGH": "because you were asked enough lately",
    "CAP_REACHED": "because you heard from us enough lately",
    "OUT_OF_TIME": "because there was no time to look",
}


def why_response(
    row: Row, reports: Sequence[Report], policy: Policy, *, auditor: bool
) -> decision_pb2.WhyResponse:
    """What is answered.

    Args:
        row: the decision.
        reports: what became of it.
        policy: names purposes and what they rest on.
        auditor: who asks checks how decisions are made.
    """
    grounds = unpacked(row.grounds)
    purpose = policy.leaves[row.purpose]
    basis = policy.legal_basis(purpose, UNKNOWN)
    answer = decision_pb2.WhyResponse(
        text=text_of(row, grounds, purpose),
        read=[_read(source, purpose, basis) for source in grounds.sources],
        decision=_shown(row, purpose, basis),
        reports=[_report(one) for one in reports],
    )
    if auditor:
        for step in grounds.steps:
            answer.guards.add(guard=step.guard, left=step.left, ceiling=offer_pb2.Depth.Name(step.ceiling))
        for chance in grounds.chances:
            answer.alternatives.add(option_id=chance.option_id, probability=chance.probability)
    return answer


def text_of(row: Row, grounds: Grounds, purpose: str) -> str:
    """The reasons in words for the person."""
    sentences = [_what(row)]
    if row.option_id:
        sentences.append(_DEPTHS[Depth(row.depth)])
    said = _said(source for source in grounds.sources if source.origin)
    if said:
        sentences.append(f"What was looked at: {said}.")
    elif grounds.sources:
        sentences.append("What was looked for is not known of you.")
    else:
        sentences.append("Nothing known of you was looked at.")
    if row.personalised:
        sentences.append(_PRICE)
    if any(source.party for source in grounds.sources):
        sentences.append(f"It was used for “{purpose}”; you can change that at any time.")
    return " ".join(sentences)


def _what(row: Row) -> str:
    if row.option_id:
        again = ", as you had been promised before" if row.honours else ""
        return f"You were given “{row.option_id}”{again}."
    return f"You were given nothing, {_HELD.get(row.held, 'for a reason of ours')}."


def _said(sources: Iterable[Source]) -> str:
    return ", ".join(f"{_named(source.name)} ({_from(source)})" for source in sources)


def _named(name: str) -> str:
    """A field in plain words, e.g. "your likes" of "declared.likes"."""
    if name.startswith(EVENTS_PREFIX):
        return f"your {name.removeprefix(EVENTS_PREFIX).lower().replace('_', ' ')} events"
    if name.startswith(CALL_PREFIX):
        return f"the moment's {_words(name.removeprefix(CALL_PREFIX))}"
    return f"your {_words(name.partition('.')[2])}"


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _from(source: Source) -> str:
    if source.origin == _CALL:
        return "said when we were asked"
    told = "you said it" if source.party == profile_pb2.PARTY_ZERO else "seen"
    return f"{told}, from {source.origin}"


def _read(source: Source, purpose: str, basis: str) -> decision_pb2.FieldRead:
    of_person = source.origin != _CALL
    read = decision_pb2.FieldRead(
        name=source.name,
        party=profile_pb2.Party.Name(source.party),
        origin=source.origin,
        purpose=purpose if of_person else "",
        legal_basis=basis if of_person else "",
    )
    if source.observed_at_ms:
        read.observed_at.CopyFrom(timestamp(source.observed_at_ms))
    return read


def _shown(row: Row, purpose: str, basis: str) -> decision_pb2.DecisionShown:
    shown = decision_pb2.DecisionShown(
        decided_at=timestamp(row.decided_at_ms),
        play_id=row.play_id,
        version=row.version,
        option_id=row.option_id,
        channel=offer_pb2.Channel.Name(row.channel),
        depth=offer_pb2.Depth.Name(row.depth),
        currency=row.currency,
        price_personalised=bool(row.personalised),
        propensity=row.propensity,
        held=f"HOLD_REASON_{row.held or 'UNSPECIFIED'}",
        purpose=purpose,
        legal_basis=basis,
    )
    if row.price_minor != NO_PRICE:
        shown.price_minor = row.price_minor
    return shown


def _report(report: Report) -> decision_pb2.ReportShown:
    shown = decision_pb2.ReportShown(
        outcome=decision_pb2.DecisionOutcome.Name(report.outcome), reported_at=timestamp(report.at_ms)
    )
    if report.value is not None:
        shown.value = report.value
    return shown
