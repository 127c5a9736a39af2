"""A browser for tests: requests straight into the application, cookies as a browser keeps them, no script."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import html5lib

ORIGIN = "https://my.shop.example"
_NAMED = "{http://www.w3.org/1999/xhtml}"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes
    path: str = ""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def tree(self) -> Any:
        """The document; a page that is not HTML to the letter raises."""
        return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(self.text)

    def said(self) -> str:
        """All text of the main part, as it is read."""
        return " ".join("".join(self.tree.find(".//main").itertext()).split())

    def forms(self) -> list[Form]:
        return [Form.of(one) for one in self.tree.iter("form")]

    def form(self, action: str, **having: str) -> Form:
        """The form with an action, and fields of these values."""
        found = [
            one
            for one in self.forms()
            if one.action == action and all(one.fields.get(name) == value for name, value in having.items())
        ]
        assert len(found) == 1, (action, having, [(one.action, one.fields) for one in self.forms()])
        return found[0]


@dataclass
class Form:
    """A form as it would be sent: its fields, and those of its one button."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, element: Any) -> Form:
        fields = {}
        for one in element.iter("input"):
            if one.get("type") != "checkbox" or one.get("checked") is not None:
                fields[one.get("name")] = one.get("value", "on")
        for one in element.iter("button"):
            if one.get("name"):
                fields[one.get("name")] = one.get("value", "")
        return cls(element.get("action"), element.get("method"), fields)


class Browser:
    """One person's browser."""

    def __init__(self, app: Any, language: str = "en") -> None:
        self.app = app
        self.language = language
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Answer:
        return await self._asked("GET", path, b"", follow, headers)

    async def post(self, path: str, fields: dict[str, str], *, follow: bool = True, **headers: str) -> Answer:
        given = {
            "origin": ORIGIN,
            "sec_fetch_site": "same-origin",
            "content_type": "application/x-www-form-urlencoded",
        } | headers
        return await self._asked("POST", path, urlencode(fields).encode(), follow, given)

    async def send(self, form: Form, **changed: str) -> Answer:
        return await self.post(form.action, form.fields | changed)

    async def _asked(
        self, method: str, path: str, body: bytes, follow: bool, given: dict[str, str]
    ) -> Answer:
        headers = {"accept-language": self.language, "host": urlsplit(ORIGIN).netloc}
        headers |= {name.replace("_", "-"): value for name, value in given.items() if value}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await request(self.app, method, path, headers, body)
        self._keep(answer)
        where = answer.headers.get("location", "")
        if follow and answer.status == 303 and where.startswith("/"):
            return await self._asked("GET", where.partition("#")[0], b"", follow, {})
        return answer

    def _keep(self, answer: Answer) -> None:
        for cookie in answer.cookies:
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            # What a browser wants of the prefix: else it drops the cookie.
            assert name.startswith("__Host-")
            assert {"Secure", "HttpOnly", "Path=/"} <= set(attributes)
            assert not any(one.lower().startswith("domain") for one in attributes)
            self.cookies.pop(name, None)
            if "Max-Age=0" not in attributes:
                self.cookies[name] = value.strip('"')


async def request(app: Any, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """One request into an ASGI application."""
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 443),
    }
    sent: list[dict[str, Any]] = []
    over = asyncio.Event()
    bodies = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        one = next(bodies, None)
        if one is None:
            await over.wait()
            return {"type": "http.disconnect"}
        return one

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    over.set()
    begun = sent[0]
    pairs = [(name.decode().lower(), value.decode()) for name, value in begun["headers"]]
    return Answer(
        begun["status"],
        dict(pairs),
        [value for name, value in pairs if name == "set-cookie"],
        b"".join(message.get("body", b"") for message in sent[1:]),
        parts.path,
    )


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
