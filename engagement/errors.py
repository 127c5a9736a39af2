"""What can be wrong with engagement.

EngagementError
├── PageTokenInvalid   a page token was altered, or belongs to another question
├── RequestIdReused    the request id was used for something else
└── TooManyAnswers     more would be kept of one subject than anybody declares
"""

from __future__ import annotations


class EngagementError(Exception):
    """Anything engagement can refuse. The texts name no subject and no event."""


class PageTokenInvalid(EngagementError):  # noqa: N818 - named after what it says
    """A page token was altered, or belongs to another caller, person or purpose."""

    field = "page_token"

    def __init__(self) -> None:
        super().__init__("the page token does not belong to this question")


class RequestIdReused(EngagementError):  # noqa: N818 - named after what it says
    """The request id was used for something else."""

    field = "request_id"


class TooManyAnswers(EngagementError):  # noqa: N818 - named after what it says
    """More answers would be kept of one subject than anybody declares."""

    field = "preferences"
