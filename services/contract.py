"""The published contract as a whole: which services there are, and what they leave undeclared."""

from __future__ import annotations

from services.config import shipped_policy
from services.interceptors.declared import Descriptor
from services.interceptors.plan import ContractError, compile_service
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.internal.v1 import guard_pb2
from veilgraph.recommender.v1 import recommender_pb2

MODULES = (identity_pb2, consent_pb2, profile_pb2, recommender_pb2, guard_pb2)


def services() -> list[Descriptor]:
    """Descriptors of all services of the contract."""
    return [service for module in MODULES for service in module.DESCRIPTOR.services_by_name.values()]


def gaps() -> list[str]:
    """Everything the guard would refuse to serve, and why."""
    found: list[str] = []
    for service in services():
        try:
            compile_service(service, shipped_policy())
        except ContractError as error:
            found.extend(error.gaps)
    return found
