"""What a person said, as it is kept: appended once, never changed, never merged.

A record hangs on the birth subject it was given under, whatever that subject is linked with
later. It carries both times, when it was said and when it was written down; state is always
a fold over records (``consent.fold``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from identity.ids import SubjectId


class Action(StrEnum):
    """What a statement does."""

    GRANT = "GRANT"
    REFUSE = "REFUSE"
    WITHDRAW = "WITHDRAW"


class CollectedVia(StrEnum):
    """Where a statement was collected; evidence only."""

    WEB = "WEB"
    APP = "APP"
    EMAIL = "EMAIL"
    SMS = "SMS"
    PHONE = "PHONE"
    POST = "POST"
    STORE = "STORE"
    PARTNER = "PARTNER"


@dataclass(frozen=True, slots=True)
class Notice:
    """The text a person was shown: its id, its version and its BCP 47 language tag."""

    id: str
    version: str
    language: str


class Said(NamedTuple):
    """What the fold needs of a record.

    Attributes:
        node: a node of the purpose tree; stands for all leaves beneath it.
        action: what it does.
        taxonomy_version: version of the purpose tree it was said under.
        effective_at_ms: when it was said, milliseconds since the epoch.
        valid_until_ms: from when on a grant no longer holds; ``NEVER_MS`` when it does not end.
    """

    node: str
    action: Action
    taxonomy_version: int
    effective_at_ms: int
    valid_until_ms: int


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One statement about one node of the purpose tree.

    Attributes:
        event_id: 16 bytes, the same for a repeat of the same request.
        tenant: the tenant of the caller.
        subject: the birth subject it was given under.
        said: what was said.
        collected_via: where.
        recorded_at_ms: when it was written down, milliseconds since the epoch.
        notice: the text the person was shown; always there for a grant.
        actor: the caller who reported it.
        request_id: the caller's id of the request it came in.
    """

    event_id: bytes
    tenant: str
    subject: SubjectId
    said: Said
    collected_via: CollectedVia
    recorded_at_ms: int
    notice: Notice | None
    actor: str
    request_id: str
