"""A suite made of functions, for the tests of code that uses the client.

``FakeVeilgraph`` has the surface of a real connection and no network. Each method answers with
a function of the test; a method without one is not served. Requests and responses go through
their wire form, so a wrong type or a shared mutable message fails here as it would outside.

    def test_a_refusal_shows_the_general_page() -> None:
        def refuse(request: RecommendRequest) -> RecommendResponse:
            raise Denied("NOT_PERMITTED")

        veil = FakeVeilgraph({"recommender.Recommend": refuse})
        assert page(veil) == GENERAL_PAGE
        assert veil.calls[0].method == "recommender.Recommend"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

from google.protobuf.message import Message

from veilgraph.client.errors import NotServed, VeilgraphError
from veilgraph.client.suite import SERVICES, Veilgraph
from veilgraph.client.transport import Method, Request, Response

__all__ = ["FakeCall", "FakeVeilgraph"]


class FakeCall(NamedTuple):
    """A request the fake was sent: ``method`` is e.g. ``identity.Resolve``."""

    method: str
    request: Message


class FakeVeilgraph(Veilgraph):
    """A ``Veilgraph`` whose methods are functions.

    Attributes:
        calls: every request in the order it was sent; each message of a stream is one.
    """

    def __init__(self, handlers: Mapping[str, Callable[[Any], Any]] | None = None) -> None:
        """A fake suite.

        Args:
            handlers: by name as it is called (``identity.Resolve``), what answers. It takes the
                request and returns the response (streams: an iterable of responses; ``Track``
                takes an iterator of requests). It may raise a ``VeilgraphError``.

        Raises:
            ValueError: a handler's name is not a method of the contract.
        """
        self.calls: list[FakeCall] = []
        transports = {name: _Fake(name, dict(handlers or {}), self.calls) for name in SERVICES}
        super().__init__(transports, close=lambda: None)
        unknown = set(handlers or {}) - {method for fake in transports.values() for method in fake.methods}
        if unknown:
            raise ValueError(f"not methods of the contract: {', '.join(sorted(unknown))}")


@dataclass(slots=True)
class _Fake:
    """Carries calls to functions."""

    service: str
    handlers: dict[str, Callable[[Any], Any]]
    calls: list[FakeCall]
    methods: list[str] = field(default_factory=list)

    def unary(self, method: Method[Request, Response]) -> _FakeUnary[Request, Response]:
        return _FakeUnary(self, method, self._named(method))

    def server_stream(self, method: Method[Request, Response]) -> _FakeServerStream[Request, Response]:
        return _FakeServerStream(self, method, self._named(method))

    def duplex(self, method: Method[Request, Response]) -> _FakeDuplex[Request, Response]:
        return _FakeDuplex(self, method, self._named(method))

    def _named(self, method: Method[Any, Any]) -> str:
        name = f"{self.service}.{method.name}"
        self.methods.append(name)
        return name

    def handler(self, name: str) -> Callable[[Any], Any]:
        if name not in self.handlers:
            raise NotServed("UNIMPLEMENTED", text=f"the fake has no handler for {name}")
        return self.handlers[name]


class _FakeMethod(Generic[Request, Response]):
    def __init__(self, fake: _Fake, method: Method[Request, Response], name: str) -> None:
        self._fake = fake
        self._method = method
        self._name = name

    def _sent(self, request: Request) -> Request:
        arrived = _over_the_wire(self._method.request, request)
        self._fake.calls.append(FakeCall(self._name, arrived))
        return arrived

    def _answered(self, responses: Iterable[Any]) -> Iterator[Response]:
        return (_over_the_wire(self._method.response, response) for response in responses)


class _FakeUnary(_FakeMethod[Request, Response]):
    def __call__(self, request: Request, /, timeout_s: float | None = None) -> Response:  # noqa: ARG002
        arrived = self._sent(request)
        return _over_the_wire(self._method.response, self._fake.handler(self._name)(arrived))

    def future(self, request: Request, /, timeout_s: float | None = None) -> Future[Response]:
        answer: Future[Response] = Future()
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(self(request, timeout_s))
        except VeilgraphError as error:
            answer.set_exception(error)
        return answer


class _FakeServerStream(_FakeMethod[Request, Response]):
    def __call__(self, request: Request, /, timeout_s: float | None = None) -> Iterator[Response]:  # noqa: ARG002
        arrived = self._sent(request)
        return self._answered(self._fake.handler(self._name)(arrived))


class _FakeDuplex(_FakeMethod[Request, Response]):
    def __call__(self, requests: Iterable[Request], /, timeout_s: float | None = None) -> Iterator[Response]:  # noqa: ARG002
        arriving = (self._sent(request) for request in requests)
        return self._answered(self._fake.handler(self._name)(arriving))


def _over_the_wire(kind: type[Response], message: Any) -> Response:
    if not isinstance(message, kind):
        raise TypeError(f"expected {kind.__name__}, not {type(message).__name__}")
    return kind.FromString(message.SerializeToString())
