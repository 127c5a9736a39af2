"""Decisions between the contract and the domain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import h3

from engagement.condition import Scalar
from engagement.content import Content
from engagement.decision import Held
from engagement.decision_store import DECISION_BYTES, NO_PRICE
from engagement.detail import LOCATION_PRECISE, coarse, is_cell
from engagement.event import event_key_of
from engagement.facts import Known
from engagement.fields import CALL_PREFIX, Field, Kind, field_of
from engagement.grounds import shaping
from engagement.play import Channel
from identity.ids import SubjectId
from services.engagement.decided import Decided
from services.engagement.event_messages import milliseconds, timestamp
from services.engagement.situating import Question
from services.errors import InvalidRequest, Refusal
from services.interceptors.call import Call
from veilgraph.engagement.v1 import decision_pb2, offer_pb2
from veilgraph.privacy.v1 import privacy_pb2

HONOURED, OUT_OF_TIME, CALL = "HONOURED", "OUT_OF_TIME", "call"
#: What is told of a price of the person's own where no template says it.
DISCLOSURE = "This price was worked out for you from what you allow us to use."
SPECIAL_SESSION = "special_category.session"
_PLACE = CALL_PREFIX + "place_cell"
#: H3 resolution of a precise place: cells of some 15,000 square metres.
_PRECISE = 10
_MICRO = 1_000_000
#: Another instant is within ten years: at the ends of the calendar there is no tomorrow.
_AT_MOST_APART_MS = 3_660 * 86_400_000
#: A caller's request ids are none of its event ids.
_REQUEST = "decide"
_SHOWN_DOMAIN = b"veilgraph/shown"

Request = decision_pb2.DecideRequest | decision_pb2.DecideBatchRequest


def questions_of(
    request: Request, people: Iterable[tuple[int, SubjectId | None]], call: Call
) -> list[Question]:
    """What a request asks, once for each person.

    Args:
        request: as it came; its subjects are taken out of it already.
        people: the place of each in the request as it was sent, and who it is; ``None``: nobody.
        call: whose request it is.

    Raises:
        InvalidRequest: it contradicts itself, or says what nobody may read from a call.
    """
    if bool(request.slot) == bool(request.play_id):
        raise InvalidRequest("FIELD_REQUIRED", field="slot")
    priced = request.HasField("price_minor") or request.HasField("cost_minor")
    if priced and not request.currency:
        raise InvalidRequest("CURRENCY_MISSING", field="currency")
    given = context_of(request.context)
    content = _content_of(request)
    at_ms = milliseconds(request.at) if request.HasField("at") else None
    if at_ms is not None and abs(at_ms - call.now_ms) > _AT_MOST_APART_MS:
        raise InvalidRequest("FIELD_RANGE", field="at")
    purpose = call.guard.policy.leaves[call.purpose]
    assert call.caller is not None  # noqa: S101 - authentication ran before
    key_of = event_key_of(call.tenant, call.caller.id)
    return [
        Question(
            purpose=purpose,
            decision_id=decision_id_of(key_of, request.request_id, index, nobody=subject is None),
            digest=hashlib.sha256((subject or b"") + content).digest()[:DECISION_BYTES],
            slot=request.slot,
            play_id=request.play_id,
            channel=Channel(request.channel) if request.channel else None,
            context=permitted_context(given, request, subject, call),
            price_minor=request.price_minor if request.HasField("price_minor") else None,
            cost_minor=request.cost_minor if request.HasField("cost_minor") else None,
            currency=request.currency,
            language=request.language,
            now_ms=call.now_ms if at_ms is None else at_ms,
            writes=not request.dry_run and at_ms is None,
        )
        for index, subject in people
    ]


def decision_id_of(key_of: Callable[[str], bytes], request_id: str, index: int, *, nobody: bool) -> bytes:
    """The id of the decision of a request: another for each caller, and for nobody.

    Args:
        key_of: makes the keys of whoever's request it is.
        request_id: the caller's.
        index: position of the person in the request.
        nobody: it is decided for nobody.
    """
    return key_of(f"{_REQUEST}\n{int(nobody)}\n{index}\n{request_id}")


def context_of(values: Iterable[decision_pb2.ContextValue]) -> dict[str, tuple[Field, Known]]:
    """What a call says of its moment, by field.

    Raises:
        InvalidRequest: there is no such field, it is of another kind, or it is said twice.
    """
    said: dict[str, tuple[Field, Known]] = {}
    for index, one in enumerate(values):
        name = CALL_PREFIX + one.name
        field = field_of(name)
        if field is None or name in said:
            raise InvalidRequest("CONTEXT_UNKNOWN", field=f"context[{index}].name")
        value = _value(one, field)
        if value is None or (field.kind is Kind.CELL and not is_cell(str(value))):
            raise InvalidRequest("CONTEXT_KIND", field=f"context[{index}]")
        said[name] = field, Known(value, 0, CALL, 0)
    return said


def permitted_context(
    given: Mapping[str, tuple[Field, Known]], request: Request, subject: SubjectId | None, call: Call
) -> dict[str, Known]:
    """What of it may be used for somebody; what needs a permission that is not there is dropped."""
    used = {
        name: known
        for name, (field, known) in given.items()
        if field.may_be_read_for(call.guard.policy.leaves[call.purpose])
        and (field.data_class != "SPECIAL" or _allows(call, subject, SPECIAL_SESSION))
    }
    if _PLACE in used and not _allows(call, subject, LOCATION_PRECISE):
        used[_PLACE] = replace(used[_PLACE], value=coarse(str(used[_PLACE].value)))
    place = request.coordinates if isinstance(request, decision_pb2.DecideRequest) else None
    if place is not None and request.HasField("coordinates") and _allows(call, subject, LOCATION_PRECISE):
        cell = h3.latlng_to_cell(place.latitude_micro / _MICRO, place.longitude_micro / _MICRO, _PRECISE)
        used[_PLACE] = Known(cell, 0, CALL, 0)
    return used


def decide_response(
    decided: Decided, depth_reason: str, *, late: bool = False
) -> decision_pb2.DecideResponse:
    """What is answered."""
    row, outcome = decided.row, decided.outcome
    answer = decision_pb2.DecideResponse(depth_reason=depth_reason)
    if decided.kept:
        repeats = outcome.honours is not None and not row.promises
        answer.decision_id = (row.honours if repeats else row.decision_id).hex()
    if outcome.candidate is None:
        held = Held.OUT_OF_TIME if late else outcome.held
        answer.hold.CopyFrom(decision_pb2.Hold(reason=f"HOLD_REASON_{held}"))
        if outcome.retry_at_ms:
            answer.hold.retry_at.CopyFrom(timestamp(outcome.retry_at_ms))
    else:
        answer.given.CopyFrom(given_message(decided, late=late))
    return answer


def given_message(decided: Decided, *, late: bool = False) -> decision_pb2.Given:
    """What is given, as it is answered; ``outcome`` gives something."""
    row, outcome, content = decided.row, decided.outcome, decided.content
    assert outcome.candidate is not None  # noqa: S101 - see above
    option = outcome.candidate.option
    given = decision_pb2.Given(
        play_id=row.play_id,
        version=row.version,
        option_id=row.option_id,
        channel=offer_pb2.Channel.Name(row.channel),
        send_at=timestamp(row.send_at_ms),
        price_personalised=bool(row.personalised),
        sponsored=option.sponsored,
        depth=offer_pb2.Depth.Name(row.depth),
        propensity=row.propensity,
        reasons=reasons_of(decided, late=late),
    )
    if row.price_minor != NO_PRICE:
        given.price_minor = row.price_minor
        given.discount_minor = row.full_price_minor - row.price_minor
        given.currency = row.currency
    if row.personalised:
        given.disclosure = (content.disclosure if content is not None else "") or DISCLOSURE
    if row.binds_until_ms:
        given.expires_at.CopyFrom(timestamp(row.binds_until_ms))
    if content is not None:
        of = given.personal_content if content.personal else given.content
        of.CopyFrom(content_message(content))
    return given


def shown_of(decided: Decided) -> bytes:
    """Stands for what somebody who approves a decision sees of it, 16 bytes; ``decided`` gives something.

    The same decision at another instant is the same thing, whenever it goes out and however likely it was.
    """
    seen = given_message(decided)
    for name in ("send_at", "expires_at", "propensity", "reasons"):
        seen.ClearField(name)
    digest = hashlib.blake2b(decided.row.decision_id, digest_size=DECISION_BYTES, person=_SHOWN_DOMAIN)
    digest.update(seen.SerializeToString(deterministic=True))
    return digest.digest()


def reasons_of(decided: Decided, *, late: bool = False) -> list[str]:
    """What shaped a decision, without a word on what the person does not permit."""
    reasons = [name for name in shaping(decided.grounds.steps) if name not in _OF_PERMISSION]
    return [
        *([OUT_OF_TIME] if late else ()),
        *([HONOURED] if decided.outcome.honours is not None else ()),
        *reasons,
    ]


#: Guards that heed a permission; that one of them acted would tell on the person.
_OF_PERMISSION = frozenset({"consent", "child", "personal_price", "channel_allowed"})


def content_message(content: Content) -> offer_pb2.Content:
    """What is put before the person, as it is answered."""
    return offer_pb2.Content(
        parts=[offer_pb2.ContentPart(name=name, text=text) for name, text in content.parts],
        item_ids=content.item_ids,
        blocks=content.blocks,
        scene_id=content.scene_id,
        scene_element_ids=content.scene_element_ids,
        origin_line=content.origin_line,
    )


def refused_response(index: int, refusal: Refusal) -> decision_pb2.DecideResponse:
    """The answer about one person of a batch that was refused."""
    error = privacy_pb2.ItemError(
        index=index, reason=refusal.reason, field=refusal.field, code=refusal.code.value[0]
    )
    return decision_pb2.DecideResponse(error=error)


def _content_of(request: Request) -> bytes:
    """A request without whom it is about, the same bytes for the same question."""
    content: Any = type(request)()
    content.CopyFrom(request)
    for name in ("subject", "anonymous", "items"):
        if name in content.DESCRIPTOR.fields_by_name:
            content.ClearField(name)
    return bytes(content.SerializeToString(deterministic=True))


def _value(one: decision_pb2.ContextValue, field: Field) -> Scalar | tuple[str, ...] | None:
    """The value of a field, if it is of the field's kind."""
    said = one.WhichOneof("value")
    if said == "number":
        return one.number if field.kind is Kind.NUMBER else None
    if said == "flag":
        return one.flag if field.kind is Kind.YES else None
    if said != "text" or field.kind in {Kind.NUMBER, Kind.YES, Kind.EVENTS}:
        return None
    return (one.text,) if field.kind is Kind.TEXTS else one.text


def _allows(call: Call, subject: SubjectId | None, purpose: str) -> bool:
    return subject is not None and call.allows(subject, purpose)
