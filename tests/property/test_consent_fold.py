"""The fold against the definition, one leaf at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consent.fold import State, fold, leaf_states
from consent.guard_table import NEVER_MS
from consent.record import Action, Said
from tests.property.consent_worlds import (
    INSTANTS,
    POLICIES,
    SUBJECTS,
    TAKES,
    OwnWords,
    World,
    answering,
    statements,
)

POLICY = POLICIES["consent"]
histories = (
    st.lists(statements(), max_size=12)
    .flatmap(lambda said: answering([(SUBJECTS[0], one) for one in said]))
    .map(lambda said: [one for _, one in said])
)


@given(histories, st.sampled_from(INSTANTS))
def test_every_leaf_has_the_state_of_the_latest_statement_covering_it(said: list[Said], now_ms: int):
    """Masks and leaf states agree with the definition at every leaf and instant."""
    world = World(POLICY, tuple((SUBJECTS[0], one) for one in said), ())
    own = fold(POLICY, said)
    states = leaf_states(POLICY, said, now_ms)
    for index, leaf in enumerate(POLICY.leaves):
        words = OwnWords(world, SUBJECTS[0], leaf, now_ms)
        expected = words.state()
        assert states[index].state.value == expected
        assert states[index].objected == bool(own.objected >> index & 1) == words.lies_over(Action.OBJECT)
        assert (
            states[index].restricted == bool(own.restricted >> index & 1) == words.lies_over(Action.RESTRICT)
        )
        assert bool(own.withdrawn >> index & 1) == (expected == "WITHDRAWN")
        assert bool(own.expired_at(now_ms) >> index & 1) == (expected == "EXPIRED")
        assert bool(own.granted_at(now_ms) >> index & 1) == (expected == "GRANTED")
        assert bool(own.refuse >> index & 1) == (expected in {"REFUSED", "WITHDRAWN"})
        assert (states[index].said is None) == (states[index].state is State.UNKNOWN)


@given(histories, st.data())
def test_only_ties_depend_on_the_order_of_recording(said: list[Said], data: st.DataObject):
    """Statements said at different instants come to the same in whatever order they were recorded."""
    apart = list({one.effective_at_ms: one for one in said}.values())
    assert fold(POLICY, apart) == fold(POLICY, data.draw(st.permutations(apart)))


@given(histories)
def test_a_statement_recorded_twice_counts_once(said: list[Said]):
    """Recording each statement again right behind itself changes nothing."""
    assert fold(POLICY, [one for one in said for _ in range(2)]) == fold(POLICY, said)


@given(histories, statements(actions=TAKES))
def test_taking_back_never_grants_and_never_unrefuses(said: list[Said], back: Said):
    """Whenever a refusal or withdrawal was said, even long ago, it only takes."""
    before, after = fold(POLICY, said), fold(POLICY, [*said, back])
    for denies in ("refuse", "objected", "restricted", "minor"):
        assert getattr(before, denies) & ~getattr(after, denies) == 0
    assert POLICY.under(after.regimes) == POLICY.under(before.regimes)
    for now_ms in INSTANTS:
        assert after.granted_at(now_ms) & ~before.granted_at(now_ms) == 0


@given(histories, st.sampled_from(INSTANTS))
def test_a_state_holds_until_its_next_change(said: list[Said], now_ms: int):
    """Nothing changes before ``changes_after``, and at that instant something does."""
    own = fold(POLICY, said)
    changes_ms = own.changes_after(now_ms)
    assert all(
        own.granted_at(at_ms) == own.granted_at(now_ms) for at_ms in INSTANTS if now_ms <= at_ms < changes_ms
    )
    assert (
        changes_ms == NEVER_MS
        or own.granted_at(changes_ms) != own.granted_at(now_ms)
        or any(answer.valid_until_ms == changes_ms for answer in own.answers)
    )


@given(histories, statements(actions=(Action.REQUEST, Action.DEFER)))
def test_asking_changes_no_state(said: list[Said], asked: Said):
    """Where the person is and how old may be learned by it; what the person said is not touched."""
    before, after = fold(POLICY, said), fold(POLICY, [*said, asked])
    assert after._replace(minor=before.minor, regimes=before.regimes) == before


@given(histories, statements(actions=(Action.LIFT,)))
def test_a_lift_takes_back_objections_and_restrictions_and_nothing_else(said: list[Said], lift: Said):
    """Grants and refusals stay what they were, and it lies over nothing itself."""
    before, after = fold(POLICY, said), fold(POLICY, [*said, lift])
    changed = {"objected", "restricted", "minor", "regimes"}
    assert after._replace(**{name: getattr(before, name) for name in changed}) == before
    assert after.objected & ~before.objected == after.restricted & ~before.restricted == 0


@given(histories, statements(actions=(Action.EXPIRE, Action.INVALIDATE)), st.sampled_from(INSTANTS))
def test_what_ends_grants_never_ends_a_refusal(said: list[Said], end: Said, now_ms: int):
    """EXPIRE leaves every refusal; INVALIDATE may bring back those before the grants it makes void."""
    before, after = fold(POLICY, said), fold(POLICY, [*said, end])
    assert before.refuse & ~after.refuse == 0
    if end.action is Action.EXPIRE:
        assert after.refuse == before.refuse
        assert after.granted_at(now_ms) | after.expired_at(now_ms) == (
            before.granted_at(now_ms) | before.expired_at(now_ms)
        )
