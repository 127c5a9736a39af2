"""One call as the layers build it up and as the handler sees it.

A handler gets a ``Call`` in the place of gRPC's context. It holds no identifier and no
pairwise id: identifiers are tokens, subjects are birth subjects, and what the consent layer
refused is not there to be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from identity.ids import IdentifierToken, SubjectId

if TYPE_CHECKING:
    from consent.guard_table import GuardTable
    from services.interceptors.plan import MethodPlan

NOT_PERMITTED = "NOT_PERMITTED"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the ``azp``/``client_id`` of a verified token and its allow-list.

    Attributes:
        id: the caller's name in the deployment's configuration.
        tenant: the tenant it belongs to.
        scopes: the scopes it holds; empty refuses everything.
        purposes: mask of the purposes it may use; 0 refuses everything.
    """

    id: str
    tenant: str
    scopes: frozenset[str]
    purposes: int


class ItemRefusal(NamedTuple):
    """Why one element of a batch was refused; ``index`` counts in the original request."""

    index: int
    reason: str
    field: str
    code: int


class Unreadable(NamedTuple):
    """Stands in a request stream for a message that could not be taken; the stream goes on."""

    reason: str
    field: str
    code: int


@dataclass(slots=True)
class Call:
    """One call, or one message of a stream's call, on its way through the layers.

    Attributes:
        plan: the compiled guard of the method.
        metadata: the request's metadata.
        request_id: names the call in logs and answers.
        caller: set by authentication.
        now_ms: the instant decisions are made for, milliseconds since the epoch.
        purpose: bit position of the purpose decided on; -1 where each element has its own.
        subjects: for each declared subject path the birth subjects, one per accepted element
            (one in all where the method has no ``items``); ``None`` where the answer must not
            be personal: a guest, or a denial of a method that degrades.
        purposes: purpose bit per accepted element.
        tokens: identifier tokens, one per accepted element.
        accepted: positions of the accepted elements in the original request.
        refused: the elements that were refused before the handler ran.
        depth_reasons: per accepted element why its answer is not personal; empty if it may be.
    """

    plan: MethodPlan
    metadata: Mapping[str, Any]
    guard: GuardTable
    context: Any = None
    request_id: str = ""
    caller: Caller | None = None
    now_ms: int = 0
    deadline_at: float = 0.0
    purpose: int = -1
    subjects: dict[str, list[SubjectId | None]] = field(default_factory=dict)
    purposes: list[int] = field(default_factory=list)
    tokens: list[IdentifierToken] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    refused: list[ItemRefusal] = field(default_factory=list)
    depth_reasons: list[str] = field(default_factory=list)
    degraded: bool = False
    messages: int = 0
    code: int = 0
    reason: str = ""
    error: Any = None

    @property
    def tenant(self) -> str:
        """The tenant of the caller; never taken from a field."""
        assert self.caller is not None  # noqa: S101 - authentication ran before every handler
        return self.caller.tenant

    @property
    def subject(self) -> SubjectId | None:
        """The one subject of a method with one subject path; ``None``: the answer must not be personal."""
        (values,) = self.subjects.values()
        return values[0]

    @property
    def depth_reason(self) -> str:
        """Why the answer must not be personal; empty if it may be."""
        return self.depth_reasons[0] if self.depth_reasons else ""

    def members(self, subject: SubjectId, purpose: int | None = None) -> tuple[SubjectId, ...]:
        """The birth subjects whose data may be read when ``subject`` is asked about.

        Args:
            subject: one of this call's subjects.
            purpose: bit position of the purpose; the call's own when not given.

        Returns:
            The person in the purpose's view, less those who do not allow the purpose.
        """
        index = self.purpose if purpose is None else purpose
        return self.guard.members(subject, index, self.now_ms)

    def allows(self, subject: SubjectId, purpose: str) -> bool:
        """Whether another purpose (a leaf's name) is allowed for a subject now."""
        return self.guard.allows(subject, self.guard.policy.index(purpose), self.now_ms)
