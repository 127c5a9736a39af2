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

from recommender.catalogue import Catalogue
from recommender.errors import RecommenderError
from recommender.model import STEPS, Model
from recommender.paging import LIST_MAX, PageTokens
from recommender.projection import RecommenderProjection
from recommender.store import Changed, RecommenderStore, WriteRequest
from recommender.verdict import Check
from services.errors import InvalidRequest, status_of
from services.interceptors.call import Call
from services.recommender.answering import Answering
from services.recommender.asker import Askers
from services.recommender.asking import question_of
from services.recommender.followed import Job
from services.recommender.following import Others
from services.recommender.grounds import permission_of
from services.recommender.in_service import InService
from services.recommender.items import item_message, item_of, refused
from services.recommender.serving import LiveIndex
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

_SERVING = "serving"
_DAY_S = 86_400
_ROUNDED_TO = 10
#: So many items are read, or put into the catalogue, before other calls have their turn.
_ITEMS_AT_ONCE = 100


class RecommenderServicer(recommender_pb2_grpc.RecommenderServiceServicer):
    """``veilgraph.recommender.v1.RecommenderService``."""

    def __init__(
        self,
        *,
        store: RecommenderStore,
        catalogue: Catalogue,
        projection: RecommenderProjection,
        live: LiveIndex,
        train: Job,
        service: InService,
        askers: Askers,
        page_tokens: PageTokens,
        others: Others,
    ) -> None:
        self._store = store
        self._others = others
        self._catalogue = catalogue
        self._projection = projection
        self._live = live
        self._train = train
        self._service = service
        self._askers = askers
        self._page_tokens = page_tokens
        self._answering = Answering(catalogue, projection, others)
        self._writing: set[asyncio.Task[Changed]] = set()
        self._putting = asyncio.Lock()

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
            *(self._recommend_one(asked, call, position) for position, asked in enumerate(request.requests))
        )
        responses = {
            index: answer for index, answer in zip(call.accepted, answers, strict=True) if answer is not None
        }
        for refusal in call.refused:
            responses[refusal.index] = recommender_pb2.RecommendResponse(error=refusal.message())
        return recommender_pb2.RecommendBatchResponse(
            responses=[responses[index] for index in sorted(responses)]
        )

    async def UpsertItems(
        self, request: recommender_pb2.UpsertItemsRequest, call: Call
    ) -> recommender_pb2.UpsertItemsResponse:
        """Adds or replaces items; they are served soon after, and hidden at once from whom they must be."""
        kept, items = refused(request.items, call), []
        for start in range(0, len(kept), _ITEMS_AT_ONCE):
            items += [item_of(item) for item in kept[start : start + _ITEMS_AT_ONCE]]
            await asyncio.sleep(0)  # whoever asks for a list does not wait for a thousand items
        hides = any(item.exclusive or item.age_min_years for item in items)
        changed = await self._changed(self._store.upsert(write_request(request, call), items), hides=hides)
        return recommender_pb2.UpsertItemsResponse(
            upserted=changed.count,
            refused=[refusal.message() for refusal in sorted(call.refused, key=attrgetter("index"))],
        )

    async def GetItem(self, request: recommender_pb2.GetItemRequest, _call: Call) -> recommender_pb2.Item:
        """One item."""
        return item_message(await self._store.item(request.item_id))

    async def DeleteItems(
        self, request: recommender_pb2.DeleteItemsRequest, call: Call
    ) -> recommender_pb2.DeleteItemsResponse:
        """Takes items out; no answer names them from now on."""
        deleting = self._store.delete(write_request(request, call), request.item_ids)
        changed = await self._changed(deleting, hides=True)
        return recommender_pb2.DeleteItemsResponse(deleted=changed.count)

    async def Train(
        self, request: recommender_pb2.TrainRequest, call: Call
    ) -> AsyncIterator[recommender_pb2.TrainResponse]:
        """Trains; the last message comes when the new model serves."""
        steps = len(STEPS) + 1
        async for progress in self._train(request_key(request.request_id, call), call.now_ms):
            yield recommender_pb2.TrainResponse(step=progress.step, done=progress.done, steps=steps)
        model = self.model()
        yield recommender_pb2.TrainResponse(
            step=_SERVING, done=steps, steps=steps, model=model, promotion=model.newest
        )

    async def GetModel(self, _request: recommender_pb2.GetModelRequest, _call: Call) -> recommender_pb2.Model:
        """The model in service."""
        return self.model()

    async def _changed(self, write: Coroutine[Any, Any, Changed], *, hides: bool) -> Changed:
        """Writes, and has the catalogue follow even when the caller is gone meanwhile.

        What takes something from view is over when every process that answers has followed it.
        """
        task = asyncio.create_task(self._follow(write))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        changed = await asyncio.shield(task)
        if hides:
            await self._others.follow()
        return changed

    async def _follow(self, write: Awaitable[Changed]) -> Changed:
        changed = await write
        async with self._putting:  # what was committed later is put later, item by item
            for start in range(0, len(changed.items), _ITEMS_AT_ONCE):
                self._catalogue.put_as_of(changed.items[start : start + _ITEMS_AT_ONCE], changed.news)
                await asyncio.sleep(0)
        self._live.items_changed([item.number for item in changed.items])
        return changed

    def model(self) -> recommender_pb2.Model:
        """The model in service, as it is shown."""
        index = self._live.index
        message = model_message(index.model, len(index), self._projection.events_seen)
        if self._service.judged is not None:
            message.newest.CopyFrom(promotion_message(*self._service.judged))
        return message

    async def _recommend_one(
        self, request: recommender_pb2.RecommendRequest, call: Call, position: int
    ) -> recommender_pb2.RecommendResponse | None:
        """One answer of a batch; ``None``: it is refused, and the others are not."""
        index = call.accepted[position]
        try:
            return await self._recommend(request, call, "requests.subject", position)
        except (InvalidRequest, RecommenderError) as error:
            status = status_of(error)
            call.refuse_item(index, status.reason, f"requests[{index}].{status.field}")
            return None

    async def _recommend(
        self, request: recommender_pb2.RecommendRequest, call: Call, path: str, position: int
    ) -> recommender_pb2.RecommendResponse:
        subject = call.subjects[path][position]
        asker = await self._askers.asker(
            call, subject, position, for_advertising=request.HasField("sponsorship")
        )
        until, token = until_of(request, call), request.page_token
        scope = page_scope(request, call, call.about(path, position))
        shown = self._page_tokens.open(token, call.now_ms, scope) if token else ()
        question = question_of(request, asker, shown, self._catalogue)
        index = self._live.index
        answer = await self._live.answer(question, until)
        response = self._answering.response(
            answer, question, index.model.version, permission_of(call), request.language
        )
        shown = (*shown, *(recommended.item for recommended in answer.items))
        if answer.more and len(shown) < LIST_MAX:
            response.next_page_token = self._page_tokens.seal(shown, call.now_ms, scope)
        return response


def until_of(request: recommender_pb2.RecommendRequest, call: Call) -> float | None:
    """When the answer has to be there, in the event loop's time; ``None``: nobody said."""
    until = call.deadline_at if call.time_remaining_s is not None else None
    if request.deadline_ms:
        asked = asyncio.get_running_loop().time() + request.deadline_ms / 1000
        until = asked if until is None else min(asked, until)
    return until


def page_scope(request: recommender_pb2.RecommendRequest, call: Call, about: bytes) -> list[bytes]:
    """The question a page token belongs to: who asks about whom for what. Empties the request of the rest.

    What the person permits is no part of it: when that changes between two pages, the second heeds it
    and leaves out what was on the first.
    """
    assert call.caller is not None  # noqa: S101 - authentication ran before
    request.ClearField("page_token")
    page_size, request.page_size = request.page_size, 0
    deadline_ms, request.deadline_ms = request.deadline_ms, 0
    asked = request.SerializeToString(deterministic=True)
    request.page_size, request.deadline_ms = page_size, deadline_ms
    return [call.tenant.encode(), call.caller.id.encode(), about, asked]


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


def promotion_message(version: str, check: Check) -> recommender_pb2.Promotion:
    """Whether a model was promoted, as it is shown."""
    return recommender_pb2.Promotion(
        version=version,
        verdict=recommender_pb2.PromotionVerdict.Name(check.verdict),
        model_ndcg=check.model_ndcg,
        popularity_ndcg=check.popularity_ndcg,
        people=check.people // _ROUNDED_TO * _ROUNDED_TO,
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
