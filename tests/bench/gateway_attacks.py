"""What those who call a service directly notice of an attack on the gateway beside it.

The service and the gateway share a machine. Somebody calls the service at a steady rate while a
process of its own sends requests to the gateway: well-formed ones, which are the baseline, or as many
of one bad kind. ``ours / baseline`` is what the attack costs more than honest calls would.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from tests.bench.attacker import KINDS, WELL_FORMED
from tests.bench.gateway import over_grpc, over_json, p99_us, until_ready
from tests.bench.measure import Figure

#: Of the direct caller; of the requests beside it.
DIRECT_RATE = 100
RATE = 500
SECONDS = 5
ROUNDS = 5
_LIMIT = "<=2"
#: The attacker begins before the direct caller and ends after.
_EARLY_S = 1


def figures() -> list[Figure]:
    """Starts the service with its gateway, and an attacker of one kind after the other."""
    command = [sys.executable, "-m", "tests.bench.gateway_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        told = json.loads(server.stdout.readline())
        token = f"Bearer {told['token']}"
        direct = over_grpc(told["direct"], token)
        until_ready(over_json(told["gateway"], token))
        rounds = [
            {kind: _beside(kind, told["gateway"], token, direct) for kind in (WELL_FORMED, *KINDS)}
            for _ in range(ROUNDS)
        ]
        server.stdin.close()
    return [_figure(kind, rounds) for kind in KINDS]


def _beside(kind: str, gateway: str, token: str, direct) -> float:
    """The p99 of direct calls while requests of one kind arrive, microseconds."""
    seconds = SECONDS + 2 * _EARLY_S
    command = [sys.executable, "-m", "tests.bench.attacker", gateway, kind, str(RATE), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attacker:
        attacker.stdin.write(token + "\n")
        attacker.stdin.flush()
        attacker.stdout.readline()  # it has begun
        p99 = p99_us(direct, DIRECT_RATE, SECONDS)
        said, _ = attacker.communicate()
    attained = json.loads(said)
    print(f"{kind}: {attained['per_second']:.0f}/s, answers {attained['answers']}", file=sys.stderr)
    return p99


def _figure(kind: str, rounds: list[dict[str, float]]) -> Figure:
    ours = statistics.median(one[kind] for one in rounds)
    baseline = statistics.median(one[WELL_FORMED] for one in rounds)
    ratio = statistics.median(one[kind] / one[WELL_FORMED] for one in rounds)
    name = f"gateway_attacks.direct_p99_{kind}"
    return Figure(name, ours, baseline, ratio, "us", DIRECT_RATE * SECONDS * ROUNDS, _LIMIT)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
