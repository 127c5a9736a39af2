"""The key a deployment's policy file is signed with; held by whoever answers for the policy.

It is no key of the deployment's ring: the processes that obey the policy must not be able to
sign one. A file that others can read is refused, for whoever reads it writes policies.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class PolicyKeyError(Exception):
    """The key can not be used; the text says why."""


def open_policy_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file.

    Raises:
        PolicyKeyError: there is none, it is another kind of key, or others can read it.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise PolicyKeyError(f"{path} can be read by others; it signs nothing any more")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise PolicyKeyError(f"{path}: {error.strerror}; --new-key makes one") from None
    except (TypeError, ValueError):
        raise PolicyKeyError(f"{path} holds no private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PolicyKeyError(f"{path} does not hold an Ed25519 key")
    return key


def make_policy_key(path: Path) -> Ed25519PrivateKey:
    """Makes a key in a file that only its owner can read.

    Raises:
        PolicyKeyError: there is a file already, or it can not be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise PolicyKeyError(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return key
