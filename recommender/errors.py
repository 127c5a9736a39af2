"""What the recommender can refuse.

RecommenderError
├── UnknownItem        no item of that id is in the catalogue
├── NothingToLearn     nobody's events permit training, or there are none
├── SumOverflow        a sum could leave the range in which it is exact
├── SnapshotUnusable   a model's files are incomplete, changed or of another projection
├── TrainingBusy       another training is running
├── TrainingFailed     the training program ended without a model
├── JobBusy            another job of the kind is running
├── EvaluationFailed   the evaluation's program ended without a report
├── TooFewToAsk        too few people bought anything later to tell anything
├── StillPermitted     who is to be forgotten permits training
├── PageTokenInvalid   a page token was altered or belongs to another question
├── PageTokenExpired   a page token is too old
└── RequestIdReused    the request id was used for something else
"""

from __future__ import annotations


class RecommenderError(Exception):
    """Anything the recommender can refuse."""


class UnknownItem(RecommenderError):  # noqa: N818 - named after what it says
    """No item of that id is in the catalogue."""

    field = "item_id"


class NothingToLearn(RecommenderError):  # noqa: N818 - named after what it says
    """Nobody's events permit training, or there are none."""


class SumOverflow(RecommenderError):  # noqa: N818 - named after what it says
    """A sum could leave the range in which it is exact; nothing was rounded instead."""


class SnapshotUnusable(RecommenderError):  # noqa: N818 - named after what it says
    """A model's files are incomplete, changed or of another projection."""


class TrainingBusy(RecommenderError):  # noqa: N818 - named after what it says
    """Another training is running; it can be followed by its own request id only."""


class TrainingFailed(RecommenderError):  # noqa: N818 - named after what it says
    """The training program ended without a model."""


class PageTokenInvalid(RecommenderError):  # noqa: N818 - named after what it says
    """A page token was altered or belongs to another question."""

    field = "page_token"


class PageTokenExpired(RecommenderError):  # noqa: N818 - named after what it says
    """A page token is too old; what it leaves out may be all there is by now."""

    field = "page_token"


class JobBusy(RecommenderError):  # noqa: N818 - named after what it says
    """Another job of the kind is running; it can be followed by its own request id only."""


class EvaluationFailed(RecommenderError):  # noqa: N818 - named after what it says
    """The evaluation's program ended without a report."""


class TooFewToAsk(RecommenderError):  # noqa: N818 - named after what it says
    """Too few people were known before and bought anything later."""


class StillPermitted(RecommenderError):  # noqa: N818 - named after what it says
    """Who is to be forgotten permits training; the next one would learn from them again."""

    field = "subject"


class RequestIdReused(RecommenderError):  # noqa: N818 - named after what it says
    """The request id was used for something else."""

    field = "request_id"
