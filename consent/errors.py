"""What can be wrong with consent.

ConsentError
├── PolicyError            the policy file is not a policy
└── UnknownPurpose         a purpose is not a node of the tree
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
