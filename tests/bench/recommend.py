"""FOR_YOU against an echo of the same size that also searches a FAISS Flat index of the same shape.

Asks the demonstration suite that ``tests.bench.main_job`` left in ``build/bench`` about a
household whose history is the median one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import sleep

import grpc

from services.importing.dealing import Answer, deal
from tests.bench.main_job import FOLDER, GATEWAY, PORT, running
from tests.bench.measure import Figure, p50_us, paired
from veilgraph.client import Unavailable, connect, email
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import recommender_pb2

CALLS = 400
PEOPLE = 101
ITEMS_LEAST = 60_000
RECOMMENDER = f"127.0.0.1:{PORT + 2}"


def figures() -> list[Figure]:
    """Measures against the suite in ``build/bench``."""
    with running(fresh=False):
        token = (FOLDER / "tokens" / "shop").read_text()
        subject, lines, items = _median_household(token)
        request = recommender_pb2.RecommendRequest(
            subject=subject, recipe=recommender_pb2.RECIPE_FOR_YOU, page_size=20, explain=True
        )
        metadata = (("authorization", f"Bearer {token}"),)
        ours = _call(RECOMMENDER, "/veilgraph.recommender.v1.RecommenderService/Recommend", request, metadata)
        size = len(ours())
        command = [sys.executable, "-m", "tests.bench.echo_server", str(items), str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            told = json.loads(server.stdout.readline())
            echo = _call(told["address"], "/tests.Echo/Echo", request, metadata)
            for call in (ours, echo):
                p50_us(call, 100)
            figure = paired(
                "recommender.recommend_p50",
                lambda: p50_us(ours, CALLS),
                lambda: p50_us(echo, CALLS),
                "us",
                CALLS,
                "<=2.5",
            )
            server.stdin.close()
    print(f"{items:,} items served, a household of {lines} events, a reply of {size:,} bytes")
    return [figure]


def _call(
    address: str, rpc: str, request: recommender_pb2.RecommendRequest, metadata: object
) -> Callable[[], bytes]:
    call = grpc.insecure_channel(address).unary_unary(rpc)
    sent = request.SerializeToString()
    return lambda: call(sent, metadata=metadata, timeout=5)


def _median_household(token: str) -> tuple[str, int, int]:
    """The subject of the person with the median number of events among the first who granted."""
    dealt = (deal("complete-journey", ordinal) for ordinal in range(1, 2400))
    granted = [one.email for one in dealt if one.answer is Answer.GRANT and one.linked][:PEOPLE]
    with connect(GATEWAY, token=token, timeout_s=10) as veil:
        items = veil.recommender.GetModel(recommender_pb2.GetModelRequest()).items
        if items < ITEMS_LEAST:
            raise RuntimeError(f"{items} items are served; the figure is defined for {ITEMS_LEAST} and more")
        asked = identity_pb2.ResolveRequest(identifiers=[email(address) for address in granted])
        subjects = [result.subject for result in veil.identity.Resolve(asked).results]
        counted = sorted((_events(veil, subject), subject) for subject in subjects)
    lines, subject = counted[len(counted) // 2]
    return subject, lines, items


def _events(veil: object, subject: str) -> int:
    request = profile_pb2.PortraitRequest(
        subject=subject, for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND, page_size=1
    )
    while True:
        try:
            return veil.profile.Portrait(request).total_events
        except Unavailable:
            sleep(0.1)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    for figure in figures():
        print(figure)
