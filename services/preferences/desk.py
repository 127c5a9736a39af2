"""The page's calls of the suite, one method a thing a person can ask or say.

It is a backend like any other: whoever signed in is known to it by an id of its own, and a right
is exercised with a proof that is signed for that one call. Every write carries the id of the form
it came from, so that a form that is sent twice is one request.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, MessageToJson

from services.preferences.choices import Act, Switch
from services.preferences.known import Erasure, Known, Overview, Recipient, Suggestions, shortened
from services.preferences.messages import known_of, overview_of, recipients_of, suggestions_of, switch_of
from services.preferences.proofs import Attester
from services.preferences.session import Visit, new_id
from services.preferences.settings import CLAIMS
from veilgraph.client import Veilgraph, account_id, crm_id, email, loyalty_card, phone
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

NOTICE_ID: Final = "preference-centre"
ITEMS_SHOWN: Final = 10
_WEB: Final = consent_pb2.COLLECTED_VIA_WEB
_ACTIONS: Final = {
    Act.GRANT: consent_pb2.ACTION_GRANT,
    Act.REFUSE: consent_pb2.ACTION_REFUSE,
    Act.WITHDRAW: consent_pb2.ACTION_WITHDRAW,
}
_HASHED: Final[Mapping[str, Callable[[str], identity_pb2.Identifier]]] = {
    "email": email,
    "phone": phone,
    "account_id": account_id,
    "crm_id": crm_id,
    "loyalty_card": loyalty_card,
}
#: claim -> the claim that says whether the provider checked it.
_CHECKED: Final = {"email": "email_verified", "phone_number": "phone_number_verified"}
#: An answer about everything takes its time; a call about one thing does not.
_EVERYTHING_S: Final = 60.0
_ERASE_S: Final = 12.0


class NotIdentified(Exception):  # noqa: N818 - named for what happened
    """The provider does not say, or has not checked, whom the page is to look for."""


class NotSaid(Exception):  # noqa: N818 - named for what happened
    """The suite did not take what a person said; the text is its reason."""


class Desk:
    """What a signed-in person can ask and say; safe to share by threads."""

    def __init__(self, suite: Veilgraph, attester: Attester, clock_ms: Callable[[], int]) -> None:
        """Speaks through a connection that belongs to whoever made it."""
        self._suite = suite
        self._attester = attester
        self._clock_ms = clock_ms

    def subject(self, identifier: str, claims: Mapping[str, Any]) -> str:
        """The page's id of whom a provider's claims are about.

        Args:
            identifier: as which kind they are known, one of ``settings.CLAIMS``.
            claims: of an ID token.

        Raises:
            NotIdentified: see there.
        """
        claim = CLAIMS[identifier]
        value = claims.get(claim)
        checked = claim not in _CHECKED or claims.get(_CHECKED[claim]) is True
        if not isinstance(value, str) or not checked:
            raise NotIdentified
        try:
            hashed = _HASHED[identifier](value)
        except ValueError:
            raise NotIdentified from None
        request = identity_pb2.ResolveRequest(identifiers=[hashed])
        (result,) = self._suite.identity.Resolve(request).results
        if not result.subject:
            raise NotSaid(result.error.reason)
        return result.subject

    def switches(self, visit: Visit) -> list[Switch]:
        """Every purpose as it stands."""
        answer = self._suite.consent.GetState(consent_pb2.GetStateRequest(subject=visit.subject))
        return [switch_of(state) for state in answer.purposes]

    def say(self, visit: Visit, act: Act, purpose: str, form_id: str, notice: consent_pb2.Notice) -> None:
        """Says one thing about one purpose; in effect everywhere when it returns.

        Args:
            visit: who says it.
            act: what is said.
            purpose: about which leaf.
            form_id: of the form it was said with.
            notice: what the person had been shown.

        Raises:
            NotSaid: see there.
        """
        request_id = visit.request_id(f"{form_id} {act.value}")
        if act in _ACTIONS:
            statement = consent_pb2.Statement(
                subject=visit.subject,
                action=_ACTIONS[act],
                purposes=[purpose],
                collected_via=_WEB,
                notice=notice,
            )
            request = consent_pb2.RecordRequest(statements=[statement], request_id=request_id)
            answer = self._suite.consent.Record(request)
            if answer.refused:
                raise NotSaid(answer.refused[0].reason)
            return
        given = {"purposes": [purpose], "collected_via": _WEB, **self._proven(visit, request_id)}
        if act is Act.OBJECT:
            self._suite.rights.Object(rights_pb2.ObjectRequest(**given))
        else:
            self._suite.rights.Lift(rights_pb2.LiftRequest(**given))

    def stop_everything(self, visit: Visit, form_id: str) -> None:
        """Has everything stop but keeping."""
        proven = self._proven(visit, visit.request_id(form_id))
        self._suite.rights.Restrict(rights_pb2.RestrictRequest(collected_via=_WEB, **proven))

    def go_on(self, visit: Visit, form_id: str) -> None:
        """Takes back what stopped everything, and every objection; what was granted or refused stands."""
        proven = self._proven(visit, visit.request_id(form_id))
        self._suite.rights.Lift(rights_pb2.LiftRequest(collected_via=_WEB, **proven))

    def known(self, visit: Visit) -> Known:
        """Everything that is kept."""
        return known_of(self._everything(visit))

    def recipients(self, visit: Visit) -> list[Recipient]:
        """Who was told, the last first."""
        request = rights_pb2.RecipientsRequest(**self._proven(visit, visit.request_id(new_id())))
        return recipients_of(self._suite.rights.Recipients(request, timeout_s=_EVERYTHING_S))

    def download(self, visit: Visit) -> Iterator[str]:
        """Everything as one JSON document, piece by piece; the first piece is there once it is answered.

        The parts of the answer come field by field in the order of the fields, so they can be
        written as they come and nothing large is held.
        """
        parts = self._everything(visit)
        return _document(next(parts), parts)

    def overview(self, visit: Visit) -> Overview:
        """What the person's own events come to, and what they said of themselves."""
        request = profile_pb2.PortraitRequest(
            subject=visit.subject, for_purpose=privacy_pb2.PURPOSE_RIGHTS, page_size=1
        )
        return overview_of(self._suite.profile.Portrait(request))

    def suggestions(self, visit: Visit) -> Suggestions:
        """The list that the person would be shown now, with its reasons."""
        request = recommender_pb2.RecommendRequest(
            subject=visit.subject,
            recipe=recommender_pb2.RECIPE_FOR_YOU,
            page_size=ITEMS_SHOWN,
            explain=True,
        )
        return suggestions_of(self._suite.recommender.Recommend(request))

    def titles(self, item_ids: Sequence[str]) -> dict[str, str]:
        """The titles of items that are in the catalogue."""
        ask = self._suite.recommender.GetItem.future
        asked = {one: ask(recommender_pb2.GetItemRequest(item_id=one)) for one in item_ids}
        return {
            one: shortened(answer.result().title)
            for one, answer in asked.items()
            if answer.exception() is None
        }

    def erase(self, visit: Visit, form_id: str, *, suppress: bool) -> Erasure:
        """Erases the person in every store."""
        proven = self._proven(visit, visit.request_id(form_id))
        request = rights_pb2.EraseRequest(suppress=suppress, **proven)
        answer = self._suite.rights.Erase(request, timeout_s=_ERASE_S)
        return Erasure(answer.erasure_id, _receipt(answer), answer.identities, tuple(answer.ask_for))

    def receipt(self, visit: Visit) -> Erasure:
        """The erasure of a visit, with its receipt if that is there."""
        request = rights_pb2.GetReceiptRequest(erasure_id=visit.erasure_id)
        answer = self._suite.rights.GetReceipt(request)
        return Erasure(answer.erasure_id, _receipt(answer))

    def _everything(self, visit: Visit) -> Iterator[rights_pb2.AccessResponse]:
        proven = self._proven(visit, visit.request_id(new_id()))
        request = rights_pb2.AccessRequest(format=rights_pb2.FORMAT_JSON, **proven)
        return self._suite.rights.Access(request, timeout_s=_EVERYTHING_S)

    def _proven(self, visit: Visit, request_id: str) -> dict[str, Any]:
        """What every request about a person's rights carries."""
        proof = self._attester.proof(visit, self._clock_ms() // 1000)
        return {"subject": visit.subject, "proofs": [proof], "request_id": request_id}


def notice_of(version: str, language: str, text: str) -> consent_pb2.Notice:
    """What a person was shown, as a statement names it.

    Args:
        version: of the page's texts.
        language: they were shown in.
        text: all that was shown about the purpose.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return consent_pb2.Notice(id=NOTICE_ID, version=version, language=language, sha256=digest)


def _receipt(answer: rights_pb2.EraseResponse | rights_pb2.GetReceiptResponse) -> str:
    """A receipt as ``verify-erasure`` reads it; empty while there is none."""
    return MessageToJson(answer.receipt) if answer.HasField("receipt") else ""


def _document(first: rights_pb2.AccessResponse, others: Iterator[rights_pb2.AccessResponse]) -> Iterator[str]:
    """One JSON object: each field once, its elements of all parts in one list."""
    field, begun = "", False
    for part in itertools.chain((first,), others):
        for name, elements in MessageToDict(part).items():
            if not isinstance(elements, list):
                continue  # the epoch, which each part has of its own
            for element in elements:
                if name != field:
                    yield f"{'],' if begun else '{'}{json.dumps(name)}:["
                    field, begun = name, True
                else:
                    yield ","
                yield json.dumps(element, ensure_ascii=False)
    yield "]}" if begun else "{}"
