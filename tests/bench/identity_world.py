"""A shop's identifiers and who was seen to belong together: the graph that identity's benches share.

People have one to twenty identifiers, three on average; what joins them was seen more than once,
by several systems and in the order of a year, so that neighbours lie apart as they do in a ledger
that grew. Three edges for two identifiers; the same world every time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, ordered

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
EDGES_AN_IDENTIFIER = 1.5
#: How many identifiers a person has, and how often.
SIZES = {1: 20, 2: 28, 3: 22, 4: 13, 5: 8, 6: 4, 8: 3, 12: 1.5, 20: 0.5}
#: Evidence, the system that sees it, how often; and for how long it holds.
SEEN = (
    (Evidence.LOGIN, "web", 30, 0),
    (Evidence.LOGIN, "app", 22, 0),
    (Evidence.CARD_AT_CHECKOUT, "web-checkout", 14, 0),
    (Evidence.SAME_ORDER, "call-centre", 12, 0),
    (Evidence.CONFIRMED_CONTACT, "newsletter", 10, 0),
    (Evidence.PARTNER_MATCH, "partner", 7, 180 * DAY_MS),
    (Evidence.SIMILARITY, "matcher", 5, 90 * DAY_MS),
)


class Seen(NamedTuple):
    """One sighting: the numbers of both identifiers and what was seen."""

    one: int
    other: int
    evidence: Evidence
    source: str
    observed_at_ms: int
    valid_until_ms: int
    confidence_permille: int


def sightings(identifiers: int, *, proof_only: bool = False) -> list[Seen]:
    """What was seen of so many identifiers, in the order of time; no two are the same edge.

    Args:
        identifiers: how many there are.
        proof_only: leaves out what a partner or a similarity says.
    """
    chance = random.Random(identifiers)
    choices = [one for one in SEEN if not proof_only or one[2] > 7]
    weights = [one[2] for one in choices]
    people = list(_people(identifiers, chance))
    wanted = round(EDGES_AN_IDENTIFIER * identifiers)
    pairs = [
        (person[chance.randrange(place)], person[place])
        for person in people
        for place in range(1, len(person))
    ]
    several = [person for person in people if len(person) > 1]
    known: set[tuple[int, int, int]] = set()
    seen: list[Seen] = []
    while len(seen) < wanted:
        one, other = pairs[len(seen)] if len(seen) < len(pairs) else chance.sample(chance.choice(several), 2)
        (kind,) = chance.choices(range(len(choices)), weights)
        key = (min(one, other), max(one, other), kind)
        if key in known:
            if len(seen) < len(pairs):
                raise AssertionError("a tree has no edge twice")
            continue
        known.add(key)
        evidence, source, _, holds_ms = choices[kind]
        at_ms = NOW_MS - chance.randrange(1, 365 * DAY_MS)
        until_ms = at_ms + holds_ms if holds_ms else NEVER_MS
        sure = chance.randrange(600, 1000) if holds_ms else 1000
        seen.append(Seen(one, other, evidence, source, at_ms, until_ms, sure))
    seen.sort(key=lambda one: one.observed_at_ms)
    return seen


def subjects(identifiers: int) -> list[SubjectId]:
    """A birth subject for each identifier."""
    chance = random.Random(0)
    return [SubjectId(chance.randbytes(16)) for _ in range(identifiers)]


def edges(born: list[SubjectId], seen: list[Seen]) -> Iterator[Edge]:
    """The sightings as active edges of a ledger."""
    for number, (one, other, *rest) in enumerate(seen, start=1):
        yield Edge(number, *ordered(born[one], born[other]), *rest, EdgeState.ACTIVE)  # type: ignore[call-arg]


def _people(identifiers: int, chance: random.Random) -> Iterator[range]:
    start = 0
    sizes = list(SIZES)
    while start < identifiers:
        (size,) = chance.choices(sizes, SIZES.values())
        yield range(start, min(start + size, identifiers))
        start += size
