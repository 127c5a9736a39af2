"""An import of identities makes the same graph of every kind of file, and however often it is killed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from rich.console import Console

from services.importing import identity_sending, reading
from services.importing.errors import CheckpointError, MappingError, SendingError, SourceError
from services.importing.identity_mapping import (
    IdentityMapping,
    files_of,
    load_identity_mapping,
    parse_identity_mapping,
)
from services.importing.identity_run import CHECKPOINT_FILE, ERRORS_FILE, Progress, import_identities
from tests.conftest import ROOT
from tests.services.import_world import Kill, KilledError, Shop, clockwork
from veilgraph import client
from veilgraph.client import Unavailable
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2

MAPPING: dict[str, Any] = {
    "dataset": "crm",
    "absent": ["-"],
    "identifiers": {
        "email": {"column": "mail", "kind": "email"},
        "phone": {"column": "tel", "kind": "phone", "region": "DE"},
        "card": {"column": "card", "kind": "loyalty_card", "form": "hex"},
    },
    "links": {
        "checkout": {
            "one": "email",
            "other": "card",
            "evidence": "card_at_checkout",
            "source_column": "system",
            "observed_at_column": "seen",
            "valid_until_column": "ends",
            "confidence_column": "sure",
        },
        "order": {
            "one": "email",
            "other": "phone",
            "evidence": "same_order",
            "source": "call-centre",
            "observed_at": "2026-03-01T00:00:00Z",
        },
    },
}
ROWS = 60


def card(number: int) -> str:
    return hashlib.sha256(f"CARD{number}".encode()).hexdigest()


def row(number: int) -> dict[str, str | None]:
    return {
        "mail": f"Person{number % 25}@Example.org",
        "tel": f"0170 {5_550_000 + number % 25}" if number % 3 else None,
        "card": card(number),
        "system": "web-checkout",
        "seen": f"2026-01-{1 + number % 28:02d}T10:00:00+00:00",
        "ends": "2027-01-01" if number % 2 else None,
        "sure": "0.9" if number % 5 else "1",
    }


def write(folder: Path, suffix: str, rows: list[dict[str, str | None]]) -> Path:
    """The rows as a file of a kind."""
    path = folder / f"people{suffix}"
    if suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    else:
        pa_parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture
def mapping() -> IdentityMapping:
    return parse_identity_mapping(MAPPING)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_ROWS", 16)
    monkeypatch.setattr(reading, "CSV_BLOCK_BYTES", 2000)
    monkeypatch.setattr(identity_sending, "IDENTIFIERS_MAX", 10)
    monkeypatch.setattr(identity_sending, "LINKS_MAX", 7)


def run(path: Path, mapping: IdentityMapping, folder: Path, suite: Any, kill: Kill | None = None) -> Progress:
    console = Console(file=io.StringIO(), width=120)
    return import_identities([path], mapping, suite, folder, console, clockwork=clockwork(kill))


def errors(folder: Path) -> list[str]:
    return (folder / ERRORS_FILE).read_text().splitlines()[1:]


def links(shop: Shop) -> list[identity_pb2.Link]:
    return [identity_pb2.Link.FromString(one) for one in shop.links]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_kind_of_file_makes_the_same_graph(
    suffix: str, tmp_path: Path, mapping: IdentityMapping
) -> None:
    shop = Shop()
    rows = [row(number) for number in range(ROWS)]
    progress = run(write(tmp_path, suffix, rows), mapping, tmp_path / "import", shop.client())
    people = {number % 25 for number in range(ROWS)}
    called = {number % 25 for number in range(ROWS) if number % 3}
    assert {client.email(f"person{number}@example.org").sha256 for number in people} <= set(shop.ids)
    assert len(shop.ids) == len(people) + len(called) + ROWS
    assert sum(shop.links.values()) == ROWS + sum(bool(one["tel"]) for one in rows)
    assert progress.finished
    assert (progress.rows, progress.reasons) == (ROWS, {})
    assert errors(tmp_path / "import") == []


def test_a_link_says_who_saw_what_when_until_when_and_how_surely(
    tmp_path: Path, mapping: IdentityMapping
) -> None:
    shop = Shop()
    run(write(tmp_path, ".csv", [row(7)]), mapping, tmp_path / "import", shop.client())
    (checkout,) = [one for one in links(shop) if one.evidence == identity_pb2.EVIDENCE_CARD_AT_CHECKOUT]
    assert checkout.subject == shop.ids[client.email("person7@example.org").sha256]
    assert checkout.other == shop.ids[bytes.fromhex(card(7))]
    assert (checkout.source, checkout.confidence_permille) == ("web-checkout", 900)
    assert checkout.observed_at.ToJsonString() == "2026-01-08T10:00:00Z"
    assert checkout.valid_until.ToJsonString() == "2027-01-01T00:00:00Z"
    (order,) = [one for one in links(shop) if one.evidence == identity_pb2.EVIDENCE_SAME_ORDER]
    assert order.other == shop.ids[client.phone("0170 5550007", "DE").sha256]
    assert (order.source, order.confidence_permille) == ("call-centre", 1000)
    assert not order.HasField("valid_until")


def test_digests_come_in_base64_too(tmp_path: Path) -> None:
    columns = {"card": {"column": "card", "kind": "loyalty_card", "form": "base64"}}
    mapping = parse_identity_mapping({"dataset": "cards", "identifiers": columns})
    digest = hashlib.sha256(b"CARD1").digest()
    shop = Shop()
    path = write(tmp_path, ".csv", [{"card": base64.b64encode(digest).decode()}, {"card": card(1)}])
    run(path, mapping, tmp_path / "import", shop.client())
    assert set(shop.ids) == {digest}
    assert errors(tmp_path / "import") == ["2,card,NOT_A_DIGEST"]


def test_what_can_not_be_taken_is_named_by_row_field_and_reason_and_never_repeated(
    tmp_path: Path, mapping: IdentityMapping
) -> None:
    rows = [
        row(1) | {"mail": "secret-not-mail"},
        row(2) | {"card": "secret-card", "tel": "secret-tel"},
        row(3) | {"seen": "secret-day"},
        row(4) | {"ends": "secret-end"},
        row(5) | {"sure": "secret-sure"},
        row(6) | {"sure": "0"},
        row(7) | {"system": "-"},
        row(8),
    ]
    path = write(tmp_path, ".jsonl", rows)
    path.write_text(path.read_text() + "secret, not JSON\n")
    shop = Shop()
    progress = run(path, mapping, tmp_path / "import", shop.client())
    assert errors(tmp_path / "import") == [
        "1,email,NOT_AN_IDENTIFIER",
        "2,card,NOT_A_DIGEST",
        "2,phone,NOT_AN_IDENTIFIER",
        "3,checkout.observed_at,TIME_UNREADABLE",
        "4,checkout.valid_until,TIME_UNREADABLE",
        "5,checkout.confidence,CONFIDENCE_OUT_OF_RANGE",
        "6,checkout.confidence,CONFIDENCE_OUT_OF_RANGE",
        "7,checkout.source,SOURCE_MISSING",
        "9,,MALFORMED",
    ]
    assert progress.reasons["CONFIDENCE_OUT_OF_RANGE"] == 2
    kept = "".join(file.read_text() for file in (tmp_path / "import").iterdir())
    assert "secret" not in kept
    assert not any(b"secret" in one for one in shop.links)


def test_what_the_suite_refuses_stands_with_its_row_and_reason(
    tmp_path: Path, mapping: IdentityMapping
) -> None:
    shop = Shop()
    blocked = bytes.fromhex(card(3))

    def resolve(request: identity_pb2.ResolveRequest) -> identity_pb2.ResolveResponse:
        answer = shop.resolve(request)
        for index, (one, result) in enumerate(zip(request.identifiers, answer.results, strict=True)):
            if one.sha256 == blocked:
                result.Clear()
                result.error.CopyFrom(privacy_pb2.ItemError(index=index, reason="BLOCKED_VALUE", code=3))
        return answer

    def link(request: identity_pb2.LinkRequest) -> identity_pb2.LinkResponse:
        answer = shop.link(request)
        for one, result in zip(request.links, answer.results, strict=True):
            if one.other == shop.ids[bytes.fromhex(card(5))]:
                result.linked = False
                result.error.reason = "PERSON_TOO_LARGE"
        return answer

    path = write(tmp_path, ".parquet", [row(number) for number in range(1, 7)])
    progress = run(path, mapping, tmp_path / "import", shop.client(Resolve=resolve, Link=link))
    assert errors(tmp_path / "import") == ["3,card,BLOCKED_VALUE", "5,checkout,PERSON_TOO_LARGE"]
    assert progress.counts["identifiers refused"] == progress.counts["links refused"] == 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("when", ["before", "after", "between"])
def test_an_import_killed_anywhere_goes_on_and_ends_in_the_same_state(
    suffix: str, when: str, tmp_path: Path, mapping: IdentityMapping
) -> None:
    """Nothing is linked twice: what was sent before is the same request again."""
    rows = [row(number) for number in range(ROWS)]
    rows[20] = rows[20] | {"mail": "nobody"}
    rows[50] = rows[50] | {"card": "nothing"}
    path = write(tmp_path, suffix, rows)
    whole = Shop()
    whole_run = run(path, mapping, tmp_path / "whole", whole.client())
    shop = Shop()
    for at in (1, 4, 9, 2, 14, 3):
        kill = Kill(at)
        try:
            if when == "between":
                run(path, mapping, tmp_path / "killed", shop.client(), kill)
            else:
                run(path, mapping, tmp_path / "killed", shop.client(**{when: kill}))
        except KilledError:
            continue
    progress = run(path, mapping, tmp_path / "killed", shop.client())
    assert shop.ids == whole.ids
    assert shop.links == whole.links
    assert errors(tmp_path / "killed") == errors(tmp_path / "whole")
    assert (progress.rows, progress.reasons) == (whole_run.rows, whole_run.reasons)
    assert progress.counts["links"] == whole_run.counts["links"]


def test_a_finished_import_sends_nothing_again(tmp_path: Path, mapping: IdentityMapping) -> None:
    path = write(tmp_path, ".csv", [row(1)])
    shop = Shop()
    done = run(path, mapping, tmp_path / "import", shop.client())
    again = shop.client()
    assert run(path, mapping, tmp_path / "import", again) == done
    assert again.calls == []


def test_a_checkpoint_is_that_of_its_files_and_its_mapping_alone(
    tmp_path: Path, mapping: IdentityMapping
) -> None:
    run(write(tmp_path, ".csv", [row(1)]), mapping, tmp_path / "import", Shop().client())
    other = write(tmp_path, ".jsonl", [row(2)])
    with pytest.raises(CheckpointError, match="other files or another mapping"):
        run(other, mapping, tmp_path / "import", Shop().client())
    (tmp_path / "import" / CHECKPOINT_FILE).write_text("{}")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        run(other, mapping, tmp_path / "import", Shop().client())


def test_a_suite_that_does_not_answer_stops_the_import_where_it_is(
    tmp_path: Path, mapping: IdentityMapping
) -> None:
    def gone(_request: identity_pb2.LinkRequest) -> identity_pb2.LinkResponse:
        raise Unavailable("CONSENT_NOT_READY")

    path = write(tmp_path, ".csv", [row(number) for number in range(ROWS)])
    with pytest.raises(SendingError, match="after row 0: the suite answered CONSENT_NOT_READY"):
        run(path, mapping, tmp_path / "import", Shop().client(Link=gone))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"dataset": "No Name"}, "dataset"),
        ({"identifiers": {}}, "identifiers"),
        ({"identifiers": {"a": {"column": "x", "kind": "passport"}}}, "identifiers.a.kind"),
        ({"identifiers": {"a": {"column": "x", "kind": "email", "region": "DE"}}}, "identifiers.a.region"),
        ({"identifiers": {"a": {"column": "x", "kind": "email", "from": "raw"}}}, "identifiers.a.from"),
        ({"links": {"order": MAPPING["links"]["order"] | {"other": "fax"}}}, "links.order.other"),
        ({"links": {"order": MAPPING["links"]["order"] | {"other": "email"}}}, "links.order.other"),
        ({"links": {"order": MAPPING["links"]["order"] | {"source": "The Shop"}}}, "links.order.source"),
        ({"links": {"order": MAPPING["links"]["order"] | {"observed_at": ""}}}, "links.order.observed_at"),
        (
            {"links": {"order": MAPPING["links"]["order"] | {"observed_at": "soon"}}},
            "links.order.observed_at",
        ),
        ({"links": {"order": MAPPING["links"]["order"] | {"source_column": "x"}}}, "links.order.source"),
        ({"links": {"order": MAPPING["links"]["order"] | {"confidence": "2"}}}, "links.order.confidence"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(change: dict[str, Any], where: str) -> None:
    base = MAPPING if "identifiers" not in change else {"dataset": "crm"}
    with pytest.raises(MappingError, match=rf"^{where}: "):
        parse_identity_mapping(base | change)


def test_a_column_or_a_file_that_is_not_there_is_named(tmp_path: Path, mapping: IdentityMapping) -> None:
    path = write(tmp_path, ".jsonl", [{"mail": "a@example.org"}])
    with pytest.raises(SourceError, match="no column 'tel'"):
        run(path, mapping, tmp_path / "import", Shop().client())
    with pytest.raises(SourceError, match="no file"):
        files_of([tmp_path / "nowhere.csv"])
    with pytest.raises(SourceError, match="none of"):
        files_of([tmp_path / "people.xlsx"])


def test_the_mapping_of_the_documentation_can_be_used() -> None:
    mapping = load_identity_mapping(ROOT / "docs/examples/identities.toml")
    assert set(mapping.identifiers) == {"email", "phone", "card"}
    assert mapping.columns == (
        "E-Mail", "Telefon", "card_sha256", "last_checkout", "system", "last_order"
    )  # fmt: skip
