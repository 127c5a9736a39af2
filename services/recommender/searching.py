"""SearchService: finds items by words, in the person's order where they permit it.

The words are used for one call: they stand in no log, no store and no page token. What may be
found and who may see it is decided as for every other list.
"""

from __future__ import annotations

from functools import partial

from recommender.catalogue import Catalogue
from recommender.paging import LIST_MAX, PageTokens
from recommender.question import Answer, Question
from recommender.search import hits
from recommender.words import words
from services.interceptors.call import Call
from services.recommender.answering import Answering
from services.recommender.asker import Askers
from services.recommender.asking import question_of
from services.recommender.grounds import permission_of
from services.recommender.live_text import LiveText
from services.recommender.serving import LiveIndex
from veilgraph.recommender.v1 import recommender_pb2, search_pb2, search_pb2_grpc

#: Up to here the number of items found is told as it is, above in tens.
_COUNTED_MAX = 100
_ROUNDED_TO = 10
#: Words of a query that are looked at; whoever types more has said what they want.
_WORDS_MAX = 24


class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """``veilgraph.recommender.v1.SearchService``."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        live: LiveIndex,
        text: LiveText,
        askers: Askers,
        answering: Answering,
        page_tokens: PageTokens,
    ) -> None:
        self._catalogue = catalogue
        self._live = live
        self._text = text
        self._askers = askers
        self._answering = answering
        self._page_tokens = page_tokens

    async def Search(self, request: search_pb2.SearchRequest, call: Call) -> search_pb2.SearchResponse:
        """The items that go with some words."""
        (subject,) = call.subjects["subject"]
        asker = await self._askers.asker(call, subject, 0)
        scope = page_scope(request, call)
        token = request.page_token
        shown = self._page_tokens.open(token, call.now_ms, scope) if token else ()
        question = question_of(as_list(request), asker, shown, self._catalogue)
        text, asked = await self._text.index(), words(request.query)[:_WORDS_MAX]
        model_version = self._live.index.model.version
        answer, found, reason = await self._live.searched(question, partial(hits, text, asked))
        response = self._response(answer, question, model_version, call, request.language)
        response.nothing_because = reason
        response.found = found if found <= _COUNTED_MAX else found // _ROUNDED_TO * _ROUNDED_TO
        shown = (*shown, *(item.item for item in answer.items))
        if answer.more and len(shown) < LIST_MAX:
            response.next_page_token = self._page_tokens.seal(shown, call.now_ms, scope)
        return response

    def _response(
        self, answer: Answer, question: Question, model_version: str, call: Call, language: str
    ) -> search_pb2.SearchResponse:
        listed = self._answering.response(answer, question, model_version, permission_of(call), language)
        return search_pb2.SearchResponse(
            items=listed.items,
            depth=listed.depth,
            depth_reason=listed.depth_reason,
            model_version=listed.model_version,
        )


def as_list(request: search_pb2.SearchRequest) -> recommender_pb2.RecommendRequest:
    """What a search asks like any list: whatever is not its words."""
    asked = recommender_pb2.RecommendRequest(
        recipe=recommender_pb2.RECIPE_FOR_YOU,
        page_size=request.page_size,
        session_item_ids=request.session_item_ids,
        categories=request.categories,
        include_known=True,
        explain=request.explain,
    )
    for name in ("filter", "rules", "situation"):
        if request.HasField(name):
            getattr(asked, name).CopyFrom(getattr(request, name))
    return asked


def page_scope(request: search_pb2.SearchRequest, call: Call) -> list[bytes]:
    """The question a page token belongs to: who asks about whom for what; not what they permit."""
    assert call.caller is not None  # noqa: S101 - authentication ran before
    asked = search_pb2.SearchRequest()
    asked.CopyFrom(request)
    asked.ClearField("page_token")
    asked.ClearField("page_size")
    asked.ClearField("subject")  # the caller's own id of it changes with the caller's key
    content = b"search" + asked.SerializeToString(deterministic=True)
    return [call.tenant.encode(), call.caller.id.encode(), call.about("subject", 0), content]
