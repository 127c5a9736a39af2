"""YAML as definitions are written in it: plain texts, whole numbers, yes and no, lists and keys.

Less than YAML can: no references from one place to another, no key twice, no tags, no dates and no
numbers in disguise, so what is read is what is seen; and no more of it than a person writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

#: Of one file.
BYTES_MAX = 256 * 1024
#: Documents of one file.
DOCUMENTS_MAX = 200
_DEPTH_MAX = 32
_DIGITS_MAX = 18


class FileUnreadable(ValueError):  # noqa: N818 - named after what it says
    """A file is no YAML of this kind; the text says where."""


class _Loader(yaml.SafeLoader):
    """Reads without references, doubled keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise FileUnreadable(f"{self._line()}: it refers to another place; write it out")
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise FileUnreadable(f"{self._line()}: it is nested too deeply")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _line(self) -> str:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return f"line {event.start_mark.line + 1}"

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002 - always deep
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise FileUnreadable(f"line {key.start_mark.line + 1}: {key.value!r} is said twice")
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=True)
        return mapping


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in (
    ("tag:yaml.org,2002:bool", "true|false"),
    ("tag:yaml.org,2002:int", f"-?(?:0|[1-9][0-9]{{0,{_DIGITS_MAX - 1}}})"),
    ("tag:yaml.org,2002:null", "null|~|"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), None)


def documents(text: str) -> Iterator[Any]:
    """The documents of a file, empty ones left out.

    Raises:
        FileUnreadable: it is none.
    """
    if len(text.encode()) > BYTES_MAX:
        raise FileUnreadable(f"it is larger than {BYTES_MAX // 1024} KiB")
    try:
        for number, document in enumerate(yaml.load_all(text, _Loader)):
            if number >= DOCUMENTS_MAX:
                raise FileUnreadable(f"it holds more than {DOCUMENTS_MAX} documents")
            if document is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        at = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise FileUnreadable(f"{at}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, FileUnreadable):
            raise
        raise FileUnreadable(str(error).partition("\n")[0]) from None
