"""What was between the suite and a person, put together by the store of whichever identities they are."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import chain, combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.decision import History
from engagement.decision_store import Became, Look, Outcome, Promise, Report, Row, Whose
from engagement.play import Channel, Depth
from identity.ids import SubjectId
from services.storage.decisions import DecisionTables
from services.storage.sqlite import SqliteFile
from tests.engagement.kept_decisions import DAY_MS, NOW, WINDOWS, A, B, C, room, row

SLOT = "home.banner"
GROUPS = tuple(chain.from_iterable(combinations((A, B, C), size) for size in (1, 2, 3)))
rows = st.builds(
    dict,
    subject=st.sampled_from((A, B, C)),
    promises=st.sampled_from((0, Promise.PLACE, Promise.QUESTION, Promise.PLACE | Promise.OFFER)),
    became=st.sampled_from((Became.PROMISED, Became.SENT, Became.RELEASED)),
    days_ago=st.integers(0, 40),
    depth=st.sampled_from(tuple(Depth)),
)
DRAW = {Outcome.UNSUBSCRIBE: Outcome.RESUBSCRIBE, Outcome.COMPLAINT: Outcome.COMPLAINT_CLOSED}
#: What an identity says of itself, and of those it is known as one person with when it says so.
lines = st.builds(
    dict,
    by=st.sampled_from((A, B, C)),
    others=st.sampled_from(((), (A, B), (B, C), (A, B, C))),
    outcome=st.sampled_from((*DRAW, *DRAW.values())),
    channel=st.sampled_from((Channel.EMAIL, Channel.EMAIL, Channel.SMS)),
)


def in_order(said: list[dict]) -> list[dict]:
    """Decisions are kept as they are made."""
    return sorted(said, key=lambda one: -one["days_ago"])


def made(number: int, said: dict) -> Row:
    """One decision that was kept, shown in a place of a page."""
    at_ms = NOW - said["days_ago"] * DAY_MS + number  # no two of one instant
    offers = bool(said["promises"] & Promise.OFFER)
    return row(
        number + 1,
        said["subject"],
        slot=SLOT,
        play_id=f"play-{number}",
        depth=said["depth"],
        promises=said["promises"],
        became=said["became"] if said["promises"] else Became.SHOWN,
        decided_at_ms=at_ms,
        send_at_ms=at_ms,
        binds_until_ms=at_ms + 10 * DAY_MS if offers else 0,
        price_minor=number if offers else -1,
    )


def expected(kept: list[Row], person: tuple[SubjectId, ...]) -> tuple[object, ...]:
    """Straight from what is kept: the sums of what stands, and what was shown last."""
    theirs = [one for one in kept if one.subject in person]
    standing = [one for one in theirs if one.promises and one.became in {Became.PROMISED, Became.SENT}]
    now_ms = WINDOWS.now_ms
    shown = max(theirs, key=lambda one: one.decided_at_ms, default=None)
    return (
        Counter(
            one.send_at_ms
            for one in standing
            if one.promises & Promise.PLACE and one.send_at_ms > now_ms - WINDOWS.cap_ms
        ),
        Counter(
            one.send_at_ms
            for one in standing
            if one.promises & Promise.QUESTION and one.send_at_ms > now_ms - WINDOWS.asks_ms
        ),
        {one.decision_id for one in standing if one.promises & Promise.OFFER and one.binds_until_ms > now_ms},
        {} if shown is None else {SLOT: Depth(shown.depth)},
    )


def drawn(lines: list[dict], person: tuple[SubjectId, ...]) -> tuple[object, ...]:
    """Straight from all that was ever said, in its order: what was taken back by somebody who is here."""
    standing = set()
    for line in lines:
        by, about = line["by"], line["channel"]
        if line["outcome"] in {Outcome.COMPLAINT, Outcome.COMPLAINT_CLOSED}:
            about = None
        if line["outcome"] in DRAW:
            standing.add((by, about))
        elif by in person:
            standing -= {(one, about) for one in {by, *line["others"]}}
    theirs = {about for one, about in standing if one in person}
    return theirs - {None}, None in theirs


def report(number: int, line: dict) -> Report:
    key = number.to_bytes(16, "big")
    return Report(key, line["by"], key, b"digest", line["outcome"], None, NOW + number)


def told(history: History) -> tuple[object, ...]:
    return (
        Counter(one.at_ms for one in history.reservations),
        Counter(history.asked_at_ms),
        {one.decision_id for one in history.offers},
        dict(history.last_depth),
        (history.closed, history.open_complaint),
    )


async def histories(store: DecisionTables) -> dict[tuple[SubjectId, ...], tuple[object, ...]]:
    """Of everybody whom three identities may be, joined or apart."""
    looks = [Look(Whose(person, person, person), b"", SLOT) for person in GROUPS]
    found = await store.before(looks, WINDOWS)
    return {person: told(before.history) for person, before in zip(GROUPS, found, strict=True)}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(rows, max_size=12).map(in_order), st.lists(lines, min_size=6, max_size=20), st.integers(0, 12)
)
def test_a_person_is_the_sum_of_their_identities_and_parts_into_them_again(
    said: list[dict], reported: list[dict], cut: int
):
    """However they are joined the same counts, and nothing put together is kept.

    What was taken back for somebody by another stands again without the other.
    """

    async def lived(folder: Path) -> None:
        location = SqliteFile(folder / "engagement.db", "engagement")
        await location.migrate()
        async with location.opened() as database:
            store, kept = DecisionTables(database), []
            for portion, so_far in ((said[:cut], reported[:cut]), (said[cut:], reported)):
                for one in portion:
                    kept.append(made(len(kept), one))
                    if kept[-1].promises:
                        free = room(kept[-1].subject, cap=99, asks=99)
                        assert await store.promise([(kept[-1], free)]) == [True]
                    else:
                        store.note(kept[-1])
                for number, line in enumerate(so_far):  # what was reported before comes once more
                    of = row(number, line["by"], channel=line["channel"])
                    await store.report(report(number, line), of, [*{line["by"], *line["others"]}])
                assert await histories(store) == {
                    person: (*expected(kept, person), drawn(so_far, person)) for person in GROUPS
                }

    with TemporaryDirectory() as folder:
        asyncio.run(lived(Path(folder)))
