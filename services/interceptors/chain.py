"""Runs the list of layers around one call, for all four kinds of calls alike.

The one interceptor of every server: it replaces each handler by one that takes and gives
bytes, so that parsing, judging and minimising happen where the caller is known. It fails
closed: a method without a compiled plan is refused, whoever registered it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from consent.guard_table import GuardTable
from services.errors import Denied, InvalidRequest, Refusal, Status, TooLate, details, status_of
from services.interceptors.call import Call, NotYet, StateChanged, Unreadable
from services.interceptors.consent import changed
from services.interceptors.deadlines import Deadlines
from services.interceptors.epochs import Behind, Epochs
from services.interceptors.layer import Entered, Layer
from services.interceptors.plan import MethodPlan
from services.tls.peer import PeerOf

#: Library services that touch no personal data, and why they pass unguarded.
EXEMPT = {
    "/grpc.health.v1.Health/": "probes of the platform; says only whether a service serves",
}
Handler = Any  # grpc.RpcMethodHandler
_ATTEMPTS_MAX = 3
#: So many elements of a batch are looked through before other calls have their turn: about a millisecond.
_ITEMS_AT_ONCE = 100


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """The interceptor of one server."""

    def __init__(
        self,
        layers: Sequence[Layer],
        plans: Mapping[str, MethodPlan],
        guard: GuardTable,
        clock_ms: Callable[[], int],
        peer_of: PeerOf | None = None,
    ) -> None:
        """Makes the interceptor.

        Args:
        layers: the list, outermost first.
        plans: the compiled methods of the server, by path on the wire.
        guard: this replica's guard table.
        clock_ms: gives the present instant, milliseconds since the epoch.
        peer_of: reads who showed a certificate; ``None`` where nobody does.
        """
        self.layers = tuple(layers)
        self._entered = [layer for layer in layers if layer.begin is not None or layer.around is not None]
        self._incoming = [layer.incoming for layer in layers if layer.incoming is not None]
        self._outgoing = [layer.outgoing for layer in reversed(layers) if layer.outgoing is not None]
        self._plans = plans
        self._guard = guard
        self._epochs = Epochs(guard)
        self._deadlines = Deadlines()
        self._clock_ms = clock_ms
        self._peer_of = peer_of
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Gives the guarded form of the method's handler; made once a method."""
        rpc = handler_call_details.method
        wrapped = self._wrapped.get(rpc)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if any(rpc.startswith(prefix) for prefix in EXEMPT):
            return handler
        plan = self._plans.get(rpc)
        if handler is None or plan is None:
            return _undeclared()
        wrapped = self._wrapped[rpc] = self._wrap(plan, handler)
        return wrapped

    def _wrap(self, plan: MethodPlan, handler: Any) -> Handler:
        kind = handler.request_streaming, handler.response_streaming
        exchange, behaviour_of = _KINDS[kind]
        behaviour = getattr(handler, behaviour_of)
        if handler.response_streaming and not inspect.isasyncgenfunction(behaviour):
            raise TypeError(f"{plan.name}: a response stream is an async generator")
        return _HANDLERS[handler.response_streaming](self._guarded(plan, behaviour, exchange, kind))

    def _begin(self, plan: MethodPlan, context: Any, *, streams: bool) -> Call:
        headers = context.invocation_metadata()
        return Call(
            plan=plan,
            guard=self._guard,
            metadata=dict(headers),
            headers=headers,
            peer=None if self._peer_of is None else self._peer_of(context),
            clock_ms=self._clock_ms,
            streams=streams,
            time_remaining_s=context.time_remaining(),
            now_ms=self._clock_ms(),
        )

    def _guarded(
        self, plan: MethodPlan, behaviour: Callable[..., Any], exchange: Exchange, kind: Kind
    ) -> Callable[..., Awaitable[bytes | None]]:
        """The one body of all four kinds: the layers around one exchange of messages."""
        takes_stream, streams = kind[0], any(kind)

        async def guarded(received: Any, context: Any) -> bytes | None:
            if not takes_stream:
                received = await context.read()
            call = self._begin(plan, context, streams=streams)
            answer = None
            stack = Entered()
            try:
                try:
                    stack.enter(self._entered, call)
                except NotYet as not_yet:  # who calls can not be told before the issuer's keys are had
                    await not_yet.first()
                    stack.enter(self._entered, call)
                with self._deadlines.until(call.deadline_at):
                    answer = await exchange(self, call, received, context.write, behaviour)
            except BaseException as error:  # noqa: BLE001 - goes through the layers' exits
                stack.exit(_named(error, call))
            else:
                stack.exit(None)
            if call.status is not None:
                await _abort(context, call.status, call.request_id)
            return answer

        return guarded

    async def _unary_unary(
        self, call: Call, raw: Any, _write: Write, behaviour: Callable[..., Awaitable[Any]]
    ) -> bytes:
        """Makes the answer; anew when consent changed while it was being made."""
        for _ in range(_ATTEMPTS_MAX):
            try:
                return self._give(call, await behaviour(await self._taken(call, raw), call))
            except StateChanged:
                await call.take_back()
            except NotYet as not_yet:
                await not_yet.first()
        raise StateChanged

    async def _unary_stream(
        self, call: Call, raw: Any, write: Write, behaviour: Callable[..., AsyncIterator[Any]]
    ) -> None:
        async for response in behaviour(await self._taken(call, raw), call):
            await write(self._give(call, response))

    async def _stream_unary(
        self, call: Call, received: Any, _write: Write, behaviour: Callable[..., Awaitable[Any]]
    ) -> bytes:
        return self._give(call, await behaviour(self._messages(call, received), call))

    async def _stream_stream(
        self, call: Call, received: Any, write: Write, behaviour: Callable[..., AsyncIterator[Any]]
    ) -> None:
        async for response in behaviour(self._messages(call, received), call):
            await write(self._give(call, response))

    async def _messages(self, call: Call, received: Any) -> AsyncIterator[Any]:
        """The messages of a request stream; one that is refused is answered, not fatal."""
        async for raw in received:
            try:
                message: Any = await self._taken(call, raw)
            except (Refusal, StateChanged) as error:
                refusal = error if isinstance(error, Refusal) else changed(call)
                if call.caller is None or refusal.reason == "CALLER_UNAUTHENTICATED":
                    raise
                message = Unreadable(refusal.reason, refusal.field, refusal.code.value[0])
            yield message

    async def _taken(self, call: Call, raw: bytes) -> Any:
        """As ``_take``, once what has to happen before has happened."""
        for _ in range(_ATTEMPTS_MAX):
            try:
                return await self._take(call, raw)
            except Behind as behind:
                if not await self._epochs.reached(behind.epoch):
                    raise
            except NotYet as not_yet:
                await not_yet.first()
        raise StateChanged

    async def _take(self, call: Call, raw: bytes) -> Any:
        """Parses one request message and has every layer judge it."""
        plan = call.plan
        call.begin_message(self._clock_ms())
        if raw is grpc.aio.EOF:
            raise InvalidRequest("MESSAGE_UNREADABLE")
        try:
            message = plan.request_type.FromString(raw)
        except DecodeError:
            raise InvalidRequest("MESSAGE_UNREADABLE") from None
        message.DiscardUnknownFields()
        violation = plan.check(message)
        if violation is not None:
            raise InvalidRequest(violation[0], field=violation[1])
        if plan.check_item is not None:
            await self._check_items(call, message)
        for hook in self._incoming:
            hook(call, message)
        if call.refused:
            _drop_refused(call, message)
        return message

    async def _check_items(self, call: Call, message: Any) -> None:
        """Looks through the elements of a batch; other calls have their turns in between."""
        plan = call.plan
        check = plan.check_item
        assert check is not None  # noqa: S101 - asked by the caller
        call.items = list(getattr(message, plan.items))
        for index, item in enumerate(call.items):
            if index and index % _ITEMS_AT_ONCE == 0:
                await asyncio.sleep(0)
            violation = check(item)
            if violation is None:
                call.accepted.append(index)
            else:
                call.refuse_item(index, violation[0], f"{plan.items}[{index}].{violation[1]}")

    def _give(self, call: Call, response: Any) -> bytes:
        for hook in self._outgoing:
            response = hook(call, response)
        answer: bytes = response.SerializeToString()
        return answer


Write = Callable[[bytes], Awaitable[None]]
Exchange = Callable[[Chain, Call, Any, Write, Any], Awaitable[bytes | None]]
Kind = tuple[bool, bool]  # the request streams, the response streams
#: How messages are exchanged, and what the stubs call it.
_KINDS: dict[Kind, tuple[Exchange, str]] = {
    kind: (getattr(Chain, f"_{name}"), name)
    for kind, name in {
        (False, False): "unary_unary",
        (False, True): "unary_stream",
        (True, False): "stream_unary",
        (True, True): "stream_stream",
    }.items()
}
#: By whether the response streams. To gRPC every request does: of a method that takes one message it calls no
#: handler when the request ends before that is whole, and answers nothing, so that its caller waits for ever.
_HANDLERS: dict[bool, Callable[..., Handler]] = {
    False: grpc.stream_unary_rpc_method_handler,
    True: grpc.stream_stream_rpc_method_handler,
}


def _named(error: BaseException, call: Call) -> BaseException:
    """A deadline that passed inside the call is the service's to name, and so is a state that did."""
    if isinstance(error, TimeoutError):
        return TooLate("WITHDRAWAL_PENDING" if call.durable else "DEADLINE_PASSED")
    return changed(call) if isinstance(error, StateChanged) else error


def _drop_refused(call: Call, message: Any) -> None:
    kept = [call.items[index] for index in call.accepted]
    copy = type(message)()
    getattr(copy, call.plan.items).extend(kept)
    message.ClearField(call.plan.items)
    getattr(message, call.plan.items).extend(getattr(copy, call.plan.items))


async def _abort(context: Any, status: Status, request_id: str) -> None:
    trailer = (("grpc-status-details-bin", details(status, request_id)),)
    await context.abort(status.code, status.text, trailer)


def _undeclared() -> Handler:
    async def refuse(_requests: Any, context: Any) -> None:
        await _abort(context, status_of(Denied("METHOD_UNDECLARED")), "")

    return grpc.stream_unary_rpc_method_handler(refuse)
