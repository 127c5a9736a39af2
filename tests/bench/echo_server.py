"""An echo that also searches: what a recommendation costs when nothing is asked and nothing is kept.

One FAISS Flat inner-product search of 65 dimensions on one thread, in the handler, and a reply
of the given size. Serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys

import faiss
import grpc
import numpy as np
import uvloop

DIMENSIONS, K = 65, 20


class Echo(grpc.GenericRpcHandler):
    """Answers any method."""

    def __init__(self, items: int, size: int) -> None:
        random = np.random.default_rng(0)
        self._index = faiss.IndexFlatIP(DIMENSIONS)
        self._index.add(random.standard_normal((items, DIMENSIONS), dtype=np.float32))
        self._query = random.standard_normal((1, DIMENSIONS), dtype=np.float32)
        self._reply = bytes(size)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self._echo)

    async def _echo(self, _request: bytes, _context: object) -> bytes:
        self._index.search(self._query, K)
        return self._reply


async def main(items: int, size: int) -> None:
    """Serves until standard input is closed."""
    faiss.omp_set_num_threads(1)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(items, size),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
