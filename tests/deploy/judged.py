"""All that is checked of a deployment: every object by its schema, and the whole by the rules."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils
import yaml

from services.__main__ import _parser
from services.commands.ring_file import make_ring
from services.deployment.config import problems
from services.preferences.keys import provide
from tests.deploy import doors, pods, wholes
from tests.deploy.calls import Calls
from tests.deploy.manifests import DEPLOY, Manifests, Object

KUBERNETES = "1.37"
ADAPTER = DEPLOY / "components/autoscaling/adapter-rules.yaml"
SCHEMAS = Path(__file__).parent / "schemas"
# It reads a megabyte of definitions anew for every object.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
Rule = Callable[[Manifests], Iterator[str]]


def rules(overlay: str, calls: Calls) -> dict[str, Rule]:
    """The rules that hold for a deployment, by name."""
    everywhere = {
        rule.__name__: rule
        for rule in (
            *(pods.hardened, pods.measured, pods.probed, pods.ends, pods.labelled),
            *(wholes.addressed, wholes.found_unready, wholes.disrupted, wholes.spread, wholes.rolled_out),
            *(commanded, configured),
        )
    }
    everywhere["references"] = partial(pods.references, by_hand=pods.BY_HAND[overlay])
    if overlay == "dev":  # on one machine, with an image built there, and certificates made by hand
        return everywhere
    return everywhere | {
        "pictured": pods.pictured,
        "scaled": wholes.scaled,
        "scaled_by": partial(wholes.scaled_by, adapted=yaml.safe_load(ADAPTER.read_text())),
        "watched": wholes.watched,
        "connected": partial(wholes.connected, calls=calls),
        "certified": wholes.certified,
        "routed": doors.routed,
    }


def schema_faults(one: Object) -> Iterator[str]:
    """What is wrong with an object by itself: by Kubernetes' schemas, or by that of its own kind."""
    name = f"{one['kind']} {one['metadata']['name']}"
    path = SCHEMAS / f"{one['kind']}.json"
    try:
        if path.exists():
            _schema(path).validate(one)
        else:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
    except jsonschema.ValidationError as error:
        yield f"{name}: {'.'.join(map(str, error.path))}: {error.message[:200]}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"{name}: nobody knows what a {one['apiVersion']} {one['kind']} is"


@cache
def _schema(path: Path) -> jsonschema.Draft7Validator:
    content: Any = json.loads(path.read_text())
    return jsonschema.Draft7Validator(content)


def commanded(manifests: Manifests) -> Iterator[str]:
    """The program takes every command that a container begins with."""
    for one in manifests.workloads:
        for container in one.containers:
            if "args" not in container:
                continue
            try:
                with contextlib.redirect_stderr(io.StringIO()) as said:
                    _parser().parse_args(container["args"])
            except (SystemExit, argparse.ArgumentError):
                yield f"{one.name}/{container['name']}: {said.getvalue().splitlines()[-1]}"


def configured(manifests: Manifests) -> Iterator[str]:
    """The services take the configuration; of keys it can not be judged here."""
    with tempfile.TemporaryDirectory() as folder:
        path, config = Path(folder) / "suite.toml", manifests.config
        for told in config.get("nats", {}).values():
            if told.startswith("/"):
                (Path(folder) / told[1:]).parent.mkdir(exist_ok=True)
                (Path(folder) / told[1:]).touch()
        make_ring(Path(folder) / config["keyring"][1:], 0)
        path.write_text(re.sub('= "/', f'= "{folder}/', manifests.file("suite.toml")))
        (path.parent / "jwks.json").write_text(manifests.file("jwks.json"))
        for verifier in config.get("verifiers", {}).values():
            # A key that is not known here is one, and stands in for it no further than this.
            said = manifests.file(verifier["jwks"])
            made = provide(path.parent)[-1].read_text()
            (path.parent / verifier["jwks"]).write_text(said if json.loads(said)["keys"] else made)
        yield from (f"suite.toml: {problem}" for problem in problems(path))
