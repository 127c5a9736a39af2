"""A network between a replica and the authority: engagement in a namespace of its own, two cables.

Callers and the other services reach it by one cable; the other leads to the authority alone, and is
drawn. Both sides show certificates, as they must beyond loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.deployment.config import SERVICES
from tests.faults.live import cut_off
from tests.faults.load import Load
from tests.faults.world import Form, World

_APART = "engagement"
#: Addresses for measurements (RFC 2544, C.2.2): in no network that anybody is connected to.
_CALLERS = ("198.18.213.1", "198.18.213.2")
_AUTHORITY = ("198.18.213.5", "198.18.213.6")
_HOSTS = dict.fromkeys(SERVICES, _CALLERS[0]) | {_APART: _CALLERS[1], "consent": _AUTHORITY[0]}


class Network(World):
    """A deployment of four processes, one of them at the other end of two cables."""

    def __init__(self, folder: Path) -> None:
        """Lays the cables.

        Raises:
            pytest.skip.Exception: this machine lets nobody do that; the text says why.
        """
        self._program = shutil.which("ip")
        if self._program is None:
            pytest.skip("there is no program ip (iproute2)")
        if os.geteuid() != 0:
            pytest.skip("only root makes network namespaces")
        if "198.18." in self._ip("route"):
            pytest.skip("198.18.0.0/15 is in use here")
        self._name = f"veilgraph-{os.getpid()}"
        try:
            self._ip("netns", "add", self._name)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"no network namespaces here: {refused.stderr.strip()}")
        self._lay("c", *_CALLERS)
        self._lay("a", *_AUTHORITY)
        self._there("link", "set", "lo", "up")
        super().__init__(folder, Form(postgresql=False, hosts=_HOSTS))
        self.pairs.within[_APART, 1] = (self._program, "netns", "exec", self._name)

    async def end(self) -> None:
        await super().end()
        self._ip("netns", "delete", self._name)

    def cut(self) -> None:
        """Draws the cable to the authority."""
        self._there("link", "set", self._cable("a"), "down")

    def heal(self) -> None:
        """Puts it back."""
        self._there("link", "set", self._cable("a"), "up")

    def _lay(self, cable: str, here: str, there: str) -> None:
        ends = self._cable(cable, "0"), self._cable(cable)
        self._ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", self._name)
        self._ip("address", "add", f"{here}/30", "dev", ends[0])
        self._ip("link", "set", ends[0], "up")
        self._there("address", "add", f"{there}/30", "dev", ends[1])
        self._there("link", "set", ends[1], "up")

    def _cable(self, name: str, end: str = "1") -> str:
        return f"v{name}{end}-{os.getpid()}"

    def _there(self, *arguments: str) -> None:
        self._ip("-n", self._name, *arguments)

    def _ip(self, *arguments: str) -> str:
        command = [str(self._program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def drawn(network: Network, load: Load) -> str:
    """The cable between replica and authority is drawn, and put back."""
    return await cut_off(load, cut=network.cut, heal=network.heal)
