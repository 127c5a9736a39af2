"""From an answer to a response: numbers become texts, and everything is looked at once more.

What was deleted, or must not be seen by this person, is in no list and in no reason, even if it
came to be so while the index was searched.
"""

from __future__ import annotations

from typing import Any

from recommender.catalogue import Catalogue
from recommender.interest import SESSION
from recommender.projection import RecommenderProjection
from recommender.question import Answer, Question, Recommended
from services.recommender.grounds import GroundMessages, Permission, why
from veilgraph.recommender.v1 import recommender_pb2

_DAY_S = 86_400


class Answering:
    """Makes responses."""

    def __init__(self, catalogue: Catalogue, projection: RecommenderProjection) -> None:
        self._catalogue = catalogue
        self._projection = projection
        self._grounds = GroundMessages(catalogue, projection)

    def response(
        self,
        answer: Answer,
        question: Question,
        model_version: str,
        permission: Permission,
        language: str = "",
    ) -> recommender_pb2.RecommendResponse:
        """The answer with texts.

        Args:
            answer: to the question.
            question: what was asked.
            model_version: of the model that answered.
            permission: what let data of the person be used.
            language: of the sentences.
        """
        response = recommender_pb2.RecommendResponse(
            depth=recommender_pb2.Depth.Name(answer.depth),
            depth_reason=answer.depth_reason,
            model_version=model_version,
            sponsored_depth=recommender_pb2.Depth.Name(answer.sponsored_depth),
        )
        for recommended in answer.items:
            if self._catalogue.is_listed(recommended.item) and not self._hidden(recommended.item, question):
                item = self._add(response.items, recommended, question)
                if recommended.grounds:
                    self._explain(item, recommended, question, permission, language)
        return response

    def _hidden(self, item: int, question: Question) -> bool:
        return self._catalogue.is_hidden(item, question.entitled, question.criteria.age_years)

    def _explain(
        self,
        item: recommender_pb2.RecommendedItem,
        recommended: Recommended,
        question: Question,
        permission: Permission,
        language: str,
    ) -> None:
        grounds = [
            self._grounds.message(ground, question, permission, lambda number: self._hidden(number, question))
            for ground in recommended.grounds
        ]
        item.grounds.extend(grounds)
        item.why = why(grounds, language)

    def _add(
        self, items: Any, recommended: Recommended, question: Question
    ) -> recommender_pb2.RecommendedItem:
        """Adds an item; messages are made in place, which costs half of making and copying them."""
        item_id, title, category = self._catalogue.shown(recommended.item)
        item = items.add(
            item_id=item_id,
            title=title,
            category=category,
            score=recommended.score,
            trend_share=recommended.trend_share,
            placement=recommended.placement,
            propensity=recommended.propensity,
            sponsor=recommended.sponsor,
        )
        add = item.reasons.add
        for number, kind, day, provenance, share in recommended.reasons:
            if self._hidden(number, question) or not self._catalogue.is_listed(number):
                continue
            item_id, title, _ = self._catalogue.shown(number)
            if provenance == SESSION:
                add(item_id=item_id, title=title, origin="session", share=share)
                continue
            party, origin = self._projection.provenance(provenance)
            reason = add(item_id=item_id, title=title, kind=kind, party=party, origin=origin, share=share)
            reason.day.seconds = day * _DAY_S
        made: recommender_pb2.RecommendedItem = item
        return made
