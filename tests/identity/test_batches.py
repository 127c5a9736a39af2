"""Links of one batch become what they become one by one: each is judged by what was seen before it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from identity.ids import SubjectId
from identity.ledger import EdgeState, Evidence, LedgerEntry, Sighting
from identity.linking import LinkRefusal, Verdict
from identity.rules import DAY_MS
from tests.identity.rulebook import variant
from tests.identity.test_census import NOW, one_by_one
from tests.identity.test_crowding import Carried

NEW, AGAIN, KNOWN = Verdict.NEW, Verdict.SEEN_AGAIN, Verdict.KNOWN
LIMIT = LinkRefusal.PERSON_KIND_LIMIT
PAST = {"observed_at_ms": NOW - 50, "valid_until_ms": NOW - 10}


class Kept(Carried):
    """People whose links are kept as the service keeps them, also what is seen again."""

    def take(self, *batch: Sighting) -> list[LinkRefusal | Verdict]:
        """Links in one batch; what became of each."""
        between = self._between({one.key[:2] for one in batch})
        judged = self.judge(*batch, entries=between)
        edges = {entry.edge.edge_id: entry.edge for entry in between}
        for ruling in judged.rulings:
            if ruling.verdict is AGAIN:
                self.graph.apply([edges[ruling.edge_id].seen_again(ruling.sighting)])
        return self.keep(judged)

    def take_in(self, batches: Iterable[Iterable[Sighting]]) -> list[LinkRefusal | Verdict]:
        return [became for batch in batches for became in self.take(*batch)]

    def _between(self, pairs: Iterable[tuple[SubjectId, SubjectId]]) -> list[LedgerEntry]:
        return [
            LedgerEntry(edge, NOW, "")
            for pair in pairs
            for edge in self.graph.held(pair[0])
            if (edge.a, edge.b) == pair
        ]


def two_people() -> Kept:
    people = Kept()
    one_by_one(people, ("account_id 1", "email 1"), ("account_id 2", "email 2"))
    return people


def together_or_apart(*batch: Sighting, together: bool) -> list[tuple[Sighting, ...]]:
    return [batch] if together else [(one,) for one in batch]


@pytest.mark.parametrize("together", [False, True])
def test_proof_that_is_seen_again_to_its_end_upholds_no_guess(together):
    people = two_people()
    people.link("email 1", "email 2", source="crm", observed_at_ms=NOW - 100)
    ended = people.sighting("email 1", "email 2", source="crm", **PAST)
    guess = people.sighting("email 1", "account_id 2", Evidence.SIMILARITY, source="partner")
    became = people.take_in(together_or_apart(ended, guess, together=together))
    assert became == [AGAIN, LinkRefusal.BRIDGES_PEOPLE]
    assert people.states("email 1", "account_id 2") == {}


@pytest.mark.parametrize("together", [False, True])
def test_new_proof_that_is_seen_again_to_its_end_upholds_no_guess(together):
    people = two_people()
    lasting = people.sighting("email 1", "email 2", source="crm", observed_at_ms=NOW - 100)
    guess = people.sighting("email 1", "account_id 2", Evidence.SIMILARITY, source="partner")
    became = people.take_in(together_or_apart(lasting, lasting._replace(**PAST), guess, together=together))
    assert became == [*([KNOWN, NEW] if together else [NEW, AGAIN]), LinkRefusal.BRIDGES_PEOPLE]
    assert people.states("email 1", "account_id 2") == {}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_a_guess_that_is_seen_again_as_proof_is_proof_for_what_comes_after(together, known):
    """Whether the ledger had it or the same batch brought it."""
    people = Kept()
    people.link("account_id 1", "email 1")
    unsure = people.sighting("email 1", "email 2", confidence_permille=200, observed_at_ms=NOW - 9)
    sure = people.sighting("email 1", "email 2")
    anchor = people.sighting("account_id 2", "email 2")
    if known:
        people.take(unsure)
    batch = (sure, anchor) if known else (unsure, sure, anchor)
    people.take_in(together_or_apart(*batch, together=together))
    assert people.states("email 1", "email 2") == {"web": EdgeState.ACTIVE}
    assert people.person("account_id 1") == {"account_id 1", "email 1", "email 2", "account_id 2"}


@pytest.mark.parametrize("together", [False, True])
def test_proof_that_is_seen_again_less_surely_stays_proof_for_what_comes_after(together):
    people = Kept()
    people.link("account_id 1", "email 1")
    people.link("email 1", "email 2", observed_at_ms=NOW - 9)
    unsure = people.sighting("email 1", "email 2", confidence_permille=200)
    anchor = people.sighting("account_id 2", "email 2")
    assert people.take_in(together_or_apart(unsure, anchor, together=together)) == [AGAIN, NEW]
    assert people.states("email 1", "email 2") == {"web": EdgeState.ACTIVE}


@pytest.mark.parametrize("together", [False, True])
def test_what_is_seen_again_into_a_full_window_is_refused(together):
    """An email long unseen comes back to somebody who has got as many others since."""
    people = Kept(variant(kinds={"email": {"per_person_max": 2, "window_days": 30}}))
    old = people.sighting("account_id 1", "email old", observed_at_ms=NOW - 90 * DAY_MS)
    others = [people.sighting("account_id 1", f"email {number}") for number in range(2)]
    back = old._replace(observed_at_ms=NOW)
    assert people.take_in(together_or_apart(old, *others, back, together=together)) == [NEW, NEW, NEW, LIMIT]


def test_what_a_batch_takes_back_is_what_was_seen_last():
    """And not what stood before the batch, which nobody says any more."""
    people = Kept()
    people.link("account_id 1", "email 1")
    guess = {"evidence": Evidence.SIMILARITY, "source": "partner"}
    people.link("email 1", "email 2", **guess, observed_at_ms=NOW - 9)
    again = people.sighting("email 1", "email 2", **guess, valid_until_ms=NOW + 5)
    judged = people.judge(
        again,
        people.sighting("account_id 2", "email 2"),
        entries=[LedgerEntry(edge, NOW, "") for edge in people.graph.at(people.subject("email 2"))],
    )
    (carrier,) = [edge for one in judged.quarantines for edge in one.carriers]
    assert (carrier.observed_at_ms, carrier.valid_until_ms) == (NOW, NOW + 5)


@pytest.mark.parametrize("together", [False, True])
def test_proof_of_what_was_a_guess_and_given_up_is_taken(together):
    """The guess joins nobody any more; what the same source saw later is another edge."""
    people = Kept()
    batch = (
        people.sighting("account_id 1", "email 1", confidence_permille=200, observed_at_ms=NOW - 9),
        people.sighting("account_id 2", "email 1"),
        people.sighting("account_id 1", "email 1"),
    )
    people.take_in(together_or_apart(*batch, together=together))
    assert people.person("account_id 1") == {"account_id 1", "email 1", "account_id 2"}
    states = sorted(edge.state for edge in people.graph.carriers(people.subject("email 1")))
    assert states == [EdgeState.DISTRUSTED]


@pytest.mark.parametrize("together", [False, True])
def test_whoever_a_given_up_guess_leaves_as_they_are_stays_one_person_for_the_rest(together):
    """Proof that ran out goes on holding them together beside it, also when the same batch brought it."""
    people = Kept()
    guess = {"confidence_permille": 200}
    batch = (
        people.sighting("account_id 1", "email 0", **guess),
        people.sighting("account_id 1", "email 1", **guess),
        people.sighting("account_id 0", "email 1", **PAST),
        people.sighting("account_id 0", "email 1", source="crm", **guess),
        people.sighting("account_id 0", "email 0", **guess),
    )
    became = people.take_in(together_or_apart(*batch, together=together))
    assert became == [NEW, NEW, NEW, LinkRefusal.BRIDGES_PEOPLE, LinkRefusal.BRIDGES_PEOPLE]
