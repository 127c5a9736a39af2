"""A receipt is judged with public keys alone, and what it says is looked for again."""

from __future__ import annotations

import base64
import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from rich.console import Console

from services.commands.records import _verify_erasure
from services.rights.erasure import SignedReceipt
from services.rights.erasure_files import ReceiptUnusable, traces, verified_receipt
from services.signing import Signed, public_keys
from tests.services.erasure_world import CARD, GONE, opened


def as_json(receipt: SignedReceipt) -> str:
    """A receipt as the gateway answers it."""
    return json.dumps(
        {
            "body": base64.b64encode(receipt.body).decode(),
            "signature": base64.b64encode(receipt.signature).decode(),
            "keyVersion": receipt.key_version,
        }
    )


@pytest.fixture
async def erased(tmp_path: Path) -> tuple[Path, Path, str, str]:
    """A folder after an erasure, its backup from before, the receipt and the public keys."""
    folder, backup = tmp_path / "folder", tmp_path / "backup"
    folder.mkdir()
    async with opened(folder):
        pass
    shutil.copytree(folder, backup)
    async with opened(folder) as world:
        receipt = await world.erase(GONE, CARD, suppress=True)
        keys = public_keys(world.keyring, Signed.ERASURE_RECEIPT)
    published = {Signed.ERASURE_RECEIPT.name: {str(version): key.hex() for version, key in keys.items()}}
    return folder, backup, as_json(receipt), json.dumps(published)


async def test_a_restored_backup_is_found_out_by_the_receipt_alone(
    erased: tuple[Path, Path, str, str],
) -> None:
    """Every table that holds one of the erased is named, and in the folder itself none does."""
    folder, backup, text, keys = erased
    receipt = verified_receipt(text, keys)
    assert traces(receipt, folder, None) == []
    assert traces(receipt, folder, GONE) == []
    found = traces(receipt, backup, None)
    places = {line.rsplit(":", 1)[0] for line in found}
    assert places == {
        "consent.db: births.subject",
        "consent.db: edges.a",
        "consent.db: edges.b",
        "consent.db: records.subject",
        "engagement.db: event.subject",
        "identity.db: edge.a",
        "identity.db: edge.b",
        "identity.db: identifier.subject",
        "recommender.db: subject.birth",
    }
    assert len(traces(receipt, backup, GONE)) > len(found)
    assert traces(receipt, backup / "engagement.db", None) == ["engagement.db: event.subject: 2 times"]


async def test_a_changed_receipt_is_refused(erased: tuple[Path, Path, str, str]) -> None:
    """One digit of a count, another signature, keys of somebody else, something else that was signed."""
    _, _, text, keys = erased
    signed = json.loads(text)
    body = base64.b64decode(signed["body"])
    forged = base64.b64encode(body.replace(b'"event":3', b'"event":2')).decode()
    assert forged != signed["body"]
    others = json.dumps({Signed.ERASURE_RECEIPT.name: {"1": bytes(32).hex()}})
    for changed, judged_by in (
        (signed | {"body": forged}, keys),
        (signed | {"signature": base64.b64encode(bytes(64)).decode()}, keys),
        (signed, others),
        (signed | {"keyVersion": 2}, keys),
        ({"body": signed["body"]}, keys),
    ):
        with pytest.raises(ReceiptUnusable):
            verified_receipt(json.dumps(changed), judged_by)


async def test_the_command_says_what_it_found(erased: tuple[Path, Path, str, str], tmp_path: Path) -> None:
    """It ends with 0 for the folder, and with 1 for the backup and for a path without a database."""
    folder, backup, text, keys = erased
    (tmp_path / "receipt.json").write_text(text)
    (tmp_path / "keys.json").write_text(keys)

    def run(store: Path | None) -> tuple[int, str]:
        console = Console(record=True, width=200, quiet=False)
        given = Namespace(
            receipt=tmp_path / "receipt.json", keys=tmp_path / "keys.json", store=store, subject=None
        )
        return _verify_erasure(given, console), console.export_text()

    assert run(None)[0] == 0
    status, said = run(folder)
    assert (status, "Nothing of the erased is in" in said) == (0, True)
    status, said = run(backup)
    assert (status, "Still there: engagement.db: event.subject" in said) == (1, True)
    assert run(tmp_path / "nowhere")[0] == 1
