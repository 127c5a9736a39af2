"""What becomes of definitions when they are applied or approved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.applying import Moved, Standing, apply, approve, too_many
from engagement.definition import Author, Fault, Kind, Name
from engagement.errors import ApprovedByItsAuthor, DefinitionRefused, DefinitionUnknown, VersionOutdated
from engagement.play import State
from services.engagement.definition_messages import definition_of
from services.engagement.templates import lint
from tests.engagement.declared_definitions import (
    ADS,
    DRAFT,
    GENERAL,
    LIVE,
    PILOT,
    RETIRED,
    Definition,
    limits,
    play,
    segment,
    template,
)

ANN, BOB = Author("ann", 1), Author("bob", 2)
ROSES, BANNER = Name(Kind.TEMPLATE, "roses"), Name(Kind.PLAY, "banner")


class Kept:
    """What is kept, in memory."""

    def __init__(self) -> None:
        self.standing = Standing({}, {})

    def apply(self, *messages: Definition, by: Author = ANN) -> list[Fault]:
        """Applies them all or none; what is wrong."""
        judged = apply(self.standing, [definition_of(one) for one in messages], by, lint)
        faults = [fault for one in judged for fault in one.faults]
        if not faults:
            self.take(*(one.moved for one in judged if one.moved is not None))
        return faults

    def approve(self, *names: tuple[Name, int], by: Author = BOB) -> None:
        self.take(*approve(self.standing, names, by, lint))

    def take(self, *moved: Moved) -> None:
        newest, in_force = dict(self.standing.newest), dict(self.standing.in_force)
        for one in moved:
            name = one.version.definition.name
            newest[name] = one.version
            if one.in_force == one.version.number:
                in_force[name] = one.version
            elif not one.in_force:
                in_force.pop(name, None)
        self.standing = Standing(newest, in_force)

    def state(self, name: Name) -> tuple[int, State, int]:
        """Number and state of the newest version, and the number of the one in force."""
        newest, decides = self.standing.newest[name], self.standing.in_force.get(name)
        return newest.number, newest.state, decides.number if decides else 0


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_what_is_as_it_was_is_no_new_version(kept: Kept) -> None:
    """Whoever applies it."""
    kept.apply(template(DRAFT))
    before = kept.standing
    kept.apply(template(DRAFT), by=BOB)
    assert kept.standing == before


def test_live_takes_the_approval_of_another(kept: Kept) -> None:
    """It is a draft until then, and in force from then on."""
    kept.apply(template())
    assert kept.state(ROSES) == (1, State.DRAFT, 0)
    with pytest.raises(ApprovedByItsAuthor):
        kept.approve((ROSES, 1), by=ANN)
    kept.approve((ROSES, 1))
    assert kept.state(ROSES) == (1, State.LIVE, 1)


def test_what_was_approved_as_a_draft_is_live_when_that_is_asked(kept: Kept) -> None:
    """The approval is of what it says, not of the day."""
    kept.apply(template(DRAFT))
    kept.approve((ROSES, 1))
    assert kept.state(ROSES) == (1, State.DRAFT, 0)
    kept.apply(template())
    assert kept.state(ROSES) == (1, State.LIVE, 1)


def test_an_approval_is_of_one_version(kept: Kept) -> None:
    """Another word is another version, which nobody has approved."""
    kept.apply(template())
    kept.approve((ROSES, 1))
    kept.apply(template(text="Other {{ declared.likes | first }}"))
    assert kept.state(ROSES) == (2, State.DRAFT, 1)
    with pytest.raises(VersionOutdated):
        kept.approve((ROSES, 1))
    with pytest.raises(DefinitionUnknown):
        kept.approve((ROSES, 3))


HOUSE = [{"option_id": "house", "depth": GENERAL}]


def test_a_pilot_needs_no_approval_and_is_of_few(kept: Kept) -> None:
    """It is a play's, for its rollout; what others stand on is seen by two."""
    assert kept.apply(play(PILOT, rollout_permille=50, options=HOUSE)) == []
    assert kept.state(BANNER) == (1, State.PILOT, 1)
    for other in (template(PILOT), limits(PILOT), segment(PILOT)):
        assert [fault.reason for fault in kept.apply(other)] == ["PILOT_OF_PLAYS"]


def test_a_pilot_does_not_take_the_place_of_what_is_live_for_everybody(kept: Kept) -> None:
    """Nobody approved that the others get nothing."""
    kept.apply(play(options=HOUSE))
    kept.approve((BANNER, 1))
    reasons = [
        fault.reason for fault in kept.apply(play(PILOT, rollout_permille=50, options=HOUSE, priority=9))
    ]
    assert reasons == ["PILOT_IN_PLACE"]
    assert kept.state(BANNER) == (1, State.LIVE, 1)


@pytest.mark.parametrize(("first", "then"), [(PILOT, DRAFT), (LIVE, PILOT), (LIVE, DRAFT)])
def test_nothing_goes_backwards(kept: Kept, first: int, then: int) -> None:
    """It is retired, and begun again."""
    small = {"rollout_permille": 50, "options": HOUSE}
    kept.apply(play(first, **small))
    kept.approve((BANNER, 1))
    assert "STATE_BACKWARDS" in {fault.reason for fault in kept.apply(play(then, **small))}


def test_what_is_retired_begins_again_as_a_draft(kept: Kept) -> None:
    """As a new version, of the same words or others."""
    kept.apply(template())
    kept.approve((ROSES, 1))
    kept.apply(template(RETIRED))
    assert kept.state(ROSES) == (1, State.RETIRED, 0)
    assert [fault.reason for fault in kept.apply(template())] == ["STATE_BACKWARDS"]
    kept.apply(template(DRAFT))
    assert kept.state(ROSES) == (2, State.DRAFT, 0)


def test_nobody_takes_away_what_a_play_in_force_stands_on(kept: Kept) -> None:
    """Neither by retiring it nor by changing what it reads; together with the play it goes."""
    kept.apply(limits(), segment(), template(), play(segment_id="gardeners"))
    names = [(name, 1) for name in kept.standing.newest]
    kept.approve(*names)
    assert [fault.reason for fault in kept.apply(template(RETIRED))] == ["BREAKS_PLAY"]
    assert [fault.reason for fault in kept.apply(segment(purpose=ADS))] == ["BREAKS_PLAY"]
    gone = play(RETIRED, segment_id="gardeners")
    assert kept.apply(template(RETIRED), segment(RETIRED), gone) == []
    assert kept.state(BANNER) == (1, State.RETIRED, 0)


def test_a_play_is_not_in_force_before_what_it_stands_on(kept: Kept) -> None:
    """It is approved after its template, or together with it."""
    kept.apply(limits(), template(), play())
    with pytest.raises(DefinitionRefused) as caught:
        kept.approve((BANNER, 1))
    assert caught.value.field == "versions[0]"
    kept.approve((BANNER, 1), (ROSES, 1))
    assert kept.state(BANNER) == (1, State.LIVE, 1)


def test_a_definition_is_given_once(kept: Kept) -> None:
    """Of two of one name none is taken."""
    assert [fault.reason for fault in kept.apply(template(), template(text="Hi"))] == ["NAMED_TWICE"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["apply", "approve"]),
        st.sampled_from([ANN, BOB]),
        st.sampled_from([DRAFT, PILOT, LIVE, RETIRED]),
        st.sampled_from(["A {{ declared.likes }}", "B {{ declared.likes }}"]),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_is_done_what_is_live_was_seen_by_two_and_no_version_is_lost(
    steps: list[tuple[str, Author, int, str]],
) -> None:
    """Numbers count up by one, a version's words never change, and no version goes backwards."""
    kept = Kept()
    said: dict[int, object] = {}
    reached: dict[int, State] = {}
    for what, who, state, text in steps:
        if what == "apply":
            kept.apply(template(state, text=text), by=who)
        elif ROSES in kept.standing.newest:
            try:
                kept.approve((ROSES, kept.standing.newest[ROSES].number), by=who)
            except (ApprovedByItsAuthor, VersionOutdated):
                continue
        newest = kept.standing.newest.get(ROSES)
        if newest is None:
            continue
        variants = newest.definition.body.variants  # type: ignore[union-attr]
        assert said.setdefault(newest.number, variants) == variants
        assert newest.state >= reached.get(newest.number, State.DRAFT)
        reached[newest.number] = newest.state
        assert sorted(reached) == list(range(1, len(reached) + 1))
        if newest.state is State.LIVE:
            assert newest.approved is not None
            assert newest.approved.caller != newest.applied.caller


def test_there_is_room_for_so_many_that_are_not_retired(kept: Kept) -> None:
    """What is kept may be changed, also where fewer are allowed by now; what is retired makes room."""

    def beyond(most: int, *messages: Definition) -> int | None:
        return too_many(kept.standing, [definition_of(one) for one in messages], most)

    assert beyond(1, template(), segment()) == 1
    assert beyond(2, template(), segment(), template()) is None
    assert not kept.apply(template(), segment())
    assert beyond(1, template(text="new"), segment()) is None
    assert beyond(2, template(text="new"), limits()) == 1
    assert beyond(2, limits(), segment(state=RETIRED)) is None
    assert beyond(2, segment(state=RETIRED), limits(), play()) == 2
    assert not kept.apply(segment(state=RETIRED))
    assert beyond(2, limits()) is None
    assert beyond(1, segment()) == 0  # once more
