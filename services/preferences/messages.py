"""Answers of the suite, from messages of the contract to what the page shows; one function a direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.preferences.choices import Switch
from services.preferences.known import (
    Declared,
    Ground,
    Kept,
    Known,
    Origin,
    Overview,
    Recipient,
    Shown,
    Suggestions,
    shortened,
)
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.recommender.v1 import recommender_pb2

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


def switch_of(state: consent_pb2.PurposeState) -> Switch:
    """How a purpose stands."""
    return Switch(
        purpose=state.purpose,
        allowed=state.allowed,
        own=_name(consent_pb2.State, state.own, "STATE_"),
        basis=state.legal_basis,
        objected=state.objected,
        restricted=state.restricted,
        statement_id=state.statement_id,
    )


def known_of(parts: Iterable[rights_pb2.AccessResponse]) -> Known:
    """Everything of an access answer."""
    values: list[Kept] = []
    origins: list[Origin] = []
    ask_for: list[str] = []
    for part in parts:
        values += [_kept(value) for value in part.values]
        origins += [_origin(one) for one in part.where_from]
        ask_for += part.ask_for
    values.sort(key=lambda value: value.at or _EARLIEST, reverse=True)
    return Known(values, origins, ask_for)


def recipients_of(answer: rights_pb2.RecipientsResponse) -> list[Recipient]:
    """Who was told, by whatever methods, the last first."""
    found: dict[tuple[str, str], Recipient] = {}
    for one in map(_recipient, answer.recipients):
        before = found.get((one.name, one.purpose), one._replace(answered=0, refused=0))
        found[one.name, one.purpose] = one._replace(
            answered=before.answered + one.answered,
            refused=before.refused + one.refused,
            last=max(before.last or _EARLIEST, one.last or _EARLIEST),
        )
    return sorted(found.values(), key=lambda one: one.last or _EARLIEST, reverse=True)


def overview_of(page: profile_pb2.PortraitResponse) -> Overview:
    """What a portrait comes to."""
    return Overview(
        events=page.total_events,
        origins={one.origin: one.events for one in page.origins},
        declared=[_declared(one) for one in page.declared],
    )


def suggestions_of(answer: recommender_pb2.RecommendResponse) -> Suggestions:
    """A list with its reasons."""
    return Suggestions(
        depth=_name(recommender_pb2.Depth, answer.depth, "DEPTH_"),
        depth_reason=answer.depth_reason,
        items=[_shown(item) for item in answer.items],
    )


def _kept(value: rights_pb2.KeptValue) -> Kept:
    return Kept(
        store=value.store,
        kind=value.kind,
        value_json=value.value_json,
        source=value.source,
        party=value.party,
        at=_when(value.observed_at) or _when(value.recorded_at),
        inferred=value.inferred,
    )


def _origin(one: rights_pb2.Provenance) -> Origin:
    first, last = _when(one.first), _when(one.last)
    return Origin(one.source, one.party, one.store, one.kind, one.count, first, last)


def _recipient(one: rights_pb2.Recipient) -> Recipient:
    return Recipient(one.name, one.purpose, one.answered, one.refused, _when(one.last))


def _declared(one: profile_pb2.DeclaredAnswer) -> Declared:
    said = one.preference
    return Declared(
        thing=shortened(said.name),
        item_id=_item_of(said),
        stance=_name(profile_pb2.Stance, said.stance, "STANCE_"),
        strength=_name(profile_pb2.Strength, said.strength, "STRENGTH_"),
        age_band=_name(profile_pb2.AgeBand, one.age_band, "AGE_BAND_"),
        at=_when(one.declared_at),
        origin=one.source.origin,
    )


def _shown(item: recommender_pb2.RecommendedItem) -> Shown:
    whole = sum(abs(ground.gave) for ground in item.grounds) or 1.0
    strongest = sorted(item.grounds, key=lambda ground: -abs(ground.gave))
    grounds = [_ground(ground, whole) for ground in strongest]
    return Shown(shortened(item.title), shortened(item.category), grounds)


def _ground(ground: recommender_pb2.Ground, whole: float) -> Ground:
    answered = ground.HasField("answer")
    return Ground(
        kind=_name(recommender_pb2.GroundKind, ground.kind, "GROUND_KIND_"),
        share=round(100 * abs(ground.gave) / whole),
        against=ground.gave < 0,
        title=ground.answer.name if answered else ground.title,
        did=_name(profile_pb2.EventKind, ground.event_kind, "EVENT_KIND_"),
        at=_when(ground.day),
        origin=ground.origin,
        stance=_name(profile_pb2.Stance, ground.answer.stance, "STANCE_"),
        age_band=_name(profile_pb2.AgeBand, ground.age_band, "AGE_BAND_"),
        situation=ground.situation,
        purpose=ground.purpose,
        basis=ground.legal_basis,
        item_id=_item_of(ground.answer),
    )


def _item_of(said: profile_pb2.Preference) -> str:
    """The id of the item that something was said of; empty if it was of something else."""
    return said.name if said.kind == profile_pb2.TOPIC_KIND_ITEM else ""


def _when(at: Timestamp) -> datetime | None:
    """An instant; ``None`` where it is unset."""
    if not at.seconds and not at.nanos:
        return None
    return at.ToDatetime(tzinfo=UTC)


def _name(enum: object, value: int, prefix: str) -> str:
    """The word of a value of an enum; that of a newer contract is its number."""
    names: Mapping[int, str] = {number: name for name, number in enum.items()}  # type: ignore[attr-defined]
    name = names.get(value, str(value)).removeprefix(prefix)
    return "" if name == "UNSPECIFIED" else name
