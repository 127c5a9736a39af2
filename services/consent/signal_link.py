"""Signals between processes: every service hands them to consent, which keeps the records."""

from __future__ import annotations

from collections.abc import Collection

import grpc

from identity.ids import SubjectId
from services.consent.signals import Signals
from services.errors import Unavailable
from services.interceptors.call import Call
from services.peers import Peers
from veilgraph.internal.v1 import signal_pb2, signal_pb2_grpc

_SUBJECTS_MAX = 10_000
_RETRY_S = 0.2
#: Longer than a lease lives: a replica that does not answer is waited for no longer than that.
_RECORD_S = 15.0


class SignalServicer(signal_pb2_grpc.SignalServiceServicer):
    """``veilgraph.internal.v1.SignalService``."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    async def RefuseSignalled(
        self,
        request: signal_pb2.RefuseSignalledRequest,
        call: Call,  # noqa: ARG002 - the guard has judged the caller
    ) -> signal_pb2.RefuseSignalledResponse:
        """Answers once the refusals are in effect."""
        await self._signals.refuse(request.caller, [SubjectId(subject) for subject in request.subjects])
        return signal_pb2.RefuseSignalledResponse()


class RemoteSignals:
    """Has consent, in another process, record them."""

    def __init__(self, peers: Peers, service: str) -> None:
        """Calls as ``service``, a part of this process."""
        self._peers = peers
        self._service = service

    async def refuse(self, caller: str, subjects: Collection[SubjectId]) -> None:
        """See ``services.consent.signals.Signals``.

        Raises:
            Unavailable: consent could not be asked, or did not answer; what it kept it will find.
        """
        stub = self._peers.stub("consent", self._service, signal_pb2_grpc.SignalServiceStub)
        everybody = list(subjects)
        for start in range(0, len(everybody), _SUBJECTS_MAX):
            request = signal_pb2.RefuseSignalledRequest(
                subjects=everybody[start : start + _SUBJECTS_MAX], caller=caller
            )
            try:
                await stub.RefuseSignalled(
                    request, metadata=self._peers.metadata(self._service), timeout=_RECORD_S
                )
            except grpc.aio.AioRpcError:
                raise Unavailable("CONSENT_NOT_READY", retry_after_s=_RETRY_S) from None
