"""What can be wrong with consent.

ConsentError
├── PolicyError            the policy file is not a policy
├── LeafMalformed          bytes or a text are not a record of the audit log
├── HeadMalformed          a text is not a signed head of the audit log
├── UnknownPurpose         a purpose is not a node of the tree
├── SubjectUnknown         a record or an edge is about a birth subject never announced
├── ErasureUnknown         there is no erasure of that id
├── TermOver               another authority has begun a term; this one must stop
├── PageTokenInvalid       a page token was altered, or belongs to another caller or subject
└── BatchMalformed         packed guard entries are not what they say they are
"""

from __future__ import annotations


class ConsentError(Exception):
    """Anything consent can refuse."""


class PolicyError(ConsentError):
    """The policy file is not a policy; the text says where."""


class LeafMalformed(ConsentError):  # noqa: N818 - named after what it says
    """Bytes or a text are not a record of the audit log; the text says why."""


class HeadMalformed(ConsentError):  # noqa: N818 - named after what it says
    """A text is not a signed head of the audit log."""


class UnknownPurpose(ConsentError):  # noqa: N818 - named after what it says
    """A purpose is not a node of the tree."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"unknown purpose {purpose!r}")
        self.purpose = purpose


class SubjectUnknown(ConsentError):  # noqa: N818 - named after what it says
    """A record or an edge is about a birth subject that identity never announced."""

    def __init__(self) -> None:
        super().__init__("a birth subject was never announced")


class ErasureUnknown(ConsentError):  # noqa: N818 - named after what it says
    """There is no erasure of that id."""


class TermOver(ConsentError):  # noqa: N818 - named after what it says
    """Another authority has begun a term on the same records; this one must stop."""


class BatchMalformed(ConsentError):  # noqa: N818 - named after what it says
    """Packed guard entries are not what they say they are; none of them may be used."""


class PageTokenInvalid(ConsentError):  # noqa: N818 - named after what it says
    """A page token was altered, or belongs to another caller or subject."""

    field = "page_token"

    def __init__(self) -> None:
        super().__init__("the page token does not belong to this question")
