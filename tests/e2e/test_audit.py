"""What all services recorded is one log that anybody can check who has the public keys."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from consent.auditlog.file import Row, read_line
from consent.auditlog.leaf import Leaf
from services.audit.files import export, keys_of, verify_file
from services.deployment.config import load
from services.storage.sqlite import SqliteFile

_WAIT_S = 20


async def test_the_calls_of_every_service_stand_in_one_log_that_verifies(shop, tmp_path):
    """Collected from every store, signed, with nobody's birth subject; a flipped letter is named."""
    web = await shop.subject("web")
    await shop.grant(web)
    await shop.track(shop.event("1", web, "tea"))
    await shop.portrait(web)
    methods = {"Resolve", "Record", "TrackBatch", "Portrait"}
    lines = await _exported(tmp_path, methods)
    config = load(tmp_path / "suite.toml")
    report = verify_file(lines, keys_of(config.keyring), [])
    assert report.findings == []
    leaves = _leaves(lines)
    assert {leaf.code for leaf in leaves if _method(leaf) in {"Record", "TrackBatch"}} == {"WRITTEN"}
    assert (
        len({leaf.process for leaf in leaves}) >= 3
    )  # identity, consent and engagement each count for themselves
    at = next(at for at, line in enumerate(lines) if '"method":"/veilgraph.engagement' in line)
    lines[at] = lines[at].replace('"caller":"shop"', '"caller":"shoq"')
    (finding,) = verify_file(lines, keys_of(config.keyring), []).findings
    assert (finding.kind, f"at line {at + 1} " in finding.text) == ("CHANGED", True)


async def _exported(folder: Path, methods: set[str]) -> list[str]:
    """The file, once the calls are collected."""
    async with asyncio.timeout(_WAIT_S):
        while True:
            out = io.StringIO()
            export(SqliteFile(folder / "consent.db", "consent"), "demo", out)
            lines = out.getvalue().splitlines()
            if methods <= {_method(leaf) for leaf in _leaves(lines)}:
                return lines
            await asyncio.sleep(0.05)


def _leaves(lines: list[str]) -> list[Leaf]:
    rows = (read_line(number, line) for number, line in enumerate(lines))
    return [row.leaf for row in rows if isinstance(row, Row) and row.leaf is not None]


def _method(leaf: Leaf) -> str:
    return leaf.method.rpartition("/")[2]
