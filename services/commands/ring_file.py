"""The key ring of a deployment that does not run: made, and rotated where no running process follows.

The "audit" and "signing" keys are read once, at the start of each process, so they change only
while none runs. What a version still opens or proves is looked for before it is destroyed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from identity.errors import KeyDestroyed, KeyInUse
from identity.keyring import ROOT_BYTES, Key, KeyRing, KeyState
from identity.rotation import activate, begin, destroy
from services.audit.files import keys_of
from services.deployment.config import SERVICES, SuiteConfig
from services.deployment.stopped import stopped
from services.key_file import Keys, make_private
from services.storage import inspection
from services.storage.subject_keys import keys_under

#: The uses that change while no process runs.
OFFLINE = ("audit", "signing")
_AFTERWARDS = {
    "audit": (
        "whoever comes from now on has a key under it; those there are keep theirs",
        "keep the ring that was with the backups that were",
    ),
    "signing": (
        "heads, receipts and services' tokens are signed by it",
        "print its public keys for whoever checks them: python -m services public-keys",
        "page tokens and cursors of before are refused; whoever pages begins anew",
    ),
}


def make_ring(path: Path, now_ms: int) -> str:
    """Makes the ring of a new deployment; says what was made.

    Raises:
        FileExistsError: something is there already.
        OSError: it can not be written there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing.create(secrets.token_bytes, now_ms)
    try:
        make_private(path, ring.to_json())
    except FileExistsError:
        raise FileExistsError(f"{path} is there already and stays what it is") from None
    return f"made {path} with the first version of {', '.join(ring.uses)}; keep a copy where backups are not"


def place_ring(path: Path, seed: Path) -> str:
    """Puts a ring that was kept elsewhere in its place, unless a later one is there; says what was done.

    Raises:
        KeyRingError: one of the files holds no ring.
        ValueError: what is there is another ring, or older than what was put aside and may lack keys.
        OSError: it can not be read, or not be written there.
    """
    kept = KeyRing.from_json(seed.read_text())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        make_private(path, kept.to_json())
    except FileExistsError:
        there = KeyRing.from_json(path.read_text())
    else:
        return f"placed {path}, revision {kept.revision}"
    if not _of_one_deployment(there, kept):
        raise ValueError(f"{path} and {seed} are two rings; whom one knows the other can not open")
    if there.revision < kept.revision:
        raise ValueError(
            f"{path} has revision {there.revision}, and {seed} has {kept.revision}; see which one is meant"
        )
    return f"{path} is there already, revision {there.revision}, and stays what it is"


def _of_one_deployment(ring: KeyRing, other: KeyRing) -> bool:
    """Whether what both still hold is the same."""
    held, others = _held_in(ring), _held_in(other)
    return all(held[version] == others[version] for version in held.keys() & others.keys())


def _held_in(ring: KeyRing) -> dict[tuple[str, int], bytes]:
    return {
        (use, key.version): key.derive(b"whether two rings hold one root", 32)
        for use in ring.uses
        for key in ring.every(use)
        if key.state is not KeyState.DESTROYED
    }


def status(ring: KeyRing, uses: Iterable[str]) -> Iterator[str]:
    """One line a version."""
    for use in uses:
        for key in ring.every(use):
            yield line_of(key)


def line_of(key: Key) -> str:
    """A version in one line."""
    made = datetime.fromtimestamp(key.created_at_ms / 1000, UTC)
    return f"{key.use} v{key.version}, {key.state.value}, made {made:%Y-%m-%d %H:%M} UTC"


def rotated(config: SuiteConfig, use: str, now_ms: int) -> Iterator[str]:
    """Has the next version of a use seal from the next start on; the one before is retired.

    Raises:
        FolderInUse, StoreUnusable: as of ``stopped``.
        KeyRingError: the file holds no ring, or there is no number left.
        OSError: the file can not be replaced.
    """
    with _held(config) as keys:
        keys.keep(activate(begin(keys.ring, use, secrets.token_bytes(ROOT_BYTES), now_ms), use))
        yield line_of(keys.ring.active(use))
    yield from _AFTERWARDS[use]


def destroyed(
    config: SuiteConfig, use: str, version: int, public_keys: Path | None, now_ms: int
) -> Iterator[str]:
    """Destroys a version of a use that nothing needs; asked again it changes nothing.

    Args:
        config: the deployment.
        use: "audit" or "signing".
        version: its number.
        public_keys: what ``public-keys`` printed while the version could still say them.
        now_ms: milliseconds since the epoch.

    Raises:
        KeyInUse: it seals; people have keys under it; or nobody could check its signatures any more.
        FolderInUse, StoreUnusable, KeyRingError, OSError: as of ``rotated``.
    """
    with _held(config) as keys:
        try:
            ring = destroy(keys.ring, use, version, now_ms)
        except KeyDestroyed:
            yield f"{use} v{version} is destroyed already"
            return
        if use == "audit":
            _must_open_nothing(config, version)
        else:
            _must_be_published(public_keys, keys.ring, version)
        keys.keep(ring)
    yield f"{use} v{version} is destroyed"


@contextmanager
def _held(config: SuiteConfig) -> Iterator[Keys]:
    with stopped(config):
        yield Keys(config.keyring_path, KeyRing.from_json(config.keyring_path.read_text()))


def _must_open_nothing(config: SuiteConfig, version: int) -> None:
    for service in SERVICES:
        try:
            count = inspection.asked(config.store(service), lambda reader: keys_under(reader, version))
        except inspection.Missing:
            continue
        if count:
            raise KeyInUse(f"audit v{version}: {count} people have a key under it in {service}'s store")


def _must_be_published(given: Path | None, ring: KeyRing, version: int) -> None:
    """Whoever has only the public keys goes on checking what was signed."""
    kept = {} if given is None else json.loads(given.read_text())
    for kind, versions in keys_of(ring).items():
        if kept.get(kind, {}).get(str(version)) != versions[str(version)]:
            raise KeyInUse(
                f"signing v{version}: nobody could check what it signed; keep what"
                " `python -m services public-keys` prints in a file and name it by --public-keys"
            )
