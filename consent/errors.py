"""What can be wrong with consent.

ConsentError
├── PolicyError            the policy file is not a policy
├── UnknownPurpose         a purpose is not a node of the tree
└── SubjectUnknown         a record or an edge is about a birth subject never announced
"""

from __future__ import annotations


class ConsentError(Exception):
    """Anything consent can refuse."""


class PolicyError(ConsentError):
    """The policy file is not a policy; the text says where."""


class UnknownPurpose(ConsentError):  # noqa: N818 - named after what it says
    """A purpose is not a node of the tree."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"unknown purpose {purpose!r}")
        self.purpose = purpose


class SubjectUnknown(ConsentError):  # noqa: N818 - named after what it says
    """A record or an edge is about a birth subject that identity never announced."""

    def __init__(self) -> None:
        super().__init__("a birth subject was never announced")
