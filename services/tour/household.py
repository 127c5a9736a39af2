"""One household of an imported data set, as a caller can know it: three ids and what they show.

Nothing here reads a file: who the household is follows from the data set's name and an
ordinal, everything else is asked of the suite. What a tour changes can be put back exactly,
also when an earlier tour was interrupted half-way.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from services.importing.dealing import Answer, Channel, Dealt, deal
from services.importing.messages import COLLECTED_VIA, EVIDENCE, NOTICE, identifiers
from veilgraph.client import Denied, InvalidRequest, NotFound, Veilgraph
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

#: The node that is withdrawn and granted again, and the purpose its effect is shown on.
WITHDRAWN = "personalise"
PERSONAL = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
SERVICE = privacy_pb2.PURPOSE_SERVICE
#: A household is worth showing if each of its channels has so many events.
EVENTS_MIN = 5
ORDINALS_MAX = 1000
CANDIDATES_MAX = 40
#: Two channels used within a day of each other are close enough to look no further.
CLOSE_S = 86_400
PAGE_MAX = 1000
ITEMS_ASKED = 50


class StatementRefused(Exception):  # noqa: N818 - named for what happened
    """The suite did not take a statement of consent."""


@dataclass(frozen=True, slots=True)
class Household:
    """A person who granted everything and was left unlinked.

    Attributes:
        dealt: what they were dealt.
        ids: this caller's subject id per ``Channel``.
        repaired: an interrupted tour had left something to put back.
    """

    dealt: Dealt
    ids: tuple[str, ...]
    repaired: bool


@dataclass(frozen=True, slots=True)
class Known:
    """All that the suite answers about a household's ids.

    Attributes:
        people: the person behind each id, for ``PERSONAL``.
        origins: per id how many events came from each origin, for ``SERVICE``.
        states: per id what was said and what is allowed, for each purpose.
    """

    people: tuple[str, ...]
    origins: tuple[dict[str, int], ...]
    states: tuple[tuple[tuple[str, int, bool], ...], ...]


def find_household(client: Veilgraph, dataset: str) -> Household | None:
    """The household most worth showing: the one whose channels were last used closest in time.

    Recent events weigh most, so only channels used at about the same time can both be reasons
    of one recommendation. What an interrupted tour left behind is put back on the way.
    """
    best: tuple[int, Household] | None = None
    for gap_s, household in islice(_candidates(client, dataset), CANDIDATES_MAX):
        if best is None or gap_s < best[0]:
            best = gap_s, household
        if gap_s <= CLOSE_S:
            break
    return best[1] if best else None


def _candidates(client: Veilgraph, dataset: str) -> Iterator[tuple[int, Household]]:
    """Households that granted and were left unlinked, with the seconds between two channels' last use."""
    for ordinal in range(1, ORDINALS_MAX + 1):
        dealt = deal(dataset, ordinal)
        if dealt.answer is not Answer.GRANT or dealt.linked:
            continue
        results = resolve(client, dealt)
        if any(result.created or not result.subject for result in results):
            return  # this data set is not the one imported, or has no more people
        ids = tuple(result.subject for result in results)
        try:
            repaired = put_back(client, ids)
            pages = [portrait(client, one, SERVICE) for one in ids]
        except Denied:
            continue  # they said something else since
        if min(page.total_events for page in pages) >= EVENTS_MIN:
            *_, second, last = sorted(page.events[0].occurred_at.seconds for page in pages)
            yield last - second, Household(dealt, ids, repaired)


def resolve(client: Veilgraph, dealt: Dealt) -> Sequence[identity_pb2.ResolveResult]:
    """The caller's id and person of each of the household's identifiers."""
    request = identity_pb2.ResolveRequest(identifiers=identifiers(dealt), for_purpose=PERSONAL)
    return client.identity.Resolve(request).results


def known_of(client: Veilgraph, household: Household) -> Known:
    """Asks everything about the household's ids."""
    return Known(
        people=tuple(result.person for result in resolve(client, household.dealt)),
        origins=tuple(origins_of(portrait(client, one, SERVICE)) for one in household.ids),
        states=tuple(
            tuple((state.purpose, state.own, state.allowed) for state in _states(client, one))
            for one in household.ids
        ),
    )


def portrait(
    client: Veilgraph, subject: str, purpose: privacy_pb2.Purpose, page_size: int = 1, page_token: str = ""
) -> profile_pb2.PortraitResponse:
    """A page of a person's events."""
    request = profile_pb2.PortraitRequest(
        subject=subject, for_purpose=purpose, page_size=page_size, page_token=page_token
    )
    return client.profile.Portrait(request)


def all_events(client: Veilgraph, subject: str) -> Iterator[profile_pb2.PortraitEvent]:
    """Every event an id shows."""
    token = ""
    while True:
        page = portrait(client, subject, SERVICE, PAGE_MAX, token)
        yield from page.events
        token = page.next_page_token
        if not token:
            return


def recommend(client: Veilgraph, subject: str) -> recommender_pb2.RecommendResponse:
    """A list for a person, with its reasons."""
    request = recommender_pb2.RecommendRequest(
        subject=subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=ITEMS_ASKED, explain=True
    )
    return client.recommender.Recommend(request)


def is_answered(client: Veilgraph, subject: str) -> bool:
    """Whether an id is one of this caller's, whatever its person permits."""
    try:
        recommend(client, subject)
    except InvalidRequest:
        return False
    return True


def is_personal(answer: recommender_pb2.RecommendResponse) -> bool:
    """The list was made for this person from their own events."""
    return answer.depth == recommender_pb2.DEPTH_INDIVIDUAL and bool(answer.items)


def told_origins(answer: recommender_pb2.RecommendResponse) -> set[str]:
    """The origins that the reasons of a list name."""
    return {reason.origin for item in answer.items for reason in item.reasons}


def origins_of(page: profile_pb2.PortraitResponse) -> dict[str, int]:
    """How many events came from each origin."""
    return {count.origin: count.events for count in page.origins}


def withdraw(client: Veilgraph, subject: str) -> None:
    """Takes back the permission for ``WITHDRAWN``, as said on the web."""
    say(client, subject, consent_pb2.ACTION_WITHDRAW, [WITHDRAWN])


def grant_again(client: Veilgraph, subject: str) -> bool:
    """Grants exactly the purposes under ``WITHDRAWN`` that were withdrawn; says whether any was."""
    withdrawn = [
        state.purpose
        for state in _states(client, subject)
        if state.purpose.startswith(f"{WITHDRAWN}.") and state.own == consent_pb2.STATE_WITHDRAWN
    ]
    if withdrawn:
        say(client, subject, consent_pb2.ACTION_GRANT, withdrawn)
    return bool(withdrawn)


def unlink(client: Veilgraph, ids: Sequence[str]) -> int:
    """Declares the household's links wrong; says how many there were."""
    removed = 0
    for one, other, _, _ in EVIDENCE:
        request = identity_pb2.UnlinkRequest(
            subject=ids[one], other=ids[other], reason="end of a tour", request_id=request_id()
        )
        try:
            removed += client.identity.Unlink(request).edges_removed
        except NotFound:
            continue  # they were not linked
    return removed


def put_back(client: Veilgraph, ids: Sequence[str]) -> bool:
    """Undoes what an interrupted tour left behind; says whether there was anything."""
    granted = [grant_again(client, one) for one in ids]
    explained = [
        client.identity.Explain(
            identity_pb2.ExplainRequest(subject=ids[one], other=ids[other], for_purpose=PERSONAL)
        ).linked
        for one, other, _, _ in EVIDENCE
    ]
    return any([*granted, any(explained) and unlink(client, ids) > 0])


def request_id() -> str:
    """A request id of its own for every write: each tour links and unlinks anew."""
    return f"tour-{uuid.uuid4().hex}"


def say(client: Veilgraph, subject: str, action: consent_pb2.Action, purposes: Sequence[str]) -> None:
    """Records what a person said on the web."""
    statement = consent_pb2.Statement(
        subject=subject,
        action=action,
        purposes=purposes,
        collected_via=COLLECTED_VIA[Channel.WEB],
        notice=NOTICE,
    )
    request = consent_pb2.RecordRequest(statements=[statement], request_id=request_id())
    answer = client.consent.Record(request)
    if answer.recorded != 1:
        raise StatementRefused(answer.refused[0].reason if answer.refused else "not recorded")


def _states(client: Veilgraph, subject: str) -> Sequence[consent_pb2.PurposeState]:
    return client.consent.GetState(consent_pb2.GetStateRequest(subject=subject)).purposes
