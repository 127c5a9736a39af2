"""Which services run here, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.deployment.config import SERVICES, SuiteConfig
from services.deployment.processes import toward
from services.deployment.stopped import listens
from services.doctor.finding import Finding, error, note
from services.loopback import NotLoopback
from services.storage import inspection
from services.storage.database import StoreUnusable
from services.storage.folder import user_of
from services.tls.credentials import Secured, open_channel
from services.tls.material import Material

_ASK_S = 2.0
#: The duties of a process that was killed are another's after so long, of one that is silent too.
DUTIES_S = 5.0
_SERVING = health_pb2.HealthCheckResponse.SERVING


def serving(config: SuiteConfig) -> list[str]:
    """The services that run: that hold their files here, or listen where they should."""
    return [
        service
        for service in SERVICES
        if user_of(config.folder, service) is not None or listens(config.listen[service])
    ]


def of_processes(config: SuiteConfig, running: list[str], shown: Material | None = None) -> Iterator[Finding]:
    """Do all run or none, and does each that runs serve?

    Args:
        config: the deployment.
        running: the services that run.
        shown: the certificate with which they are asked, where they take calls with one only.
    """
    if not running:
        yield note("services", "none runs; only files and stores were looked at")
        return
    for service in SERVICES:
        address = config.listen[service]
        if service not in running:
            yield error(f"service {service}", "it does not run, and others do", "start it")
        elif address.endswith(":0"):
            yield note(f"service {service}", "it listens where it was free, and can not be asked")
        elif config.tls is not None and shown is None:
            yield note(f"service {service}", "it runs, and no certificate is here to ask it with")
        else:
            process = user_of(config.folder, service)
            where = f"service {service}" + (f" (process {process})" if process else "")
            yield from _of_health(where, address, toward(config, service, shown))


def of_sharing(config: SuiteConfig, pause: Callable[[float], object]) -> Iterator[Finding]:
    """Of services that several processes serve: which do, and who of them has the duties?

    Args:
        config: the deployment.
        pause: waits for a number of seconds.
    """
    for service in filter(config.shared, SERVICES):
        ask = partial(inspection.asked, config.store(service), partial(inspection.sharing, service))
        try:
            found = ask()
            if found.serving and not found.on_duty:
                pause(DUTIES_S)
                found = ask()
        except (StoreUnusable, inspection.Missing):
            continue  # what is wrong with a store is said of it
        if not found.serving:
            continue
        who = f"{len(found.serving)} serve it: {', '.join(found.serving)}"
        if found.on_duty:
            yield note(f"service {service}", f"{who}; {found.on_duty[0]} has the duties")
        else:
            do = "read their logs; restart one"
            yield error(f"service {service}", f"{who}; none has the duties: nothing is swept", do)


def _of_health(where: str, address: str, secured: Secured | None) -> Iterator[Finding]:
    try:
        with open_channel(where, address, (), secured, grpc) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            status = stub.Check(health_pb2.HealthCheckRequest(), timeout=_ASK_S).status
    except NotLoopback as fault:
        yield error(where, str(fault), "set up [tls], or have it listen on loopback")
        return
    except grpc.RpcError as fault:
        code = fault.code().name if isinstance(fault, grpc.Call) else type(fault).__name__
        yield error(where, f"it runs and does not answer ({code})", "read its log; restart it if it hangs")
        return
    if status != _SERVING:
        do = "read its log: it says whom it waits for; without consent no lease is given"
        yield error(where, "it does not serve: it starts or stops, or its guard table has no lease", do)
