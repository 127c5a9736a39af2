"""Identity and consent as two processes of their own, for the benches that link by the million.

The deployment is the development one, with a policy of its own: linking by proof rests on a
contract, so that a million people need not be asked first and what is measured is linking.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.consent.policy_file import sign
from services.consent.policy_key import make_policy_key
from services.deployment.config import SERVICES
from services.deployment.development import prepare
from services.deployment.launch import bound
from services.deployment.processes import free_ports

_LINKING = '"identity.link.deterministic" = { basis = "consent"'
_RUNNING = ("consent", "identity")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A folder with a configuration, and where its services listen."""

    folder: Path
    config: Path
    addresses: dict[str, str]

    def token(self, caller: str) -> str:
        """The token of a caller."""
        return (self.folder / "tokens" / caller).read_text()


def deployed(folder: Path) -> Deployment:
    """Makes a deployment; nothing runs yet."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    config = prepare(folder, int(time.time()), ports)
    policy = (resources.files("consent") / "policy.toml").read_text()
    assert _LINKING in policy
    own = folder / "policy.toml"
    own.write_text(policy.replace(_LINKING, '"identity.link.deterministic" = { basis = "contract"'))
    key = sign(own, make_policy_key(folder / f"{secrets.token_hex(4)}.pem"))
    trusted = f'policy = "policy.toml"\npolicy_keys = ["{key.hex()}"]\n'
    config.write_text(config.read_text().replace("\n[listen]", f"{trusted}\n[listen]", 1))
    return Deployment(folder, config, {name: f"127.0.0.1:{port}" for name, port in ports.items()})


class Running:
    """Services that run, by name."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Starts a service and does not wait for it."""
        command = bound(
            sys.executable, "-m", "services", name, "--config", str(self._deployment.config.absolute())
        )
        with (self._deployment.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def serving(self, name: str, within_s: float = 300) -> None:
        """Returns when a service says that it serves."""
        until = time.monotonic() + within_s
        with grpc.insecure_channel(self._deployment.addresses[name]) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            while time.monotonic() < until:
                assert self.processes[name].poll() is None, f"{name} ended"
                try:
                    told = check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)
                except grpc.RpcError:
                    continue
                if told.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                time.sleep(0.05)
        raise TimeoutError(f"{name} does not serve")

    def stop(self, name: str) -> None:
        """Stops a service in order."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait()

    def pid(self, name: str) -> int:
        """The process of a service."""
        return self.processes[name].pid


@contextmanager
def running(deployment: Deployment) -> Iterator[Running]:
    """Both services, serving."""
    services = Running(deployment)
    try:
        for name in _RUNNING:
            services.start(name)
        for name in _RUNNING:
            services.serving(name)
        yield services
    finally:
        for name in list(services.processes):
            services.stop(name)


def pss_mib(pid: int) -> float:
    """What memory a process holds, shared pages counted in part (Linux)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
