"""Turns what callers send into what handlers may see.

Subject ids are opened to birth subjects and identifier digests become tokens; both are
cleared from the message. Who calls by a person's own token can name nobody else. It stands before
consent, because consent is asked about a subject, never about a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from identity.errors import MalformedSubject, PseudonymRetired
from identity.ids import IdentifierToken, SubjectId
from identity.pairwise import Pairwise
from services.errors import Denied, InvalidRequest, Refusal, Unauthenticated
from services.interceptors.call import Call, Caller
from services.interceptors.layer import Layer
from services.interceptors.plan import SubjectPath
from veilgraph.identity.v1.identity_pb2 import IDENTIFIER_KIND_ACCOUNT_ID

#: Gives the pairwise ids of one caller.
PairwiseOf = Callable[[Caller], Pairwise]
#: Tokenises a digest: (tenant, kind, digest). Only the identity process has one.
Tokenise = Callable[[str, int, bytes], IdentifierToken]


def pseudonymisation(pairwise_of: PairwiseOf, tokenise: Tokenise | None) -> Layer:
    """Opens subjects and tokenises identifiers.

    Args:
        pairwise_of: the pairwise ids of a caller.
        tokenise: ``None`` where no identifier may be taken; a method that takes one is then refused.
    """

    def incoming(call: Call, message: Any) -> None:
        plan = call.plan
        assert call.caller is not None  # noqa: S101 - authentication stands before
        pairwise = pairwise_of(call.caller)
        call.before_until_ms = pairwise.before_until_ms

        def open_subject(text: str) -> SubjectId:
            return pairwise.open(text, call.now_ms)

        for path in plan.subjects:
            if path.in_items:
                _open_items(call, path, open_subject)
            else:
                call.subjects[path.path] = [_open(message, path, open_subject, path.path)]
        if call.own:
            _only_own(call, open_subject)
        if call.login is not None and tokenise is not None:
            call.tokens.append(tokenise(call.tenant, IDENTIFIER_KIND_ACCOUNT_ID, call.login.identifier))
        if plan.identifiers is not None:
            if tokenise is None:
                raise InvalidRequest("RAW_IDENTIFIER_REFUSED", field=plan.identifiers.field)
            _tokenise(call, message, tokenise)

    return Layer("pseudonymisation", incoming=incoming)


def _only_own(call: Call, open_subject: Callable[[str], SubjectId]) -> None:
    """Refuses the whole call when a token that speaks for one person names anybody else in it."""
    try:
        own = open_subject(call.own)
    except (MalformedSubject, PseudonymRetired):
        raise Unauthenticated from None  # the app's key was changed since; a new login gives a new token
    for path, column in call.subjects.items():
        if any(subject is not None and subject != own for subject in column):
            raise Denied("SUBJECT_NOT_OF_TOKEN", field=path)


def _open(
    message: Any, path: SubjectPath, open_subject: Callable[[str], SubjectId], at: str
) -> SubjectId | None:
    """The birth subject at a path; ``None`` for a guest."""
    if path.oneof:
        choice = message.WhichOneof(path.oneof)
        if choice is None:
            raise InvalidRequest("SUBJECT_REF_MISSING", field=at)
        if choice != path.field:
            return None
    text = getattr(message, path.field)
    message.ClearField(path.field)
    if not text:
        raise InvalidRequest("SUBJECT_REF_MISSING", field=at)
    try:
        return open_subject(text)
    except MalformedSubject:
        raise InvalidRequest("SUBJECT_REF_MALFORMED", field=at) from None
    except PseudonymRetired:
        raise Refusal("PSEUDONYM_KEY_RETIRED", field=at) from None


def _open_items(call: Call, path: SubjectPath, open_subject: Callable[[str], SubjectId]) -> None:
    opened: list[SubjectId | None] = []
    kept: list[int] = []
    known: dict[str, SubjectId | None] = {}  # a batch often speaks of one subject many times
    field = path.field
    for position, index in enumerate(call.accepted):
        item = call.items[index]
        text = getattr(item, field)
        subject = known.get(text) if text else None
        try:
            if subject is None:
                subject = known[text] = _open(item, path, open_subject, "")
            else:
                item.ClearField(field)
        except Refusal as refusal:
            call.refuse_item(index, refusal.reason, f"{call.plan.items}[{index}].{field}")
        else:
            opened.append(subject)
            kept.append(position)
    if len(kept) < len(call.accepted):
        call.keep(kept)
    call.subjects[path.path] = opened


def _tokenise(call: Call, message: Any, tokenise: Tokenise) -> None:
    where = call.plan.identifiers
    assert where is not None  # noqa: S101 - asked for only where the plan has identifiers
    holders = [message]
    if where.in_items:
        holders = [call.items[index] for index in call.accepted]
    tenant = call.tenant
    for holder in holders:
        call.tokens.append(tokenise(tenant, holder.kind, getattr(holder, where.field)))
        holder.ClearField(where.field)
