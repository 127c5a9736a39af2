"""The tour passes on a suite that keeps its promises, finds the one that is broken, and leaves no trace."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from engagement.attributes import Attribute, read
from services.importing.dealing import Answer
from services.importing.messages import links
from services.tour import tour
from services.tour.callers import NAMES, Callers
from services.tour.claims import Claims
from services.tour.desk import Desk
from services.tour.household import find_household, put_back, withdraw
from services.tour.offers_due import noon_zone
from services.tour.offers_plays import Plays
from tests.services.tour_world import DATASET, NOW_MS, TourWorld
from veilgraph.client import Unavailable
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.engagement.v1 import definition_pb2
from veilgraph.identity.v1 import identity_pb2


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tour's suite has not sealed anew at once it never will."""
    monkeypatch.setattr("services.tour.rotation.REKEY_S", 0)
    monkeypatch.setattr("services.tour.offers_plays.SETTLE_S", 0)
    monkeypatch.setattr("services.tour.offers.WRITTEN_S", 0)
    monkeypatch.setattr("services.tour.offers_due.DUE_S", 0.01)
    monkeypatch.setattr("services.tour.offers_prices.FOUND_S", 0)


def walk(
    world: TourWorld,
    shop: FakeVeilgraph | None = None,
    dataset: str = DATASET,
    keep: Callable[[str, str], Path] | None = None,
) -> tuple[int, str]:
    """Takes the tour; its exit code and what it showed."""

    def now_ms() -> int:
        world.now_ms += 1
        return world.now_ms

    shown = io.StringIO()
    console = Console(file=shown, width=160)
    numbers = itertools.count()
    desk = Desk(
        attest=lambda subject: f"{subject}#{next(numbers)}-{world.now_ms}",
        now_ms=now_ms,
        genuine=world.genuine,
        auditor=world.auditor(),
        keep=keep or (lambda name, _: Path(name)),
    )
    callers = Callers(shop or world.client("shop"), *(world.client(name) for name in NAMES[1:]))
    code = tour(callers, dataset, console, desk)
    return code, shown.getvalue()


def test_every_claim_holds_twice_in_a_row_and_everything_is_as_it_was() -> None:
    world = TourWorld()
    before = world.state
    for _ in range(2):
        code, shown = walk(world)
        assert "✗" not in shown
        assert code == 0
        assert shown.count("✓") > 20
        assert world.state == before
        assert not world.offers.leftovers
    assert len(world.offers.declared) == 1


def test_it_shows_titles_reasons_sources_and_the_evidence() -> None:
    _, shown = walk(TourWorld())
    for text in (
        "Red cup [large]",
        "Blue cup (web",
        "A cup",
        "card at checkout",
        "same order",
        "loyalty card",
        "first",
    ):
        assert text in shown


def test_the_page_that_was_told_is_kept_and_its_place_named(tmp_path: Path) -> None:
    kept: dict[str, str] = {}

    def keep(name: str, text: str) -> Path:
        kept[name] = text
        return tmp_path / name

    _, shown = walk(TourWorld(), keep=keep)
    assert kept["access.html"] == "<html><p>"
    assert kept.keys() == {"access.html", "erasure-receipt.json"}
    assert str(tmp_path / "access.html") in shown.replace("\n", "")


def test_the_household_granted_is_unlinked_and_bought_on_every_channel() -> None:
    world = TourWorld()
    household = find_household(world.client("shop"), DATASET)
    assert household is not None
    assert household.dealt.answer is Answer.GRANT
    assert not household.dealt.linked
    assert household.dealt.ordinal % 3 == 0
    assert not household.repaired


@pytest.mark.parametrize(
    ("flaw", "claim"),
    [
        ("half_linked", "Both pieces of evidence are taken"),
        ("withdrawal_stays", "The very next answer is not personal"),
        ("reasons_leak", "no event of theirs is named"),
        ("own_channel_only", "events of more than one channel"),
        ("grant_is_lost", "personal again"),
        ("no_sources", "Every event says whose data it is"),
        ("unlink_does_nothing", "the same three strangers"),
        ("unlink_moves_events", "exactly the events it showed before"),
        ("kept_id_shows_more", "No id kept from before"),
        ("shared_ids", "The partner can not use the shop's ids"),
        ("value_without_source", "names its source"),
        ("event_is_kept_back", "events are there"),
        ("inferences_are_kept_back", "What was concluded about them"),
        ("page_with_script", "runs nothing and fetches nothing"),
        ("page_with_ids", "names no id"),
        ("any_proof", "A proof of another identity opens nothing"),
        ("proofs_serve_twice", "A proof serves one request"),
        ("erased_lives_on", "At once the id means nobody"),
        ("unsigned", "The deployment signed it"),
        ("signs_anything", "With one count changed"),
        ("keys_are_kept", "each says which keys it destroyed"),
        ("receipt_names_somebody", "It names nobody"),
        ("log_is_not_the_signed_one", "records are those that"),
        ("changed_rows_pass", "Another caller's name in it is found"),
        ("missing_rows_pass", "The row left out is found"),
        ("till_joins", "The second shows it to be shared"),
        ("first_stays_at_the_till", "It joins nobody any more"),
        ("first_stays_at_the_till", "holds for the first alone"),
        ("shared_is_forgotten", "Signing in there again"),
        ("operator_sees_nothing", "An operator sees what was refused"),
        ("explains_by_another", "It is all that joins the two"),
        ("unlink_does_nothing", "They are two people at once"),
        ("old_evidence_returns", "does not bring them together"),
        ("preview_merges", "none would be joined"),
        ("preview_names_others", "The preview says who"),
        ("preview_applies", "They are one still"),
        ("preview_applies", "The rules in force are what they were"),
        ("one_of_them_is_erased", "made up for it is gone"),
        ("key_stays", "kept under a new one"),
        ("rotation_moves_people", "whom it was, at once"),
        ("old_key_is_needed_for_ever", "sealed anew"),
        ("key_stays", "The partner's ids are others"),
        ("nobody_is_told_of_new_ids", "which id was before"),
        ("nobody_is_told_of_new_ids", "until when"),
        ("old_ids_end_at_once", "both are answered"),
        ("ids_of_all_change", "The shop's ids are what they were"),
        ("same_person_for_all", "No id and no person of the one is known to the other"),
        ("plays_are_unsound", "definitions are sound"),
        ("approves_its_own", "can not approve them"),
        ("ever_changing", "would change nothing"),
        ("reminds_after_the_day", "before the day and not after it"),
        ("nothing_is_due", "get a message each"),
        ("a_message_a_channel", "the person gets one"),
        ("never_rests", "left in peace"),
        ("rests_for_ever", "the offer is there"),
        ("never_personal", "take turns in it"),
        ("personal_twice", "followed by a personal one"),
        ("all_are_honoured", "Apart neither has the status"),
        ("sums_no_identities", "by either identity"),
        ("opens_nothing", "what that opens to them"),
        ("hidden_from_guests", "They find what is kept for guests"),
        ("exclusive_for_all", "A stranger who searches"),
        ("guests_pay_all", "finds a price for guests"),
        ("asked_in_earnest_it_differs", "Asked in earnest the same comes out"),
        ("price_is_undisclosed", "to be disclosed"),
        ("all_pay_less", "A stranger pays the full price"),
        ("why_without_origin", "which has its origin"),
        ("why_without_basis", "what its use rests on"),
        ("age_makes_prices", "Neither age nor sex"),
        ("refunds_count_nothing", "gone, by one cent"),
        ("price_stays", "So is the price of their own"),
        ("exclusive_stays", "kept for guests is hidden"),
        ("one_flavour_for_all", "one flavour of the twelve"),
        ("another_in_the_shop", "The same in the shop"),
        ("child_is_sold_to", "No personal offer is made"),
        ("one_of_them_is_erased", "offers were made to is gone"),
    ],
)
def test_a_broken_promise_is_found_and_named(flaw: str, claim: str) -> None:
    code, shown = walk(TourWorld(flaw=flaw))
    failed = [line for line in shown.splitlines() if line.startswith("✗")]
    assert code == 1
    assert any(claim in line for line in failed), failed


@pytest.mark.parametrize("left", ["linked", "withdrawn", "both"])
def test_what_an_interrupted_tour_left_behind_is_put_back_first(left: str) -> None:
    world = TourWorld()
    before = world.state
    client = world.client("shop")
    household = find_household(client, DATASET)
    assert household is not None
    if left != "withdrawn":
        request = identity_pb2.LinkRequest(links=links(household.ids, world.now_ms), request_id="earlier")
        client.identity.Link(request)
    if left != "linked":
        withdraw(client, household.ids[1])
    code, shown = walk(world)
    assert (code, world.state) == (0, before)
    assert "An earlier tour was interrupted" in shown


def test_a_suite_that_fails_on_the_way_is_left_as_it_was() -> None:
    world = TourWorld()
    before = world.state
    calls = 0

    def failing(request: identity_pb2.ExplainRequest) -> identity_pb2.ExplainResponse:
        nonlocal calls
        calls += 1
        if world.links and calls > 2:
            calls = -1000
            raise Unavailable("STORE_UNAVAILABLE")
        return world.client("shop").identity.Explain(request)

    shop = world.client("shop")
    shop.identity.Explain = failing  # type: ignore[assignment]
    code, shown = walk(world, shop)
    assert code == 1
    assert "STORE_UNAVAILABLE" in shown
    assert "What the tour had changed was put back" in shown
    assert world.state == before


def test_without_the_data_set_there_is_nobody_to_walk_with() -> None:
    code, shown = walk(TourWorld(), dataset="another-shop")
    assert code == 1
    assert "✗ another-shop holds a household" in shown


def test_without_the_shipped_plays_it_says_where_they_were_looked_for(tmp_path: Path) -> None:
    """And nothing is declared."""
    world, shown = TourWorld(), io.StringIO()
    callers = Callers(*(world.client(name) for name in NAMES))
    claims = Claims(Console(file=shown, width=300))
    assert not Plays(callers, claims, tmp_path / "plays").walk()
    assert f"{tmp_path / 'plays'}" in shown.getvalue()
    assert not world.offers.declared


def test_what_an_interrupted_tour_left_unapproved_is_approved_by_the_next() -> None:
    """Without a new version of anything."""
    world = TourWorld()
    callers = Callers(*(world.client(name) for name in NAMES))
    callers.operator.definitions.Apply(definition_pb2.ApplyRequest(request_id="earlier"))
    claims = Claims(Console(file=io.StringIO()))
    assert Plays(callers, claims).walk()
    assert not claims.failed


@pytest.mark.parametrize("hour", range(24))
def test_it_is_noon_somewhere(hour: int) -> None:
    """In a zone that the suite knows, whenever the tour is taken."""
    now_ms = NOW_MS - NOW_MS % 86_400_000 + hour * 3_600_000
    zone = noon_zone(now_ms)
    assert datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).hour == 12
    assert read(Attribute.TIME_ZONE, zone) == zone


def test_where_nothing_is_to_be_put_back_nothing_is_written() -> None:
    world = TourWorld()
    client = world.client("shop")
    household = find_household(client, DATASET)
    assert household is not None
    assert not put_back(client, household.ids)
    assert not [call for call in client.calls if call.method in {"consent.Record", "identity.Unlink"}]
