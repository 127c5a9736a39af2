"""What a verifier says of a log that was meddled with, and of one that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.auditlog.file import head_line
from consent.auditlog.head import Head, SignedHead
from consent.auditlog.leaf_json import from_json
from consent.auditlog.tree import Edge, leaf_hash
from consent.auditlog.verifying import Report, verify
from tests.consent.auditlog.logs import NOW_MS, ONE, TWO, batches, file_of, heads_of, leaf, signed, verified

FILE = file_of(batches())  # rows 0 to 3, head, rows 4 to 7, head, rows 8 to 11, head


def judged(lines: list[str], *witnesses: SignedHead) -> Report:
    return verify(lines, verified, witnesses)


def edited(line: str, change: Callable[[dict[str, Any]], None]) -> str:
    content = json.loads(line)
    change(content)
    return json.dumps(content)


def rehashed(line: str, **parts: Any) -> str:
    """A row with other content and the hash that fits it."""
    content = json.loads(line)
    content["leaf"] |= parts
    content["hash"] = leaf_hash(from_json(content["leaf"]).encoded()).hex()
    return json.dumps(content)


def kinds(report: Report) -> list[str]:
    return [finding.kind for finding in report.findings]


def test_a_log_that_nobody_touched_holds():
    """Rows, heads and the last head are told."""
    report = judged(FILE, *heads_of(FILE))
    assert report.findings == []
    assert (report.rows, report.heads) == (12, 3)
    assert report.last == heads_of(FILE)[-1]


@given(st.integers(0, 11), st.sampled_from(["reason", "caller", "code", "method", "request_id"]))
def test_a_row_whose_content_was_changed_is_named(place: int, part: str):
    """One letter is enough, and only that row is accused."""
    at = place + place // 4
    lines = FILE.copy()
    lines[at] = edited(lines[at], lambda row: row["leaf"].update({part: row["leaf"][part] + "x"}))
    (finding,) = judged(lines).findings
    assert finding.kind == "CHANGED"
    assert f"row {place} (" in finding.text
    assert f"at line {at + 1} " in finding.text


@given(st.integers(0, 11))
def test_a_row_that_was_deleted_is_named(place: int):
    """By its place and by what its process had counted; the batches after it are still judged."""
    at = place + place // 4
    lines = FILE[:at] + FILE[at + 1 :]
    report = judged(lines)
    assert report.heads == 3
    (missing, *gaps) = report.findings
    assert missing.kind == "MISSING"
    assert f"row {place} is missing" in missing.text
    assert all(gap.kind == "GAP" for gap in gaps)


@given(
    st.integers(0, 11).flatmap(lambda a: st.tuples(st.just(a), st.integers(0, 11).filter(lambda b: b != a)))
)
def test_rows_that_changed_places_are_named(pair: tuple[int, int]):
    """Lines swapped in the file."""
    first, second = (place + place // 4 for place in sorted(pair))
    lines = FILE.copy()
    lines[first], lines[second] = lines[second], lines[first]
    report = judged(lines)
    assert "MOVED" in kinds(report)
    assert any(f"row {min(pair)} (" in finding.text for finding in report.findings)


def test_rows_that_were_swapped_and_renumbered_are_named_by_what_their_process_counted():
    """Places and hashes fit; the order of the process does not, and neither does the root."""
    lines = FILE.copy()
    first, second = json.loads(lines[5]), json.loads(lines[6])
    lines[5] = json.dumps(second | {"index": first["index"]})
    lines[6] = json.dumps(first | {"index": second["index"]})
    (finding,) = judged(lines).findings
    assert finding.kind == "REPLACED"
    assert "row 5 " in finding.text


def test_a_row_with_a_hash_made_to_fit_is_found_within_its_batch():
    """Without the signing key nobody can make the batch's head fit, too."""
    lines = FILE.copy()
    lines[6] = rehashed(lines[6], code="PERMISSION_DENIED")
    (finding,) = judged(lines).findings
    assert finding.kind == "REPLACED"
    assert "row 4 " in finding.text
    assert "row 7 " in finding.text


def test_a_row_put_in_with_everything_renumbered_does_not_pass():
    """The signed sizes and roots are those of the log without it."""
    forged = batches()
    forged[1].insert(2, leaf(99, TWO))
    lines = file_of(forged)
    heads = iter([line for line in FILE if "edge" in json.loads(line)])
    lines = [next(heads) if "edge" in json.loads(line) else line for line in lines]
    assert set(kinds(judged(lines))) >= {"MOVED", "REPLACED"}


def test_a_head_that_the_deployment_did_not_sign_is_no_head():
    """The rows before it are judged by the next one that holds."""
    head = heads_of(FILE)[1]
    forged = SignedHead(head.head, 1, bytes(32))
    lines = FILE.copy()
    edge = Edge(8, tuple(bytes.fromhex(peak) for peak in json.loads(lines[9])["edge"]))
    lines[9] = head_line(forged, edge)
    report = judged(lines)
    assert kinds(report) == ["UNSIGNED"]
    assert (report.heads, report.rows) == (2, 12)


@pytest.mark.parametrize("kept", [12, 13, 11])
def test_a_file_cut_within_a_batch_says_so(kept: int):
    """Rows that no head signs are not proven."""
    report = judged(FILE[:kept])
    assert kinds(report) == ["CUT"]
    assert "row 8 " in report.findings[0].text


def test_a_file_cut_at_a_head_is_caught_by_a_head_kept_elsewhere():
    """Alone it holds: nothing in it can know what came later."""
    assert judged(FILE[:10]).findings == []
    (finding,) = judged(FILE[:10], heads_of(FILE)[-1]).findings
    assert finding.kind == "CUT"
    assert "rows 8 to 11" in finding.text


def test_a_log_that_was_signed_anew_is_caught_by_a_head_kept_elsewhere():
    """Whoever has the signing key can make another log, but not the one that was seen."""
    other = batches()
    other[0][1] = other[0][1]._replace(code="OTHER")
    lines = file_of(other)
    assert judged(lines).findings == []
    assert kinds(judged(lines, heads_of(FILE)[1])) == ["REWRITTEN"]
    resealed = file_of([other[0] + other[1], other[2]])
    assert kinds(judged(resealed, heads_of(FILE)[0])) == ["REWRITTEN"]


@pytest.mark.parametrize("turn", [1, -1])
def test_each_head_kept_elsewhere_is_held_against_the_log(turn: int):
    """Two of one size: whichever was read last, the one that differs is told."""
    kept = heads_of(FILE)[1]
    other = signed(Head("acme", kept.head.size, bytes(32), kept.head.at_ms))
    assert kinds(judged(FILE, *[kept, other][::turn])) == ["REWRITTEN"]
    assert kinds(judged(FILE, other, other)) == ["REWRITTEN"] * 2


def test_a_head_that_stands_there_twice_is_told():
    """The same again, and another log of as many rows."""
    assert kinds(judged([*FILE[:5], FILE[4], *FILE[5:]])) == ["DOUBLED"]
    assert kinds(judged([*FILE[:7], FILE[4], *FILE[7:]])) == ["DOUBLED"]
    other = batches()[:1]
    other[0][1] = other[0][1]._replace(code="OTHER")
    assert kinds(judged([*FILE[:5], file_of(other)[-1]])) == ["REWRITTEN"]


def test_a_record_that_a_process_counted_and_the_log_never_got_is_a_gap():
    """Everything is signed; the number is what tells."""
    sealed = [[leaf(1), leaf(2)], [leaf(5)], [leaf(1, TWO)]]
    (finding,) = judged(file_of(sealed)).findings
    assert finding.kind == "GAP"
    assert f"process {ONE.hex()} counted 3 to 4" in finding.text
    assert judged(file_of(sealed, at_ms=NOW_MS + 100)).findings == []  # they may be on their way


def test_a_number_that_comes_twice_is_told():
    """A record taken in twice would count a call twice."""
    (finding,) = judged(file_of([[leaf(1), leaf(2)], [leaf(2)]])).findings
    assert finding.kind == "DOUBLED"


@given(st.text(max_size=30), st.integers(0, 14))
def test_a_line_of_anything_stops_nothing(text: str, at: int):
    """It is told, and every other row is judged."""
    lines = [*FILE[:at], text.replace("\n", " "), *FILE[at:]]
    report = judged(lines)
    assert kinds(report) == ["UNREADABLE"]
    assert (report.rows, report.heads) == (12, 3)


@pytest.mark.parametrize(
    ("part", "value"),
    [("decisions", [1]), ("decisions", {}), ("evidence", {"ab": "a lie"}), ("caller", "\ud800"),
     ("number", 1 << 64), ("evidence", ["ab" * 300])],
)  # fmt: skip
def test_a_row_with_a_part_that_is_none_is_named(part: str, value: Any):
    """It stops nothing: the verifier says which row it is and judges the others."""
    lines = FILE.copy()
    lines[6] = edited(lines[6], lambda row: row["leaf"].update({part: value}))
    (finding,) = [finding for finding in judged(lines).findings if finding.kind != "GAP"]
    assert finding.kind == "CHANGED"
    assert "row 5 " in finding.text


@pytest.mark.parametrize(
    ("part", "value"),
    [("at_ms", 1 << 64), ("size", 1 << 64), ("at_ms", float("inf")), ("at_ms", "1"), ("size", True),
     ("key_version", -1), ("key_version", 1.0), ("tenant", "\ud800"), ("tenant", 7), ("root", "AB" * 32),
     ("signature", None), ("note", "all is well")],
)  # fmt: skip
def test_a_head_with_a_part_that_is_none_is_unreadable(part: str, value: Any):
    """The next head that holds judges its rows."""
    lines = FILE.copy()
    lines[4] = edited(lines[4], lambda line: line["head"].update({part: value}))
    report = judged(lines)
    assert kinds(report) == ["UNREADABLE"]
    assert (report.rows, report.heads) == (12, 2)


def test_a_line_of_a_head_has_its_two_parts_and_no_other():
    """As with rows: nothing stands beside what is proven."""
    for change in ({"note": "x"}, {"edge": dict.fromkeys(json.loads(FILE[4])["edge"])}):
        lines = FILE.copy()
        lines[4] = edited(lines[4], lambda line, change=change: line.update(change))
        assert kinds(judged(lines)) == ["UNREADABLE"]


def test_a_line_as_deep_as_anyone_likes_is_unreadable():
    """It must not end the reading."""
    assert kinds(judged([*FILE[:5], "[" * 200_000, *FILE[5:]])) == ["UNREADABLE"]


def test_a_part_more_in_a_row_is_a_change():
    """Nothing can stand in a file beside what is proven."""
    lines = FILE.copy()
    lines[8] = edited(lines[8], lambda row: row["leaf"].update({"note": "all is well"}))
    assert kinds(judged(lines)) == ["CHANGED"]
    lines[8] = edited(FILE[8], lambda row: row.update({"note": "all is well"}))
    assert "UNREADABLE" in kinds(judged(lines))
    lines[8] = FILE[8].replace('"code":"OK"', '"code":"PERMISSION_DENIED","code":"OK"')
    assert "UNREADABLE" in kinds(judged(lines))


def test_a_place_that_is_absurd_costs_nothing():
    """A row may claim any place."""
    lines = FILE[:4]
    lines[3] = edited(lines[3], lambda row: row.update({"index": 1 << 62}))
    assert set(kinds(judged(lines))) == {"MOVED", "MISSING", "CUT"}


def test_what_is_signed_differs_in_every_part():
    """No head's signature is another's."""
    head = Head("acme", 1, bytes(32), 2)
    others = [Head("acm", 1, bytes(32), 2), Head("acme", 2, bytes(32), 2), Head("acme", 1, bytes(32), 3)]
    assert len({one.message() for one in [head, *others]}) == 4
    assert signed(head).holds(verified)
    assert not SignedHead(others[0], 1, signed(head).signature).holds(verified)
