"""Chromium without a window, spoken to over a pair of pipes (Chrome DevTools Protocol)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_PATIENCE_S = 30
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


class Page:
    """One page of a browser."""

    def __init__(self, commands: Any, answers: Any, url: str) -> None:
        self._commands, self._answers, self._asked = commands, answers, 0
        self._session = ""
        target = self._call("Target.createTarget", url=url)["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def value(self, expression: str) -> Any:
        """What an expression is worth on the page now; ``None`` while there is none."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get(
            "value"
        )

    def until(self, expression: str) -> Any:
        """What an expression is worth once it is worth something."""
        give_up = time.monotonic() + _PATIENCE_S
        while not (found := self.value(expression)):
            if time.monotonic() > give_up:
                raise TimeoutError(f"{expression} is nothing: {self.value('document.body.innerText')}")
            time.sleep(0.05)
        return found

    def _call(self, method: str, **params: Any) -> Any:
        self._asked += 1
        said = {"id": self._asked, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        self._commands.write(json.dumps(said).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = json.loads(self._line())
            if answer.get("id") == self._asked:
                return answer.get("result", {"result": {}})

    def _line(self) -> bytes:
        read = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise EOFError("the browser has ended")
            read += byte
        return bytes(read)


@contextmanager
def page_of(url: str, profile: Path) -> Iterator[Page]:
    """A page in a browser of its own, which ends with the block."""
    (its_in, commands), (answers, its_out) = os.pipe(), os.pipe()
    script = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
    flags = (*_FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}")
    process = subprocess.Popen(
        ["bash", "-c", script, str(BROWSER), *flags],
        pass_fds=(its_in, its_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_in)
    os.close(its_out)
    with os.fdopen(commands, "wb") as writing, os.fdopen(answers, "rb") as reading:
        try:
            yield Page(writing, reading, url)
        finally:
            process.terminate()
            process.wait()
