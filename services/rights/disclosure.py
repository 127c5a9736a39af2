"""Who was told what about a person: what stores read out of their audit records, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one recipient was told, by one method for one purpose.

    Stores export it as a value of the kind ``DISCLOSURE``, whose content these fields are.

    Attributes:
        caller: the recipient's name in the deployment.
        method: the method's path on the wire.
        purpose: bit position of the purpose.
        classes: mask of the data classes that the answers could hold.
        answered: how many calls were answered.
        refused: how many were refused.
        first_ms: the first of them, milliseconds since the epoch.
        last_ms: the last.
    """

    caller: str
    method: str
    purpose: int
    classes: int
    answered: int
    refused: int
    first_ms: int
    last_ms: int

    @property
    def where(self) -> tuple[str, str, int]:
        """What two disclosures share that are told as one."""
        return self.caller, self.method, self.purpose

    def with_(self, other: Disclosure) -> Disclosure:
        """The two as one; both are of the same caller, method and purpose."""
        return replace(
            self,
            classes=self.classes | other.classes,
            answered=self.answered + other.answered,
            refused=self.refused + other.refused,
            first_ms=min(self.first_ms, other.first_ms),
            last_ms=max(self.last_ms, other.last_ms),
        )


def merged(told: Iterable[Disclosure]) -> list[Disclosure]:
    """Disclosures of several records, identities or stores put together; by caller, method and purpose."""
    found: dict[tuple[str, str, int], Disclosure] = {}
    for one in told:
        known = found.get(one.where)
        found[one.where] = one if known is None else known.with_(one)
    return [found[where] for where in sorted(found)]
