"""A bare server that also searches: what a recommendation costs when nothing is asked and kept.

One search of the index in service over the same files, by FAISS Flat on one thread or as the
service itself searches, in the handler, and a reply of the given size. Serves until its input
ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import faiss
import grpc
import numpy as np
import uvloop

from recommender.index import ServedIndex
from services.storage.index_files import IndexFiles
from services.storage.model_files import ModelFiles
from tests.bench.recommend_world import shelf_of

K = 20


class Echo(grpc.GenericRpcHandler):
    """Answers ``/tests.Echo/Flat`` and ``/tests.Echo/Ours``."""

    def __init__(self, index: ServedIndex, size: int) -> None:
        vectors = index.base.vectors
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(np.ascontiguousarray(vectors))
        # The question of somebody who is interested in one of the most wanted things.
        query = vectors[0] / np.linalg.norm(vectors[0, :-1]) * np.float32(index.model.head**0.5)
        query[-1] = index.model.parameters.trend_weight
        self._searches: dict[str, Callable[[], object]] = {
            "Flat": lambda: flat.search(query[None], K),
            "Ours": lambda: index.search(query, K),
        }
        self._reply = bytes(size)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The handler of a method."""
        search = self._searches[str(handler_call_details.method).rsplit("/", 1)[1]]

        async def echo(_request: bytes, _context: object) -> bytes:
            search()
            return self._reply

        return grpc.unary_unary_rpc_method_handler(echo)


async def main(folder: Path, version: str, projection: str, size: int) -> None:
    """Serves until standard input is closed."""
    faiss.omp_set_num_threads(1)
    model = ModelFiles(folder / "models").read(version, projection)
    index = IndexFiles(folder / "models", projection).newest(model, shelf_of(model), print)
    assert index is not None, "the recommender keeps its index before it serves"
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(index, size),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
