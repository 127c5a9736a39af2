"""What can be wrong with identities.

IdentityError
├── KeyRingError
│   ├── KeyRingMalformed   the text is not a key ring
│   ├── KeyUnknown         no such use or version, or no active key
│   ├── KeyDestroyed       the version was destroyed; what it sealed stays sealed
│   ├── KeyInUse           the version is still needed; destroying it would lose something
│   └── VersionsUsedUp     every number a version can have was given
├── TokenAltered           a token is not what this deployment sealed
├── IdentifierRefused
│   ├── NotADigest         an identifier is not a 32-byte digest
│   └── UnknownKind        the kind of identifier is not one the graph knows
├── MalformedSubject       a text is not a subject id of this caller
├── PseudonymRetired       the id was made under a key of this caller's that is taken no more
├── CursorInvalid          a cursor in the map of people is none of this caller's for this purpose
├── CursorTooOld           what lies beyond a cursor can not be told any more
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


class KeyInUse(KeyRingError):  # noqa: N818 - named after what it says
    """The version is still needed; the text says what for, and how often."""


class VersionsUsedUp(KeyRingError):  # noqa: N818 - named after what it says
    """Every number a version can have was given."""


class TokenAltered(IdentityError):  # noqa: N818 - named after what it says
    """A token is not what this deployment sealed for that tenant and kind."""

    def __init__(self) -> None:
        super().__init__("a token is not what was sealed")


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


class PseudonymRetired(IdentityError):  # noqa: N818 - named after what it says
    """The key an id was made under is taken no more; asked again, the caller gets the id of now."""

    def __init__(self) -> None:
        super().__init__("the id was made under a key that is retired")


class CursorInvalid(IdentityError):  # noqa: N818 - named after what it says
    """A cursor was altered, or is another caller's or for another purpose."""

    field = "cursor"

    def __init__(self) -> None:
        super().__init__("the cursor is none of this caller's for this purpose")


class CursorTooOld(IdentityError):  # noqa: N818 - named after what it says
    """What lies beyond a cursor is not kept any more, is too much, or the views are others."""

    field = "cursor"

    def __init__(self) -> None:
        super().__init__("what lies beyond the cursor can not be told any more")


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
