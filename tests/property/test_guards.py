"""What holds of deciding whatever the plays, the person and the moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate, pairwise
from math import nextafter

from hypothesis import given
from hypothesis import strategies as st

from engagement.decision import Candidate, Held, Outcome, Reservation, Situation
from engagement.evaluate import DAY_MS
from engagement.guards import PIPELINE, Left, decide, guarded, judged
from engagement.guards.drawing import FLOOR_PERMILLE, chances, is_certain
from engagement.play import OUTBOUND, Depth, Play
from tests.engagement.worlds import EVERY_PURPOSE, NOW_MS, Permits, World, allowed, fewer, worlds


def named(candidates: Iterable[Candidate]) -> set[tuple[str, str, int]]:
    """What candidates are, whenever they are sent."""
    return {(one.play.play_id, one.option.option_id, one.channel) for one in candidates}


def personal(candidates: Iterable[Candidate]) -> set[tuple[str, str, int]]:
    """Those that tell that somebody is known."""
    return named(one for one in candidates if one.option.depth > Depth.CONTEXT)


def every_outcome(plays: list[Play], moment: Situation) -> list[Outcome]:
    """One for each that can come out: the draws in the middle of the intervals of the chances."""
    first = decide(plays, moment, 0.0)
    bounds = [0.0, *accumulate(one.probability for one in first.alternatives)]
    middles = [(low + high) / 2 for low, high in pairwise(bounds)]
    return [decide(plays, moment, min(middle, nextafter(1, 0))) for middle in middles] or [first]


@given(worlds())
def test_every_guard_only_takes_away_lowers_or_sends_later(world: World):
    """No candidate comes from nowhere, none is sent sooner, and the ceiling never rises."""
    plays, moment = world.plays, world.moment
    used = judged(moment)
    for play in plays:
        left = Left(play, used)
        for guard in PIPELINE:
            before, ceiling = list(left.candidates), left.ceiling
            if not before:
                break
            guard.act(left, used)
            assert named(left.candidates) <= named(before), guard.name
            assert left.ceiling <= ceiling, guard.name
            sent = {(one.option.option_id, one.channel): one.send_at_ms for one in before}
            assert all(one.send_at_ms >= sent[one.option.option_id, one.channel] for one in left.candidates)


@given(worlds())
def test_steps_say_what_every_guard_left(world: World):
    """Counts and ceilings of a play never rise; a play that gives nothing ends at nothing."""
    plays, moment = world.plays, world.moment
    outcome = decide(plays, moment, 0.0)
    counts, ceilings = [one.left for one in outcome.steps], [one.ceiling for one in outcome.steps]
    assert counts == sorted(counts, reverse=True) and ceilings == sorted(ceilings, reverse=True)
    names = [guard.name for guard in PIPELINE]
    assert [one.guard for one in outcome.steps] == names[: len(outcome.steps)]
    assert outcome.candidate is None or len(outcome.steps) == len(names)
    assert all(one.left == 0 for one in outcome.passed_over)
    tried = [one.play_id for one in (*outcome.passed_over, *outcome.steps[:1])]
    assert len(set(tried)) == len(tried)


@given(worlds())
def test_less_is_never_deeper(world: World):
    """With a grant, a field, the certainty, the age or the person less, nothing personal comes in.

    So what is given then is either what anybody is told, or was allowed with more, and not deeper than that.
    """
    plays, moment, draw = world.plays, world.moment, world.draw
    more = allowed(plays, moment)
    deepest = max((one.option.depth for one in more), default=Depth.CONTEXT)
    for less in fewer(moment):
        assert personal(allowed(plays, less)) <= personal(more)
        outcome = decide(plays, less, draw)
        assert outcome.depth <= max(deepest, Depth.CONTEXT)
        if outcome.candidate is not None and outcome.depth > Depth.CONTEXT:
            assert named([outcome.candidate]) <= named(more)


@given(worlds())
def test_who_does_not_permit_is_answered_as_nobody(world: World):
    """Two people who deny, whatever is known of them, and nobody get the same answer, in every detail."""
    plays, moment, draw = world.plays, world.moment, world.draw
    denied = replace(moment, permits=Permits(EVERY_PURPOSE - {moment.purpose}))
    said = {name: value for name, value in moment.facts.fields.items() if name.startswith("context.")}
    nobody = replace(denied, person=None, facts=replace(moment.facts, fields=said, events=()))
    assert decide(plays, denied, draw) == decide(plays, nobody, draw)


@given(worlds())
def test_nobody_has_no_history(world: World):
    """What happened to a person is not in an answer without their permission."""
    plays, moment, draw = world.plays, world.moment, world.draw
    denied = replace(moment, permits=Permits(frozenset()))
    assert decide(plays, denied, draw) == decide(plays, replace(denied, history=world.other), draw)


@given(worlds())
def test_a_decision_follows_from_its_situation_and_draw(world: World):
    """Again, and with the plays in another order, it comes out the same."""
    plays, moment, draw = world.plays, world.moment, world.draw
    assert decide(plays, moment, draw) == decide(list(reversed(plays)), moment, draw)


@given(worlds())
def test_chances_are_the_measure_of_the_draws(world: World):
    """They sum to 1; each is the length of the interval of draws that give it, to the last bits of a sum."""
    plays, moment, draw = world.plays, world.moment, world.draw
    outcome = decide(plays, moment, 0.0)
    if outcome.candidate is None:
        assert outcome.alternatives == () and outcome.propensity == 0
        return
    shares = [one.probability for one in outcome.alternatives]
    assert abs(sum(shares) - 1) < 1e-12
    bounds = [0.0, *list(accumulate(shares))[:-1], 1.0]
    for at, one in enumerate(outcome.alternatives):
        if bounds[at] < bounds[at + 1]:
            for draw in (bounds[at], nextafter(bounds[at + 1], 0)):
                drawn = decide(plays, moment, draw)
                assert drawn.candidate.option.option_id == one.option_id
                assert drawn.propensity == one.probability
        assert abs((bounds[at + 1] - bounds[at]) - one.probability) < 1e-12


@given(worlds())
def test_every_option_that_can_be_given_is_explored(world: World):
    """No chance is below 1 %, and paid options together keep their share."""
    plays, moment = world.plays, world.moment
    for outcome in every_outcome(plays, moment):
        if outcome.candidate is None:
            continue
        assert all(one.probability >= FLOOR_PERMILLE / 1000 - 1e-12 for one in outcome.alternatives)
        paid = {one.option_id for one in outcome.candidate.play.options if one.sponsored}
        share = sum(one.probability for one in outcome.alternatives if one.option_id in paid)
        assert share <= moment.limits.sponsored_permille / 1000 + 1e-12


@given(
    st.lists(st.tuples(st.floats(1e-300, 1e300), st.booleans()), min_size=1, max_size=20),
    st.sampled_from([200, 500, 1000]),
)
def test_what_is_paid_leaves_the_proportions_of_the_rest(weighed: list[tuple[float, bool]], permille: int):
    """The unpaid ones stand to one another as they would without any paid one, but for the floor."""
    weights, paid = [weight for weight, _ in weighed], [is_paid for _, is_paid in weighed]
    paid = [is_paid and at < permille // 10 for at, is_paid in enumerate(paid)]
    unpaid = [weight for weight, is_paid in zip(weights, paid, strict=True) if not is_paid]
    shares = chances(weights, paid, permille)
    assert abs(sum(shares) - 1) < 1e-9
    if unpaid:
        with_paid = [share for share, is_paid in zip(shares, paid, strict=True) if not is_paid]
        alone = chances(unpaid, [False] * len(unpaid), permille)
        order = sorted(range(len(unpaid)), key=alone.__getitem__)
        assert all(with_paid[a] <= with_paid[b] + 1e-12 for a, b in pairwise(order))


@given(worlds())
def test_what_is_owed_passes_quietly_and_never_without_a_permit(world: World):
    """Rest, a full cap, a last personal answer change nothing for it; without the purpose there is none."""
    plays, moment, draw = world.plays, world.moment, world.draw
    owed = [replace(one, service=True) for one in plays]
    full = [Reservation(NOW_MS - hours, next(iter(OUTBOUND))) for hours in range(9)]
    tired = replace(
        moment.history,
        last_own_action_ms=NOW_MS - 99 * DAY_MS,
        reservations=full,
        last_depth={one.slot: Depth.INDIVIDUAL for one in plays if one.slot},
    )
    fresh = replace(tired, last_own_action_ms=NOW_MS, reservations=(), last_depth={})
    rested = decide(owed, replace(moment, history=tired), draw)
    assert rested == decide(owed, replace(moment, history=fresh), draw)
    assert not rested.reserves
    denied = decide(owed, replace(moment, permits=Permits(EVERY_PURPOSE - {moment.purpose})), draw)
    assert denied.candidate is None
    assert denied.held is Held.NOT_PERMITTED or denied.steps == ()


@given(st.lists(st.tuples(worlds(), st.integers(0, 20)), min_size=2, max_size=12))
def test_the_cap_is_never_exceeded_over_linked_identities(asked: list[tuple[World, int]]):
    """Decisions for three identities of one person, their places summed: no window is over the cap."""
    taken: list[list[Reservation]] = [[], [], []]
    limits = asked[0][0].moment.limits
    now_ms = NOW_MS
    for turn, (world, hours) in enumerate(asked):
        plays, moment, draw = world.plays, world.moment, world.draw
        now_ms += hours * 3_600_000
        together = [place for of_one in taken for place in of_one]
        outcome = decide(
            plays,
            replace(
                moment,
                limits=limits,
                facts=replace(moment.facts, now_ms=now_ms),
                history=replace(moment.history, reservations=together),
            ),
            draw,
        )
        if outcome.reserves:
            sent = outcome.candidate
            taken[turn % 3].append(Reservation(sent.send_at_ms, sent.channel))
    at = sorted(place.at_ms for of_one in taken for place in of_one)
    window_ms = limits.cap_days * DAY_MS
    assert all(sum(last - window_ms < one <= last for one in at) <= limits.cap for last in at)


@given(worlds())
def test_nothing_forbidden_comes_out(world: World):
    """Straight from the rules, asked of what was given."""
    plays, moment, draw = world.plays, world.moment, world.draw
    outcome = decide(plays, moment, draw)
    given_ = outcome.candidate
    if given_ is None:
        assert outcome.held is not None and not outcome.reserves
        return
    known = moment.person is not None and moment.permits(moment.purpose)
    if given_.channel in OUTBOUND:
        owed = given_.play.service and given_.play.purpose == "service"
        assert known
        assert owed or moment.permits(OUTBOUND[given_.channel])
        assert given_.channel not in moment.history.closed
    if outcome.depth > Depth.CONTEXT:
        assert known and not moment.minor
    if outcome.depth > Depth.SEGMENT:
        assert moment.certain
    if outcome.price_personalised:
        assert moment.permits("personalise.pricing") and not moment.minor
    if given_.option.sponsored:
        assert not moment.minor
        assert outcome.depth <= Depth.CONTEXT or moment.permits("marketing.ads.first_party")
    if outcome.price_minor is not None:
        assert 0 <= outcome.price_minor <= moment.price_minor
    assert given_.send_at_ms >= NOW_MS
    assert outcome.retry_at_ms == 0
    assert is_certain(given_.option, moment.facts.fields) or outcome.propensity >= 0.01 - 1e-12


@given(worlds())
def test_a_play_that_is_given_was_the_first_that_could_be(world: World):
    """Of no play before it, by priority, the guards leave anything."""
    plays, moment = world.plays, world.moment
    outcome = decide(plays, moment, 0.5)
    used = judged(moment)
    order = sorted(plays, key=lambda one: (-one.priority, one.play_id))
    left = [one.play_id for one in order if guarded(one, used).candidates]
    assert (outcome.candidate.play.play_id if outcome.candidate else None) == (left[0] if left else None)
