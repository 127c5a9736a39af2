"""A suite that answers the page with as much, as long and as hostile texts as the contract lets through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from consent.policy import Policy
from veilgraph.client import VeilgraphError
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

HOSTILE = '</bdi><script>alert("x")</script><img src=x onerror=alert(1)>\'"&lt;{{1337*7919}}\u202e\x07 '
VALUES, ORIGINS, RECIPIENTS, DECLARED, ITEMS, GROUNDS = 300, 400, 500, 400, 10, 18
GONE = "item-gone"
AT = {"seconds": 1_699_990_000}


def long(count: int) -> str:
    """A hostile text of so many characters."""
    return (HOSTILE * (count // len(HOSTILE) + 1))[:count]


TEXT = long(300)


class FakeSuite:
    """Answers; ``fails_with`` makes the next call of a method raise instead."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.own = dict.fromkeys(policy.leaves, consent_pb2.STATE_UNKNOWN)
        self.fails_with: dict[str, VeilgraphError] = {}
        self.receipt_ready = True
        self.likes = {"kind": profile_pb2.TOPIC_KIND_CATEGORY, "name": long(128)}
        answers = {
            "identity.Resolve": lambda _: {"results": [{"subject": "vs_of_somebody"}]},
            "consent.GetState": lambda _: {"purposes": [self._state(leaf) for leaf in policy.leaves]},
            "consent.Record": self._record,
            "rights.Access": self._access,
            "rights.Recipients": lambda _: {"recipients": [self._recipient(n) for n in range(RECIPIENTS)]},
            "rights.Object": lambda _: {},
            "rights.Lift": lambda _: {},
            "rights.Restrict": lambda _: {},
            "rights.Erase": lambda _: {"erasure_id": "e-1", "identities": 1} | self._receipt(),
            "rights.GetReceipt": lambda _: {"erasure_id": "e-1"} | self._receipt(),
            "profile.Portrait": self._portrait,
            "recommender.Recommend": self._recommend,
            "recommender.GetItem": self._item,
        }
        self.client = FakeVeilgraph({name: self._answering(name, one) for name, one in answers.items()})

    def calls(self, method: str) -> list[Any]:
        return [call.request for call in self.client.calls if call.method == method]

    def _answering(self, name: str, answer: Any) -> Any:
        kinds: dict[str, Any] = {
            "identity": identity_pb2,
            "consent": consent_pb2,
            "rights": rights_pb2,
            "profile": profile_pb2,
            "recommender": recommender_pb2,
        }
        package, method = name.split(".")
        kind = recommender_pb2.Item if method == "GetItem" else getattr(kinds[package], f"{method}Response")

        def call(request: Any) -> Any:
            error = self.fails_with.pop(name, None)
            if error is not None:
                raise error
            answered = answer(request)
            return (kind(**one) for one in answered) if method == "Access" else kind(**answered)

        return call

    def _item(self, request: recommender_pb2.GetItemRequest) -> dict[str, Any]:
        if request.item_id == GONE:
            raise VeilgraphError("NOT_FOUND")
        return {"item_id": request.item_id, "title": f"Title of {request.item_id} {long(500)}"}

    def _state(self, leaf: str) -> dict[str, Any]:
        own = self.own[leaf]
        basis = {"service": "contract", "rights": "legal_obligation", "operate": "none"}.get(leaf, "consent")
        allowed = own == consent_pb2.STATE_GRANTED or basis != "consent"
        return {"purpose": leaf, "own": own, "allowed": allowed, "legal_basis": basis}

    def _record(self, request: consent_pb2.RecordRequest) -> dict[str, Any]:
        states = {
            consent_pb2.ACTION_GRANT: consent_pb2.STATE_GRANTED,
            consent_pb2.ACTION_REFUSE: consent_pb2.STATE_REFUSED,
            consent_pb2.ACTION_WITHDRAW: consent_pb2.STATE_WITHDRAWN,
        }
        for statement in request.statements:
            self.own |= dict.fromkeys(statement.purposes, states[statement.action])
        return {"recorded": 1}

    def _access(self, _request: rights_pb2.AccessRequest) -> Iterator[dict[str, Any]]:
        yield {"identities": [{"subject": "vs_of_somebody"}], "ask_for": ["PHONE", "LOYALTY_CARD"]}
        for half in range(2):
            yield {"values": [self._value(n) for n in range(half, VALUES, 2)]}
        yield {"where_from": [self._provenance(n) for n in range(ORIGINS)]}

    def _value(self, number: int) -> dict[str, Any]:
        content = {f"field {one} {HOSTILE}": TEXT for one in range(30)}
        return {
            "store": "engagement",
            "kind": "event",
            "value_json": json.dumps({"item_id": long(64), "ts_ms": 1 << 60, **content}),
            "source": long(64),
            "party": "FIRST",
            "observed_at": {"seconds": AT["seconds"] - number},
            "purposes": ["service"],
        }

    def _provenance(self, number: int) -> dict[str, Any]:
        named = {"source": f"{number} {long(60)}", "party": "FIRST", "store": "engagement", "kind": "event"}
        return named | {"count": 1000, "first": AT, "last": AT}

    def _recipient(self, number: int) -> dict[str, Any]:
        return {"name": f"system-{number}-{long(40)}", "purpose": "service", "answered": 10**6, "last": AT}

    def _receipt(self) -> dict[str, Any]:
        return {"receipt": {"body": b"{}", "signature": b"s"}} if self.receipt_ready else {}

    def _portrait(self, _request: profile_pb2.PortraitRequest) -> dict[str, Any]:
        liked = {**self.likes, "stance": profile_pb2.STANCE_LIKE}
        answer = {"preference": liked, "declared_at": AT, "source": {"origin": long(64)}}
        origins = [{"origin": f"{n}-{long(50)}", "events": 5} for n in range(40)]
        return {"total_events": 5000, "origins": origins, "declared": [answer] * DECLARED}

    def _recommend(self, _request: recommender_pb2.RecommendRequest) -> dict[str, Any]:
        ground = {
            "kind": recommender_pb2.GROUND_KIND_EVENT,
            "gave": 0.5,
            "title": long(500),
            "event_kind": profile_pb2.EVENT_KIND_ORDER,
            "day": AT,
            "origin": long(64),
            "purpose": "personalise.recommend",
            "legal_basis": "consent",
        }
        said = {"kind": recommender_pb2.GROUND_KIND_ANSWER, "gave": 9.0}
        said |= {"answer": {**self.likes, "stance": profile_pb2.STANCE_LIKE}}
        item = {
            "item_id": "i",
            "title": long(500),
            "category": long(128),
            "grounds": [said, *[ground] * GROUNDS],
        }
        return {"items": [item] * ITEMS, "depth": recommender_pb2.DEPTH_INDIVIDUAL}
