"""The seam between what a user calls and what carries it.

A ``Transport`` turns each method of the contract into a callable. There are two: gRPC
(``connection``) and handlers in the same process (``testing``). Both raise only
``VeilgraphError``, so code that was tested against the one behaves the same on the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Asks_contra = TypeVar("Asks_contra", bound=Message, contravariant=True)
Gives_co = TypeVar("Gives_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """One method of the contract.

    Attributes:
        service: full name of its service, e.g. ``veilgraph.identity.v1.IdentityService``.
        name: its name in the service, e.g. ``Resolve``.
        request: type of the request.
        response: type of the response.
    """

    service: str
    name: str
    request: type[Request]
    response: type[Response]

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.service}/{self.name}"


class Unary(Protocol[Asks_contra, Response]):
    """A method with one request and one response."""

    def __call__(self, request: Asks_contra, /, timeout_s: float | None = None) -> Response:
        """Calls and waits; ``timeout_s`` replaces the connection's default.

        Raises:
            VeilgraphError: the call was not answered with a response.
        """

    def future(self, request: Asks_contra, /, timeout_s: float | None = None) -> Future[Response]:
        """Calls without waiting; ``concurrent.futures.wait`` and ``as_completed`` take the result."""


class ServerStream(Protocol[Asks_contra, Gives_co]):
    """A method that answers one request with many responses; no deadline unless one is given."""

    def __call__(self, request: Asks_contra, /, timeout_s: float | None = None) -> Iterator[Gives_co]:
        """Calls; the responses come as they are read. Leaving the loop early ends the call."""


class Duplex(Protocol[Asks_contra, Gives_co]):
    """A method with a stream in each direction; no deadline unless one is given."""

    def __call__(
        self, requests: Iterable[Asks_contra], /, timeout_s: float | None = None
    ) -> Iterator[Gives_co]:
        """Calls; requests are read in another thread, responses come as they are read."""


class Transport(Protocol):
    """Carries the methods of one service."""

    def unary(self, method: Method[Request, Response]) -> Unary[Request, Response]:
        """The callable of a unary method."""

    def server_stream(self, method: Method[Request, Response]) -> ServerStream[Request, Response]:
        """The callable of a method that streams its responses."""

    def duplex(self, method: Method[Request, Response]) -> Duplex[Request, Response]:
        """The callable of a method that streams both ways."""
