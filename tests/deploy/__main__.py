"""`python -m tests.deploy`: everything under deploy/ is judged; with --release placeholders, too."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from services.gateway.rendered import gateway_at, outdated
from tests.deploy import image, pods
from tests.deploy.calls import calls
from tests.deploy.judged import rules, schema_faults
from tests.deploy.manifests import DEPLOY, ROOT, STAGES, Manifests, rendered

#: Where each deployment's configuration lies, with the gateway's rendered folder beside it.
SETTINGS = {"production": DEPLOY / "overlays/production/settings", "dev": DEPLOY / "overlays/dev"}
AT = Path("/etc/veilgraph")


def drift(overlay: str) -> Iterator[str]:
    """Which of the gateway's files are not what the configuration and the contract say now."""
    folder = SETTINGS[overlay]
    for name in outdated(gateway_at(folder / "suite.toml", AT), folder / "gateway"):
        yield f"gateway/{name} is not what it would be: run make protos"


def unpinned(text: str) -> Iterator[str]:
    """The images a Dockerfile begins with that no digest names."""
    bases = re.findall(r"^(?:FROM|ARG PYTHON=)\s*(\S+)", text, re.MULTILINE)
    for base in bases:
        if "$" not in base and not re.search(r"@sha256:[0-9a-f]{64}$", base):
            yield f"Dockerfile: {base} is no image by its digest"


def main() -> int:
    """Prints what is wrong; the exit code says whether anything is."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy", description=__doc__)
    parser.add_argument("--release", action="store_true", help="refuse placeholders and tags in production")
    release = parser.parse_args().release
    allowed = asyncio.run(calls())
    dockerfile = (ROOT / "Dockerfile").read_text()
    found = [f"Dockerfile: {fault}" for fault in image.faults(dockerfile)]
    count = 0
    for overlay in STAGES:
        objects = rendered(overlay)
        manifests = Manifests(objects)
        count += len(objects)
        judged = [
            *(fault for one in objects for fault in schema_faults(one)),
            *(fault for rule in rules(overlay, allowed).values() for fault in rule(manifests)),
            *drift(overlay),
            *(pods.unfinished(manifests) if release and overlay == "production" else ()),
        ]
        found += [f"{overlay}: {fault}" for fault in judged]
    if release:
        found += unpinned(dockerfile)
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{count} objects judged, {len(found)} faults\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
