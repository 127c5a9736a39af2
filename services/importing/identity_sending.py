"""Identities as a caller sends them: identifiers resolved, then what joins them linked.

Several requests are in flight, the next rows' identifiers while the links of these are awaited,
and answers are taken in order, so "done" always means "and everything before it". The id of a
request is made of its rows and its content: sent again after a kill, it is the same request.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from services.importing.identity_mapping import IdentityMapping
from services.importing.identity_rows import Portion, RowError, Seen
from services.importing.sending import CALL_TIMEOUT_S, Response, in_order
from veilgraph.client import Veilgraph
from veilgraph.identity.v1 import identity_pb2

#: What one call takes, by the contract.
IDENTIFIERS_MAX, LINKS_MAX = 5000, 5000
RESOLVES_IN_FLIGHT, LINKS_IN_FLIGHT = 3, 4


@dataclass(slots=True)
class Outcome:
    """What became of a portion.

    Attributes:
        portion: the portion.
        subjects: the caller's subject id of each identifier; empty for those refused.
        counts: of identifiers and links, by what became of them.
        errors: what was not taken.
        linked: links answered so far.
    """

    portion: Portion
    subjects: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    linked: int = 0


@dataclass(frozen=True, slots=True)
class _Links:
    """Some links of a portion that go in one request; the last ones end it."""

    outcome: Outcome
    seen: list[Seen]
    last: bool


def sent(
    portions: Iterable[Portion], client: Veilgraph, mapping: IdentityMapping, import_id: str
) -> Iterator[Outcome]:
    """Sends portions; yields each, in their order, once all of it is answered.

    Raises:
        VeilgraphError: a request was not answered; what was sent after it is given up.
    """
    resolved = _resolved(portions, client)
    for answer, links in in_order(_linking(resolved, client, mapping, import_id), LINKS_IN_FLIGHT):
        _take_links(answer, links)
        if links.last:
            links.outcome.errors.sort()
            yield links.outcome


def _resolved(portions: Iterable[Portion], client: Veilgraph) -> Iterator[Outcome]:
    """Portions whose identifiers have their subjects."""

    def asking() -> Iterator[tuple[Future[identity_pb2.ResolveResponse], tuple[Outcome, bool]]]:
        for portion in portions:
            outcome = Outcome(portion, errors=list(portion.errors))
            wanted = portion.identifiers
            if not wanted:
                yield _answered(identity_pb2.ResolveResponse()), (outcome, True)
            for start in range(0, len(wanted), IDENTIFIERS_MAX):
                request = identity_pb2.ResolveRequest(identifiers=wanted[start : start + IDENTIFIERS_MAX])
                last = start + IDENTIFIERS_MAX >= len(wanted)
                yield client.identity.Resolve.future(request, timeout_s=CALL_TIMEOUT_S), (outcome, last)

    for answer, (outcome, last) in in_order(asking(), RESOLVES_IN_FLIGHT):
        for result in answer.results:
            if not result.subject:
                row, name = outcome.portion.holders[len(outcome.subjects)]
                outcome.errors.append(RowError(row, name, result.error.reason))
            outcome.counts["identifiers" if result.subject else "identifiers refused"] += 1
            outcome.counts["new identifiers"] += result.created
            outcome.subjects.append(result.subject)
        if last:
            yield outcome


def _linking(
    outcomes: Iterable[Outcome], client: Veilgraph, mapping: IdentityMapping, import_id: str
) -> Iterator[tuple[Future[identity_pb2.LinkResponse], _Links]]:
    for outcome in outcomes:
        ids = outcome.subjects
        seen = [one for one in outcome.portion.seen if ids[one.one] and ids[one.other]]
        if not seen:
            yield _answered(identity_pb2.LinkResponse()), _Links(outcome, [], last=True)
        for start in range(0, len(seen), LINKS_MAX):
            some = seen[start : start + LINKS_MAX]
            request = _request(some, ids, mapping, import_id)
            last = start + LINKS_MAX >= len(seen)
            yield client.identity.Link.future(request, timeout_s=CALL_TIMEOUT_S), _Links(outcome, some, last)


def _take_links(answer: identity_pb2.LinkResponse, links: _Links) -> None:
    outcome = links.outcome
    for one, result in zip(links.seen, answer.results, strict=True):
        outcome.counts["links" if result.linked else "links refused"] += 1
        if not result.linked:
            outcome.errors.append(RowError(one.row, one.name, result.error.reason))
    outcome.linked += len(links.seen)


def _request(
    seen: list[Seen], ids: list[str], mapping: IdentityMapping, import_id: str
) -> identity_pb2.LinkRequest:
    request = identity_pb2.LinkRequest()
    add = request.links.add
    for one in seen:
        link = add(  # made in place: half the cost of a message that is copied into the list
            subject=ids[one.one],
            other=ids[one.other],
            evidence=mapping.links[one.name].evidence,
            source=one.source,
            confidence_permille=one.confidence_permille,
        )
        link.observed_at.seconds, milliseconds = divmod(one.observed_at_ms, 1000)
        link.observed_at.nanos = milliseconds * 1_000_000
        if one.valid_until_ms is not None:
            link.valid_until.seconds, milliseconds = divmod(one.valid_until_ms, 1000)
            link.valid_until.nanos = milliseconds * 1_000_000
    content = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:12]
    request.request_id = f"{import_id}-{seen[0].row}-{seen[-1].row}-{content}"
    return request


def _answered(response: Response) -> Future[Response]:
    """In the place of a request that there is no reason to send."""
    future: Future[Response] = Future()
    future.set_result(response)
    return future
