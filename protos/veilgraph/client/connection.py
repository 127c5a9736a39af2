"""The suite over gRPC: one channel an address, a deadline on every call, retries where safe.

A token goes out encrypted or to this machine, never otherwise. Retries follow a gRPC service
config: unary methods only, for each of them may be repeated (writes carry request or event
ids), when the server could not answer now, with backoff, inside the caller's deadline; a server
that pushes back decides when, or that it shall not be. A connection reads what it wrote: every
call names the newest consent epoch an answer had.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Final, Generic

import grpc
from google.protobuf import descriptor_pool

from veilgraph.client.errors import Cancelled, from_rpc
from veilgraph.client.suite import SERVICES, Veilgraph
from veilgraph.client.transport import Method, Request, Response

TIMEOUT_S: Final = 2.0
_MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024  # 100 explained lists of 100 items pass gRPC's own 4 MiB
_RETRIES: Final = {
    "maxAttempts": 5,  # gRPC's most
    "initialBackoff": "0.1s",
    "maxBackoff": "3s",  # four seconds in all
    "backoffMultiplier": 4,
    # CANCELLED by the server: it had taken the call in the moment it stopped, and begun nothing.
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
_LOCAL = re.compile(r"unix:.+|(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]):[0-9]{1,5}")
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1


def connect(
    target: str | Mapping[str, str],
    *,
    token: str | Callable[[], str] | None = None,
    timeout_s: float = TIMEOUT_S,
    tls: grpc.ChannelCredentials | None = None,
) -> Veilgraph:
    """Opens a connection to the suite.

    Nothing is sent before the first call.

    Args:
        target: ``host:port`` of the gateway, which serves every service; or the address of each
            service by name: ``identity``, ``people``, ``consent``, ``rights``, ``profile``,
            ``recommender``.
        token: the caller's JWT, or a function that gives a fresh one; it is asked at each call. A caller
            whom the services know by its certificate needs none.
        timeout_s: deadline of a unary call, retries included, in seconds.
        tls: credentials of the channel (``grpc.ssl_channel_credentials``), with the caller's
            certificate where there is no token. Without them the connection is not encrypted, which
            is refused for any host but this one.

    Raises:
        ValueError: a service has no address, nothing says who calls, or a token would go out
            unencrypted.
    """
    if token is None and tls is None:
        raise ValueError("nothing says who calls: give token=, or tls= with the caller's certificate")
    addresses = dict.fromkeys(SERVICES, target) if isinstance(target, str) else dict(target)
    if addresses.keys() != SERVICES.keys():
        raise ValueError(f"an address is needed for each of {', '.join(SERVICES)}, and for nothing else")
    channels = {address: _channel(address, tls) for address in addresses.values()}
    seen = _Seen()
    give_token = (lambda: token) if isinstance(token, str) else token

    def close() -> None:
        for channel in channels.values():
            channel.close()

    return Veilgraph(
        {name: _Grpc(channels[address], give_token, timeout_s, seen) for name, address in addresses.items()},
        close,
    )


def service_config() -> str:
    """The gRPC service config (JSON): which methods are retried, and how."""
    pool = descriptor_pool.Default()
    unary = [
        {"service": service, "method": method.name}
        for service in SERVICES.values()
        for method in pool.FindServiceByName(service).methods
        if not method.client_streaming and not method.server_streaming
    ]
    return json.dumps(
        {
            # While nobody listens a call waits, inside its deadline, and uses up no attempt.
            "methodConfig": [{"name": unary, "waitForReady": True, "retryPolicy": _RETRIES}],
            # A suite that is down is not hammered: when a hundred attempts failed, retries stop until
            # calls succeed. That is room for sixteen calls at a time that wait for who stands by.
            "retryThrottling": {"maxTokens": 200, "tokenRatio": 0.5},
        }
    )


def _channel(address: str, tls: grpc.ChannelCredentials | None) -> grpc.Channel:
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", service_config()),
        ("grpc.service_config_disable_resolution", 1),  # no TXT record overrides it
        ("grpc.max_receive_message_length", _MAX_RESPONSE_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    if tls is not None:
        return grpc.secure_channel(address, tls, options)
    if not _LOCAL.fullmatch(address):
        raise ValueError("a token goes to another host only encrypted: give tls=")
    # http_proxy in the environment would carry the token to another host after all.
    return grpc.insecure_channel(address, [*options, ("grpc.enable_http_proxy", 0)])


class _Seen:
    """The newest consent epoch that an answer of the connection was checked at.

    No later call is answered from an older state, by whichever service: what one withdrew
    through the connection is withdrawn for everything asked over it.
    """

    def __init__(self) -> None:
        self._epoch = 0
        self._lock = threading.Lock()

    def take(self, answer: Response) -> Response:
        """Notes an answer's epoch."""
        epoch = getattr(answer, "consent_epoch", 0)
        if epoch > self._epoch:
            with self._lock:  # another thread may have seen a newer one since
                self._epoch = max(self._epoch, epoch)
        return answer

    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-min-epoch", str(self._epoch)),) if self._epoch else ()


class _Grpc:
    """Carries calls over one channel."""

    def __init__(
        self, channel: grpc.Channel, token: Callable[[], str] | None, timeout_s: float, seen: _Seen
    ) -> None:
        self._channel = channel
        self._token = token
        self.timeout_s = timeout_s
        self.seen = seen

    def unary(self, method: Method[Request, Response]) -> _Unary[Request, Response]:
        return _Unary(self, self._channel.unary_unary(**_on_wire(method)))

    def server_stream(self, method: Method[Request, Response]) -> _ServerStream[Request, Response]:
        return _ServerStream(self, self._channel.unary_stream(**_on_wire(method)))

    def duplex(self, method: Method[Request, Response]) -> _Duplex[Request, Response]:
        return _Duplex(self, self._channel.stream_stream(**_on_wire(method)))

    def metadata(self) -> tuple[tuple[str, str], ...]:
        if self._token is None:
            return self.seen.metadata()
        token = self._token()
        if not _BEARER.fullmatch(token):
            raise ValueError("not a bearer token")  # gRPC's own complaint would repeat it
        return (("authorization", f"Bearer {token}"), *self.seen.metadata())


def _on_wire(method: Method[Any, Any]) -> dict[str, Any]:
    return {
        "method": method.path,
        "request_serializer": method.request.SerializeToString,
        "response_deserializer": method.response.FromString,
    }


class _Unary(Generic[Request, Response]):
    def __init__(self, wire: _Grpc, call: Any) -> None:
        self._wire = wire
        self._call = call

    def __call__(self, request: Request, /, timeout_s: float | None = None) -> Response:
        metadata = self._wire.metadata()
        try:
            answer: Response = self._call(
                request,
                timeout=self._wire.timeout_s if timeout_s is None else timeout_s,
                metadata=metadata,
            )
        except grpc.RpcError as error:
            raise from_rpc(error) from error
        return self._wire.seen.take(answer)

    def future(self, request: Request, /, timeout_s: float | None = None) -> Future[Response]:
        call = self._call.future(
            request,
            timeout=self._wire.timeout_s if timeout_s is None else timeout_s,
            metadata=self._wire.metadata(),
        )
        return _Answer(call, self._wire.seen)


class _Answer(Future[Response]):
    """A standard future fed by a gRPC call; cancelling it cancels the call."""

    def __init__(self, call: Any, seen: _Seen) -> None:
        super().__init__()
        self._call = call
        self._seen = seen
        call.add_done_callback(self._settle)

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled:
            self._call.cancel()
        return cancelled

    def _settle(self, call: Any) -> None:
        if not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(self._seen.take(call.result()))
        except grpc.FutureCancelledError:
            self.set_exception(Cancelled("CANCELLED"))  # the connection was closed
        except grpc.RpcError as error:
            self.set_exception(from_rpc(error))


class _ServerStream(Generic[Request, Response]):
    def __init__(self, wire: _Grpc, call: Any) -> None:
        self._wire = wire
        self._call = call

    def __call__(self, request: Request, /, timeout_s: float | None = None) -> Iterator[Response]:
        call = self._call(request, timeout=timeout_s, metadata=self._wire.metadata())
        return _responses(call, None, self._wire.seen)


class _Duplex(Generic[Request, Response]):
    def __init__(self, wire: _Grpc, call: Any) -> None:
        self._wire = wire
        self._call = call

    def __call__(self, requests: Iterable[Request], /, timeout_s: float | None = None) -> Iterator[Response]:
        source = _Source(requests)
        call = self._call(source, timeout=timeout_s, metadata=self._wire.metadata())
        return _responses(call, source, self._wire.seen)


class _Source(Generic[Request]):
    """The caller's requests. gRPC swallows what they raise; this keeps it for the caller."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._requests = iter(requests)
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[Request]:
        return self

    def __next__(self) -> Request:
        try:
            return next(self._requests)
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            raise


def _responses(call: Any, source: _Source[Any] | None, seen: _Seen) -> Iterator[Any]:
    try:
        for answer in call:
            yield seen.take(answer)
    except grpc.RpcError as error:
        if source is not None and source.error is not None:
            raise source.error from None
        raise from_rpc(error) from error
    finally:
        call.cancel()  # the caller may have left the loop early
