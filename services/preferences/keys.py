"""The page's own secrets, made once: what it seals cookies with, and what it signs proofs with."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from services.deployment.issuer import open_key, write_jwks
from services.key_file import make_private
from services.preferences.sealing import KEY_BYTES

SESSION_KEY: Final = "preferences-session.key"
VERIFIER_KEY: Final = "preferences-verifier.pem"
VERIFIER_JWKS: Final = "preferences-verifier-jwks.json"


def provide(folder: Path) -> list[Path]:
    """Makes what is missing in a folder, and writes the public half of the verifier's key beside it.

    Returns:
        The files, the secret ones first.

    Raises:
        OSError: something can not be written, or the verifier's key can be read by others.
        ValueError: what is there is no key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    session = folder / SESSION_KEY
    if not session.exists():
        make_private(session, secrets.token_hex(KEY_BYTES) + "\n")
    write_jwks(folder / VERIFIER_JWKS, open_key(folder / VERIFIER_KEY))
    return [session, folder / VERIFIER_KEY, folder / VERIFIER_JWKS]
