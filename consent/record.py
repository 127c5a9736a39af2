"""What a person said, as it is kept: appended once, never changed, never merged.

A record hangs on the birth subject it was given under, whatever that subject is linked with
later. It carries both times, when it was said and when it was written down; state is always
a fold over records (``consent.fold``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from identity.ids import SubjectId


class Action(StrEnum):
    """What a statement does."""

    GRANT = "GRANT"
    REFUSE = "REFUSE"
    WITHDRAW = "WITHDRAW"
    EXPIRE = "EXPIRE"
    """Ends the grants before it as if they had run out."""
    INVALIDATE = "INVALIDATE"
    """The grants before it never were valid; what was said before them counts again."""
    OBJECT = "OBJECT"
    RESTRICT = "RESTRICT"
    LIFT = "LIFT"
    """Takes objections and restrictions back, nothing else."""
    REQUEST = "REQUEST"
    """The person was asked."""
    DEFER = "DEFER"
    """The person was asked and did not say."""


#: What can only take. Neither the regime nor the majority such a statement reports is believed.
RESTRICTING = frozenset(
    {Action.REFUSE, Action.WITHDRAW, Action.EXPIRE, Action.INVALIDATE, Action.OBJECT, Action.RESTRICT}
)
#: Where a person is asked for something, who asks has to know how old the person is.
ASKING = frozenset({Action.GRANT, Action.REQUEST, Action.DEFER})


class Age(StrEnum):
    """How old a person is known to be."""

    UNKNOWN = "UNKNOWN"
    ADULT = "ADULT"
    MINOR = "MINOR"
    CHILD = "CHILD"


class CollectedVia(StrEnum):
    """Where a statement was collected; evidence only."""

    WEB = "WEB"
    APP = "APP"
    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"
    PHONE = "PHONE"
    POST = "POST"
    STORE = "STORE"
    PARTNER = "PARTNER"


@dataclass(frozen=True, slots=True)
class Notice:
    """The text a person was shown: its id, its version, its BCP 47 language tag and its SHA-256."""

    id: str
    version: str
    language: str
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a statement was made; empty where nobody said.

    Attributes:
        method: how it was expressed, e.g. ``double-opt-in``.
        collector: who collected it, e.g. the name of a consent platform.
        ui_hash: SHA-256 of what the person saw and touched.
        raw_signal: the signal as it came, e.g. a header or a consent string. It can name the
            person; kept only sealed under the subject's own key.
    """

    method: str = ""
    collector: str = ""
    ui_hash: bytes = b""
    raw_signal: bytes = field(default=b"", repr=False)


NO_EVIDENCE = Evidence()


class Said(NamedTuple):
    """What the fold needs of a record.

    Attributes:
        node: a node of the purpose tree; stands for all leaves beneath it.
        action: what it does.
        taxonomy_version: version of the purpose tree it was said under.
        effective_at_ms: when it was said, milliseconds since the epoch.
        valid_until_ms: from when on a grant no longer holds; ``NEVER_MS`` when it does not end.
        regime: name of the regime the person was under; empty for not known.
        age: how old the person was; a child where there was any sign of one.
        id: the record's ``event_id``. What is loaded to be folded has it only where a grant
            names it; empty elsewhere.
        supersedes: ``event_id`` of each refusal that a grant answers.
    """

    node: str
    action: Action
    taxonomy_version: int
    effective_at_ms: int
    valid_until_ms: int
    regime: str = ""
    age: Age = Age.UNKNOWN
    id: bytes = b""
    supersedes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One statement about one node of the purpose tree.

    Attributes:
        tenant: the tenant of the caller.
        subject: the birth subject it was given under.
        said: what was said; its ``id`` are 16 bytes, the same for a repeat of the same request.
        legal_basis: the basis the policy had for it then; several are joined by ``+``.
        jurisdiction: ISO 3166-2 code of where the person was; empty for not known.
        age: how old the person was said to be.
        child_signal: there was a sign of a child.
        collected_via: where.
        recorded_at_ms: when it was written down, milliseconds since the epoch.
        notice: the text the person was shown; always there for a grant.
        evidence: what shows that it was said.
        actor: the caller who reported it.
        request_id: the caller's id of the request it came in.
    """

    tenant: str
    subject: SubjectId
    said: Said
    legal_basis: str
    jurisdiction: str
    age: Age
    child_signal: bool
    collected_via: CollectedVia
    recorded_at_ms: int
    notice: Notice | None
    evidence: Evidence
    actor: str
    request_id: str

    @property
    def event_id(self) -> bytes:
        """16 bytes that name the record."""
        return self.said.id
