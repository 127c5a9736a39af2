"""The form of a leaf that people read and files hold: JSON that says exactly what the leaf says.

Every part stands there once and under its own name; bytes are lower-case hexadecimal. A form with
a part more, less or unreadable is refused, so that nothing can stand in a file beside what the
tree proves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from consent.auditlog.leaf import DIGEST_BYTES, PROCESS_BYTES, SEALED_BYTES, TAG_BYTES, Decision, Leaf
from consent.errors import LeafMalformed


def as_json(leaf: Leaf) -> dict[str, Any]:
    """The JSON form of a leaf."""
    return {name: show(getattr(leaf, name)) for name, (show, _) in _PARTS.items()}


def from_json(form: Any) -> Leaf:
    """The leaf of a JSON form.

    Raises:
        LeafMalformed: it is not the form of a leaf; the text says which part.
    """
    if not isinstance(form, dict) or form.keys() != _PARTS.keys():
        raise LeafMalformed("a record has exactly the parts of a record")
    parts: dict[str, Any] = {}
    for name, (_, read) in _PARTS.items():
        try:
            parts[name] = read(form[name])
        except (KeyError, TypeError, ValueError):
            raise LeafMalformed(f"{name} is not readable") from None
    leaf = Leaf(**parts)
    leaf.encoded()  # what does not fit its place shows here
    return leaf


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _hex(length: int | None = None) -> Callable[[Any], bytes]:
    def read(value: Any) -> bytes:
        content = bytes.fromhex(value)
        if content.hex() != value or (length is not None and len(content) != length):
            raise ValueError
        return content

    return read


def _list(value: Any) -> list[Any]:
    if type(value) is not list:  # what else can be gone through says more than is read of it
        raise TypeError
    return value


def _evidence(value: Any) -> tuple[bytes, ...]:
    return tuple(map(_hex(), _list(value)))


def _decisions(value: Any) -> tuple[Decision, ...]:
    return tuple(map(_decision, _list(value)))


def _decision(form: Any) -> Decision:
    if not isinstance(form, dict) or form.keys() != set(Decision._fields):
        raise TypeError
    if type(form["allowed"]) is not bool:
        raise TypeError
    tag, sealed = _hex(TAG_BYTES)(form["tag"]), _hex(SEALED_BYTES)(form["sealed"])
    return Decision(_number(form["purpose"]), form["allowed"], tag, sealed)


def _decision_form(decision: Decision) -> dict[str, Any]:
    return decision._asdict() | {"tag": decision.tag.hex(), "sealed": decision.sealed.hex()}


_NUMBER = (_number, _number)
_TEXT = (_text, _text)
#: part -> how it is shown, and how it is read.
_PARTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "process": (bytes.hex, _hex(PROCESS_BYTES)),
    "number": _NUMBER,
    "at_ms": _NUMBER,
    "caller": _TEXT,
    "method": _TEXT,
    "code": _TEXT,
    "reason": _TEXT,
    "request_id": _TEXT,
    "epoch": _NUMBER,
    "purposes": _NUMBER,
    "disclosed": _NUMBER,
    "redacted": _NUMBER,
    "refused_items": _NUMBER,
    "policy": (bytes.hex, _hex(DIGEST_BYTES)),
    "contract": (bytes.hex, _hex(DIGEST_BYTES)),
    "evidence": (lambda value: [one.hex() for one in value], _evidence),
    "decisions": (lambda value: [_decision_form(one) for one in value], _decisions),
}
