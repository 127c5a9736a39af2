"""Requests of one kind to a gateway, so many a second: ``attacker ADDRESS KIND RATE SECONDS``.

Reads a caller's token from its input, says that it has begun, and at its end how many requests a
second it brought about and how they were answered. It is honest about its rate: a request that finds
no free connection waits, and is one that was not sent.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import cycle

CONNECTIONS = 40
SLOW_CONNECTIONS = 200
WELL_FORMED = "well_formed"
#: Every bad kind there is.
KINDS = ("slow_loris", "oversized_headers", "oversized_body", "malformed", "unauthenticated")
_PATIENCE_S = 5
#: A body beyond the gateway's limit is sent so much more seldom: at the full rate it would be 2 GB a second.
_BODY_SELDOM = 50
_BODY_BYTES = (4 << 20) + 1
_HEADER_BYTES = 64 << 10


def requests(kind: str, token: str) -> list[bytes]:
    """What is sent in turn."""
    good = f"GET /v1/items/1 HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n\r\n".encode()
    post = f"POST /v1/recommendations HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n".encode()
    as_json = b"content-type: application/json\r\n"
    forged = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    kinds = {
        WELL_FORMED: [good],
        "oversized_headers": [good[:-2] + b"padding: " + b"a" * _HEADER_BYTES + b"\r\n\r\n"],
        "oversized_body": [post + as_json + _body(b"a" * _BODY_BYTES)],
        "malformed": [
            post + as_json + _body(b'{"anonymous": {'),
            post + as_json + _body(b'{"anonymous": ' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}"),
            good.replace(b"/v1/items/1", b"/v1/items/1?nothing=1"),
            good.replace(b"host: x", b"host: x\r\nno colon"),
        ],
        "unauthenticated": [
            b"GET /v1/items/1 HTTP/1.1\r\nhost: x\r\n\r\n",
            good.replace(token.encode(), forged.encode()),
        ],
    }
    return kinds[kind]


def _body(content: bytes) -> bytes:
    return b"content-length: %d\r\n\r\n" % len(content) + content


async def sent(address: tuple[str, int], kind: str, token: str, rate: float, seconds: float) -> Counter[str]:
    """Sends requests at a steady rate over some connections; counts the answers."""
    answers: Counter[str] = Counter()
    what = cycle(requests(kind, token))
    rate = rate / _BODY_SELDOM if kind == "oversized_body" else rate
    due, over = time.perf_counter(), time.perf_counter() + seconds

    async def connection() -> None:
        nonlocal due
        reader = writer = None
        while due < over:
            now = time.perf_counter()
            mine, due = due, max(due, now - 1) + 1 / rate
            await asyncio.sleep(mine - now)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(*address, limit=1 << 20)
                writer.write(next(what))
                async with asyncio.timeout(_PATIENCE_S):
                    keep = await _answered(reader, answers)
            except (OSError, EOFError, TimeoutError) as error:
                answers[type(error).__name__] += 1
                keep = False
            if not keep and writer is not None:
                writer.close()
                writer = None

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return answers


async def _answered(reader: asyncio.StreamReader, answers: Counter[str]) -> bool:
    """Reads an answer; whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    answers[head[9:12].decode()] += 1
    length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    await reader.readexactly(int(length.partition(b":")[2]))
    return b"connection: close" not in head


async def loris(address: tuple[str, int], seconds: float) -> Counter[str]:
    """Many connections that each send a request letter by letter, and come back when they are let go."""
    answers: Counter[str] = Counter()
    over = time.perf_counter() + seconds

    async def connection() -> None:
        while time.perf_counter() < over:
            try:
                reader, writer = await asyncio.open_connection(*address)
                writer.write(b"GET /v1/items/1 HTTP/1.1\r\nhost: x\r\n")
                while time.perf_counter() < over and not reader.at_eof():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(0.5)
                writer.close()
                answers["let go" if reader.at_eof() else "held"] += 1
            except OSError as error:
                answers[type(error).__name__] += 1

    await asyncio.gather(*(connection() for _ in range(SLOW_CONNECTIONS)))
    return answers


def main(address: str, kind: str, rate: str, seconds: str) -> None:
    """Attacks, and says how it went."""
    token = sys.stdin.readline().strip()
    host, port = address.rsplit(":", 1)
    where, life_s = (host, int(port)), float(seconds)
    print("begun", flush=True)
    if kind == "slow_loris":
        answers = asyncio.run(loris(where, life_s))
    else:
        answers = asyncio.run(sent(where, kind, token, float(rate), life_s))
    print(json.dumps({"per_second": sum(answers.values()) / life_s, "answers": dict(answers)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
