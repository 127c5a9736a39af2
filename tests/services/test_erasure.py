"""An erasure ends in one receipt, whatever happens on the way, and leaves nothing but what it says."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from consent.erasure import ACTOR
from consent.errors import ErasureUnknown, SubjectUnknown
from consent.record import Action
from identity.ids import SubjectId
from identity.ledger import Newborn
from identity.rules import compile_rules
from services.consent.service import graph_step
from services.rights.erasure import SignedReceipt
from services.signing import Signed, public_keys, verified
from services.storage.identity import IdentityTables
from services.storage.tombstones import tag_of
from services.stores import Phase
from tests.conftest import ROOT
from tests.consent.statements import NOW_MS, RULES, entry, statement
from tests.given import recognition
from tests.services.erasure_world import (
    CANARIES,
    CARD,
    GONE,
    NEIGHBOUR,
    TOKENS,
    HeldLog,
    Steps,
    World,
    opened,
)
from tests.services.test_personal_stores import found_in

COUNTS = {
    "consent": {"birth": 2, "consent record": 4, "link": 2},
    "engagement": {"event": 3},
    "identity": {"identifier": 2, "link": 2},
    "recommender": {"event": 3},
}


def content(receipt: SignedReceipt) -> dict[str, object]:
    """A receipt without what differs between two erasures of the same people."""
    body = json.loads(receipt.body)
    return {
        name: part for name, part in body.items() if name not in ("erasure_id", "keys", "consent_epoch")
    } | {"keys": {store: len(ids) for store, ids in body["keys"].items()}}


async def test_an_erasure_ends_in_a_signed_receipt(tmp_path: Path) -> None:
    """With exact counts, the keys, what stays and until when; it names nobody and verifies."""
    async with opened(tmp_path) as world:
        receipt = await world.erase(GONE, CARD)
        body = json.loads(receipt.body)
        assert body["erased"] == COUNTS
        assert {store: len(ids) for store, ids in body["keys"].items()} == dict.fromkeys(COUNTS, 2)
        assert body["kept"]["consent"]["consent skeleton"]["count"] == 4
        assert body["subjects"] == sorted(tag_of(who).hex() for who in (GONE, CARD))
        assert body["recipients_note"] == "none registered"
        assert body["backups_until_ms"] == NOW_MS + world.policy.backup_days * 86_400_000
        key = public_keys(world.keyring, Signed.ERASURE_RECEIPT)[receipt.key_version]
        assert verified(key, receipt.signature, receipt.body)
        assert not verified(key, receipt.signature, receipt.body + b" ")
        assert await world.erasures.receipt(body["erasure_id"]) == receipt


async def test_nothing_of_the_erased_is_in_any_file_or_table(tmp_path: Path) -> None:
    """Not raw, not in hexadecimal: databases, logs, models; nor is the guard table aware of them."""
    async with opened(tmp_path) as world:
        assert found_in(tmp_path, CANARIES)
        others = await world.found(NEIGHBOUR)
        await world.erase(GONE, CARD, suppress=True)
        assert found_in(tmp_path, CANARIES) == []
        assert await world.found(GONE, CARD) == {name: {} for name in COUNTS}
        assert GONE not in world.guard
        assert GONE not in world.authority
        del others["consent"], others["identity"]  # a link less, and the refusal left to them
        after = await world.found(NEIGHBOUR)
        assert {name: after[name] for name in others} == others
    assert found_in(tmp_path, CANARIES) == []


async def test_restricted_everywhere_before_anything_is_deleted(tmp_path: Path) -> None:
    """When ``begin`` returns nobody may do anything with them, even if every store is down."""
    async with opened(tmp_path) as world:
        for store in world.stores.values():
            store.down = True
        erasure_id = await world.begin(GONE, CARD)
        every = range(len(world.policy.leaves))
        assert not any(world.guard.allows(GONE, purpose, NOW_MS) for purpose in every)
        assert await world.erasures.receipt(erasure_id) is None
        assert await world.begin(CARD, GONE) == erasure_id
        with pytest.raises(SubjectUnknown):
            await world.begin(GONE)
        with pytest.raises(SubjectUnknown):
            await world.authority.record([entry(world.policy, statement(GONE, "loyalty"), position=9)])
        with pytest.raises(ErasureUnknown):
            await world.erasures.receipt("another")


async def test_an_erasure_takes_no_refusal_from_anybody_else(tmp_path: Path) -> None:
    """What a neighbour was refused because of the erased stays refused, as a record of their own."""
    async with opened(tmp_path) as world:
        before = world.guard.entry(NEIGHBOUR)
        assert before is not None
        for leaf in ("marketing.email", "loyalty"):  # refused and objected to, by the erased
            assert not world.guard.allows(NEIGHBOUR, world.policy.index(leaf), NOW_MS)
        await world.begin(GONE, CARD)
        after = world.guard.entry(NEIGHBOUR)
        assert after is not None
        assert after.refuse & before.refuse == before.refuse
        assert after.allow & ~before.allow == 0
        assert after.members is None
    async with opened(tmp_path) as world:
        again = world.guard.entry(NEIGHBOUR)
        assert again is not None
        assert (again.allow, again.refuse) == (after.allow, after.refuse)


async def test_what_is_left_to_others_does_not_lead_back_to_the_erased(tmp_path: Path) -> None:
    """No id of a neighbour's record is one of the erasure's, and their export names no erasure."""
    async with opened(tmp_path) as world:
        erasure_id = json.loads((await world.erase(GONE, CARD)).body)["erasure_id"]
        read = world.databases["consent"].reader.execute
        left = read("SELECT * FROM records WHERE actor = ?", (ACTOR,)).fetchall()
        assert left and not any(erasure_id in map(str, row) for row in left)
        joined = "SELECT count(*) FROM records JOIN consent_skeleton ON request_id = erasure_id"
        assert read(joined).fetchone() == (0,)
        told = [value.value async for value in world.stores["consent"].export([NEIGHBOUR])]
        records = [value for value in told if "action" in value]
        own = [value for value in records if "request_id" in value]
        assert 0 < len(own) < len(records)
        assert all(value["actor"] != ACTOR for value in own)
        assert not any("actor" in value for value in records if value not in own)
        assert erasure_id not in json.dumps(told)


async def test_an_erasure_waits_for_a_store_that_is_down_and_says_so(tmp_path: Path) -> None:
    """It is open, names the store, keeps every key, and is finished once the store answers."""
    async with opened(tmp_path) as world:
        world.stores["recommender"].down = True
        erasure_id = await world.begin(GONE, CARD)
        await world.waits.wait()
        assert "recommender did not answer" in world.reported[0]
        assert (await world.erasures.waits_for(erasure_id)).stores == ("recommender",)
        assert all(Phase.KEYS not in store.erased for store in world.stores.values())
        assert await world.erasures.receipt(erasure_id) is None
        world.stores["recommender"].down = False
        world.pauses.put_nowait(None)
        assert json.loads((await world.erasures.finished(erasure_id)).body)["erased"] == COUNTS


async def test_there_is_no_receipt_while_the_log_still_holds_the_erased(tmp_path: Path) -> None:
    """Whoever reads an older state holds the log; it is cut once they have read, by this process."""
    async with opened(tmp_path, HeldLog(tmp_path / "consent.db")) as world:
        erasure_id = await world.begin(GONE, CARD)
        await asyncio.wait_for(world.waits.wait(), 10)
        assert "consent did not answer" in world.reported[-1]
        assert await world.erasures.receipt(erasure_id) is None
        assert cast("HeldLog", world.steps).let_go()
        world.pauses.put_nowait(None)
        assert json.loads((await world.erasures.finished(erasure_id)).body)["erased"] == COUNTS
        assert found_in(tmp_path, CANARIES) == []


async def test_a_log_that_was_not_cut_is_cut_by_the_next_process(tmp_path: Path) -> None:
    """A receipt that was signed before a process ended is given only when the log is cut."""
    held = HeldLog(tmp_path / "consent.db")
    async with opened(tmp_path, held) as world:
        erasure_id = await world.begin(GONE, CARD)
        await asyncio.wait_for(world.waits.wait(), 10)
        await world.erasures.stop()
        assert held.let_go()
    async with opened(tmp_path) as world:
        assert await world.erasures.receipt(erasure_id) is None
        await world.erasures.resume()
        assert json.loads((await world.erasures.finished(erasure_id)).body)["erased"] == COUNTS
        assert found_in(tmp_path, CANARIES) == []


@pytest.mark.parametrize("write", ["answered data engagement", "told", "before the receipt"])
async def test_a_journal_that_can_not_be_written_is_tried_again(tmp_path: Path, write: str) -> None:
    """As a store that is down; nobody waits for ever and nothing is done twice."""
    async with opened(tmp_path, Steps(unusable={write})) as world:
        erasure_id = await world.begin(GONE, CARD)
        await asyncio.wait_for(world.waits.wait(), 10)
        assert await world.erasures.receipt(erasure_id) is None
        world.pauses.put_nowait(None)
        assert json.loads((await world.erasures.finished(erasure_id)).body)["erased"] == COUNTS


@pytest.fixture
def killed_at() -> Iterator[Callable[[Path, int], bool]]:
    """Runs an erasure in a process of its own until it kills itself; whether it came so far."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.erasure_world"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "protos")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        asked, told = program.stdin, program.stdout
        assert asked is not None and told is not None

        def run(folder: Path, step: int) -> bool:
            asked.write(json.dumps([str(folder), step]) + "\n")
            asked.flush()
            status = int(told.readline())
            assert status in (0, -signal.SIGKILL)
            return status != 0

        yield run
        asked.close()


async def test_killed_at_any_step_it_ends_in_the_same_receipt(
    tmp_path: Path, killed_at: Callable[[Path, int], bool]
) -> None:
    """Kill -9 before and after each store's phase and around the receipt; the next process goes on."""
    template = tmp_path / "template"
    template.mkdir()
    async with opened(template):
        pass
    whole = tmp_path / "whole"
    shutil.copytree(template, whole)
    async with opened(whole) as world:
        first = await world.erase(GONE, CARD, suppress=True)
        steps = len(world.steps.taken)
    assert steps == 4 * 3 * 2 + 4
    for step in (4, 10, 13, 20, 25, 26, 27, 28):
        folder = tmp_path / f"killed-{step}"
        shutil.copytree(template, folder)
        assert killed_at(folder, step)
        async with opened(folder) as world:
            assert GONE not in world.guard
            await world.erasures.resume()
            (erasure_id,) = [
                row[0]
                for row in world.databases["consent"].reader.execute("SELECT erasure_id FROM erasure_run")
            ]
            receipt = await world.erasures.finished(erasure_id)
            assert content(receipt) == content(first)
            assert found_in(folder, CANARIES) == []
        shutil.rmtree(folder)


async def test_the_same_identifier_comes_back_as_somebody_new(tmp_path: Path) -> None:
    """Another birth subject without links; if they asked for it, marketing and sharing stay refused."""
    for suppress in (False, True):
        folder = tmp_path / str(suppress)
        folder.mkdir()
        async with opened(folder) as world:
            receipt = await world.erasures.finished(
                await world.erasures.begin([GONE, CARD], suppress, "desk")
            )
            entries = list(json.loads(receipt.body)["kept"].get("identity", ()))
            assert len(entries) == (2 if suppress else 0)
            reborn = SubjectId(b"born-again-00001")
            policy = world.policy
            await reappear(world, reborn)
            refused = {
                leaf for leaf in policy.leaves if world.guard.entry(reborn).refuse >> policy.index(leaf) & 1
            }
            expected = {leaf for leaf in policy.leaves if leaf.startswith(("marketing.", "share."))}
            assert refused == (expected if suppress else set())
            if not suppress:
                continue
            said = [record.said.action for record in await world.authority._store.records_of(reborn)]
            assert set(said) == {Action.REFUSE}
            await world.erase(reborn)
            rows = world.databases["identity"].reader.execute("SELECT * FROM suppression").fetchall()
            assert len(rows) == 1  # the card's; the mail's went with its last owner, who did not ask again


async def reappear(world: World, reborn: SubjectId) -> None:
    """The mail address is resolved again, and the graph's feed told on, as between the services."""
    ledger = IdentityTables(world.databases["identity"], recognition)
    births = await ledger.bear([Newborn(TOKENS[GONE], 1, reborn)], NOW_MS)
    assert births.subjects[TOKENS[GONE]] == reborn
    steps = [
        graph_step(change, compile_rules(RULES), world.policy)
        for change in await ledger.changes(world.authority.graph_cursor, 100)
    ]
    await world.authority.apply_graph(steps)
