"""The contract as a whole: which services there are, who may route to them, what they leave undeclared."""

from __future__ import annotations

from services.deployment.config import shipped_policy
from services.interceptors.declared import Descriptor, policy_of
from services.interceptors.plan import ContractError, compile_service
from veilgraph.consent.v1 import audit_pb2 as consent_audit_pb2
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import audience_pb2, decision_pb2, definition_pb2, profile_pb2
from veilgraph.identity.v1 import identity_pb2, keys_pb2, people_pb2, rules_pb2, tokens_pb2
from veilgraph.internal.v1 import audit_pb2, feed_pb2, guard_pb2, signal_pb2, store_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import entitlement_pb2, jobs_pb2, recommender_pb2, search_pb2

MODULES = (
    identity_pb2,
    keys_pb2,
    people_pb2,
    rules_pb2,
    tokens_pb2,
    consent_pb2,
    rights_pb2,
    consent_audit_pb2,
    profile_pb2,
    definition_pb2,
    decision_pb2,
    audience_pb2,
    recommender_pb2,
    entitlement_pb2,
    jobs_pb2,
    search_pb2,
    audit_pb2,
    feed_pb2,
    guard_pb2,
    signal_pb2,
    store_pb2,
)

#: Mask of the data classes that are about a person, a caller's own ids of them included.
PERSONAL_CLASSES = sum(
    1 << value.number
    for value in privacy_pb2.DataClass.DESCRIPTOR.values
    if value.number not in {0, privacy_pb2.DATA_CLASS_PUBLIC, privacy_pb2.DATA_CLASS_OPERATIONAL}
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


def class_names(mask: int) -> list[str]:
    """The classes of personal data in a mask of data classes, e.g. ["BEHAVIOURAL", "PSEUDONYM"]."""
    return sorted(
        value.name.removeprefix("DATA_CLASS_")
        for value in privacy_pb2.DataClass.DESCRIPTOR.values
        if mask & PERSONAL_CLASSES & 1 << value.number
    )


def _internal(method: Descriptor) -> bool:
    declared = policy_of(method)
    return declared is None or bool(declared.internal)
