"""RecommenderService: the catalogue, recommendations shaped by consent, training.

A handler puts into the question only what the call may use; the same recipe then answers
personally, from this call alone, or for everybody, and says which. Searches run off the
event loop; nothing that grows with the catalogue runs on it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Coroutine
from operator import attrgetter
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from recommender.catalogue import Catalogue, Item
from recommender.history import EMPTY
from recommender.interest import SESSION
from recommender.model import STEPS, Model
from recommender.projection import RecommenderProjection
from recommender.recipes import Answer, Question, Recipe, Recommended
from recommender.store import Changed, RecommenderStore, WriteRequest
from services.interceptors.call import Call
from services.recommender.serving import LiveIndex
from services.recommender.trainer import Trainer
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

PAGE_SIZE_DEFAULT = 10
#: Why an answer is not personal when nobody was named.
GUEST = "GUEST"
_SERVING = "serving"
_DAY_S = 86_400
_ROUNDED_TO = 10


class RecommenderServicer(recommender_pb2_grpc.RecommenderServiceServicer):
    """``veilgraph.recommender.v1.RecommenderService``."""

    def __init__(
        self,
        *,
        store: RecommenderStore,
        catalogue: Catalogue,
        projection: RecommenderProjection,
        live: LiveIndex,
        trainer: Trainer,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._projection = projection
        self._live = live
        self._trainer = trainer
        self._writing: set[asyncio.Task[Changed]] = set()

    async def Recommend(
        self, request: recommender_pb2.RecommendRequest, call: Call
    ) -> recommender_pb2.RecommendResponse:
        """A list for a person or a guest."""
        return await self._recommend(request, call, "subject", 0)

    async def RecommendBatch(
        self, request: recommender_pb2.RecommendBatchRequest, call: Call
    ) -> recommender_pb2.RecommendBatchResponse:
        """Many lists, in the order of the questions; a refused question is answered as such."""
        answers = await asyncio.gather(
            *(
                self._recommend(asked, call, "requests.subject", position)
                for position, asked in enumerate(request.requests)
            )
        )
        responses: dict[int, recommender_pb2.RecommendResponse] = dict(
            zip(call.accepted, answers, strict=True)
        )
        for refusal in call.refused:
            responses[refusal.index] = recommender_pb2.RecommendResponse(error=refusal.message())
        return recommender_pb2.RecommendBatchResponse(
            responses=[responses[index] for index in sorted(responses)]
        )

    async def UpsertItems(
        self, request: recommender_pb2.UpsertItemsRequest, call: Call
    ) -> recommender_pb2.UpsertItemsResponse:
        """Adds or replaces items; they are served soon after."""
        items = [Item(item.item_id, item.title, item.category, item.brand) for item in request.items]
        changed = await self._changed(self._store.upsert(write_request(request, call), items))
        return recommender_pb2.UpsertItemsResponse(
            upserted=changed.count,
            refused=[refusal.message() for refusal in sorted(call.refused, key=attrgetter("index"))],
        )

    async def GetItem(self, request: recommender_pb2.GetItemRequest, _call: Call) -> recommender_pb2.Item:
        """One item."""
        item = await self._store.item(request.item_id)
        return recommender_pb2.Item(
            item_id=item.item_id, title=item.title, category=item.category, brand=item.brand
        )

    async def DeleteItems(
        self, request: recommender_pb2.DeleteItemsRequest, call: Call
    ) -> recommender_pb2.DeleteItemsResponse:
        """Takes items out; no answer names them from now on."""
        changed = await self._changed(self._store.delete(write_request(request, call), request.item_ids))
        return recommender_pb2.DeleteItemsResponse(deleted=changed.count)

    async def Train(
        self, request: recommender_pb2.TrainRequest, call: Call
    ) -> AsyncIterator[recommender_pb2.TrainResponse]:
        """Trains; the last message comes when the new model serves."""
        steps = len(STEPS) + 1
        async for progress in self._trainer.train(request_key(request.request_id, call), call.now_ms):
            yield recommender_pb2.TrainResponse(step=progress.step, done=progress.done, steps=steps)
        yield recommender_pb2.TrainResponse(step=_SERVING, done=steps, steps=steps, model=self._model())

    async def GetModel(self, _request: recommender_pb2.GetModelRequest, _call: Call) -> recommender_pb2.Model:
        """The model in service."""
        return self._model()

    async def _changed(self, write: Coroutine[Any, Any, Changed]) -> Changed:
        """Writes, and has the catalogue follow even when the caller is gone meanwhile."""
        task = asyncio.create_task(self._follow(write))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.shield(task)

    async def _follow(self, write: Awaitable[Changed]) -> Changed:
        changed = await write
        self._catalogue.put(changed.items)
        self._live.items_changed([item.number for item in changed.items])
        return changed

    def _model(self) -> recommender_pb2.Model:
        index = self._live.index
        return model_message(index.model, len(index), self._projection.events_seen)

    async def _recommend(
        self, request: recommender_pb2.RecommendRequest, call: Call, path: str, position: int
    ) -> recommender_pb2.RecommendResponse:
        subject = call.subjects[path][position]
        history, not_personal = EMPTY, call.depth_reasons[position] or GUEST
        if subject is not None:
            not_personal = ""
            members = call.members(subject)
            history = await self._projection.permitted(members, call.purpose, call.now_ms)
        question = Question(
            recipe=Recipe(request.recipe),
            count=request.page_size or PAGE_SIZE_DEFAULT,
            history=history,
            not_personal=not_personal,
            session_items=tuple(self._catalogue.numbers(request.session_item_ids)),
            categories=tuple(request.categories),
            include_known=request.include_known,
            explain=request.explain,
        )
        index = self._live.index
        answer = await self._live.answer(question)
        return self._response(answer, index.model.version)

    def _response(self, answer: Answer, version: str) -> recommender_pb2.RecommendResponse:
        """The answer with texts, less what was deleted while it was searched."""
        response = recommender_pb2.RecommendResponse(
            depth=recommender_pb2.Depth.Name(answer.depth),
            depth_reason=answer.depth_reason,
            model_version=version,
        )
        for recommended in answer.items:
            if self._catalogue.is_listed(recommended.item):
                self._add(response.items, recommended)
        return response

    def _add(self, items: Any, recommended: Recommended) -> None:
        """Adds an item; messages are made in place, which costs half of making and copying them."""
        item_id, title, category = self._catalogue.shown(recommended.item)
        item = items.add(
            item_id=item_id,
            title=title,
            category=category,
            score=recommended.score,
            trend_share=recommended.trend_share,
        )
        add = item.reasons.add
        for number, kind, day, provenance, share in recommended.reasons:
            item_id, title, _ = self._catalogue.shown(number)
            if provenance == SESSION:
                add(item_id=item_id, title=title, origin="session", share=share)
                continue
            party, origin = self._projection.provenance(provenance)
            reason = add(item_id=item_id, title=title, kind=kind, party=party, origin=origin, share=share)
            reason.day.seconds = day * _DAY_S


def model_message(model: Model, items: int, events_seen: int) -> recommender_pb2.Model:
    """A model as it is shown; people and events are rounded down, so that one more or less hides.

    Args:
        model: the model in service.
        items: how many items are served.
        events_seen: events taken in so far.
    """
    if not model.version:
        return recommender_pb2.Model(items=items, events_seen=events_seen)
    return recommender_pb2.Model(
        version=model.version,
        reference_day=Timestamp(seconds=model.reference_day * _DAY_S),
        head_items=model.head,
        items=items,
        people=model.people // _ROUNDED_TO * _ROUNDED_TO,
        events=model.events // _ROUNDED_TO * _ROUNDED_TO,
        events_seen=events_seen,
    )


def request_key(request_id: str, call: Call) -> str:
    """What makes a request this request: its caller and its id."""
    assert call.caller is not None  # noqa: S101 - authentication ran before
    return f"{call.tenant}\n{call.caller.id}\n{request_id}"


def write_request(
    request: recommender_pb2.UpsertItemsRequest | recommender_pb2.DeleteItemsRequest, call: Call
) -> WriteRequest:
    """What makes a catalogue write repeatable: the method, its caller, its id and its content."""
    content = request.SerializeToString(deterministic=True)
    digest = hashlib.sha256(type(request).__name__.encode() + content).digest()
    return WriteRequest(request_key(request.request_id, call), digest, call.now_ms)
