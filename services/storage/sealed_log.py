"""The one log of a deployment, in consent's store: sealed batches, tiles, signed heads.

What is collected from a service's store is sealed in one transaction with the place it was read
up to, so that every record is taken in exactly once. Each batch gets a signed head of its own.
Nothing is ever changed or removed here but the last tiles, which grow.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from consent.auditlog.head import Head, SignedHead
from consent.auditlog.leaf import PROCESS_BYTES, Leaf, packed, unpacked
from consent.auditlog.tiles import TileId, appended, nodes
from consent.auditlog.tree import HASH_BYTES, Edge, consistency_path, inclusion_path, leaf_hash
from services.signing import Signer
from services.storage.audit import AuditBatch
from services.storage.database import Connection, Database

T = TypeVar("T")

_LAST = "SELECT size, edge FROM log_heads ORDER BY size DESC LIMIT 1"
_TILE = "SELECT hashes FROM log_tiles WHERE level = ? AND number = ?"


class SealedBatch(NamedTuple):
    """A batch of the log.

    Attributes:
        first: place of its first leaf.
        leaves: their encodings.
        signed: the head that ends it.
        edge: the tree's right edge there.
    """

    first: int
    leaves: Sequence[bytes]
    signed: SignedHead
    edge: Edge


class Sealed(NamedTuple):
    """What was sealed by itself, with its proof.

    Attributes:
        before: the head of the log before; ``None`` if nothing was sealed.
        after: the head that ends with it.
        place: in the log.
        leaf: its encoding.
        path: the proof that it is in the log that ``after`` signs.
    """

    before: SignedHead | None
    after: SignedHead
    place: int
    leaf: bytes
    path: Sequence[bytes]

    def as_json(self) -> dict[str, Any]:
        """The proof for a receipt; bytes are hexadecimal. ``services.audit.files.holds`` checks it."""
        return {
            "before": self.before.as_json() if self.before is not None else None,
            "after": self.after.as_json(),
            "index": self.place,
            "leaf": self.leaf.hex(),
            "path": [one.hex() for one in self.path],
        }


class SealedReader:
    """Proves what was sealed; for one read of consent's store."""

    def __init__(self, reader: Connection, tenant: str) -> None:
        """Reads consent's store.

        Args:
            reader: a connection to it.
            tenant: whose log it is.
        """
        self._reader = reader
        self._tenant = tenant

    def cursor(self, source: str) -> int:
        """The last position of a source that is sealed."""
        query = "SELECT cursor FROM log_sources WHERE source = ?"
        row = self._reader.execute(query, (source,)).fetchone()
        return int(row[0]) if row is not None else 0

    def head(self, size: int | None = None) -> SignedHead | None:
        """The newest head, or the one of a size; ``None`` if there is none."""
        where = "ORDER BY size DESC LIMIT 1" if size is None else "WHERE size = ?"
        query = f"SELECT size, root, at_ms, key_version, signature FROM log_heads {where}"  # noqa: S608 - ours
        row = self._reader.execute(query, () if size is None else (size,)).fetchone()
        return self._signed(*row) if row is not None else None

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The path from a leaf to the root of a size; see ``consent.auditlog.tree.includes``.

        Raises:
            ValueError: a tree of that size has no such leaf.
            LookupError: the log is not that large.
        """
        return inclusion_path(nodes(_tile_of(self._reader)), index, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of one size begins with that of another; errors as of ``inclusion``."""
        return consistency_path(nodes(_tile_of(self._reader)), old, new)

    def leaf(self, index: int) -> bytes | None:
        """The encoding of the leaf at a place; ``None`` if there is none."""
        batches = self.batches(index, 1)
        if not batches:
            return None
        return batches[0].leaves[index - batches[0].first]

    def batches(self, index: int, limit: int, bytes_max: int = 1 << 20) -> list[SealedBatch]:
        """Batches from the one that holds a place on.

        Args:
            index: the place.
            limit: at most so many.
            bytes_max: no further batch once they weigh so much.
        """
        query = """SELECT first, leaves, size, root, at_ms, key_version, signature, edge
            FROM log_batches JOIN log_heads USING (size) WHERE size > ? ORDER BY size LIMIT ?"""
        found: list[SealedBatch] = []
        weight = 0
        for first, leaves, size, root, at_ms, version, signature, edge in self._reader.execute(
            query, (index, limit)
        ):
            signed = self._signed(size, root, at_ms, version, signature)
            found.append(SealedBatch(first, unpacked(leaves), signed, _edge(size, edge)))
            weight += len(leaves)
            if weight >= bytes_max:
                break
        return found

    def _signed(self, size: int, root: bytes, at_ms: int, version: int, signature: bytes) -> SignedHead:
        return SignedHead(Head(self._tenant, size, root, at_ms), version, signature)


class SealedLog:
    """Seals batches, and proves what was sealed; one per deployment."""

    def __init__(self, database: Database, tenant: str, signer: Signer, clock: Callable[[], int]) -> None:
        """Keeps to consent's ``database``.

        Args:
            database: an open file of the domain ``consent``, with the tables of ``auditlog``.
            tenant: whose log it is.
            signer: signs heads.
            clock: the present instant, milliseconds since the epoch.
        """
        self._database = database
        self._tenant = tenant
        self._signer = signer
        self._clock = clock
        self._process = secrets.token_bytes(PROCESS_BYTES)
        self._noted = 0
        self._noting = asyncio.Lock()

    async def read(self, read: Callable[[SealedReader], T]) -> T:
        """Reads one state of the log."""
        return await self._database.read(lambda reader: read(SealedReader(reader, self._tenant)))

    async def seal(self, source: str, batches: Sequence[AuditBatch]) -> None:
        """Appends what a source recorded; what was sealed before changes nothing.

        Args:
            source: names the store, e.g. "identity".
            batches: its batches, in order.
        """
        await self._database.write(lambda connection: self._seal(connection, source, batches))

    async def note(self, what: str, *evidence: bytes) -> Sealed:
        """Seals a record of something that is no call, at once.

        Args:
            what: its ``reason``, e.g. "ERASURE".
            *evidence: ids or hashes, at most 255 bytes each; nothing that names a person.
        """
        async with self._noting:
            leaf = Leaf(
                process=self._process,
                number=self._noted + 1,
                at_ms=self._clock(),
                code="OK",
                reason=what,
                evidence=evidence,
            ).encoded()
            before = await self.read(SealedReader.head)
            edge = await self._database.write(lambda connection: self._append(connection, [[leaf]]))
            self._noted += 1
        return await self.read(partial(_proved, before, edge.size, leaf))

    def _seal(self, connection: Connection, source: str, batches: Sequence[AuditBatch]) -> None:
        query = "SELECT cursor FROM log_sources WHERE source = ?"
        (cursor,) = connection.execute(query, (source,)).fetchone() or (0,)
        news = [batch for batch in batches if batch.seq > cursor]
        if not news:
            return
        self._append(connection, [unpacked(batch.leaves) for batch in news])
        connection.execute(
            "INSERT INTO log_sources VALUES (?, ?)"
            " ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor",
            (source, news[-1].seq),
        )

    def _append(self, connection: Connection, batches: Sequence[Sequence[bytes]]) -> Edge:
        last = connection.execute(_LAST).fetchone()
        before = edge = _edge(*last) if last is not None else Edge()
        hashes: list[bytes] = []
        for leaves in batches:
            digests = [leaf_hash(leaf) for leaf in leaves]
            hashes += digests
            first, edge = edge.size, edge.extended(digests)
            self._insert(connection, first, packed(leaves), edge)
        for tile, content in appended(_tile_of(connection), before.size, hashes).items():
            connection.execute(
                "INSERT INTO log_tiles VALUES (?, ?, ?)"
                " ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes",
                (*tile, content),
            )
        return edge

    def _insert(self, connection: Connection, first: int, leaves: bytes, edge: Edge) -> None:
        head = Head(self._tenant, edge.size, edge.root, self._clock())
        signature = self._signer.sign(head.message())
        connection.execute("INSERT INTO log_batches VALUES (?, ?, ?)", (head.size, first, leaves))
        connection.execute(
            "INSERT INTO log_heads VALUES (?, ?, ?, ?, ?, ?)",
            (head.size, head.root, head.at_ms, self._signer.key_version, signature, b"".join(edge.peaks)),
        )


def _proved(before: SignedHead | None, size: int, leaf: bytes, log: SealedReader) -> Sealed:
    after = log.head(size)
    assert after is not None  # noqa: S101 - it was committed with the batch
    return Sealed(before, after, size - 1, leaf, log.inclusion(size - 1, size))


def _tile_of(connection: Connection) -> Callable[[TileId], bytes]:
    def read(tile: TileId) -> bytes:
        row = connection.execute(_TILE, tile).fetchone()
        if row is None:
            raise LookupError("the log is not that large")
        content: bytes = row[0]
        return content

    return read


def _edge(size: int, peaks: bytes) -> Edge:
    return Edge(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))
