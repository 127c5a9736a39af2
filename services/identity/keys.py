"""KeyService: the next version of a key, what is still taken or kept under the ones before, and their end.

The ring's file is changed first, whole, then this process goes on under it, and the call returns
when every other one does. Wherever it is cut off the file says how far it came: asked again, a
rotation goes on with the version it began, and what was kept under older identifier keys is sealed
anew by whoever starts next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator

from identity.errors import KeyDestroyed, KeyInUse
from identity.keyring import OWN_IDS, ROOT_BYTES, Key, KeyRing, KeyState
from identity.rotation import SHARED_IDS, activate, begin, destroy, end_overlap, line
from services.again import until_done
from services.begun import Begun
from services.errors import InvalidRequest
from services.identity.identifier_keys import IdentifierKeys
from services.identity.rekeying import Rekeying
from services.interceptors.call import Call
from services.key_file import Keys
from services.parts.links import Links
from services.storage.rekeying import Held, SealedRows
from veilgraph.identity.v1 import keys_pb2, keys_pb2_grpc

IDENTIFIERS = "identifier"
_MS = 1000
_NOTHING = Held()


class KeyServicer(keys_pb2_grpc.KeyServiceServicer):
    """``veilgraph.identity.v1.KeyService``; the one writer of the ring's file."""

    def __init__(
        self,
        *,
        keys: Keys,
        identifiers: IdentifierKeys,
        rekeying: Rekeying,
        rows: SealedRows,
        links: Links,
        callers: Collection[str],
        random_bytes: Callable[[int], bytes],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes the servicer.

        Args:
            keys: the ring and its file.
            identifiers: what identifiers are sealed by.
            rekeying: the job that seals them anew.
            rows: what it seals.
            links: give the barrier; it is looked up when it is used.
            callers: the callers of the configuration, by id.
            random_bytes: where roots come from; cryptographically random.
            report: takes a line when the ring could not be told to everybody after a start.
            pause: waits for a number of seconds.
        """
        self._keys = keys
        self._identifiers = identifiers
        self._rekeying = rekeying
        self._rows = rows
        self._links = links
        self._callers = frozenset(callers)
        self._random_bytes = random_bytes
        self._report = report
        self._pause = pause
        self._begun = Begun()
        self._in_order = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None

    def resume(self) -> None:
        """Has everybody follow the ring as it is, and what is kept under older keys sealed anew."""
        self._rekeying.go_on()
        not_yet = "identity: the ring of keys is not known everywhere yet"
        settling = until_done(self._settle, not_yet, report=self._report, pause=self._pause)
        self._settling = asyncio.get_running_loop().create_task(settling)

    async def drained(self) -> None:
        """Returns when nothing that was begun is unfinished; for an orderly stop."""
        if self._settling is not None:
            self._settling.cancel()
        await self._begun.drained()
        await self._rekeying.stop()

    async def GetKeys(self, request: keys_pb2.GetKeysRequest, call: Call) -> keys_pb2.GetKeysResponse:
        """Every version there has been, and what is kept under it."""
        del request, call  # nothing is chosen, and nobody is spoken of
        held = await asyncio.to_thread(self._rows.counted)
        ring = self._keys.ring
        return keys_pb2.GetKeysResponse(
            versions=[
                key_message(key, held.get(key.version, _NOTHING) if use == IDENTIFIERS else _NOTHING)
                for use in (IDENTIFIERS, SHARED_IDS, *_own(ring.uses))
                for key in ring.every(use)
            ],
            rekeying=self._rekeying.running,
            revision=ring.revision,
        )

    async def RotateKeys(
        self, request: keys_pb2.RotateKeysRequest, call: Call
    ) -> keys_pb2.RotateKeysResponse:
        """Has the next version seal; in effect everywhere when it returns."""
        use = self._use_of(request)
        if use == IDENTIFIERS and request.overlap_s:
            raise InvalidRequest("FIELD_RANGE", field="overlap_s")
        active = await self._begun.to_the_end(
            self._rotate(use, request.from_version, call.now_ms, request.overlap_s)
        )
        return keys_pb2.RotateKeysResponse(active=key_message(active, _NOTHING))

    async def RetireKey(self, request: keys_pb2.RetireKeyRequest, call: Call) -> keys_pb2.RetireKeyResponse:
        """Ends an overlap; nothing older is taken anywhere when it returns."""
        use = self._use_of(request)
        if use == IDENTIFIERS:
            raise InvalidRequest("FIELD_ENUM", field="use")
        key = await self._begun.to_the_end(self._retire(use, request.version, call.now_ms))
        return keys_pb2.RetireKeyResponse(version=key_message(key, _NOTHING))

    async def DestroyKey(
        self, request: keys_pb2.DestroyKeyRequest, call: Call
    ) -> keys_pb2.DestroyKeyResponse:
        """Destroys a version that nothing needs; nothing under it opens anywhere when it returns."""
        work = self._destroy(self._use_of(request), request.version, call.now_ms)
        await self._begun.to_the_end(work)
        return keys_pb2.DestroyKeyResponse()

    async def _rotate(self, use: str, from_version: int, now_ms: int, overlap_s: int) -> Key:
        async with self._in_order:
            self._take_up()
            if self._active(use).version == from_version:
                ring = begin(self._keys.ring, use, self._random_bytes(ROOT_BYTES), now_ms)
                if use == IDENTIFIERS:  # nobody else has to know it before something is sealed under it
                    self._keep(activate(ring, use))
                else:
                    await self._known_everywhere(ring)
                    self._keep(activate(ring, use, now_ms + overlap_s * _MS))
            await self._links.key_barrier(self._keys.ring.revision)
            return self._active(use)

    async def _known_everywhere(self, begun: KeyRing) -> None:
        """Whoever may be shown an id under the version that begins can open it."""
        if begun is not self._keys.ring:  # else an earlier try kept it
            self._keep(begun)
        await self._links.key_barrier(begun.revision)

    def _keep(self, ring: KeyRing) -> None:
        """Keeps a ring; identifiers are sealed by it once nothing can take it back."""
        self._keys.keep(ring)
        self._identifiers.follow(ring)
        self._rekeying.go_on()

    def _take_up(self) -> None:
        """Goes on with a ring that an earlier call put into the file and could not make lasting."""
        if not self._keys.lasting:
            self._keep(self._keys.ring)

    async def _retire(self, use: str, version: int, now_ms: int) -> Key:
        async with self._in_order:
            self._take_up()
            ring = end_overlap(self._keys.ring, use, version, now_ms)
            if ring is not self._keys.ring:  # else it was asked before
                self._keep(ring)
            await self._links.key_barrier(ring.revision)
            return ring.key(use, version)

    async def _destroy(self, use: str, version: int, now_ms: int) -> None:
        async with self._in_order:
            self._take_up()
            try:
                ring = destroy(self._keys.ring, use, version, now_ms)
            except KeyDestroyed:  # asked again
                ring = self._keys.ring
            else:
                if use == IDENTIFIERS and await self._rows.holds(version):
                    raise KeyInUse(f"{use} v{version}: something is kept under it")
                self._keep(ring)
            await self._links.key_barrier(ring.revision)

    async def _settle(self) -> None:
        """Takes up a change that an earlier process was stopped at before everybody had it."""
        await self._links.key_barrier(self._keys.ring.revision)

    def _active(self, use: str) -> Key:
        """The version that seals: of a caller's ids the newest of its line."""
        if use == IDENTIFIERS:
            return self._keys.ring.active(use)
        taken = line(self._keys.ring, use.removeprefix(OWN_IDS) if use != SHARED_IDS else "")
        return next(one.key for one in taken if one.key.state is KeyState.ACTIVE)

    def _use_of(
        self, request: keys_pb2.RotateKeysRequest | keys_pb2.RetireKeyRequest | keys_pb2.DestroyKeyRequest
    ) -> str:
        """The use in the ring that a request names."""
        if request.use == keys_pb2.KEY_USE_IDENTIFIER:
            if request.caller:
                raise InvalidRequest("UNKNOWN_CALLER", field="caller")
            return IDENTIFIERS
        if not request.caller:
            return SHARED_IDS
        use = OWN_IDS + request.caller
        if request.caller not in self._callers and use not in self._keys.ring.uses:
            raise InvalidRequest("UNKNOWN_CALLER", field="caller")
        return use


def key_message(key: Key, held: Held) -> keys_pb2.KeyVersion:
    """A version as the contract shows it; never its root."""
    identifier = key.use == IDENTIFIERS
    message = keys_pb2.KeyVersion(
        use=keys_pb2.KEY_USE_IDENTIFIER if identifier else keys_pb2.KEY_USE_PAIRWISE,
        caller=key.use.removeprefix(OWN_IDS) if key.use.startswith(OWN_IDS) else "",
        version=key.version,
        state=f"KEY_STATE_{key.state.name}",
        identifiers=held.identifiers,
        suppressions=held.suppressions,
        suppressions_waiting=held.hashed,
    )
    message.created_at.FromMilliseconds(key.created_at_ms)
    if key.overlap_until_ms is not None:
        message.overlap_until.FromMilliseconds(key.overlap_until_ms)
    return message


def _own(uses: Collection[str]) -> Iterator[str]:
    return (use for use in uses if use.startswith(OWN_IDS))
