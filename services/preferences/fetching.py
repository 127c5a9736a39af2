"""A request to the provider: bounded in time and size, to the address it names and no other.

The page sends its own password and people's codes there, so nothing is followed: a redirect is
an answer like any other, and not the one that was wanted.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

TIMEOUT_S: Final = 5.0
_BYTES_MAX: Final = 256 * 1024
_OK: Final = 200


class ProviderUnreachable(Exception):  # noqa: N818 - named for what happened
    """The provider gave no answer that can be used; the text says which kind of thing is wrong."""


#: (URL, form to post or ``None``, headers) -> the JSON object that was answered.
Fetch = Callable[[str, Mapping[str, str] | None, Mapping[str, str]], Mapping[str, Any]]


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """Nothing is asked for instead."""


def fetch(url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """Asks over HTTP; a ``Fetch``.

    Raises:
        ProviderUnreachable: there is no answer, or it is no JSON object.
    """
    body = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 - the settings checked the scheme
    opener = urllib.request.build_opener(_Nowhere, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            status, content = answer.status, answer.read(_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise ProviderUnreachable(f"answered {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        raise ProviderUnreachable(type(error).__name__) from None
    if status != _OK or len(content) > _BYTES_MAX:
        raise ProviderUnreachable("answered something else than was asked for")
    return as_object(content)


def as_object(content: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer.

    Raises:
        ProviderUnreachable: it is none.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderUnreachable("answered no JSON object")
    return value
