"""Every error a client can get, in one table.

A refusal has a gRPC code, a reason (``google.rpc.ErrorInfo``) and a fixed public text; the
text of an exception never leaves the process. Whatever is not in the table is INTERNAL.

Refusal
├── InvalidRequest      a field is missing, malformed or out of bounds (names the field)
├── Unauthenticated     no caller could be made of the credentials
├── Denied              a caller or a subject does not permit it
├── Unavailable         can not decide or keep now; says when to come back
├── QuotaExceeded       the caller has used up what it may bring; says when there is more
└── TooLate             the deadline passed or is too short to begin
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.api import annotations_pb2
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from consent import errors as consent
from engagement import errors as engagement
from identity import errors as identity
from recommender import errors as recommender
from services.consent.rounds import AuthorityStopped
from services.feed import FeedStopped
from services.storage.database import StoreUnusable
from services.storage.definitions import DefinitionsBehind
from services.stores import StoreDown
from veilgraph.consent.v1 import consent_pb2

DOMAIN = "veilgraph"

#: Reasons of the guard, of limits and of the services alike, with their public texts.
_TEXTS: dict[grpc.StatusCode, dict[str, str]] = {
    grpc.StatusCode.PERMISSION_DENIED: {
        "METHOD_UNDECLARED": "the method declares no privacy policy",
        "SCOPE_NOT_GRANTED_TO_CALLER": "the caller does not hold the method's scope",
        "PURPOSE_NOT_GRANTED_TO_CALLER": "the caller may not use this purpose",
        "RECIPIENT_NOT_GRANTED_TO_CALLER": "the deployment does not let the caller have this recipient's ids",
        "SUBJECT_NOT_OF_TOKEN": "the token speaks for one person and can not name another",
        "METHOD_NOT_FOR_ONE_PERSON": "the token speaks for one person; the method finds people by itself",
        "LOGIN_MISSING": "what is exchanged is a login at a registered provider, shown as the bearer token",
        "PURPOSE_WIDENED": "the token is narrowed to other purposes",
        "SOURCE_RESERVED": "the source is one for which this caller does not speak",
        "PROOF_INVALID": "a proof is not a token of a registered verifier for this deployment",
        "PROOF_EXPIRED": "a proof is too old; the person must be authenticated anew",
        "PROOF_IN_FUTURE": "a proof speaks of a time that has not come",
        "PROOF_METHOD_REFUSED": "the verifier may not attest this method",
        "PROOF_REUSED": "a proof serves one request; this one served another",
        # About a person: this one for everybody, the ones below (and those about a person under
        # other codes) for callers with the scope consent.reasons alone.
        "NOT_PERMITTED": "not permitted for this subject and purpose",
        "PROCESSING_RESTRICTED": "processing of this subject's data is restricted",
        "OBJECTED": "the subject objected to this purpose",
        "MINOR_PROTECTED": "the subject is a child, or may be one",
        "CONSENT_REFUSED": "the subject refused this purpose",
        "CONSENT_WITHDRAWN": "the subject withdrew the permission for this purpose",
        "REGIME_FORBIDS": "the law the subject stands under forbids this purpose",
    },
    grpc.StatusCode.UNAUTHENTICATED: {
        "CALLER_UNAUTHENTICATED": "no valid credentials",
        "LOGIN_REUSED": "a login serves one request; this one served another; log in anew",
    },
    grpc.StatusCode.INVALID_ARGUMENT: {
        "MESSAGE_UNREADABLE": "the message is not of the method's type",
        "SUBJECT_REF_MISSING": "a subject is required",
        "SUBJECT_REF_MALFORMED": "not a subject id of this caller",
        "RAW_IDENTIFIER_REFUSED": "an identifier is a SHA-256 digest of 32 bytes; anything else is refused",
        "FIELD_REQUIRED": "a required field is missing",
        "FIELD_LENGTH": "a field is too short or too long",
        "FIELD_RANGE": "a number is out of range",
        "FIELD_PATTERN": "a text does not match its pattern",
        "FIELD_ENUM": "an enum value is not in the vocabulary",
        "FIELD_TIME": "a timestamp is not a point in time",
        "MIN_EPOCH_MALFORMED": "x-min-epoch is a consent epoch, a whole number",
        "TOO_MANY_ITEMS": "a list is longer than the method takes",
        "TIME_IN_FUTURE": "the time lies in the future",
        "CURRENCY_MISSING": "an amount needs a currency",
        "CONTEXT_UNKNOWN": "a call can say no such thing, or says it twice",
        "CONTEXT_KIND": "what the call says is not of the field's kind",
        "CURRENCY_MALFORMED": "a currency is an ISO 4217 code of three letters",
        "RAW_CONTACT_REFUSED": "a field holds an e-mail address or a phone number; it is not kept",
        "RAW_IP_REFUSED": "a field holds an IP address; it is not kept",
        "RAW_USER_AGENT_REFUSED": "a field holds what a program says of its device; it is not kept",
        "CONDITION_REFUSED": "the condition is none, or reads what its purpose may not read",
        "SEGMENT_OF_OTHER_PURPOSE": "the segment is for another purpose",
        "PLACE_MALFORMED": "a place is an H3 cell",
        "VALUE_MALFORMED": "the value is not in the form of its attribute",
        "DEPENDENT_NOT_TAKEN": "an attribute of the person is of no dependent",
        "PROOF_MISSING": "a person's rights are exercised with a proof of who asks",
        "CURSOR_INVALID": "the cursor is none of this caller's for this purpose",
        "PAGE_TOKEN_INVALID": (
            "the page token does not belong to this question; begin again at the first page"
        ),
        "PAGE_TOKEN_EXPIRED": "the page token is too old; begin again at the first page",
        "FILTERS_CONTRADICT": "the filters and rules contradict one another; the field can not be satisfied",
        "RECIPE_TAKES_NO_ITEM": "the recipe is not about one item",
        "UNKNOWN_PURPOSE": "not a purpose of the policy",
        "PURPOSE_UNREFUSABLE": "a purpose no person can refuse takes no statements",
        "EFFECTIVE_IN_FUTURE": "nothing can have been said later than now",
        "VALID_UNTIL_INVALID": "only a grant ends by itself, and after it begins",
        "UNKNOWN_CALLER": "no caller of the configuration has that name",
        "UNKNOWN_REGIME": "not a regime of the policy",
        "SUPERSEDES_NOTHING": "only a grant answers refusals, and only ones that its notice can have shown",
        "NOTICE_MISSING": "a grant names the notice the person was shown",
        "ANSWERED_TWICE": "one thing is answered once in a request, or taken back, not both",
        "REQUEST_ID_REUSED": "the request id was used for something else",
        "BLOCKED_VALUE": "the value stands for no identifier",
        "LINK_TO_ITSELF": "a link joins two subjects",
        "OBSERVED_IN_FUTURE": "nothing can have been seen later than now",
        "EXPIRES_BEFORE_OBSERVED": "evidence holds for some time after it was seen",
        "DEFINITION_REFUSED": (
            "a definition is wrong by itself or beside the others; the field says where, a dry run says all"
        ),
        "CURRENCY_MIXED": "the amount is not in the programme's currency",
        "AMOUNT_AND_POINTS": "a posting moves an amount or points, not both",
        "AMOUNT_OVERFLOW": "more would have been moved in the programme than signed 64 bits hold",
        "REVERSAL_NAMES_ITSELF": "a reversal names what it reverses, and not itself",
        "RULES_MALFORMED": "the text is not a rules file; the field says where",
    },
    grpc.StatusCode.FAILED_PRECONDITION: {
        "NOTHING_GIVEN": "the decision gave nothing, so nothing can have become of it",
        "CONSENT_UNKNOWN": "the subject was not asked for this purpose yet",
        "CONSENT_EXPIRED": "the permission for this purpose ran out",
        "COHORT_TOO_SMALL": "too few people to say something about without saying it of one",
        "PSEUDONYM_KEY_RETIRED": "the id was made under a key that is retired",
        "KEY_IN_USE": "the key is still needed: it seals, or something under it is taken or kept",
        "KEY_VERSIONS_USED_UP": "every number that a version of the key can have was given",
        "TOO_MANY_ANSWERS": "more answers would be kept of the subject than anybody gives; take some back",
        "REFERENCE_TAKEN": "the subject has a posting of that reference; what is wrong with it is reversed",
        "REVERSES_NOTHING": "the person has no posting of that kind and reference",
        "REVERSES_TOO_MUCH": "less is left of the posting than would be reversed",
        "POINTS_TOO_FEW": "the person has fewer points than the reward costs",
        "RESERVATION_EXPIRED": "the reservation was not committed in time; reserve anew",
        "RESERVATION_SETTLED": "the reservation was committed or cancelled already",
        "THIRD_PARTY_REFUSED": "third-party data is not taken",
        "AGREEMENT_MISSING": "second-party data needs its agreement",
        "SOURCE_EXPIRED": "the record must not be used any more",
        "CURSOR_TOO_OLD": (
            "what changed beyond the cursor can not be told any more; begin anew without one, and resolve the"
            " persons you hold again"
        ),
        "LINK_DECLARED_WRONG": (
            "the link was declared wrong after this was seen; only newer evidence brings it back"
        ),
        "PERSON_TOO_LARGE": "the link would join more identifiers than one person has",
        "PERSON_KIND_LIMIT": "the link would give one person more identifiers of a kind than rules allow",
        "LINK_BRIDGES_PEOPLE": "a guess does not join two people of whom each has an identifier of their own",
        "IDENTIFIER_SHARED": "one of the two is shared by people; no link by it counts",
        "APPROVED_BY_ITS_AUTHOR": "a version is approved by another caller than the one that applied it",
        "VERSION_OUTDATED": "a newer version was applied, or it is retired; only the newest is approved",
        "RULES_NOT_NEWER": "rules in force are followed by a file of a higher version",
        "TOO_MUCH_EVIDENCE": "there is more evidence between the two than is kept",
        "SOURCE_UNKNOWN": "the rules name no such source",
        "SOURCE_RETIRED": "the source is retired",
        "EVIDENCE_NOT_OF_SOURCE": "the rules do not take such evidence from this source",
        "POLICY_DIFFERS": "the replica's policy file is not the authority's",
        "NOTHING_TO_LEARN": "nobody who permits training has bought anything",
        "TOO_FEW_TO_ASK": "too few people who permit training bought anything in the last fifth of the time",
        "STILL_PERMITTED": "the subject permits training, and the next one would learn from it again",
    },
    grpc.StatusCode.NOT_FOUND: {
        "SUBJECT_ERASED": "no such subject is known",  # erased or never there: one answer
        "ERASURE_UNKNOWN": "no erasure of that id was asked for by this caller",
        "LINK_NOT_FOUND": "no active link joins the two directly",
        "DECISION_UNKNOWN": "no decision of that id was made for this person",
        "DEFINITION_UNKNOWN": "there is no such version of a definition",
        "ITEM_UNKNOWN": "no item of that id is in the catalogue",
        "PROGRAMME_UNKNOWN": "no loyalty programme of that id is in force",
        "REWARD_UNKNOWN": "the programme has no reward of that id",
        "RESERVATION_UNKNOWN": "the person has no reservation of that id",
        "KEY_UNKNOWN": "there is no such version of the key, or none any more",
    },
    grpc.StatusCode.RESOURCE_EXHAUSTED: {
        "PRIVACY_BUDGET_EXHAUSTED": "the privacy budget is used up",
        "BUDGET_EXHAUSTED": "the programme's budget for rewards is used up",
        "QUOTA_EXCEEDED": "the caller's quota is used up",
        "TOO_MANY_DEFINITIONS": "the deployment keeps no more definitions; retire some that decide nothing",
    },
    grpc.StatusCode.ABORTED: {
        "PREVIEW_OUTDATED": "what the rules would change is not what was previewed; preview them again",
        "TRAINING_BUSY": "another training is running",
        "JOB_BUSY": "another job of this kind is running",
    },
    grpc.StatusCode.INTERNAL: {
        "TRAINING_FAILED": "training ended without a model",
        "EVALUATION_FAILED": "the evaluation ended without a report",
        "INTERNAL": "internal error",
    },
    grpc.StatusCode.DEADLINE_EXCEEDED: {
        "DEADLINE_TOO_SHORT": "the deadline leaves no time to answer",
        "DEADLINE_PASSED": "the service did not finish in time",
        "WITHDRAWAL_PENDING": "the write is kept and will be finished; it is not in effect everywhere yet",
    },
    grpc.StatusCode.UNAVAILABLE: {
        "CONSENT_NOT_READY": "the consent state is still being loaded",
        "CONSENT_LEASE_EXPIRED": "the consent state may be out of date; nothing is decided by it",
        "KEYS_BEHIND": "a process of the deployment can not read the key ring of now yet",
        "EPOCH_TOO_OLD": "the consent state has not reached the epoch asked for yet",
        "RULES_CHANGING": "other rules are coming into force; nothing is linked meanwhile",
        "CONSENT_CHANGED": "the consent state changed while answering",
        "AUDIT_UNAVAILABLE": "the audit record can not be kept now",
        "DEFINITIONS_BEHIND": "what is in force may be another by now; nothing is decided by what was",
        "RECOMMENDER_BEHIND": "what is recommended from may be out of date; nothing is answered by it",
        "NOT_ON_DUTY": "the duties of the service went to another process meanwhile; ask again",
        "NOT_IN_FORCE": "it is kept, but a process may not follow it yet; ask again with the same request id",
        "STORE_DOWN": "a service that keeps data about people can not be asked now",
        "STORE_UNAVAILABLE": "the store could not commit; nothing was kept",
    },
}
#: reason -> (code, public text).
REASONS = {reason: (code, text) for code, texts in _TEXTS.items() for reason, text in texts.items()}


#: reason -> what a client can do about it; paths are the gateway's.
_HELP = {
    reason: error_details_pb2.Help.Link(
        description="ask the person, and record the answer with the notice they were shown",
        url=consent_pb2.DESCRIPTOR.services_by_name["ConsentService"]
        .methods_by_name["Record"]
        .GetOptions()
        .Extensions[annotations_pb2.http]
        .post,
    )
    for reason in ("CONSENT_UNKNOWN", "CONSENT_EXPIRED")
}


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """An answer other than the one asked for.

    Attributes:
        reason: a key of ``REASONS``.
        field: path of the field at fault, or empty.
        retry_after_s: when to come back, or 0.
        purpose: the leaf that a permission is missing for, or empty.
    """

    def __init__(
        self, reason: str, *, field: str = "", retry_after_s: float = 0.0, purpose: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.retry_after_s = retry_after_s
        self.purpose = purpose

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC status code of the reason."""
        return REASONS[self.reason][0]


class InvalidRequest(Refusal):
    """A field is missing, malformed or out of bounds."""


class Unauthenticated(Refusal):
    """No caller could be made of the credentials."""

    def __init__(self) -> None:
        super().__init__("CALLER_UNAUTHENTICATED")


class Denied(Refusal):
    """A caller or a subject does not permit it."""


class Unavailable(Refusal):
    """Can not decide or keep now."""


class QuotaExceeded(Refusal):
    """A caller asks for more than its quota leaves."""

    def __init__(self, wait_ms: int | None) -> None:
        """Refuses for so long; ``None``: for ever, the request is larger than the quota itself."""
        super().__init__("QUOTA_EXCEEDED", retry_after_s=(wait_ms or 0) / 1000)


class TooLate(Refusal):
    """The deadline passed, or is too short to begin."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a client is told."""

    code: grpc.StatusCode
    reason: str
    text: str
    field: str = ""
    retry_after_s: float = 0.0
    purpose: str = ""


def code_number(reason: str) -> int:
    """The numeric gRPC code of a reason, for answers about one element of a batch."""
    number: int = REASONS[reason][0].value[0]
    return number


def status_of(error: BaseException) -> Status:
    """The public answer to an error: its row of the table, or INTERNAL."""
    if isinstance(error, Refusal):
        code, text = REASONS[error.reason]
        return Status(code, error.reason, text, error.field, error.retry_after_s, error.purpose)
    for kind in type(error).__mro__:
        if kind in DOMAIN_ERRORS:
            reason = DOMAIN_ERRORS[kind]
            code, text = REASONS[reason]
            return Status(code, reason, text, getattr(error, "field", ""))
    return Status(*REASONS["INTERNAL"][:1], "INTERNAL", REASONS["INTERNAL"][1])


def details(status: Status, request_id: str) -> bytes:
    """The ``grpc-status-details-bin`` trailer: ErrorInfo, and what fits beside it."""
    metadata = {"request_id": request_id}
    if status.purpose:
        metadata["purpose"] = status.purpose
    packed = [error_details_pb2.ErrorInfo(reason=status.reason, domain=DOMAIN, metadata=metadata)]
    if status.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=status.field, description=status.text)
        packed.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if status.retry_after_s:
        nanos = round(status.retry_after_s * 1e9)
        delay = duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
        packed.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if status.reason in _HELP:
        packed.append(error_details_pb2.Help(links=[_HELP[status.reason]]))
    message = status_pb2.Status(code=status.code.value[0], message=status.text)
    for detail in packed:
        wrapped = any_pb2.Any()
        wrapped.Pack(detail)
        message.details.append(wrapped)
    packed_status: bytes = message.SerializeToString()
    return packed_status


#: error of a domain package or a store -> reason. A test fails when a domain error is missing.
DOMAIN_ERRORS: dict[type[BaseException], str] = {
    StoreUnusable: "STORE_UNAVAILABLE",
    DefinitionsBehind: "DEFINITIONS_BEHIND",
    StoreDown: "STORE_DOWN",
    AuthorityStopped: "CONSENT_NOT_READY",
    FeedStopped: "CONSENT_NOT_READY",
    consent.UnknownPurpose: "UNKNOWN_PURPOSE",
    consent.SubjectUnknown: "NOT_PERMITTED",
    consent.ErasureUnknown: "ERASURE_UNKNOWN",
    consent.TermOver: "CONSENT_NOT_READY",
    consent.BatchMalformed: "INTERNAL",  # found by a replica, which asks for the whole state again
    consent.HeadMalformed: "INTERNAL",  # read from files only
    consent.LeafMalformed: "INTERNAL",  # what the suite itself wrote; a client can do nothing about it
    consent.PolicyError: "INTERNAL",  # found at start-up; a client can do nothing about it
    consent.PageTokenInvalid: "PAGE_TOKEN_INVALID",
    engagement.ApprovedByItsAuthor: "APPROVED_BY_ITS_AUTHOR",
    engagement.DefinitionRefused: "DEFINITION_REFUSED",
    engagement.DefinitionUnknown: "DEFINITION_UNKNOWN",
    engagement.PageTokenInvalid: "PAGE_TOKEN_INVALID",
    engagement.RequestIdReused: "REQUEST_ID_REUSED",
    engagement.TooManyAnswers: "TOO_MANY_ANSWERS",
    engagement.TooManyDefinitions: "TOO_MANY_DEFINITIONS",
    engagement.TooManyQuestions: "PRIVACY_BUDGET_EXHAUSTED",
    engagement.VersionOutdated: "VERSION_OUTDATED",
    identity.MalformedSubject: "SUBJECT_REF_MALFORMED",
    identity.NotADigest: "RAW_IDENTIFIER_REFUSED",
    identity.UnknownKind: "FIELD_ENUM",
    identity.LinkNotFound: "LINK_NOT_FOUND",
    identity.RequestIdReused: "REQUEST_ID_REUSED",
    identity.CursorInvalid: "CURSOR_INVALID",
    identity.CursorTooOld: "CURSOR_TOO_OLD",
    identity.PseudonymRetired: "PSEUDONYM_KEY_RETIRED",
    identity.KeyInUse: "KEY_IN_USE",
    identity.KeyUnknown: "KEY_UNKNOWN",
    identity.KeyDestroyed: "KEY_UNKNOWN",
    identity.VersionsUsedUp: "KEY_VERSIONS_USED_UP",
    identity.TokenAltered: "INTERNAL",  # what the suite itself wrote
    identity.KeyRingError: "INTERNAL",  # likewise
    identity.RulesError: "RULES_MALFORMED",
    recommender.UnknownItem: "ITEM_UNKNOWN",
    recommender.RequestIdReused: "REQUEST_ID_REUSED",
    recommender.PageTokenInvalid: "PAGE_TOKEN_INVALID",
    recommender.PageTokenExpired: "PAGE_TOKEN_EXPIRED",
    recommender.NothingToLearn: "NOTHING_TO_LEARN",
    recommender.TrainingBusy: "TRAINING_BUSY",
    recommender.TrainingFailed: "TRAINING_FAILED",
    recommender.JobBusy: "JOB_BUSY",
    recommender.EvaluationFailed: "EVALUATION_FAILED",
    recommender.TooFewToAsk: "TOO_FEW_TO_ASK",
    recommender.StillPermitted: "STILL_PERMITTED",
    recommender.SumOverflow: "INTERNAL",  # raised in the training program, whose end is TRAINING_FAILED
    recommender.SnapshotUnusable: "INTERNAL",  # found at start-up, named in the log
}
