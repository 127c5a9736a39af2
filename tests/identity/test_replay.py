"""What rules make of the whole ledger, and who splits and merges by it."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.columns import Columns
from identity.ids import SubjectId
from identity.ledger import NEVER_MS, Edge, EdgeState, Evidence, LedgerEntry, ordered
from identity.linking import Verdict
from identity.marks import PARTS, UNSAID, Mark
from identity.preview import Preview, preview
from identity.repartition import repartition
from identity.rules import DAY_MS, Rules
from identity.tokens import IdentifierKind as Kind
from tests.identity.rulebook import FILE, SHIPPED, merged, variant
from tests.identity.test_census import NOW, People

TILL = [("device_id till", f"account_id {number}") for number in range(3)]
TWO_ACCOUNTS = Mark(Kind.ACCOUNT_ID, 2)
LAX = variant(version=2, kinds={"device_id": {"shared_above": {"account_id": 2}}})
RETIRED = variant(version=2, sources={"named": {"web": {"status": "retired", "evidence": ["login"]}}})

OTHER_RETIRED = variant(version=2, sources={"named": {"unrelated": {"status": "retired", "evidence": []}}})
WEB = {"status": "active", "trust_permille": 100, "evidence": ["login"]}
DISTRUSTED = variant(version=2, sources={"named": {"web": WEB}})


class Ledger:
    """Rows as the service would have kept them."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.names: dict[str, SubjectId] = {}
        self.shared: dict[SubjectId, Mark] = {}

    def subject(self, name: str) -> SubjectId:
        return self.names.setdefault(name, SubjectId(len(self.names).to_bytes(16, "big")))

    def row(self, one: str, other: str, state=EdgeState.ACTIVE, reason="", at_ms=NOW, **fields) -> int:
        ends = ordered(self.subject(one), self.subject(other))
        edge = Edge(len(self.entries) + 1, *ends, Evidence.LOGIN, "web", at_ms, NEVER_MS, 1000, state)
        self.entries.append(LedgerEntry(edge._replace(**fields), at_ms, reason))
        return len(self.entries) - 1

    def set(self, place: int, state: EdgeState, reason: str) -> None:
        """What became of a row later."""
        was = self.entries[place]
        self.entries[place] = LedgerEntry(was.edge._replace(state=state), was.stated_at_ms, reason)

    def columns(self) -> Columns:
        kinds = {subject: Kind[name.split()[0].upper()] for name, subject in self.names.items()}
        return Columns(self.entries, kinds, self.shared)

    def preview(self, after: Rules, before: Rules = SHIPPED, blocked=frozenset()) -> Preview:
        return preview(self.columns(), before, after, blocked, now_ms=NOW, some_max=9)

    def become(self, after: Rules, before: Rules = SHIPPED) -> dict[int, tuple[bool, str]]:
        """Which rows change, whether they count for anything then, and why not all they might."""
        planned = self.preview(after, before).plan
        counts = (planned.states != EdgeState.QUARANTINED).tolist()
        return dict(zip(planned.rows.tolist(), zip(counts, planned.reasons, strict=True), strict=True))


def ledger_of(*pairs: tuple[str, str], **fields) -> Ledger:
    ledger = Ledger()
    for pair in pairs:
        ledger.row(*pair, **fields)
    return ledger


def newer(**changes) -> Rules:
    return variant(version=2, **changes)


def test_rules_that_say_the_same_change_nothing():
    ledger = ledger_of(("account_id 1", "email 1"), ("account_id 1", "cookie 1"))
    planned = ledger.preview(newer()).plan
    assert (len(planned.rows), planned.comes_back, planned.goes) == (0, 0, 0)


def test_stricter_rules_take_back_what_they_would_not_have_taken():
    """A till that was let be: all its links go, and nothing else."""
    ledger = ledger_of(*TILL[:2], ("account_id 0", "email 0"))
    gone = (False, "IDENTIFIER_SHARED")
    assert ledger.become(newer(), LAX) == {0: gone, 1: gone}
    assert ledger.preview(newer(), LAX).plan.shared == {ledger.subject("device_id till"): TWO_ACCOUNTS}


def test_laxer_rules_bring_back_what_was_refused_and_what_was_taken_back():
    ledger = Ledger()
    ledger.row(*TILL[0], EdgeState.QUARANTINED, "IDENTIFIER_SHARED")
    ledger.row(*TILL[1], EdgeState.REFUSED, "IDENTIFIER_SHARED")
    seen = ledger.preview(LAX)
    assert ledger.become(LAX) == {0: (True, ""), 1: (True, "")}
    assert (seen.plan.comes_back, seen.plan.shared) == (2, {})
    assert [(one.comes_back, one.reason) for one in seen.edges] == [(True, "IDENTIFIER_SHARED")] * 2


def test_what_somebody_declared_wrong_never_comes_back():
    """Neither the row, nor what was refused because of it, nor what had been refused before."""
    ledger = Ledger()
    ledger.row(*TILL[0], EdgeState.REFUSED, "PERSON_TOO_LARGE", at_ms=NOW - 5)
    ledger.row(*TILL[0], EdgeState.WRONG, "shared", source="app")
    ledger.row(*TILL[1], EdgeState.REFUSED, "LINK_DECLARED_WRONG")
    assert ledger.become(LAX) == {}


def test_what_was_refused_after_a_correction_may_come_back():
    ledger = Ledger()
    ledger.row(*TILL[0], EdgeState.WRONG, "shared", at_ms=NOW - 5)
    back = ledger.row(*TILL[0], EdgeState.REFUSED, "PERSON_TOO_LARGE", at_ms=NOW - 4)
    assert ledger.become(LAX) == {back: (True, "")}


def test_of_one_edge_one_row_comes_back_and_the_one_that_stands_stays():
    ledger = Ledger()
    stands = ledger.row(*TILL[0])
    ledger.row(*TILL[0], EdgeState.REFUSED, "PERSON_KIND_LIMIT")
    quarantined = ledger.row(*TILL[1], EdgeState.QUARANTINED, "IDENTIFIER_SHARED")
    ledger.row(*TILL[1], EdgeState.REFUSED, "IDENTIFIER_SHARED")
    assert stands not in ledger.become(LAX)
    assert ledger.become(LAX) == {quarantined: (True, "")}


def test_a_retired_source_joins_nobody_and_keeps_its_refusals():
    """Its edges stand, and count for refusals only; what it says anew would be refused."""
    ledger = ledger_of(("account_id 1", "email 1"))
    ledger.row("account_id 1", "email 2", EdgeState.REFUSED, "PERSON_KIND_LIMIT")
    assert ledger.become(RETIRED) == {0: (True, "")}
    seen = ledger.preview(RETIRED)
    assert [(view.people_before, view.people_after) for view in seen.views.values()] == [(1, 0), (1, 0)]
    assert (seen.plan.goes, seen.plan.comes_back) == (0, 0)


def test_evidence_that_is_to_expire_sooner_changes_what_it_counts_for():
    ledger = ledger_of(("account_id 1", "email 1"), at_ms=NOW - 10 * DAY_MS)
    expiring = newer(evidence={"login": {"expires_after_days": 10}})
    assert ledger.become(expiring) == {0: (True, "")}
    assert ledger.preview(expiring).views["strict"].splits.people == 1


def test_values_that_are_blocked_now_take_their_links_with_them():
    ledger = ledger_of(("account_id 1", "email junk"))
    seen = ledger.preview(newer(), blocked={ledger.subject("email junk")})
    assert (seen.plan.goes, dict(seen.going)) == (1, {"BLOCKED_VALUE": 1})


def test_a_smaller_person_keeps_what_came_first():
    ledger = ledger_of(*[("account_id 1", f"email {number}") for number in range(3)])
    limited = newer(kinds={"email": {"per_person_max": 2}})
    assert ledger.become(limited) == {2: (False, "PERSON_KIND_LIMIT")}


def test_a_preview_names_the_people_it_counts():
    ledger = ledger_of(*TILL[:2], ("account_id 5", "email 5"))
    view = ledger.preview(newer(), LAX).views["strict"]
    assert (view.people_before, view.people_after) == (2, 1)
    assert (view.splits.people, view.merges.people) == (1, 0)
    assert sorted(ledger.columns().subjects[one] for one in view.splits.some[0]) == sorted(
        ledger.subject(name) for name in ("device_id till", "account_id 0", "account_id 1")
    )


def test_the_digest_is_of_the_rules_and_of_what_they_change():
    ledger = ledger_of(*TILL[:2])
    first = ledger.preview(newer(), LAX).plan.digest
    assert ledger.preview(newer(), LAX).plan.digest == first
    assert ledger.preview(newer(members_max=499), LAX).plan.digest != first
    ledger.row("account_id 7", "email 7")
    assert ledger.preview(newer(), LAX).plan.digest == first
    ledger.row(*TILL[2])
    assert ledger.preview(newer(), LAX).plan.digest != first


def test_an_empty_ledger_changes_nowhere():
    seen = Ledger().preview(newer())
    assert (len(seen.plan.rows), seen.edges) == (0, ())
    assert all(view.people_after == 0 for view in seen.views.values())


def test_what_came_back_never_takes_the_place_of_what_stands():
    """Eight cards are full, a ninth was refused, one of the eight unlinked, and a tenth linked."""
    ledger = ledger_of(*[("account_id a", f"loyalty_card {number}") for number in range(8)])
    ledger.row("account_id a", "loyalty_card refused", EdgeState.REFUSED, "PERSON_KIND_LIMIT:LOYALTY_CARD")
    ledger.set(0, EdgeState.WRONG, "card of another")
    ledger.row("account_id a", "loyalty_card stands")
    assert ledger.become(OTHER_RETIRED) == {}


@pytest.mark.parametrize("mark", [TWO_ACCOUNTS, Mark(PARTS, 3), UNSAID])
def test_what_was_found_shared_stays_so_when_its_witness_was_swept(mark):
    """Only the link that was taken back is left, and it alone shows nothing."""
    ledger = Ledger()
    ledger.row(*TILL[0], EdgeState.QUARANTINED, "IDENTIFIER_SHARED")
    ledger.shared[ledger.subject("device_id till")] = mark
    assert ledger.become(OTHER_RETIRED) == {}
    assert ledger.preview(OTHER_RETIRED).plan.shared == ledger.shared


def test_rules_that_allow_what_was_seen_let_it_go():
    ledger = Ledger()
    ledger.row(*TILL[0], EdgeState.QUARANTINED, "IDENTIFIER_SHARED")
    ledger.shared[ledger.subject("device_id till")] = TWO_ACCOUNTS
    assert ledger.become(LAX) == {0: (True, "")}
    assert ledger.preview(LAX).plan.shared == {}


def test_a_mark_of_whom_no_link_is_left_is_kept():
    ledger = ledger_of(("account_id 1", "email 1"))
    ledger.shared[SubjectId(bytes(15) + b"t")] = TWO_ACCOUNTS
    assert ledger.preview(OTHER_RETIRED).plan.shared == ledger.shared


def test_distrust_of_a_source_frees_no_refusal():
    """Its proof is a guess by now, and one between two people: it joins nobody and carries refusals."""
    ledger = ledger_of(("account_id a", "email a"), ("account_id b", "email b"), ("email a", "email b"))
    planned = ledger.preview(DISTRUSTED).plan
    assert planned.states.tolist() == [EdgeState.ACTIVE, EdgeState.ACTIVE, EdgeState.DISTRUSTED]
    assert (planned.reasons[2], planned.goes) == ("LINK_BRIDGES_PEOPLE", 1)


def test_distrusted_evidence_stays_so_until_it_is_trusted_again():
    ledger = ledger_of(("account_id a", "email a"), ("account_id b", "email b"), ("email a", "email b"))
    ledger.set(2, EdgeState.DISTRUSTED, "LINK_BRIDGES_PEOPLE")
    still = variant(version=3, sources={"named": {"web": WEB}})
    assert ledger.become(still, DISTRUSTED) == {}
    trusted = ledger.preview(variant(version=3), DISTRUSTED).plan
    assert (trusted.comes_back, trusted.states[2]) == (1, EdgeState.ACTIVE)


names = st.builds(
    "{} {}".format, st.sampled_from(["account_id", "email", "device_id", "phone"]), st.integers(0, 3)
)
histories = st.lists(
    st.tuples(names, names, st.sampled_from([Evidence.LOGIN, Evidence.SIMILARITY])).filter(
        lambda link: link[0] != link[1]
    ),
    max_size=25,
    unique_by=lambda link: (frozenset(link[:2]), link[2]),
)


@settings(max_examples=60)
@given(history=histories)
@example(
    history=[  # proof comes between two whose guess was given up
        ("account_id 0", "email 0", Evidence.SIMILARITY),
        ("account_id 1", "email 1", Evidence.SIMILARITY),
        ("email 0", "email 1", Evidence.LOGIN),
        ("account_id 1", "email 1", Evidence.LOGIN),
    ]
)
def test_a_replay_of_the_rules_in_force_is_what_they_made_link_by_link(history):
    """Whatever was refused or taken back on the way, nothing changes and the same is shared."""
    people, ledger = People(), Ledger()
    ledger.names = people.names
    place_of: dict[int, int] = {}
    for one, other, evidence in history:
        judged = people.judge(people.sighting(one, other, evidence))
        (became,) = people.keep(judged)
        place = ledger.row(one, other, evidence=evidence)
        if became is Verdict.NEW:
            place_of[people.edges[-1].edge_id] = place
        else:
            ledger.set(place, EdgeState.REFUSED, judged.rulings[0].reason)
        for quarantine in judged.quarantines:
            for edge in quarantine.edges:
                ledger.set(place_of[edge.edge_id], EdgeState.QUARANTINED, quarantine.reason.value)
            for edge in quarantine.carriers:
                ledger.set(place_of[edge.edge_id], EdgeState.DISTRUSTED, quarantine.reason.value)
    planned = ledger.preview(newer()).plan
    assert planned.rows.tolist() == []
    assert planned.shared.keys() == people.shared


@given(
    before=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12),
    after=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12),
)
def test_who_splits_and_merges_is_what_two_graphs_of_networkx_say(before, after):
    was, becomes = components(before), components(after)
    found = repartition(labels(was), labels(becomes), 99)
    assert found.people_before == sum(len(part) > 1 for part in was)
    assert found.people_after == sum(len(part) > 1 for part in becomes)
    assert told(found.splits) == divided(was, becomes)
    assert told(found.merges) == divided(becomes, was)


def components(pairs) -> list[set[int]]:
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(10))
    return list(nx.connected_components(graph))


def labels(parts: list[set[int]]) -> np.ndarray:
    return np.array([next(n for n, part in enumerate(parts) if one in part) for one in range(10)], np.int32)


def divided(whole: list[set[int]], by: list[set[int]]) -> set[tuple[int, ...]]:
    """For each part that is divided the oldest of every piece."""
    pieces = [sorted(min(part & other) for other in by if part & other) for part in whole]
    return {tuple(piece) for piece in pieces if len(piece) > 1}


def told(moved) -> set[tuple[int, ...]]:
    assert moved.people == len(moved.some)
    return {tuple(one) for one in moved.some}


def test_files_are_merged_without_changing_the_shipped_one():
    assert merged(FILE, {"version": 7})["version"] == 7
    assert FILE["version"] == SHIPPED.version
