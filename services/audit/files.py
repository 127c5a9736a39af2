"""The audit log as a file: written from a deployment's folder, judged with its public keys alone.

Exporting reads the store beside a running service and changes nothing. Verifying needs the file
and the public keys, and whatever heads were kept elsewhere.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from consent.auditlog.file import head_line, row_line
from consent.auditlog.head import SignedHead, Verified, head_from_json
from consent.auditlog.leaf import decoded
from consent.auditlog.tree import includes, leaf_hash
from consent.auditlog.verifying import Report, verify
from consent.errors import HeadMalformed
from identity.keyring import KeyRing
from services.signing import Signed, public_keys, verified
from services.storage.database import Location
from services.storage.sealed_log import SealedBatch, SealedReader
from services.storage.sqlite import SqliteFile

_BATCHES_A_READING = 1000


class FileUnusable(Exception):  # noqa: N818 - named after what it says
    """A file can not be read, or is not what it should be; the text says which."""


def batch_lines(batch: SealedBatch) -> Iterator[str]:
    """The lines of one batch: its rows, then its head."""
    for place, encoding in enumerate(batch.leaves, start=batch.first):
        yield row_line(place, decoded(encoding), leaf_hash(encoding))
    yield head_line(batch.signed, batch.edge)


def export(store: Location, tenant: str, out: TextIO) -> SignedHead | None:
    """Writes the log of a deployment.

    Args:
        store: consent's; the service may run.
        tenant: whose it is.
        out: takes the lines.

    Returns:
        The newest head written; keep it elsewhere.

    Raises:
        FileUnusable: there is no log.
    """
    if isinstance(store, SqliteFile) and not store.path.exists():
        raise FileUnusable(f"{store.path.parent} holds no deployment")
    return store.read(lambda reader: _written(SealedReader(reader, tenant), out))


def _written(log: SealedReader, out: TextIO) -> SignedHead | None:
    last, index = None, 0
    while batches := log.batches(index, _BATCHES_A_READING):
        for batch in batches:
            out.writelines(f"{line}\n" for line in batch_lines(batch))
        last = batches[-1].signed
        index = last.head.size
    return last


def private_file(path: Path) -> TextIO:
    """A file opened for writing that nobody but its owner can read, whatever it was before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # and no terminal or pipe
        os.fchmod(descriptor, 0o600)  # one that was there would keep its mode
    return os.fdopen(descriptor, "w")


def keys_of(ring: KeyRing) -> dict[str, dict[str, str]]:
    """The public keys of a deployment by kind and version, hexadecimal; they are for everybody."""
    return {
        kind.name: {str(version): key.hex() for version, key in public_keys(ring, kind).items()}
        for kind in (Signed.AUDIT_HEAD, Signed.ERASURE_RECEIPT)
    }


def verify_file(lines: Iterable[str], keys: Mapping[str, Any], heads: Iterable[Path]) -> Report:
    """Judges an exported log.

    Args:
        lines: of the file.
        keys: what ``keys_of`` gave.
        heads: files of heads kept elsewhere, each as ``SignedHead.as_json`` gives it.

    Raises:
        FileUnusable: the keys or a head can not be read, or a head is not the deployment's.
    """
    check = checking(keys)
    return verify(lines, check, [_kept_head(path, check) for path in heads])


def checking(keys: Mapping[str, Any]) -> Verified:
    """The check of heads by published keys.

    Raises:
        FileUnusable: they are not keys.
    """
    try:
        public = {int(version): bytes.fromhex(key) for version, key in keys[Signed.AUDIT_HEAD.name].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FileUnusable("the public keys are not those that `public-keys` prints") from None

    def check(version: int, signature: bytes, message: bytes) -> bool:
        return version in public and verified(public[version], signature, message)

    return check


def _kept_head(path: Path, check: Verified) -> SignedHead:
    try:
        signed = head_from_json(json.loads(path.read_text()))
    except (OSError, ValueError, RecursionError, HeadMalformed):
        raise FileUnusable(f"{path} is not a signed head") from None
    if not signed.holds(check):
        raise FileUnusable(f"{path}: these keys did not sign it")
    return signed


def holds(proof: Mapping[str, Any], check: Verified) -> bool:
    """Whether a proof (``services.storage.sealed_log.Sealed.as_json``) shows its leaf in a signed log."""
    try:
        after = head_from_json(proof["after"])
        leaf, path = bytes.fromhex(proof["leaf"]), [bytes.fromhex(one) for one in proof["path"]]
        index = int(proof["index"])
    except (HeadMalformed, KeyError, TypeError, ValueError):
        return False
    return after.holds(check) and includes(after.head.root, after.head.size, index, leaf_hash(leaf), path)
