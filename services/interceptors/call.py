"""One call as the layers build it up and as the handler sees it.

A handler gets a ``Call`` in the place of gRPC's context. It holds no identifier and no
pairwise id: identifiers are tokens, subjects are birth subjects, and what the consent layer
refused is not there to be used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from identity.ids import IdentifierToken, SubjectId
from identity.quota import PER_HOUR_DEFAULT
from services.errors import code_number
from services.trace_context import Trace
from veilgraph.privacy.v1 import privacy_pb2

if TYPE_CHECKING:
    from consent.guard_table import GuardTable
    from services.errors import Status
    from services.interceptors.plan import MethodPlan
    from services.interceptors.views import View
    from services.tls.peer import Peer

#: The one answer to whatever speaks against a person's data being used.
NOT_PERMITTED = "NOT_PERMITTED"
#: Who holds it is told what exactly speaks against it.
REASONS_SCOPE = "consent.reasons"
EVERY_PURPOSE = -1
#: What kinds of callers a deployment tells apart; few, for each is a series of every metric of calls.
BACKEND, OPERATOR, PHONE = "backend", "operator", "phone"
CALLER_KINDS = (BACKEND, OPERATOR, "partner", PHONE, "browser")
#: The suite's own services.
SERVICE = "service"
_GUEST = b"guest"


class StateChanged(Exception):  # noqa: N818 - not an error; the answer is made anew
    """Consent changed, or the lease ran out, while the handler ran; what it made must not leave."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the ``azp``/``client_id`` of a verified token and its allow-list.

    Attributes:
        id: the caller's name in the deployment's configuration.
        tenant: the tenant it belongs to.
        scopes: the scopes it holds; empty refuses everything.
        purposes: mask of the purposes it may use; 0 refuses everything.
        new_identifiers_per_hour: how many it may bring that nobody has seen before.
        translates_to: the callers whose ids it may be given.
        app: it runs on people's own devices, and calls by the logins of its users alone.
        kind: what kind of caller it is, of ``CALLER_KINDS`` or ``SERVICE``; among the metrics.
    """

    id: str
    tenant: str
    scopes: frozenset[str]
    purposes: int
    new_identifiers_per_hour: int = PER_HOUR_DEFAULT
    translates_to: frozenset[str] = frozenset()
    app: bool = False
    kind: str = BACKEND


class NotYet(Exception):  # noqa: N818 - not an error; it is tried again after what it waits for
    """Something has to happen, and to be waited for, before the call or a message can be judged."""

    def __init__(self, first: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.first = first


def _no_signal(_subjects: Iterable[SubjectId]) -> None:
    """The call carries no signal that would have to be heeded."""


class Attested(NamedTuple):
    """That whoever holds a token was authenticated, as a provider said it when they logged in.

    Attributes:
        verifier: the provider's name in the deployment's configuration.
        method: what the deployment calls such a login.
        authenticated_s: when the provider saw them, seconds since the epoch.
        token_id: tells the token that says it from every other.
    """

    verifier: str
    method: str
    authenticated_s: int
    token_id: str


class Login(NamedTuple):
    """What is left of a provider's token when it was read: nobody's name.

    Attributes:
        identifier: SHA-256 digest of the account at the provider.
        token_id: 32 bytes that tell the token from every other.
        expires_at_ms: until when the provider's token is one.
        scopes: what whoever logged in may do.
        attested: what it proves of who asks; ``None``: nothing.
    """

    identifier: bytes
    token_id: bytes
    expires_at_ms: int
    scopes: frozenset[str]
    attested: Attested | None = None


class Credentials(NamedTuple):
    """What a verified token says.

    Attributes:
        caller: whose it is.
        expire_ms: from when on it is none, milliseconds since the epoch.
        purposes: mask of the purposes the token is narrowed to; ``EVERY_PURPOSE`` when it is not.
            It takes away from what the caller may use and never adds.
        own: the one subject, as the caller's id, that the token speaks for; empty: the caller's own word.
        login: the token is a login, good for being exchanged.
        attested: what the token of one person proves of who asks; ``None``: nothing.
    """

    caller: Caller
    expire_ms: int
    purposes: int = EVERY_PURPOSE
    own: str = ""
    login: Login | None = None
    attested: Attested | None = None


@dataclass(frozen=True, slots=True)
class ItemRefusal:
    """Why one element of a batch was refused; ``index`` counts in the original request."""

    index: int
    reason: str
    field: str
    code: int

    def message(self) -> privacy_pb2.ItemError:
        """The refusal as it is answered."""
        return privacy_pb2.ItemError(index=self.index, reason=self.reason, field=self.field, code=self.code)


@dataclass(frozen=True, slots=True)
class Unreadable:
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
        headers: the same as it came; a name may stand in it more than once.
        peer: who showed a certificate; ``None`` where the connection is not encrypted.
        request_id: names the call in logs and answers.
        trace: what it is a part of, over all services.
        caller: set by authentication.
        token_purposes: mask of the purposes its token is narrowed to.
        own: the one subject, as the caller's id, that its token speaks for; empty: not of one person.
        login: the login that it shows to have it exchanged.
        attested: what the token of one person proves of who asks; ``None``: nothing.
        now_ms: the instant decisions are made for, milliseconds since the epoch.
        before_until_ms: until when ids under the caller's key before are taken, see ``Pairwise``.
        recipient: the caller for whom ids are given out beside the caller's own.
        purpose: bit position of the purpose decided on; -1 where each element has its own.
        subjects: for each declared subject path the birth subjects, one per accepted element
            (one in all where the method has no ``items``); ``None`` where the answer must not
            be personal: a guest, or a denial of a method that degrades.
        withheld: of those taken away because they deny, by path and position, a digest.
        purposes: purpose bit per accepted element.
        tokens: identifier tokens, one per accepted element.
        items: all elements of the original request, for the layers.
        accepted: positions of the accepted elements in the original request.
        refused: the elements that were refused before the handler ran.
        refused_now: mask of the purposes denied in this call by a signal it carries.
        heed: given the subjects of the call, has what the signal says of them recorded first.
        heeded: the subjects whose signal this call has seen recorded.
        unkept: why the audit can not keep a record of this call; empty if it can.
        blind: why nobody can be asked about now; empty if anybody can.
        depth_reasons: per accepted element why its answer is not personal; empty if it may be.
        messages: how many messages the call has taken so far.
        judged: what was decided for this message, about whom, for which purpose.
        decisions: what was decided for the messages before, until the audit has it.
        refused_before: how many elements of a stream's messages before were refused, likewise.
        read: whose data the handler was let to read; checked again before the answer leaves.
        beside: whom the handler took for the same person, whatever they permit; checked again, too.
        asked: what the handler asked besides; checked again, too.
        durable: what was asked is kept and will be finished; a deadline that passes now says so.
        promised: gives back what was promised in the answer, should that not leave.
        view: what the answer could hold, once one was made.
        evidence: ids or hashes of what the handler made or relied on, for the audit.
        status: set when the call is answered with an error.
    """

    plan: MethodPlan
    guard: GuardTable
    metadata: Mapping[str, Any]
    clock_ms: Callable[[], int]
    headers: Sequence[tuple[str, Any]] = ()
    peer: Peer | None = None
    streams: bool = False
    time_remaining_s: float | None = None
    request_id: str = ""
    trace: Trace = ""
    caller: Caller | None = None
    token_purposes: int = EVERY_PURPOSE
    own: str = ""
    login: Login | None = None
    attested: Attested | None = None
    credentials_expire_ms: int = 0
    deadline_at: float | None = None
    now_ms: int = 0
    before_until_ms: int = 0
    recipient: Caller | None = None
    purpose: int = -1
    subjects: dict[str, list[SubjectId | None]] = field(default_factory=dict)
    withheld: dict[tuple[str, int], bytes] = field(default_factory=dict)
    purposes: list[int] = field(default_factory=list)
    tokens: list[IdentifierToken] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    refused: list[ItemRefusal] = field(default_factory=list)
    refused_now: int = 0
    heed: Callable[[Iterable[SubjectId]], None] = _no_signal
    heeded: set[SubjectId] = field(default_factory=set)
    unkept: str = ""
    blind: str = ""
    depth_reasons: list[str] = field(default_factory=list)
    messages: int = 0
    judged: dict[tuple[SubjectId, int], bool] = field(default_factory=dict)
    decisions: dict[tuple[SubjectId, int], bool] = field(default_factory=dict)
    refused_before: int = 0
    read: dict[tuple[SubjectId, int], tuple[SubjectId, ...]] = field(default_factory=dict)
    beside: dict[tuple[SubjectId, int], tuple[SubjectId, ...]] = field(default_factory=dict)
    asked: dict[tuple[SubjectId, int], bool] = field(default_factory=dict)
    durable: bool = False
    promised: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    view: View | None = None
    evidence: list[bytes] = field(default_factory=list)
    status: Status | None = None

    def begin_message(self, now_ms: int) -> None:
        """Forgets what the message before was and what was decided about it; the audit does not."""
        self.decisions.update(self.judged)
        if self.streams:  # else it is the same message, judged anew
            self.refused_before += len(self.refused)
        self.judged = {}
        self.now_ms = now_ms
        self.messages += 1
        self.subjects, self.withheld = {}, {}
        self.purposes, self.tokens, self.items, self.accepted = [], [], [], []
        self.refused, self.depth_reasons = [], []
        self.read, self.beside, self.asked = {}, {}, {}

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

    def withhold(self, position: int) -> None:
        """Takes the subjects of an accepted element away; its answer must not be personal."""
        for path, column in self.subjects.items():
            subject = column[position]
            if subject is not None:
                self.withheld[path, position] = sha256(subject).digest()
                column[position] = None

    def about(self, path: str, position: int) -> bytes:
        """Tells whom an element names from everybody else, permitted or not; no data is found by it."""
        subject = self.subjects[path][position]
        if subject is not None:
            return sha256(subject).digest()
        return self.withheld.get((path, position), _GUEST)

    def members(self, subject: SubjectId, purpose: int | None = None) -> tuple[SubjectId, ...]:
        """The birth subjects whose data may be read when ``subject`` is asked about.

        Args:
            subject: one of this call's subjects.
            purpose: bit position of the purpose; the call's own when not given.

        Returns:
            The person in the purpose's view, less those who do not allow the purpose.
        """
        key = subject, self.purpose if purpose is None else purpose
        members = self.read.get(key)
        if members is None:
            self._must_be_ready()
            # One answer is made from one state; a change shows before it leaves.
            members = self.read[key] = self.members_at(*key, self.now_ms)
        return members

    def linked(self, subject: SubjectId, purpose: int | None = None) -> tuple[SubjectId, ...]:
        """All birth subjects of the person, also those who do not permit the purpose.

        Nothing of theirs may be read for being among them: ask ``allows`` for each.

        Args:
            subject: one of this call's subjects.
            purpose: bit position of the purpose whose view it is; the call's own when not given.
        """
        key = subject, self.purpose if purpose is None else purpose
        linked = self.beside.get(key)
        if linked is None:
            self._must_be_ready()
            linked = self.beside[key] = self.guard.linked(*key)
        return linked

    def judge(self, subjects: Collection[SubjectId]) -> set[SubjectId]:
        """Those of the subjects that a handler itself found who permit the call's purpose.

        They are judged like those of the request: audited, and a signal of the call is theirs.
        """
        self._must_be_ready()
        self.heed(subjects)
        for subject in subjects:
            self.judged[subject, self.purpose] = self.permits(subject, self.purpose, self.now_ms)
        return {subject for subject in subjects if self.judged[subject, self.purpose]}

    def permits(self, subject: SubjectId, purpose: int, now_ms: int) -> bool:
        """Whether a subject permits a purpose (bit position) at an instant, as far as this call goes."""
        return not self.refused_now >> purpose & 1 and self.guard.allows(subject, purpose, now_ms)

    def members_at(self, subject: SubjectId, purpose: int, now_ms: int) -> tuple[SubjectId, ...]:
        """As ``members``, at an instant; what a call has read is compared with it."""
        return () if self.refused_now >> purpose & 1 else self.guard.members(subject, purpose, now_ms)

    def denial(self, subject: SubjectId, purpose: int | None = None) -> str:
        """What the caller is told when ``subject`` does not permit a purpose.

        One reason for everything, so that a refusal tells nothing about a person; the exact one
        only to a caller that holds ``REASONS_SCOPE``.

        Args:
            subject: who does not permit it.
            purpose: bit position of the purpose; the call's own when not given.
        """
        assert self.caller is not None  # noqa: S101 - authentication ran before
        self._must_be_ready()  # else that is the reason, and not one about the person
        if REASONS_SCOPE not in self.caller.scopes:
            return NOT_PERMITTED
        index = self.purpose if purpose is None else purpose
        return self.guard.reason(subject, index, self.now_ms) or NOT_PERMITTED  # by now it might

    def _must_be_ready(self) -> None:
        if not self.guard.ready:
            raise StateChanged  # it was when the call came in

    async def take_back(self) -> None:
        """Gives back what was promised in an answer that does not leave."""
        while self.promised:
            await self.promised.pop()()

    def keep(self, positions: list[int]) -> None:
        """Keeps only some of the accepted elements; ``positions`` count in ``accepted``."""
        self.accepted = [self.accepted[p] for p in positions]
        if self.tokens:
            self.tokens = [self.tokens[p] for p in positions]
        if self.purposes:
            self.purposes = [self.purposes[p] for p in positions]
        for path, column in self.subjects.items():
            self.subjects[path] = [column[p] for p in positions]

    def refuse_item(self, index: int, reason: str, field: str = "") -> None:
        """Answers one element of the request with a refusal; the rest is served."""
        self.refused.append(ItemRefusal(index, reason, field, code_number(reason)))

    def allows(self, subject: SubjectId, purpose: str) -> bool:
        """Whether another purpose (a leaf's name) is allowed for a subject now."""
        self._must_be_ready()
        key = subject, self.guard.policy.index(purpose)
        allowed = self.asked[key] = self.permits(*key, self.now_ms)
        return allowed
