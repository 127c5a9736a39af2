"""A deployment's own policy file: taken only under a signature, and only whole.

The file says what is lawful, so whoever could change it could allow everything. It is signed
apart from the deployment, with a key that the processes which obey it do not hold; they know
the public keys alone. The policy inside the package needs no signature: who can change that
file can change the program that would check one.

A fault names its line. ``policy.toml.sig`` holds the public key and the signature, Ed25519
(RFC 8032) in hexadecimal, over a prefix of its own and the file's bytes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.errors import ConsentError, PolicyError
from consent.policy import Policy, compile_policy
from engagement.event import EventKind
from services.interceptors.declared import data_classes
from services.signing import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verified

SUFFIX = ".sig"
_PREFIX = b"veilgraph policy file 1\n"
_SIGNATURE = re.compile(rf"([0-9a-f]{{{2 * PUBLIC_KEY_BYTES}}}) ([0-9a-f]{{{2 * SIGNATURE_BYTES}}})\n?")
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=""")
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class PolicyFileError(Exception):
    """The policy file can not be used; the text says where and why."""


def shipped(tenant: str = "") -> Policy:
    """The policy that comes with the suite.

    Raises:
        PolicyFileError: it is not one.
    """
    return _compiled((resources.files("consent") / "policy.toml").read_text(), "consent/policy.toml", tenant)


def read_signed(path: Path, trusted: Collection[bytes], tenant: str) -> Policy:
    """A deployment's own policy.

    Args:
        path: the file; its signature lies beside it, under the same name and ``.sig``.
        trusted: the raw public keys (32 bytes) one of which has signed it.
        tenant: whose ``[tenants.…]`` tables count.

    Raises:
        PolicyFileError: a file is missing, the signature is not one of a trusted key over
            exactly this file, or the file is no policy.
    """
    content, signature = _bytes(path), _bytes(path.with_name(path.name + SUFFIX))
    found = _SIGNATURE.fullmatch(signature.decode("ascii", "replace"))
    if found is None:
        raise PolicyFileError(f"{path.name}{SUFFIX}, line 1: not a signature as sign-policy writes it")
    key, signed = (bytes.fromhex(part) for part in found.groups())
    if key not in trusted:
        raise PolicyFileError(
            f"{path.name}{SUFFIX}, line 1: the key {key.hex()[:16]}… is none of policy_keys"
        )
    if not verified(key, signed, _PREFIX + content):
        raise PolicyFileError(
            f"{path.name}{SUFFIX}, line 1: the signature is not over this {path.name}; sign it again"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyFileError(f"{path.name}, line {line}: not UTF-8") from None
    return _compiled(text, path.name, tenant)


def sign(path: Path, key: Ed25519PrivateKey) -> bytes:
    """Signs a policy file that is one; returns the raw public key.

    Raises:
        PolicyFileError: the file is missing or no policy; nothing is signed then.
    """
    content = _bytes(path)
    _compiled(content.decode("utf-8", "replace"), path.name, "")
    public = key.public_key().public_bytes_raw()
    signature = key.sign(_PREFIX + content)
    path.with_name(path.name + SUFFIX).write_text(f"{public.hex()} {signature.hex()}\n")
    return public


def _compiled(text: str, name: str, tenant: str) -> Policy:
    try:
        policy = compile_policy(tomllib.loads(text), tenant)
        if gaps := policy.retention.missing([kind.name for kind in EventKind], data_classes()):
            raise PolicyError("; ".join(gaps))
    except tomllib.TOMLDecodeError as error:
        at = _TOML_LINE.search(str(error))
        line = int(at[1]) if at is not None else text.count("\n") + 1  # the end, says tomllib
        raise PolicyFileError(f"{name}, line {line}: {error}") from None
    except ConsentError as error:
        raise PolicyFileError(f"{name}, line {line_of(text, str(error))}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):  # a value of a shape nobody looked for
        raise PolicyFileError(f"{name}, line {_odd_line(text)}: not the shape of a policy") from None
    return policy


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    path: str  # section and key, without quotes
    text: str


def line_of(text: str, fault: str) -> int:
    """The line of a policy file that a fault speaks of, counted from 1.

    Faults name a place ("regimes.US_CA: …") or quote what is wrong; a fault about something
    that is missing is placed where it should stand, or at the first line.
    """
    return next(_candidates(list(_lines(text)), fault), 1)


def _candidates(lines: Sequence[_Line], fault: str) -> Iterator[int]:
    """Lines a fault may speak of, the likeliest first."""
    place = fault.partition(": ")[0]
    words = re.findall(r"[\w.-]+", fault)
    here = [line for line in lines if _is_at(line.path, place)]
    for among in (here, lines):  # what is quoted, at the place if it has one
        for word in filter(None, re.findall(r"'([^']*)'", fault)):
            yield from (line.number for line in among if _holds(line.text, word))
    yield from (line.number for line in here)
    yield from (line.number for line in lines if words[:1] == [line.path])
    for word in words[1:]:  # regimes that inherit in a circle
        yield from (line.number for line in lines if line.path.endswith(f"{word}.like"))


def _holds(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text))


def _is_at(path: str, place: str) -> bool:
    return any(f"{path}.".startswith(f"{one}.") for one in (place, f"purposes.{place}"))


def _lines(text: str) -> Iterator[_Line]:
    section = path = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#", 1)[0]
        header, key = _HEADER.match(bare), _KEY.match(bare)
        if header is not None:
            section = path = re.sub(r"[\"'\s]", "", header[1])
        elif key is not None:
            name = key[1].strip("\"'")
            path = f"{section}.{name}" if section else name
        if bare.strip():
            yield _Line(number, path, bare)


def _odd_line(text: str) -> int:
    """The first line without which the rest would be of the shape of a policy, or 1."""
    lines = text.splitlines()
    for number in range(len(lines)):
        try:
            compile_policy(tomllib.loads("\n".join(lines[:number] + lines[number + 1 :])))
        except (ConsentError, AttributeError, KeyError, TypeError, ValueError):
            continue
        return number + 1
    return 1


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PolicyFileError(f"{path.name}: {error.strerror}") from None
