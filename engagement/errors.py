"""What can be wrong with engagement.

EngagementError
├── ApprovedByItsAuthor  a version is approved by another caller than the one that applied it
├── DefinitionRefused    a definition is wrong by itself, or beside the others
├── DefinitionUnknown    there is no such version of a definition
├── PageTokenInvalid     a page token was altered, or belongs to another question
├── RequestIdReused      the request id was used for something else
├── TooManyAnswers       more would be kept of one subject than anybody declares
├── TooManyDefinitions   more would be kept than the deployment allows
├── TooManyQuestions     more different audiences were asked about than may be
└── VersionOutdated      a newer version of the definition was applied
"""

from __future__ import annotations


class EngagementError(Exception):
    """Anything engagement can refuse. The texts name no subject and no event."""

    field = ""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field or self.field


class ApprovedByItsAuthor(EngagementError):  # noqa: N818 - named after what it says
    """A version is approved by another caller than the one that applied it."""


class DefinitionRefused(EngagementError):  # noqa: N818 - named after what it says
    """A definition is wrong by itself, or beside the others; a dry run says all that is."""


class DefinitionUnknown(EngagementError):  # noqa: N818 - named after what it says
    """There is no such version of a definition."""


class VersionOutdated(EngagementError):  # noqa: N818 - named after what it says
    """A newer version of the definition was applied; it is the one to be approved."""


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


class TooManyDefinitions(EngagementError):  # noqa: N818 - named after what it says
    """More definitions would be kept that are not retired than the deployment allows."""


class TooManyQuestions(EngagementError):  # noqa: N818 - named after what it says
    """More different audiences were asked about than may be."""
