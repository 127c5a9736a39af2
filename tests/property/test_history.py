"""Parts of a person put together in any order and any groups, over links that come and go."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engagement.decision import GivenOffer, Reservation
from engagement.history import Part, Shown, history_of, together
from engagement.play import Channel, Depth

SLOTS = ("home.banner", "basket.side")


def part(number: int) -> Part:
    """The part of a number; instants are few, so that they coincide."""
    dice = Random(number)

    def instant() -> int:
        return dice.randrange(5)

    return Part(
        last_own_action_ms=dice.choice((None, instant())),
        first_event_ms=dice.choice((None, instant())),
        open_complaint=dice.random() < 0.3,
        minor=dice.random() < 0.3,
        reservations=tuple(
            sorted(
                (
                    Reservation(instant(), dice.choice((Channel.EMAIL, Channel.SMS)))
                    for _ in range(dice.randrange(3))
                ),
                key=lambda one: (one.at_ms, one.channel),
            )
        ),
        asked_at_ms=tuple(sorted(instant() for _ in range(dice.randrange(3)))),
        offers=tuple(
            GivenOffer(bytes([dice.randrange(256)]) * 16, "p", "o", 5, "EUR", 0, 9)
            for _ in range(dice.randrange(2))
        ),
        shown={slot: Shown(instant(), dice.choice(tuple(Depth))) for slot in SLOTS if dice.random() < 0.6},
        closed=frozenset(dice.sample(tuple(Channel), dice.randrange(3))),
    )


parts = st.lists(st.integers(0, 2**32 - 1).map(part), max_size=6)


@given(parts, st.randoms())
def test_the_order_of_parts_means_nothing(some: list[Part], order: Random):
    """A person is the same whichever of their birth subjects is read first."""
    shuffled = list(some)
    order.shuffle(shuffled)
    assert together(some) == together(shuffled)


@given(parts, st.integers(0, 6))
def test_groups_of_parts_mean_nothing(some: list[Part], cut: int):
    """Two groups put together, and then both, are the same as all at once."""
    assert together([together(some[:cut]), together(some[cut:])]) == together(some)


@given(st.integers(0, 2**32 - 1).map(part))
def test_one_part_is_itself(one: Part):
    """Putting together one part, or one and nothing, changes it in no way."""
    assert together([one]) == one == together([one, Part()]) == together([together([one])])


@given(parts)
def test_a_whole_is_what_its_parts_say(some: list[Part]):
    """Straight from the definition: the latest, the first, the sums, whatever protects."""
    person = history_of(together(some))
    acted = [one.last_own_action_ms for one in some if one.last_own_action_ms is not None]
    met = [one.first_event_ms for one in some if one.first_event_ms is not None]
    assert person.last_own_action_ms == (max(acted) if acted else None)
    assert person.first_event_ms == (min(met) if met else None)
    assert len(person.reservations) == sum(len(one.reservations) for one in some)
    assert Counter(person.asked_at_ms) == sum((Counter(one.asked_at_ms) for one in some), Counter())
    assert Counter(person.offers) == sum((Counter(one.offers) for one in some), Counter())
    assert person.open_complaint == any(one.open_complaint for one in some)
    assert all(one.closed <= person.closed for one in some)
    assert together(some).minor == any(one.minor for one in some)
    for slot in SLOTS:
        shown = [one.shown[slot] for one in some if slot in one.shown]
        assert person.last_depth.get(slot) == (max(shown).depth if shown else None)


@given(st.lists(st.integers(0, 2**32 - 1).map(part), min_size=2, max_size=5), st.data())
def test_an_unlink_restores_what_a_link_joined(some: list[Part], data: st.DataObject):
    """What happens while they are one person stays with whom it happened to, and nothing else changes."""
    kept = dict(enumerate(some))
    alone = {number: together([kept[number]]) for number in kept}
    whole = together(kept.values())
    happened = data.draw(st.sampled_from(sorted(kept)))
    new = part(data.draw(st.integers(0, 2**32 - 1)))
    kept[happened] = together([kept[happened], new])
    assert together(kept.values()) == together([whole, new])
    for number, own in kept.items():
        expected = together([alone[number], new]) if number == happened else alone[number]
        assert together([own]) == expected
