"""``verify-erasure``: judges a receipt offline, and looks again whether what it says is so.

The receipt is read as the gateway gives it; what verifies it are the deployment's public keys
and nothing else. A receipt that verifies says what was erased; the search says whether it is
still gone from the files at hand, which may be those of a restored backup.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.auditlog.leaf import decoded
from consent.erasure import RECEIPT_FORM, canonical
from consent.errors import LeafMalformed
from services.audit.files import FileUnusable, checking, holds
from services.signing import Signed, verified
from services.storage.absence import found_by_bytes, found_by_tag, stale_models


class ReceiptUnusable(Exception):  # noqa: N818 - named after what it says
    """A file is not a receipt or not keys, or the signature is not the deployment's."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt whose signature verified.

    Attributes:
        body: what was signed, as canonical JSON.
        content: the same, read.
    """

    body: bytes
    content: Mapping[str, Any]

    @property
    def tags(self) -> list[bytes]:
        """The tags of the erased subjects."""
        return [bytes.fromhex(tag) for tag in self.content["subjects"]]


def verified_receipt(receipt: str, keys: str) -> Receipt:
    """Reads a receipt and judges its signature.

    Args:
        receipt: ``SignedReceipt`` as JSON, as the gateway answers it.
        keys: what ``public-keys`` prints.

    Raises:
        ReceiptUnusable: see there.
    """
    try:
        signed = json.loads(receipt)
        body = base64.b64decode(signed["body"], validate=True)
        signature = base64.b64decode(signed["signature"], validate=True)
        key = bytes.fromhex(json.loads(keys)[Signed.ERASURE_RECEIPT.name][str(int(signed["keyVersion"]))])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise ReceiptUnusable("the file is no receipt, or its key is not among the public keys") from None
    if not verified(key, signature, body):
        raise ReceiptUnusable("the receipt was changed, or another deployment signed it")
    content: dict[str, Any] = json.loads(body)
    if content.get("form") != RECEIPT_FORM or content.get("key_version") != int(signed["keyVersion"]):
        raise ReceiptUnusable("what was signed is no receipt of a form that is known here")
    if "leaf" in content["log"] and not _in_log(content, json.loads(keys)):
        raise ReceiptUnusable("what was signed is not what the audit log holds of it")
    return Receipt(body, content)


def _in_log(content: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Whether the signed log holds a leaf about exactly this receipt."""
    try:
        evidence = decoded(bytes.fromhex(content["log"]["leaf"])).evidence
        holding = holds(content["log"], checking(keys))
    except (FileUnusable, LeafMalformed, ValueError):
        return False
    digest = hashlib.sha256(canonical({**content, "log": {}})).digest()
    return holding and digest in evidence


def traces(receipt: Receipt, store: Path, subject: bytes | None) -> list[str]:
    """What is still there of the erased, a line each; none if nothing is.

    Args:
        receipt: names the erased by tags.
        store: a database, or a folder with those of a deployment.
        subject: an erased birth subject, if somebody still knows one; all bytes are searched for it.

    Raises:
        NoDatabase: there is nothing to search, or a file is no database.
    """
    found = found_by_tag(store, receipt.tags)
    if subject is not None:
        found += found_by_bytes(store, subject)
    lines = [f"{file}: {place}: {count} times" for file, place, count in found]
    if store.is_dir():
        lines += [f"models/{version}: learned from somebody who is gone" for version in stale_models(store)]
    return lines
