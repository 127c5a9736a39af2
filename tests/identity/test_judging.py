"""What becomes of sightings, each as if those before it were in the ledger."""

import pytest

from identity.census import Known
from identity.graph import Graph
from identity.judging import CLOCK_SKEW_MS, EDGES_BETWEEN_MAX, reaches
from identity.judging import rule as judge
from identity.ledger import NEVER_MS, EdgeState, Evidence, LedgerEntry, Sighting
from identity.linking import LinkRefusal, Ruling, Verdict
from identity.tokens import IdentifierKind
from tests.identity.graphs import NOW_MS, PEOPLE, edge
from tests.identity.rulebook import SHIPPED, variant

A, B, C, D, E = PEOPLE[:5]


def rule(sightings, entries, graph, rules, now_ms) -> list[Ruling]:
    """The rulings over cookies, of which one person may have many."""
    kinds = dict.fromkeys(PEOPLE, IdentifierKind.COOKIE)
    known = Known(
        graph,
        reaches([end for one in sightings for end in (one.subject, one.other)], graph, rules.members_max),
        kinds,
    )
    return judge(sightings, entries, known, rules, now_ms).rulings


def sighting(one=A, other=B, observed_at_ms=NOW_MS, valid_until_ms=NEVER_MS, source="web"):
    return Sighting(one, other, Evidence.LOGIN, source, observed_at_ms, valid_until_ms, 1000)


def ruled(*sightings, known=(), **changes):
    """The verdict or the refusal of each sighting, the ledger being what is known, under changed rules."""
    graph = Graph(entry.edge for entry in known)
    rulings = rule(sightings, known, graph, variant(**changes), NOW_MS)
    return [ruling.refusal or ruling.verdict for ruling in rulings]


def test_a_first_sighting_is_a_new_edge():
    assert ruled(sighting()) == [Verdict.NEW]


@pytest.mark.parametrize(
    ("malformed", "refusal"),
    [
        (sighting(A, A), LinkRefusal.TO_ITSELF),
        (sighting(observed_at_ms=NOW_MS + CLOCK_SKEW_MS + 1), LinkRefusal.OBSERVED_IN_FUTURE),
        (sighting(valid_until_ms=NOW_MS - 1), LinkRefusal.EXPIRES_BEFORE_OBSERVED),
        (sighting(valid_until_ms=NOW_MS), LinkRefusal.EXPIRES_BEFORE_OBSERVED),
    ],
)
def test_a_malformed_sighting_is_refused_alone_and_not_recorded(malformed, refusal):
    assert ruled(sighting(B, C), malformed, sighting(C, D)) == [Verdict.NEW, refusal, Verdict.NEW]
    (ruling,) = rule([malformed], [], Graph(), SHIPPED, NOW_MS)
    assert not ruling.recorded


def test_the_same_edge_seen_again_is_refreshed_if_it_was_seen_later_and_else_just_known():
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500), 500, "")]
    again = [sighting(B, A, observed_at_ms=at_ms) for at_ms in (400, 500, 501, 501, 502)]
    assert ruled(*again, known=known) == [
        Verdict.KNOWN,
        Verdict.KNOWN,
        Verdict.SEEN_AGAIN,
        Verdict.KNOWN,
        Verdict.SEEN_AGAIN,
    ]
    assert {ruling.edge_id for ruling in rule(again, known, Graph(), SHIPPED, NOW_MS)} == {7}


def test_another_source_or_other_evidence_is_an_edge_of_its_own():
    known = [LedgerEntry(edge(7, A, B), NOW_MS, "")]
    other_evidence = sighting()._replace(evidence=Evidence.SIMILARITY)
    assert ruled(sighting(source="app"), other_evidence, known=known) == [Verdict.NEW, Verdict.NEW]


@pytest.mark.parametrize(("first", "second", "kept"), [(5, 5, 0), (5, 4, 0), (5, 6, 1)])
def test_a_new_edge_twice_in_one_batch_is_one_edge_with_the_later_sighting(first, second, kept):
    batch = [sighting(observed_at_ms=first), sighting(B, A, observed_at_ms=second)]
    verdicts = ruled(*batch)
    assert verdicts.count(Verdict.NEW) == 1
    assert verdicts[kept] is Verdict.NEW


def test_evidence_as_old_as_a_correction_does_not_bring_the_edge_back_and_newer_evidence_does():
    wrong = edge(7, A, B, observed_at_ms=100, state=EdgeState.WRONG)
    known = [LedgerEntry(wrong, 600, "shared tablet")]
    old, at_the_time, newer = (sighting(observed_at_ms=at_ms) for at_ms in (599, 600, 601))
    assert ruled(old, at_the_time, newer, known=known) == [
        LinkRefusal.DECLARED_WRONG,
        LinkRefusal.DECLARED_WRONG,
        Verdict.NEW,
    ]
    assert ruled(sighting(observed_at_ms=100, source="app"), known=known) == [LinkRefusal.DECLARED_WRONG]
    assert ruled(sighting(observed_at_ms=601, source="app"), known=known) == [Verdict.NEW]


def test_the_last_of_several_corrections_counts():
    known = [
        LedgerEntry(edge(7, A, B, state=EdgeState.WRONG), 600, ""),
        LedgerEntry(edge(8, A, B, state=EdgeState.WRONG), 300, ""),
        LedgerEntry(edge(9, A, B, state=EdgeState.REFUSED), 900, ""),
    ]
    assert ruled(sighting(observed_at_ms=500), known=known) == [LinkRefusal.DECLARED_WRONG]
    assert ruled(sighting(observed_at_ms=700), known=known) == [Verdict.NEW]


def test_a_person_may_grow_to_the_bound_and_no_further_also_within_one_batch():
    known = [LedgerEntry(edge(1, A, B), NOW_MS, ""), LedgerEntry(edge(2, C, D), NOW_MS, "")]
    assert ruled(sighting(B, C), known=known, members_max=4) == [Verdict.NEW]
    assert ruled(sighting(B, C), known=known, members_max=3) == [LinkRefusal.PERSON_TOO_LARGE]
    assert ruled(
        sighting(B, C), sighting(D, E), sighting(A, D, source="app"), known=known, members_max=4
    ) == [
        Verdict.NEW,
        LinkRefusal.PERSON_TOO_LARGE,
        Verdict.NEW,  # both are the same person already
    ]


def test_edges_that_ran_out_still_count_towards_the_size_of_a_person():
    """Refusals keep spreading over them, so the component is still that large."""
    known = [LedgerEntry(edge(1, A, B, valid_until_ms=NOW_MS - 1), NOW_MS, "")]
    assert ruled(sighting(B, C), known=known, members_max=2) == [LinkRefusal.PERSON_TOO_LARGE]


def test_nobody_is_joined_with_a_person_already_larger_than_the_bound():
    """The bound may have been lowered since."""
    known = [LedgerEntry(edge(1, A, B), NOW_MS, ""), LedgerEntry(edge(2, B, C), NOW_MS, "")]
    batch = (sighting(A, D), sighting(D, C))
    assert ruled(*batch, known=known, members_max=2) == [LinkRefusal.PERSON_TOO_LARGE] * 2


def test_refusals_about_people_are_recorded():
    (ruling,) = rule([sighting()], [], Graph(), variant(members_max=1), NOW_MS)
    assert ruling.refusal is LinkRefusal.PERSON_TOO_LARGE
    assert ruling.recorded


def test_a_link_that_is_pending_is_the_edge_a_second_sighting_is_of():
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500, state=EdgeState.LINK_PENDING), 500, "")]
    (again,) = rule([sighting()], known, Graph(), SHIPPED, NOW_MS)
    assert (again.verdict, again.edge_id, again.revives) == (Verdict.SEEN_AGAIN, 7, False)


def test_a_correction_that_is_pending_refuses_what_was_seen_before_it():
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500, state=EdgeState.UNLINK_PENDING), 600, "")]
    before, after = sighting(observed_at_ms=600), sighting(observed_at_ms=601)
    assert ruled(before, after, known=known) == [LinkRefusal.DECLARED_WRONG, Verdict.NEW]


@pytest.mark.parametrize("state", [EdgeState.LINK_PENDING, EdgeState.UNLINK_PENDING])
def test_pending_edges_count_for_how_large_a_person_becomes(state):
    known = [LedgerEntry(edge(1, A, B, state=state), NOW_MS, "")]
    assert ruled(sighting(B, C), known=known, members_max=2) == [LinkRefusal.PERSON_TOO_LARGE]


@pytest.mark.parametrize(("end_ms", "revives"), [(NOW_MS - 1, True), (NOW_MS, True), (NOW_MS + 1, False)])
def test_an_edge_is_revived_only_if_it_joined_nobody_any_more(end_ms, revives):
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500, valid_until_ms=end_ms), 500, "")]
    (again,) = rule([sighting()], known, Graph(), SHIPPED, NOW_MS)
    assert (again.verdict, again.revives) == (Verdict.SEEN_AGAIN, revives)


@pytest.mark.parametrize(
    ("sources", "refusal"),
    [
        ({"unknown": "refuse"}, LinkRefusal.SOURCE_UNKNOWN),
        ({"named": {"web": {"status": "retired", "evidence": ["login"]}}}, LinkRefusal.SOURCE_RETIRED),
        ({"named": {"web": {"status": "active", "evidence": []}}}, LinkRefusal.EVIDENCE_NOT_OF_SOURCE),
        ({"unknown": "refuse", "named": {"web": {"status": "active", "evidence": ["login"]}}}, Verdict.NEW),
    ],
)
def test_a_link_counts_by_the_word_of_its_source(sources, refusal):
    assert ruled(sighting(), sources=sources) == [refusal]


def test_what_the_rules_refuse_is_recorded():
    (ruling,) = rule([sighting()], [], Graph(), variant(sources={"unknown": "refuse"}), NOW_MS)
    assert ruling.recorded


def test_a_sighting_that_makes_an_edge_count_for_more_is_pending_again():
    """Sure enough at last to be proof; a surer sighting of what was proof before changes nothing."""
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500, confidence_permille=100), 500, "")]
    (sure,) = rule([sighting()], known, Graph(), SHIPPED, NOW_MS)
    assert (sure.verdict, sure.revives) == (Verdict.SEEN_AGAIN, True)
    known = [LedgerEntry(edge(7, A, B, observed_at_ms=500, confidence_permille=900), 500, "")]
    (surer,) = rule([sighting()], known, Graph(), SHIPPED, NOW_MS)
    assert not surer.revives


def test_more_evidence_between_two_than_is_kept_is_refused_and_leaves_no_row():
    """A source under ever new names costs no more than the first few."""
    sources = [f"source-{number}" for number in range(EDGES_BETWEEN_MAX)]
    known = [LedgerEntry(edge(n, A, B, source=source), 5, "") for n, source in enumerate(sources)]
    (ruling,) = rule([sighting(source="one-more")], known, Graph(), SHIPPED, NOW_MS)
    assert ruling.refusal is LinkRefusal.TOO_MUCH_EVIDENCE
    assert not ruling.recorded
    assert ruled(sighting(source=sources[0], observed_at_ms=NOW_MS), known=known) == [Verdict.KNOWN]


def test_a_batch_keeps_no_more_evidence_between_two_than_several():
    """The same edge twice is one."""
    batch = [sighting(source=f"source-{number}") for number in (0, *range(EDGES_BETWEEN_MAX + 2))]
    became = ruled(*batch)
    assert became.count(Verdict.NEW) == EDGES_BETWEEN_MAX
    assert became[-2:] == [LinkRefusal.TOO_MUCH_EVIDENCE] * 2
