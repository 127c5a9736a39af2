"""What a Dockerfile must not do; each rule is one line of it that would be refused in a review.

Checked here, and not by a program that is known for it, because hadolint is under the GPL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

#: Smaller numbers are those of a host's own users.
_USER_LEAST = 10_000
_SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|PRIVATE_KEY)\w*=", re.IGNORECASE)
_FETCHES = re.compile(r"\b(apt-get|apt|apk|curl|wget)\b|\bpip\b[^&|;]*\binstall\b(?![^&|;]*--require-hashes)")
_KNOWN = frozenset(
    {"FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD", "EXPOSE", "LABEL"}
)


class Instruction(NamedTuple):
    """One instruction: its word, and all that follows on one line."""

    word: str
    said: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, without comments, each on one line."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*re.fullmatch(r"(\S+)\s*(.*)", line.strip()).groups()) for line in whole.splitlines()]


def faults(text: str) -> Iterator[str]:
    """What is wrong with a Dockerfile."""
    every = instructions(text)
    starts = [place for place, one in enumerate(every) if one.word == "FROM"]
    yield from (
        f"{one.word}: not an instruction that is used here" for one in every if one.word not in _KNOWN
    )
    if not starts:
        yield "FROM: there is none"
        return
    yield from _bases(every)
    for one in every:
        if one.word == "RUN" and _FETCHES.search(one.said):
            yield f"RUN {one.said[:40]}: fetches what no hash names"
        if one.word in {"ENV", "ARG"} and _SECRET.search(one.said):
            yield f"{one.word}: a secret would lie in the image"
        if one.word == "WORKDIR" and not one.said.startswith("/"):
            yield f"WORKDIR {one.said}: begins where the one before ended"
    yield from _last_stage(every[starts[-1] :])


def _bases(every: list[Instruction]) -> Iterator[str]:
    """Images by a digest, or a placeholder for one (which a release refuses)."""
    arguments = dict(one.said.split("=", 1) for one in every if one.word == "ARG" and "=" in one.said)
    for one in every:
        if one.word == "FROM":
            image = re.sub(r"\$\{(\w+)\}", lambda m: arguments.get(m[1], ""), one.said.split()[0])
            if "@sha256:" not in image:
                yield f"FROM {image}: by no digest"


def _last_stage(stage: list[Instruction]) -> Iterator[str]:
    """The result: run by nobody, started by a program and not by a shell."""
    users = [one.said for one in stage if one.word == "USER"]
    if not users or not users[-1].split(":")[0].isdecimal() or int(users[-1].split(":")[0]) < _USER_LEAST:
        yield f"USER: not a number from {_USER_LEAST}"
    for word in ("ENTRYPOINT", "CMD"):
        for one in stage:
            if one.word == word and not _is_list(one.said):
                yield f"{word} {one.said}: a shell would get the signals"
    if not any(one.word == "ENTRYPOINT" for one in stage):
        yield "ENTRYPOINT: there is none"


def _is_list(said: str) -> bool:
    try:
        return isinstance(json.loads(said), list)
    except ValueError:
        return False
