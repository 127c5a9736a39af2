"""A small shop for the importer's tests: made-up files, and a suite that remembers what it is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from services.importing.mapping import Mapping as PurchaseMapping
from services.importing.mapping_file import parse_mapping
from services.importing.sending import Clockwork
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

MAPPING: dict[str, Any] = {
    "dataset": "corner-shop",
    "purchases": {
        "files": ["lines*.csv"],
        "person": "who",
        "item": "code",
        "order": "basket",
        "time": "at",
        "quantity": "pieces",
        "title": "name",
        "upper_case_items": True,
        "amount": {"column": "price", "per": "piece", "currency": "EUR"},
    },
    "bad_rows": {"nobody": ["0"], "item_pattern": "[0-9]{3}[A-Z]*", "price_not_positive": True},
}

#: One good row, then one row for each reason, in the order the reasons are looked at.
LINES = """\
who,basket,code,name,pieces,price,at
7,A1,101,Blue cup,2,1.50,2024-03-01 10:00:00
,A2,101,Blue cup,1,1.50,2024-03-01 10:01:00
0,A3,102,Red cup,1,1.50,2024-03-01 10:02:00
8,A4,,Red cup,1,1.50,2024-03-01 10:03:00
8,A4,POST,Postage,1,1.50,2024-03-01 10:03:00
8,A4,103{long},Cup,1,1.50,2024-03-01 10:03:00
8,{long},103,Green cup,1,1.50,2024-03-01 10:03:00
8,A4,103,Green cup,1,1.50,last Tuesday
8,A4,103,Green cup,many,1.50,2024-03-01 10:03:00
8,A4,104,Grey cup,0,1.50,2024-03-01 10:03:00
8,A4,103,Green cup,1000001,1.50,2024-03-01 10:03:00
8,A4,103,Green cup,1,free,2024-03-01 10:03:00
8,A4,105,?,1,0,2024-03-01 10:03:00
8,A4,103
10,B1,101b,Blue bowl,-1,2.25,2024-03-02T09:30:00+01:00
10,B1, 102 ,Red  cup ,3,1.333,2024-03-02T09:30:00.250
7,A5,102,RED CUP,1,1.50,2024-03-03
7,A5,102,RED CUP,1,1.50,2024-03-03
""".replace("{long}", "X" * 65)


def mapping_of(folder: Path, **changes: Any) -> PurchaseMapping:
    """The shop's mapping with some of its tables changed."""
    return parse_mapping({**MAPPING, **changes}, folder)


class KilledError(BaseException):
    """The process ends here."""


class Kill:
    """Ends the process at the n-th call of ``reached``; 0 for never."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.count = 0

    def reached(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise KilledError


def clockwork(kill: Kill | None = None, tick_s: float = 0.4) -> Clockwork:
    """A clock that goes on by a tick whenever it is read, so that a checkpoint is saved now and then."""
    now = 0.0

    def monotonic() -> float:
        nonlocal now
        if kill:
            kill.reached()
        now += tick_s
        return now

    return Clockwork(monotonic, lambda _seconds: None)


class Shop:
    """What a suite has durably taken; it recognises what it was sent before."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.ids: dict[bytes, str] = {}
        self.requests: dict[str, bytes] = {}
        self.statements: Counter[bytes] = Counter()
        self.events: dict[str, bytes] = {}
        self.links: Counter[bytes] = Counter()
        self.trained: list[int] = []

    def client(self, before: Kill | None = None, after: Kill | None = None, **handlers: Any) -> FakeVeilgraph:
        """A connection to it.

        Args:
            before: counts calls before they have an effect.
            after: counts calls that had their effect and were not answered.
            handlers: methods to answer otherwise, e.g. ``TrackBatch=…``.
        """
        before, after = before or Kill(), after or Kill()

        def killed(handler: Any) -> Any:
            def call(request: Message) -> Any:
                before.reached()
                answer = handler(request)
                after.reached()
                return answer

            return call

        methods: Mapping[str, Any] = {
            "recommender.UpsertItems": self.upsert,
            "identity.Resolve": self.resolve,
            "consent.Record": self.record,
            "profile.TrackBatch": self.track,
            "identity.Link": self.link,
            "recommender.Train": self.train,
            "recommender.GetModel": self.model,
        }
        chosen = {name: handlers.get(name.partition(".")[2], handler) for name, handler in methods.items()}
        return FakeVeilgraph({name: killed(handler) for name, handler in chosen.items()})

    @property
    def state(self) -> tuple[Any, ...]:
        return self.items, self.ids, self.statements, self.events, self.links, self.trained[-1:]

    def upsert(self, request: recommender_pb2.UpsertItemsRequest) -> recommender_pb2.UpsertItemsResponse:
        self._same(request.request_id, request)
        self.items |= {item.item_id: item.SerializeToString() for item in request.items}
        return recommender_pb2.UpsertItemsResponse(upserted=len(request.items))

    def resolve(self, request: identity_pb2.ResolveRequest) -> identity_pb2.ResolveResponse:
        results = []
        for one in request.identifiers:
            subject = self.ids.setdefault(one.sha256, f"id-{one.kind}-{one.sha256.hex()[:12]}")
            results.append(identity_pb2.ResolveResult(subject=subject))
        return identity_pb2.ResolveResponse(results=results)

    def record(self, request: consent_pb2.RecordRequest) -> consent_pb2.RecordResponse:
        if not self._same(request.request_id, request):
            self.statements.update(said.SerializeToString() for said in request.statements)
        return consent_pb2.RecordResponse(recorded=len(request.statements))

    def track(self, request: profile_pb2.TrackBatchRequest) -> profile_pb2.TrackBatchResponse:
        new = {event.event_id: event.SerializeToString() for event in request.events}
        repeated = new.keys() & self.events.keys()
        assert all(self.events[one] == new[one] for one in repeated), "an event id was used for another event"
        self.events |= new
        return profile_pb2.TrackBatchResponse(recorded=len(new) - len(repeated), duplicates=len(repeated))

    def link(self, request: identity_pb2.LinkRequest) -> identity_pb2.LinkResponse:
        if not self._same(request.request_id, request):
            self.links.update(link.SerializeToString() for link in request.links)
        return identity_pb2.LinkResponse(
            results=[identity_pb2.LinkResult(linked=True) for _ in request.links]
        )

    def train(self, _request: recommender_pb2.TrainRequest) -> Iterator[recommender_pb2.TrainResponse]:
        self.trained.append(len(self.events))
        yield recommender_pb2.TrainResponse(step="gram", done=1, steps=2)
        model = recommender_pb2.Model(version=f"model-{len(self.events)}")
        yield recommender_pb2.TrainResponse(
            step="index", done=2, steps=2, model=model, promotion={"version": model.version}
        )

    def model(self, _request: recommender_pb2.GetModelRequest) -> recommender_pb2.Model:
        return recommender_pb2.Model(events_seen=len(self.events))

    def _same(self, request_id: str, request: Message) -> bool:
        content = request.SerializeToString(deterministic=True)
        known = request_id in self.requests
        assert self.requests.setdefault(request_id, content) == content, "a request id was used again"
        return known


def refusing_resolve(kind: int, reason: str, shop: Shop) -> Any:
    """A Resolve that refuses one kind of identifier."""

    def resolve(request: identity_pb2.ResolveRequest) -> identity_pb2.ResolveResponse:
        answer = shop.resolve(request)
        for index, (one, result) in enumerate(zip(request.identifiers, answer.results, strict=True)):
            if one.kind == kind:
                result.Clear()
                result.error.CopyFrom(privacy_pb2.ItemError(index=index, reason=reason, code=3))
        return answer

    return resolve
