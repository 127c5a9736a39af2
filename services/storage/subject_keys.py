"""One key a subject and store: what is sealed with it is gone when the key is.

A key is derived from the deployment's "audit" root and a random salt that is stored here; to
destroy the key the salt is overwritten (``secure_delete`` is on). A destroyed key is never made
anew, so nothing more can be sealed about an erased subject. Nothing is remembered between
transactions: memory would outlive a destroyed key, or a salt whose transaction was undone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence

from consent.auditlog.keyed import Keyed
from identity.ids import SubjectId
from identity.keyring import KeyRing
from services.storage.database import Connection

KEY_BYTES = 32

_NAME_BYTES = 16
_NAMES_A_QUERY = 500


class SubjectKeyDestroyed(LookupError):  # noqa: N818 - named after what it says
    """The subject was erased from this store; nothing can be sealed or opened for it."""


class SubjectKeys:
    """The keys of one store's subjects. Holds no state but the ring."""

    def __init__(self, keyring: KeyRing) -> None:
        """Derives from the ring's "audit" keys."""
        self._roots = {
            key.version: Keyed(key.derive(b"subject keys", KEY_BYTES)) for key in keyring.versions("audit")
        }
        self._active = keyring.active("audit").version

    def key_in(self, connection: Connection, subject: SubjectId) -> bytes:
        """The subject's key, 32 bytes; made and stored when there was none.

        Args:
            connection: the store's writer, within the transaction of what is sealed.
            subject: whose key.

        Raises:
            SubjectKeyDestroyed: the subject was erased.
        """
        key = self.keys_in(connection, [subject]).get(subject)
        if key is None:
            raise SubjectKeyDestroyed
        return key

    def keys_in(self, connection: Connection, subjects: Collection[SubjectId]) -> Mapping[SubjectId, bytes]:
        """The keys of many subjects, made where there were none; those destroyed are left out."""
        names = {_name(subject): subject for subject in subjects}
        known = _salts(connection, list(names))
        new = sorted(name for name in names if name not in known)  # near rows, near pages
        salts = secrets.token_bytes(KEY_BYTES * len(new))
        fresh = [
            (name, self._active, salts[place : place + KEY_BYTES])
            for name, place in zip(new, range(0, len(salts), KEY_BYTES), strict=True)
        ]
        for start in range(0, len(fresh), _NAMES_A_QUERY):  # a statement gives the interpreter up once
            some = fresh[start : start + _NAMES_A_QUERY]
            marks = ", ".join(["(?, ?, ?)"] * len(some))
            values = [value for row in some for value in row]
            connection.execute(f"INSERT INTO subject_keys VALUES {marks}", values)  # noqa: S608 - marks only
        known.update((name, (version, salt)) for name, version, salt in fresh)
        return self._derived(names, known)

    def existing(self, connection: Connection, subjects: Collection[SubjectId]) -> Mapping[SubjectId, bytes]:
        """The keys there are, e.g. to open what was sealed; a reading connection will do."""
        names = {_name(subject): subject for subject in subjects}
        return self._derived(names, _salts(connection, list(names)))

    def destroy(self, connection: Connection, subjects: Iterable[SubjectId]) -> Sequence[str]:
        """Destroys keys, and keeps any from being made for these subjects again.

        Returns:
            The ids of the keys destroyed now, in the order of the subjects; 32 hexadecimal digits
            each, which tell nothing of the subject.
        """
        ids: list[str] = []
        for subject in subjects:
            name = _name(subject)
            found = _salts(connection, [name]).get(name)
            if found is not None and found[1] is not None:
                ids.append(key_id(found[1]))
            connection.execute(
                "INSERT INTO subject_keys VALUES (?, ?, NULL) ON CONFLICT (name) DO UPDATE SET salt = NULL",
                (name, self._active),
            )
        return ids

    def _derived(
        self, names: Mapping[bytes, SubjectId], salts: Mapping[bytes, tuple[int, bytes | None]]
    ) -> dict[SubjectId, bytes]:
        return {
            names[name]: self._roots[version].digest(salt)
            for name, (version, salt) in salts.items()
            if salt is not None and version in self._roots
        }


def keys_under(connection: Connection, ring_version: int) -> int:
    """How many subjects have a key in this store that is made from a version of the ring's "audit" key."""
    query = "SELECT count(*) FROM subject_keys WHERE ring_version = ? AND salt IS NOT NULL"
    return int(connection.execute(query, (ring_version,)).fetchone()[0])


def _name(subject: SubjectId) -> bytes:
    """What a subject's row is found by.

    A hash of 16 random bytes: the row of an erased subject names nobody who is not known already.
    """
    return hashlib.sha256(b"veilgraph subject\0" + subject).digest()[:_NAME_BYTES]


def _salts(connection: Connection, names: Sequence[bytes]) -> dict[bytes, tuple[int, bytes | None]]:
    salts: dict[bytes, tuple[int, bytes | None]] = {}
    for start in range(0, len(names), _NAMES_A_QUERY):
        some = names[start : start + _NAMES_A_QUERY]
        query = f"SELECT * FROM subject_keys WHERE name IN ({','.join('?' * len(some))})"  # noqa: S608 - marks only
        for name, version, salt in connection.execute(query, some):
            salts[name] = version, salt
    return salts


def key_id(salt: bytes) -> str:
    """What a key is called in receipts; whoever finds a salt in a backup can recognise it by this."""
    return hashlib.sha256(b"veilgraph subject key\0" + salt).hexdigest()[:32]
