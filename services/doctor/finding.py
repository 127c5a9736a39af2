"""One thing that was found: how bad it is, where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple


class Severity(IntEnum):
    """How bad it is; the worst one found is the command's exit code."""

    NOTE = 0
    WARNING = 1
    ERROR = 2


class Finding(NamedTuple):
    """One line for an operator; it names no person and shows no secret.

    Attributes:
        severity: how bad it is.
        where: the file, service or setting.
        what: what is so.
        do: what to do about it.
    """

    severity: Severity
    where: str
    what: str
    do: str = ""

    def line(self) -> str:
        """The finding in one line."""
        return (
            f"{self.severity.name.lower():7} {self.where}: {self.what}{f' -> {self.do}' if self.do else ''}"
        )

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON can say it."""
        return {"severity": self.severity.name.lower(), "where": self.where, "what": self.what, "do": self.do}


def note(where: str, what: str, do: str = "") -> Finding:
    """Something to be known; nothing is wrong."""
    return Finding(Severity.NOTE, where, what, do)


def warning(where: str, what: str, do: str = "") -> Finding:
    """Something that is to be looked after."""
    return Finding(Severity.WARNING, where, what, do)


def error(where: str, what: str, do: str = "") -> Finding:
    """Something that keeps the deployment from working, or from keeping a promise."""
    return Finding(Severity.ERROR, where, what, do)


def worst(findings: Iterable[Finding]) -> Severity:
    """The exit code: 0 nothing, 1 warnings, 2 errors."""
    return max((finding.severity for finding in findings), default=Severity.NOTE)
