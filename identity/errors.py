"""What can be wrong with identities.

IdentityError
├── KeyRingError
│   ├── KeyRingMalformed   the text is not a key ring
│   ├── KeyUnknown         no such use or version, or no active key
│   └── KeyDestroyed       the version was destroyed; what it sealed stays sealed
├── IdentifierRefused
│   ├── NotADigest         an identifier is not a 32-byte digest
│   └── UnknownKind        the kind of identifier is not one the graph knows
├── MalformedSubject       a text is not a subject id of this caller
├── RulesError             the rules file is not a set of rules
├── LinkNotFound           no active edge joins the two directly
└── RequestIdReused        the request id was used for another request
"""

from __future__ import annotations


class IdentityError(Exception):
    """Anything identity can refuse. The texts name no identifier and no subject."""


class KeyRingError(IdentityError):
    """Something is wrong with the keys."""


class KeyRingMalformed(KeyRingError):  # noqa: N818 - named after what it says
    """The text is not a key ring."""


class KeyUnknown(KeyRingError):  # noqa: N818 - named after what it says
    """There is no such key."""


class KeyDestroyed(KeyRingError):  # noqa: N818 - named after what it says
    """The key was destroyed; what it sealed stays sealed."""


class IdentifierRefused(IdentityError):  # noqa: N818 - named after what it says
    """What was sent is no identifier this suite takes."""


class NotADigest(IdentifierRefused):
    """An identifier is not a 32-byte digest: perhaps a raw value."""

    def __init__(self) -> None:
        super().__init__("an identifier is a SHA-256 digest of exactly 32 bytes")


class UnknownKind(IdentifierRefused):
    """The kind of identifier is not one the graph knows."""

    def __init__(self) -> None:
        super().__init__("unknown kind of identifier")


class MalformedSubject(IdentityError):  # noqa: N818 - named after what it says
    """A text is not a subject id of this caller: altered, somebody else's, or no id at all."""

    def __init__(self) -> None:
        super().__init__("not a subject id of this caller")


class RulesError(IdentityError):
    """The rules file is not a set of rules; the text says where.

    Attributes:
        field: the place at fault, e.g. "rules.kinds.email.per_person_max" or "rules.line 7".
    """

    def __init__(self, where: str, complaint: str) -> None:
        super().__init__(f"{where}: {complaint}")
        self.field = f"rules.{where}"


class LinkNotFound(IdentityError):  # noqa: N818 - named after what it says
    """No active edge joins the two directly."""

    def __init__(self) -> None:
        super().__init__("no active link joins the two directly")


class RequestIdReused(IdentityError):  # noqa: N818 - named after what it says
    """A request id came back with another request."""

    def __init__(self) -> None:
        super().__init__("the request id was used for another request")
