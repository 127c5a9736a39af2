"""From an answer to a response: numbers become texts, and everything is looked at once more.

What was deleted, or must not be seen by this person, is in no list and in no reason, even if it
came to be so while the index was searched.
"""

from __future__ import annotations

from recommender.catalogue import Catalogue
from recommender.projection import RecommenderProjection
from recommender.question import Answer, Question
from services.recommender.following import Others
from services.recommender.grounds import Permission, Told
from veilgraph.recommender.v1 import recommender_pb2


class Answering:
    """Makes responses."""

    def __init__(self, catalogue: Catalogue, projection: RecommenderProjection, others: Others) -> None:
        self._catalogue = catalogue
        self._projection = projection
        self._others = others

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

        Raises:
            Unavailable: the catalogue in memory may be out of date.
        """
        self._others.must_be_current()
        response = recommender_pb2.RecommendResponse(
            depth=recommender_pb2.Depth.Name(answer.depth),
            depth_reason=answer.depth_reason,
            model_version=model_version,
            sponsored_depth=recommender_pb2.Depth.Name(answer.sponsored_depth),
        )
        told = Told(self._catalogue, self._projection, question, permission, language)
        for recommended in answer.items:
            texts = told.texts(recommended.item)
            if texts is None:
                continue
            item_id, title, category = texts
            # Messages are made in place, which costs half of making and copying them.
            item = response.items.add(
                item_id=item_id,
                title=title,
                category=category,
                score=recommended.score,
                trend_share=recommended.trend_share,
                placement=recommender_pb2.Placement.Name(recommended.placement),
                propensity=recommended.propensity,
                sponsor=recommended.sponsor,
            )
            told.add(item, recommended)
        return response
