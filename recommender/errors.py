"""What the recommender can refuse.

RecommenderError
├── UnknownItem        no item of that id is in the catalogue
├── NothingToLearn     nobody's events permit training, or there are none
├── SumOverflow        a sum could leave the range in which it is exact
├── SnapshotUnusable   a model's files are incomplete, changed or of another projection
├── TrainingBusy       another training is running
├── TrainingFailed     the training program ended without a model
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


class RequestIdReused(RecommenderError):  # noqa: N818 - named after what it says
    """The request id was used for something else."""

    field = "request_id"
