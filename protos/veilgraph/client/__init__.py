"""The client of Veilgraph: connect, hash what identifies a person, call, catch what is denied.

    from veilgraph.client import connect, email
    from veilgraph.identity.v1.identity_pb2 import ResolveRequest

    with connect("127.0.0.1:8080", token=token) as veil:
        resolved = veil.identity.Resolve(ResolveRequest(identifiers=[email("jane@example.com")]))

The methods are those of the contract, by their names. ``.future(request)`` calls without
waiting. Whatever is not an answer is raised as a ``VeilgraphError``.
"""

from veilgraph.client.connection import connect
from veilgraph.client.errors import (
    Cancelled,
    Conflict,
    Denied,
    InvalidRequest,
    NotFound,
    NotServed,
    Overloaded,
    ServerFault,
    TooLate,
    Unauthenticated,
    Unavailable,
    VeilgraphError,
)
from veilgraph.client.identifiers import (
    account_id,
    cookie,
    crm_id,
    device_id,
    email,
    loyalty_card,
    messenger,
    order_ref,
    phone,
)
from veilgraph.client.suite import Veilgraph

__all__ = [
    "Cancelled",
    "Conflict",
    "Denied",
    "InvalidRequest",
    "NotFound",
    "NotServed",
    "Overloaded",
    "ServerFault",
    "TooLate",
    "Unauthenticated",
    "Unavailable",
    "Veilgraph",
    "VeilgraphError",
    "account_id",
    "connect",
    "cookie",
    "crm_id",
    "device_id",
    "email",
    "loyalty_card",
    "messenger",
    "order_ref",
    "phone",
]
