"""Real Chromium without a driver: its own protocol over a pipe, so that nothing is installed for it.

It clicks where a person would click and sees what a person would see; scripts of pages can be
switched off, as in a browser whose owner does not want them.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 30.0


def found() -> str | None:
    """The program, if this machine has it."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One headless browser with one tab."""

    def __init__(self, program: str, folder: Path, *, language: str = "en", scripts: bool = False) -> None:
        self._read, theirs_out = os.pipe()
        theirs_in, self._write = os.pipe()
        flags = (
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={folder}"),
            f"--accept-lang={language}",
        )
        run = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", run, program, *flags, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._held = b""
        self._session = ""
        self.events: list[dict[str, Any]] = []
        pages = [one for one in self._ask("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        target = (
            pages[0]["targetId"] if pages else self._ask("Target.createTarget", url="about:blank")["targetId"]
        )
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setScriptExecutionDisabled", value=not scripts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._write)
        os.close(self._read)
        self._process.kill()
        self._process.wait()

    @property
    def requests(self) -> list[str]:
        """The address of everything that was fetched."""
        sent = [one for one in self.events if one["method"] == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in sent]

    @property
    def complaints(self) -> list[str]:
        """What the browser wrote into its console: what a policy blocked, what was not found."""
        entries = [one["params"]["entry"] for one in self.events if one["method"] == "Log.entryAdded"]
        return [f"{entry['text']} {entry.get('url', '')}" for entry in entries if entry["level"] == "error"]

    def go(self, url: str) -> None:
        """Goes to an address and waits until it is there."""
        self._loading(lambda: self._ask("Page.navigate", url=url))

    def click(self, selector: str) -> None:
        """Clicks in the middle of an element and waits until what comes of it is there."""
        node = self._node(selector)
        self._ask("DOM.scrollIntoViewIfNeeded", nodeId=node)
        corners = self._ask("DOM.getBoxModel", nodeId=node)["model"]["content"]
        x, y = (corners[0] + corners[4]) / 2, (corners[1] + corners[5]) / 2
        where = {"x": x, "y": y, "button": "left", "clickCount": 1}

        def press() -> None:
            for kind in ("mousePressed", "mouseReleased"):
                self._ask("Input.dispatchMouseEvent", type=kind, **where)

        loads = self._tag(node) in {"BUTTON", "A"}
        self._loading(press) if loads else press()

    def key(self, name: str, code: int, text: str = "") -> None:
        """Presses a key."""
        given = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self._ask("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **given)

    def text(self) -> str:
        """The document as it is now, as HTML."""
        root = self._ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        html: str = self._ask("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        return html

    def evaluated(self, expression: str) -> Any:
        """What a script of the test finds; scripts must be on."""
        found = self._ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """What an expression is worth once it is worth something, whatever the page loads meanwhile."""
        give_up = time.monotonic() + PATIENCE_S
        while not (worth := self._worth(expression)):
            assert time.monotonic() < give_up, f"{expression} is nothing: {self.text()[:3000]}"
            time.sleep(0.05)
        return worth

    def sized(self, width: int, height: int, *, dark: bool = False) -> None:
        """Gives the window a size."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def width(self) -> tuple[int, int]:
        """How wide the content and the window are."""
        metrics = self._ask("Page.getLayoutMetrics")
        return metrics["cssContentSize"]["width"], metrics["cssLayoutViewport"]["clientWidth"]

    def picture(self) -> bytes:
        """What is in the window, as PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"])

    def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("Network.getCookies")["cookies"]
        return found

    def _node(self, selector: str) -> int:
        root = self._ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        node: int = self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"nothing is {selector} in {self.text()[:3000]}"
        return node

    def _tag(self, node: int) -> str:
        return str(self._ask("DOM.describeNode", nodeId=node)["node"]["nodeName"])

    def _loading(self, act: Any) -> None:
        before = len(self.events)
        act()
        give_up = time.monotonic() + PATIENCE_S
        while not any(one["method"] == "Page.loadEventFired" for one in self.events[before:]):
            assert time.monotonic() < give_up, "no page came"
            self._take(0.2)

    def _worth(self, expression: str) -> Any:
        answer = self._answer("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"]["result"].get("value") if "result" in answer else None

    def _ask(self, method: str, **given: Any) -> dict[str, Any]:
        answer = self._answer(method, **given)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _answer(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            for answer in self._take(0.2):
                if answer.get("id") == number:
                    return answer
        raise AssertionError(f"{method} was not answered")

    def _take(self, wait_s: float) -> list[dict[str, Any]]:
        """The answers that are there; events are kept."""
        ready, _, _ = select.select([self._read], [], [], wait_s)
        if ready:
            self._held += os.read(self._read, 1 << 20)
        *whole, self._held = self._held.split(b"\0")
        messages = [json.loads(one) for one in whole]
        self.events += [one for one in messages if "method" in one]
        return [one for one in messages if "id" in one]
