"""An import ends in the same state however often it was killed, and tells what became of every row."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from consent.policy import Policy, compile_policy
from services.importing import plan, reading, sending
from services.importing.checkpoint import Step
from services.importing.dealing import Answer, Channel, deal
from services.importing.errors import CheckpointError, SendingError
from services.importing.mapping import Mapping
from services.importing.messages import identifiers
from services.importing.plan import Options
from services.importing.report import ImportReport
from services.importing.run import (
    BAD_ROWS_FILE,
    CHECKPOINT_FILE,
    REPORT_FILE,
    consent_purposes,
    import_purchases,
)
from tests.services.import_world import (
    LINES,
    Kill,
    KilledError,
    Shop,
    clockwork,
    mapping_of,
    refusing_resolve,
)
from veilgraph.client import Denied, Unavailable
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

PEOPLE, ITEMS, GOOD = 23, 9, 140


@pytest.fixture
def shop_lines(tmp_path: Path) -> Mapping:
    """A shop of 23 people, its batches made so small that every step has several."""
    header = LINES.partition("\n")[0]
    lines = [
        f"{n % PEOPLE},B{n // 2},10{n % ITEMS},Cup {n % ITEMS},"
        f"{-1 if n % 11 == 0 else 2},1.50,2024-03-{1 + n % 28:02d}"
        for n in range(PEOPLE, PEOPLE + GOOD)
    ]
    lines[50:50] = ["nobody,B,POST,Postage,1,1.50,2024-03-01"]
    (tmp_path / "lines.csv").write_text("\n".join([header, *lines]) + "\n")
    return mapping_of(tmp_path, bad_rows={"item_pattern": "[0-9]{3}"})


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"ITEMS": 4, "IDENTIFIERS": 30, "STATEMENTS": 15, "EVENTS": 9, "LINKS": 10}.items():
        monkeypatch.setattr(plan, f"{name}_MAX", size)
    monkeypatch.setattr(reading, "CSV_BLOCK_BYTES", 1500)


def run(
    mapping: Mapping,
    folder: Path,
    client: Any,
    *,
    kill: Kill | None = None,
    options: Options = Options(),  # noqa: B008 - frozen
    shown: io.StringIO | None = None,
) -> ImportReport:
    console = Console(file=shown or io.StringIO(), width=120)
    return import_purchases(mapping, client, folder, console, options=options, clockwork=clockwork(kill))


class TestWhatIsSent:
    def test_every_good_row_is_an_event_and_every_bad_one_a_reason(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        report = run(shop_lines, tmp_path / "var", shop.client())
        assert len(shop.events) == GOOD == report.rows_good
        assert report.rows_read == GOOD + 1
        assert report.rows_refused == {"ITEM_PATTERN": 1}
        assert (report.people, report.items) == (PEOPLE, ITEMS)
        assert report.count(Step.EVENTS, "recorded") == GOOD
        kinds = Counter(profile_pb2.Event.FromString(one).kind for one in shop.events.values())
        assert kinds[profile_pb2.EVENT_KIND_REFUND] == sum(n % 11 == 0 for n in range(PEOPLE, PEOPLE + GOOD))

    def test_an_event_says_who_what_when_where_and_from_whom(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        run(shop_lines, tmp_path / "var", shop.client())
        people = sorted(str(n) for n in range(PEOPLE))
        event = profile_pb2.Event.FromString(shop.events["corner-shop:1"])
        dealt = deal("corner-shop", people.index("0") + 1)
        ids = [shop.ids[one.sha256] for one in identifiers(dealt)]
        assert event.subject == ids[Channel[event.source.origin.upper()]]
        assert event.source.party == profile_pb2.PARTY_FIRST
        assert (event.item_id, event.order_ref, event.quantity) == ("105", "B11", 2)
        assert (event.amount_minor, event.currency) == (300, "EUR")
        assert event.occurred_at.ToJsonString() == "2024-03-24T00:00:00Z"

    def test_consent_is_recorded_on_each_identifier_as_it_was_dealt(
        self, shop_lines: Mapping, tmp_path: Path, policy: Policy
    ) -> None:
        shop = Shop()
        run(shop_lines, tmp_path / "var", shop.client())
        said = {}
        for message in shop.statements:
            statement = consent_pb2.Statement.FromString(message)
            said[statement.subject] = statement
            assert tuple(statement.purposes) == consent_purposes(policy)
            assert statement.notice.id
        for ordinal in range(1, PEOPLE + 1):
            dealt = deal("corner-shop", ordinal)
            for one in identifiers(dealt):
                statement = said.get(shop.ids[one.sha256])
                if dealt.answer is Answer.SILENT:
                    assert statement is None
                else:
                    granted = statement.action == consent_pb2.ACTION_GRANT
                    assert granted is (dealt.answer is Answer.GRANT)
        vias = {consent_pb2.CollectedVia.Name(s.collected_via)[14:] for s in said.values()}
        assert vias == {"STORE", "WEB", "PHONE"}

    def test_those_dealt_a_link_are_linked_by_deterministic_evidence(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        run(shop_lines, tmp_path / "var", shop.client())
        links = [identity_pb2.Link.FromString(link) for link in shop.links]
        linked = [deal("corner-shop", n) for n in range(1, PEOPLE + 1) if deal("corner-shop", n).linked]
        expected = set()
        for dealt in linked:
            till, web, phone = (shop.ids[one.sha256] for one in identifiers(dealt))
            expected |= {
                (web, till, identity_pb2.EVIDENCE_CARD_AT_CHECKOUT),
                (web, phone, identity_pb2.EVIDENCE_SAME_ORDER),
            }
        assert {(link.subject, link.other, link.evidence) for link in links} == expected

    def test_an_evaluation_gets_everybody_granted_and_linked_and_nothing_after_its_instant(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        until_ms = 1_709_942_400_000  # 9 March 2024
        options = Options(grant_all=True, link_all=True, until_ms=until_ms)
        report = run(shop_lines, tmp_path / "var", shop.client(), options=options)
        events = [profile_pb2.Event.FromString(event) for event in shop.events.values()]
        assert max(event.occurred_at.seconds for event in events) < until_ms // 1000
        assert 0 < len(events) < GOOD
        assert report.count(Step.CONSENTS, "recorded") == 3 * PEOPLE
        assert report.count(Step.LINKS, "linked") == 2 * PEOPLE

    def test_the_model_is_trained_once_the_recommender_holds_every_event(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        behind = iter(range(0, GOOD, 10))

        def model(_request: recommender_pb2.GetModelRequest) -> recommender_pb2.Model:
            return recommender_pb2.Model(events_seen=next(behind, GOOD))

        client = shop.client(GetModel=model)
        report = run(shop_lines, tmp_path / "var", client)
        assert report.model_version == f"model-{GOOD}"
        assert sum(call.method == "recommender.GetModel" for call in client.calls) == GOOD // 10 + 1

    def test_a_feed_that_stands_still_stops_the_import(self, shop_lines: Mapping, tmp_path: Path) -> None:
        stuck = lambda _: recommender_pb2.Model(events_seen=5)  # noqa: E731
        with pytest.raises(SendingError, match="stays at 5 of 140 events"):
            run(shop_lines, tmp_path / "var", Shop().client(GetModel=stuck))

    def test_no_more_events_are_in_flight_than_said(self, shop_lines: Mapping, tmp_path: Path) -> None:
        client = Shop().client()
        in_flight: list[int] = []
        answers: list[Any] = []
        future = client.profile.TrackBatch.future

        class Counted:
            def __init__(self, answer: Any) -> None:
                self._answer = answer
                answers.append(self)
                in_flight.append(len(answers))

            def result(self) -> Any:
                answers.remove(self)
                return self._answer.result()

            def cancel(self) -> None:
                answers.remove(self)

        client.profile.TrackBatch.future = lambda request, timeout_s: Counted(future(request, timeout_s))  # type: ignore[method-assign]
        run(shop_lines, tmp_path / "var", client)
        assert max(in_flight) == sending.EVENTS_IN_FLIGHT


class TestGoingOn:
    def test_killed_anywhere_it_ends_in_the_state_of_an_uninterrupted_import(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        whole, counted = Shop(), Kill()
        run(shop_lines, tmp_path / "whole", whole.client(before=counted))
        assert counted.count > 30
        for at in range(1, counted.count + 1):
            for kind in ("before", "after"):
                shop, folder = Shop(), tmp_path / f"{kind}-{at}"
                with pytest.raises(KilledError):
                    run(shop_lines, folder, shop.client(**{kind: Kill(at)}))
                run(shop_lines, folder, shop.client())
                assert shop.state == whole.state, f"killed {kind} call {at}"

    def test_killed_between_two_calls_again_and_again_it_still_ends(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        """Each run is killed at some reading of the clock, a little later than the one before."""
        whole = Shop()
        run(shop_lines, tmp_path / "whole", whole.client())
        shop, runs = Shop(), 0
        for at in range(1, 400):
            runs += 1
            try:
                run(shop_lines, tmp_path / "var", shop.client(), kill=Kill(at))
            except KilledError:
                continue
            break
        assert runs > 5
        assert shop.state == whole.state

    def test_a_run_that_goes_on_does_not_begin_anew(self, shop_lines: Mapping, tmp_path: Path) -> None:
        shop = Shop()
        half = Kill(22)
        with pytest.raises(KilledError):
            run(shop_lines, tmp_path, shop.client(after=half))
        shown = io.StringIO()
        client = shop.client()
        report = run(shop_lines, tmp_path, client, shown=shown)
        methods = Counter(call.method for call in client.calls)
        assert methods["recommender.UpsertItems"] == 0
        assert methods["consent.Record"] == 0
        assert methods["identity.Resolve"] == 3
        assert 0 < methods["profile.TrackBatch"] < GOOD // 9
        assert "Going on with events" in shown.getvalue()
        assert report.count(Step.EVENTS, "recorded") + report.count(Step.EVENTS, "duplicates") == GOOD

    def test_a_finished_import_does_nothing_and_says_so(self, shop_lines: Mapping, tmp_path: Path) -> None:
        shop = Shop()
        report = run(shop_lines, tmp_path / "var", shop.client())
        shown = io.StringIO()
        client = shop.client()
        again = run(shop_lines, tmp_path / "var", client, shown=shown)
        assert client.calls == []
        assert "imported before; nothing to do" in shown.getvalue()
        assert again == replace(report, ran_before=True)

    def test_other_data_is_not_imported_into_the_same_folder(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        run(shop_lines, tmp_path / "var", Shop().client())
        with shop_lines.files[0].open("a") as file:
            file.write("1,B9,101,Cup,1,1.50,2024-03-01\n")
        client = Shop().client()
        with pytest.raises(CheckpointError):
            run(shop_lines, tmp_path / "var", client)
        assert client.calls == []

    def test_nothing_on_disk_names_a_person_or_holds_an_id(self, shop_lines: Mapping, tmp_path: Path) -> None:
        shop = Shop()
        folder = tmp_path / "var"
        with pytest.raises(KilledError):
            run(shop_lines, folder, shop.client(after=Kill(30)))
        half = (folder / CHECKPOINT_FILE).read_text()
        run(shop_lines, folder, shop.client())
        written = half + "".join(path.read_text() for path in folder.iterdir())
        assert {path.name for path in folder.iterdir()} == {CHECKPOINT_FILE, BAD_ROWS_FILE, REPORT_FILE}
        assert "id-" not in written
        assert "nobody" not in written
        assert ".example" not in written


class TestRefusals:
    def test_refused_events_are_counted_by_reason_and_the_rest_goes_on(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()

        def track(request: profile_pb2.TrackBatchRequest) -> profile_pb2.TrackBatchResponse:
            error = privacy_pb2.ItemError(index=0, reason="NOT_PERMITTED", code=7)
            del request.events[0]
            answer = shop.track(request)
            answer.refused.append(error)
            return answer

        client = shop.client(TrackBatch=track)
        client_report = run(shop_lines, tmp_path / "var", client)
        batches = sum(call.method == "profile.TrackBatch" for call in client.calls)
        assert client_report.refused(Step.EVENTS) == {"NOT_PERMITTED": batches}
        assert client_report.count(Step.EVENTS, "recorded") == GOOD - batches

    def test_an_identifier_that_is_refused_is_counted_and_nothing_is_sent_for_it(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        refusing = refusing_resolve(identity_pb2.IDENTIFIER_KIND_EMAIL, "IDENTIFIER_BLOCKED", shop)
        report = run(shop_lines, tmp_path / "var", shop.client(Resolve=refusing))
        assert report.refused(Step.RESOLVE) == {"IDENTIFIER_BLOCKED": PEOPLE}
        assert report.count(Step.RESOLVE, "identifiers") == 2 * PEOPLE
        origins = {profile_pb2.Event.FromString(event).source.origin for event in shop.events.values()}
        assert origins == {"till", "phone"}
        assert not shop.links

    def test_a_call_that_is_denied_stops_with_the_reason_and_keeps_the_checkpoint(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()

        def denied(_request: Any) -> Any:
            raise Denied("SCOPE_NOT_GRANTED_TO_CALLER")

        with pytest.raises(SendingError, match="links: the suite answered SCOPE_NOT_GRANTED_TO_CALLER"):
            run(shop_lines, tmp_path / "var", shop.client(Link=denied))
        assert json.loads((tmp_path / "var" / CHECKPOINT_FILE).read_text())["step"] == "links"
        client = shop.client()
        run(shop_lines, tmp_path / "var", client)
        assert not any(call.method == "profile.TrackBatch" for call in client.calls)

    def test_a_suite_that_is_gone_stops_the_import_and_what_was_acknowledged_is_kept(
        self, shop_lines: Mapping, tmp_path: Path
    ) -> None:
        shop = Shop()
        taken = 0

        def gone(request: profile_pb2.TrackBatchRequest) -> profile_pb2.TrackBatchResponse:
            nonlocal taken
            taken += 1
            if taken > 12:
                raise Unavailable("UNAVAILABLE")
            return shop.track(request)

        with pytest.raises(SendingError, match="events: the suite answered UNAVAILABLE"):
            run(shop_lines, tmp_path / "var", shop.client(TrackBatch=gone))
        kept = json.loads((tmp_path / "var" / CHECKPOINT_FILE).read_text())
        assert kept["step"] == "events"
        assert kept["done"] > 0


def test_people_are_asked_for_every_purpose_that_needs_consent_in_the_fewest_words(policy: Policy) -> None:
    asked = consent_purposes(policy)
    covered = [
        leaf for node in asked for leaf in policy.leaves if policy.mask(node) >> policy.index(leaf) & 1
    ]
    assert sorted(covered) == sorted(policy.consent_nodes)
    assert "personalise" in asked
    assert len(asked) == 10


def test_a_node_with_a_purpose_that_needs_no_consent_is_not_asked_for_as_a_whole() -> None:
    rules = {
        "rights": "legal_obligation",
        "operate": "none",
        "marketing.post": "legitimate_interest",
        "marketing.email": "consent",
        "marketing.ads.own": "consent",
        "marketing.ads.others": "consent",
    }
    purposes = {name: {"basis": basis, "view": "strict", "since": 1} for name, basis in rules.items()}
    content = {"taxonomy_version": 1, "regime": "X", "views": ["strict"], "purposes": purposes}
    assert consent_purposes(compile_policy(content)) == ("marketing.email", "marketing.ads")


def test_the_report_is_a_table_of_all_counts(shop_lines: Mapping, tmp_path: Path) -> None:
    shown = io.StringIO()
    run(shop_lines, tmp_path / "var", Shop().client(), shown=shown)
    for text in (
        "bad rows: ITEM_PATTERN",
        "events: recorded",
        "links: linked",
        "memory of the importer, MiB",
    ):
        assert text in shown.getvalue()
