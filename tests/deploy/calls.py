"""Who calls whom, as the code has it: what each service serves, and what its scopes let it ask of the others.

A running suite says what each part serves; the contract says which scope each method takes;
``SCOPES`` says who has it. A call beyond that is refused by the chain, so there is none.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from services.contract import home_of, public_services
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.deployment.program import wall_clock_ms
from services.deployment.suite import running_suite
from services.interceptors.declared import policy_of
from services.service_tokens import SCOPES
from veilgraph.internal.v1 import audit_pb2

Calls = frozenset[tuple[str, str]]
#: Every server has it beside what its part serves (``services.deployment.suite``).
_EVERYWHERE = audit_pb2.DESCRIPTOR.services_by_name["AuditFeedService"]


async def calls() -> Calls:
    """The calls that cross from one process to another, the gateway's and an operator's among them."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(prepare(Path(folder), int(time.time()), dict.fromkeys(SERVICES, 0)))
        async with running_suite(config, wall_clock_ms, lambda _: None) as suite:
            served = {name: [one.service for one in part.served] for name, part in suite.parts.items()}
    found = {
        (caller, name)
        for name, descriptors in served.items()
        for descriptor in (*descriptors, _EVERYWHERE)
        for method in descriptor.methods
        for caller, scopes in SCOPES.items()
        if caller != name and policy_of(method).caller_scope in scopes
    }
    homes = {home_of(service) for service in public_services()}
    return frozenset(found | {(outside, home) for outside in ("gateway", "operator") for home in homes})
