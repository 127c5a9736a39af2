"""The operator's commands for keys: thin calls of a running identity service on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.commands.desk import Desk
from services.tls.credentials import Secured
from veilgraph.identity.v1 import keys_pb2, keys_pb2_grpc

DAY_S = 86_400
USES = {"identifier": keys_pb2.KEY_USE_IDENTIFIER, "pairwise": keys_pb2.KEY_USE_PAIRWISE}
_NAMES = {number: name for name, number in USES.items()}


class KeyDesk(Desk):
    """Asks what needs the scope ``identity.keys``."""

    def __init__(self, address: str, token: str, secured: Secured | None = None) -> None:
        """See ``Desk``."""
        super().__init__(address, token, secured)
        self._stub = keys_pb2_grpc.KeyServiceStub(self.channel)  # type: ignore[no-untyped-call]

    def status(self) -> Iterable[str]:
        """One line a version, and what is being done.

        Raises:
            VeilgraphError: the service refused, or can not be reached.
        """
        told = self.ask(self._stub.GetKeys, keys_pb2.GetKeysRequest())
        yield from map(line_of, told.versions)
        yield f"ring {told.revision}; {'sealing anew' if told.rekeying else 'nothing to seal anew'}"

    def rotate(self, use: str, caller: str, overlap_days: int) -> str:
        """Has the version after the one that seals now seal; its line.

        Raises:
            VeilgraphError: as of ``status``.
        """
        told = self.ask(self._stub.GetKeys, keys_pb2.GetKeysRequest())
        request = keys_pb2.RotateKeysRequest(
            use=USES[use],
            caller=caller,
            from_version=_sealing(told.versions, use, caller),
            overlap_s=overlap_days * DAY_S,
        )
        return line_of(self.ask(self._stub.RotateKeys, request).active)

    def retire(self, use: str, caller: str) -> str:
        """Has nothing older than the version that seals be taken any more; its line.

        Raises:
            VeilgraphError: as of ``status``; KEY_UNKNOWN for a caller that has none of its own.
        """
        told = self.ask(self._stub.GetKeys, keys_pb2.GetKeysRequest())
        request = keys_pb2.RetireKeyRequest(
            use=USES[use],
            caller=caller,  # who shares the key of all gets a refusal: its overlap is everybody's
            version=_sealing(told.versions, use, caller),
        )
        return line_of(self.ask(self._stub.RetireKey, request).version)

    def destroy(self, use: str, caller: str, version: int) -> str:
        """Destroys a version that nothing needs; says so.

        Raises:
            VeilgraphError: as of ``status``; KEY_IN_USE while something needs it.
        """
        request = keys_pb2.DestroyKeyRequest(use=USES[use], caller=caller, version=version)
        self.ask(self._stub.DestroyKey, request)
        return f"{use}{f' of {caller}' if caller else ''} v{version} is destroyed"


def carried_out(desk: KeyDesk, arguments: Any) -> Iterable[str]:
    """What a command says; ``arguments`` are those of ``python -m services keys``."""
    with closing(desk):
        if arguments.action == "status":
            yield from desk.status()
        elif arguments.action == "rotate":
            yield desk.rotate(arguments.use, arguments.caller, arguments.overlap_days)
        elif arguments.action == "retire":
            yield desk.retire(arguments.use, arguments.caller)
        else:
            yield desk.destroy(arguments.use, arguments.caller, arguments.version)


def line_of(key: keys_pb2.KeyVersion) -> str:
    """A version in one line: its use, number and state, and what keeps it."""
    parts = [
        f"{_NAMES[key.use]}{f' of {key.caller}' if key.caller else ''} v{key.version}",
        keys_pb2.KeyState.Name(key.state).removeprefix("KEY_STATE_").lower(),
        f"made {_day(key.created_at)}",
    ]
    if key.HasField("overlap_until"):
        parts.append(f"ids before it taken until {_day(key.overlap_until)}")
    if key.identifiers or key.suppressions:
        parts.append(f"{key.identifiers:,} identifiers, {key.suppressions:,} suppression entries")
    if key.suppressions_waiting:
        parts.append(f"{key.suppressions_waiting:,} of them wait for their identifier")
    return ", ".join(parts)


def _sealing(versions: Iterable[keys_pb2.KeyVersion], use: str, caller: str) -> int:
    """The newest active version of a caller's line, or of identifiers."""
    return max(
        key.version
        for key in versions
        if key.use == USES[use] and key.caller in {"", caller} and key.state == keys_pb2.KEY_STATE_ACTIVE
    )


def _day(at: Timestamp) -> str:
    return f"{datetime.fromtimestamp(at.ToMilliseconds() / 1000, UTC):%Y-%m-%d %H:%M} UTC"
