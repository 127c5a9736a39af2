"""The contract as a whole: which services there are, who may route to them, what they leave undeclared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from services.config import shipped_policy
from services.interceptors.declared import Descriptor, class_of, policy_of
from services.interceptors.plan import ContractError, compile_service
from services.interceptors.views import MayRead, may_read
from veilgraph.consent.v1 import audit_pb2 as consent_audit_pb2
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.internal.v1 import audit_pb2, feed_pb2, guard_pb2, signal_pb2, store_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

MODULES = (
    identity_pb2,
    consent_pb2,
    rights_pb2,
    consent_audit_pb2,
    profile_pb2,
    recommender_pb2,
    audit_pb2,
    feed_pb2,
    guard_pb2,
    signal_pb2,
    store_pb2,
)


def services() -> list[Descriptor]:
    """Descriptors of all services of the contract."""
    return [service for module in MODULES for service in module.DESCRIPTOR.services_by_name.values()]


def public_services() -> dict[str, Descriptor]:
    """The services for everybody, by full name; one internal method makes a service internal."""
    return {
        service.full_name: service
        for service in services()
        if not any(_internal(method) for method in service.methods)
    }


def home_of(service: str) -> str:
    """The process that serves a public service, e.g. "veilgraph.consent.v1.ConsentService" → "consent"."""
    return service.split(".")[1]


def gaps() -> list[str]:
    """Everything the guard would refuse to serve, and why."""
    found: list[str] = []
    for service in services():
        try:
            compile_service(service, shipped_policy())
        except ContractError as error:
            found.extend(error.gaps)
    return found


@cache
def classes_shown(method: str, purpose: str) -> tuple[str, ...]:
    """The classes of personal data a method can show for a purpose, e.g. ("BEHAVIOURAL", "PSEUDONYM").

    Args:
        method: the method's path on the wire; one that is no longer of the contract shows nothing.
        purpose: a leaf of the purpose tree.
    """
    for service in services():
        for rpc in service.methods:
            if f"/{service.full_name}/{rpc.name}" == method:
                shown = {_name_of(one) for one in _shown(rpc.output_type, may_read(purpose))}
                return tuple(sorted(shown - {"PUBLIC", "OPERATIONAL"}))
    return ()


def _shown(message: Descriptor, readable: MayRead) -> Iterable[int]:
    for field in message.fields:
        if field.message_type is not None and not class_of(field):
            yield from _shown(field.message_type, readable)
        elif readable(field):
            yield class_of(field)


def _name_of(data_class: int) -> str:
    return privacy_pb2.DataClass.Name(data_class).removeprefix("DATA_CLASS_")


def _internal(method: Descriptor) -> bool:
    declared = policy_of(method)
    return declared is None or bool(declared.internal)
