"""An erasure as a state: what has been answered so far, and what is to be done next.

The state is nothing but the answers that are durable, so a process that begins again after a
crash goes on by asking ``todo`` and can leave nothing out. Keys are destroyed only when the
data is gone everywhere, because afterwards nobody could tell what they opened; the receipt is
signed last, because it says what was done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from identity.ids import SubjectId

#: What a receipt says it is; another form gets another word.
RECEIPT_FORM = "veilgraph erasure receipt 1"
#: Who speaks when an erasure leaves statements to others; no caller has this name.
ACTOR = "veilgraph/erasure"


class Stage(Enum):
    """What is done of an erasure, in this order."""

    SUPPRESS = "suppress"
    DATA = "data"
    KEYS = "keys"
    RECIPIENTS = "recipients"
    RECEIPT = "receipt"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        erasure_id: names the erasure; made at random.
        subjects: whom to erase, sorted; forgotten when the receipt is signed.
        suppress: keep refusals of marketing and sharing for their identifiers.
        requested_by: the verifier that proved the request.
        requested_at_ms: when, milliseconds since the epoch.
        epoch: the consent epoch from which on they are unknown everywhere.
    """

    erasure_id: str
    subjects: tuple[SubjectId, ...]
    suppress: bool
    requested_by: str
    requested_at_ms: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Progress:
    """An erasure that is restricted, and what has been answered.

    Attributes:
        asked: what was asked for.
        answers: of each finished stage the answer of each store, as JSON can say it.
        recipients: who was told; ``None`` until that is settled.
    """

    asked: Asked
    answers: Mapping[tuple[Stage, str], Mapping[str, Any]] = field(default_factory=dict)
    recipients: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Todo:
    """The next stage, and the stores that have not answered in it."""

    stage: Stage
    stores: tuple[str, ...] = ()


def todo(progress: Progress, stores: tuple[str, ...]) -> Todo:
    """What is to be done next.

    Args:
        progress: what is durable.
        stores: the names of every store of the deployment.
    """
    stages = (Stage.SUPPRESS, Stage.DATA, Stage.KEYS) if progress.asked.suppress else (Stage.DATA, Stage.KEYS)
    for stage in stages:
        missing = tuple(name for name in stores if (stage, name) not in progress.answers)
        if missing:
            return Todo(stage, missing)
    return Todo(Stage.RECIPIENTS if progress.recipients is None else Stage.RECEIPT)


def receipt_body(
    progress: Progress,
    *,
    tags: tuple[str, ...],
    key_version: int,
    finished_at_ms: int,
    backups_until_ms: int,
    log: Mapping[str, Any],
) -> bytes:
    """The receipt as canonical JSON: sorted keys, no spaces, UTF-8. Names no person.

    Args:
        progress: an erasure of which only the receipt is missing.
        tags: of each erased subject the tag by which whoever has the subject recognises it.
        key_version: version of the key that signs.
        finished_at_ms: when the last store had answered.
        backups_until_ms: from when on no backup holds what was erased.
        log: the audit log's heads before and after, and the proof that the erasure is in it.
    """
    asked = progress.asked
    body = {
        "form": RECEIPT_FORM,
        "erasure_id": asked.erasure_id,
        "requested_by": asked.requested_by,
        "requested_at_ms": asked.requested_at_ms,
        "finished_at_ms": finished_at_ms,
        "consent_epoch": asked.epoch,
        "key_version": key_version,
        "subjects": sorted(tags),
        "erased": _of_stage(progress, Stage.DATA, "counts"),
        "keys": _of_stage(progress, Stage.KEYS, "keys"),
        "kept": _kept(progress),
        "recipients": list(progress.recipients or ()),
        "recipients_note": "" if progress.recipients else "none registered",
        "backups_until_ms": backups_until_ms,
        "log": log,
    }
    return canonical(body)


def canonical(body: Mapping[str, Any]) -> bytes:
    """A receipt's content as it is signed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _of_stage(progress: Progress, stage: Stage, part: str) -> dict[str, Any]:
    """One part of every store's answer, by the store's name."""
    return {name: answer[part] for (of, name), answer in progress.answers.items() if of is stage}


def _kept(progress: Progress) -> dict[str, Any]:
    """What stays, by store and kind: how many, until when and why, from whatever stage said so."""
    kept: dict[str, Any] = {}
    for (_, name), answer in sorted(progress.answers.items(), key=lambda one: (one[0][0].value, one[0][1])):
        if answer["kept"]:
            kept[name] = kept.get(name, {}) | dict(answer["kept"])
    return kept
