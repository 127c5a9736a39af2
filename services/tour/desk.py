"""What a tour needs from outside the suite: a verifier, an auditor, a place to keep things.

In a development suite all of it lies in the data set's folder. The suite itself is asked over
the network alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from consent.auditlog.verifying import verify
from identity.keyring import KeyRing
from services.audit.files import batch_lines, checking, keys_of
from services.deployment.config import load
from services.deployment.development import CONFIG_FILE, TENANT
from services.key_file import write_private
from services.rights.erasure_files import ReceiptUnusable, verified_receipt
from services.rights.verifier import open_verifier
from services.storage.database import Connection
from services.storage.sealed_log import SealedReader
from services.tour.audit import Auditor

SHOP = "shop"
#: So much of the log is judged on a tour: its first batches; `verify-audit` judges all of it.
BATCHES_READ = 40


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands outside the suite when somebody asks for their rights.

    Attributes:
        attest: gives the proof of a registered verifier that the person behind a subject id of
            the shop was authenticated.
        now_ms: the present instant, milliseconds since the epoch.
        genuine: whether a receipt, as the gateway answers it, is what the deployment signed; the
            code of ``verify-erasure``.
        auditor: somebody who is given the audit log.
        keep: writes a text, for its owner's eyes, under a name; gives its path.
    """

    attest: Callable[[str], str]
    now_ms: Callable[[], int]
    genuine: Callable[[str], bool]
    auditor: Auditor
    keep: Callable[[str, str], Path]


def desk_of(folder: Path, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> Desk:
    """The desk of a development suite."""
    verifier = open_verifier(folder / "keys")
    ring = KeyRing.from_json((folder / "keys" / "keyring.json").read_text())
    published = json.dumps(keys_of(ring))

    def keep(name: str, text: str) -> Path:
        path = folder / name
        write_private(path, text)
        return path

    def genuine(receipt: str) -> bool:
        try:
            verified_receipt(receipt, published)
        except ReceiptUnusable:
            return False
        return True

    return Desk(
        attest=lambda subject: verifier.attest(subject, SHOP, now_ms() // 1000),
        now_ms=now_ms,
        genuine=genuine,
        auditor=auditor_of(folder, ring),
        keep=keep,
    )


def auditor_of(folder: Path, ring: KeyRing) -> Auditor:
    """Somebody who is given the beginning of a deployment's log, and its public keys."""
    store = load(folder / CONFIG_FILE).store("consent")

    def lines() -> Sequence[str]:
        return store.read(_first_lines)

    check = checking(keys_of(ring))
    return Auditor(lines, lambda exported: verify(exported, check))


def _first_lines(reader: Connection) -> list[str]:
    log = SealedReader(reader, TENANT)
    return [line for batch in log.batches(0, BATCHES_READ) for line in batch_lines(batch)]
