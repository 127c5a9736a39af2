"""gRPC's reflection behind the guard: to operators alone a server says what it serves.

It tells nothing about anybody, but to a stranger it would tell where to look. The library's contract
declares no policy, so the plan of its one method is made here; from then on it is a method like any
other: a caller with its scope, a record in the audit, a line in the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from google.protobuf import message_factory
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import SERVICE_NAME, aio

from consent.policy import Policy
from services.errors import InvalidRequest
from services.interceptors.call import Unreadable
from services.interceptors.contract_digest import contract_digest
from services.interceptors.plan import MethodPlan
from services.interceptors.views import View

#: Held by operators alone; the configuration gives it to no caller of another kind.
REFLECTION_SCOPE: Final = "contract.reflect"
_PURPOSE: Final = "operate"


class Reflection(aio.ReflectionServicer):  # type: ignore[misc]
    """Describes the services of one server."""

    def __init__(self, services: Sequence[str]) -> None:
        """Describes services by their full names, and itself and health beside them."""
        super().__init__((*services, health.SERVICE_NAME, SERVICE_NAME))

    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], call: Any) -> AsyncIterator[Any]:
        """Answers question by question."""
        async for answer in super().ServerReflectionInfo(_read(requests), call):
            yield answer

    def register(self, server: Any) -> None:
        """Has a server serve it."""
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(self, server)


async def _read(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        if isinstance(request, Unreadable):
            raise InvalidRequest(request.reason, field=request.field)
        yield request


def reflection_plan(policy: Policy) -> dict[str, MethodPlan]:
    """The plan of the method, by its path on the wire: no subject, nothing to take out, nothing to check."""
    method = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].methods_by_name[
        "ServerReflectionInfo"
    ]
    name = f"/{SERVICE_NAME}/{method.name}"
    purpose = policy.index(_PURPOSE)
    everything = View(method.output_type, lambda _: True)
    return {
        name: MethodPlan(
            name=name,
            policy=policy,
            request_type=message_factory.GetMessageClass(method.input_type),
            scope=REFLECTION_SCOPE,
            purpose=purpose,
            purpose_field=None,
            link_purpose_field=None,
            subjects=(),
            items="",
            identifiers=None,
            recipient_field="",
            degrades=False,
            write=False,
            about_people=False,
            finds_people=False,
            has_epoch=False,
            check=lambda _: None,
            check_item=None,
            views={-1: everything, purpose: everything},
            contract=contract_digest(method),
        )
    }
