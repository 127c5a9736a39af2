"""Builds the TypeScript client of ``docs/examples/web`` in ``build/web``: packages, types, compiler.

It needs node, npm and a package registry, and takes half a minute, so tests use what was built
and say when it was not, or is of other sources.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from services.contract import public_services
from services.gateway.config import DESCRIPTOR_FILE, descriptor_set
from tests.given import ROOT

SOURCES = ROOT / "docs" / "examples" / "web"
BUILT = ROOT / "build" / "web"
MAIN = BUILT / "dist" / "main.js"
_STAMP = BUILT / "built-of"


def current() -> bool:
    """Whether what was built is of these sources and this contract."""
    return MAIN.exists() and _STAMP.exists() and _STAMP.read_text() == _digest()


def build() -> None:
    """Builds it anew.

    Raises:
        subprocess.CalledProcessError: a step failed; what it said is on the terminal.
    """
    shutil.copytree(SOURCES, BUILT, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (BUILT / DESCRIPTOR_FILE).write_bytes(_contract())
    tools = os.pathsep.join([str(BUILT / "node_modules" / ".bin"), str(Path(sys.executable).parent)])
    environment = {
        **os.environ,
        "CONTRACT": DESCRIPTOR_FILE,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    for step in (["ci", "--no-audit", "--no-fund"], ["run", "generate"], ["run", "build"]):
        subprocess.run(["npm", *step], cwd=BUILT, env=environment, check=True)
    _STAMP.write_text(_digest())


def _contract() -> bytes:
    return bytes(descriptor_set(sorted(public_services())).SerializeToString(deterministic=True))


def _digest() -> str:
    digest = hashlib.sha256(_contract())
    for name in ("package.json", "package-lock.json", "tsconfig.json", "src/client.ts", "src/main.ts"):
        digest.update((SOURCES / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    if shutil.which("npm") is None:
        sys.exit("npm is not installed")
    build()
