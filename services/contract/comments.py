"""What the contract says in words: the comment of every file, service, method, message, field and enum value.

Comments are in no compiled module. They stand in the set of file descriptors that ``protoc`` writes with
``--include_source_info``, by the place of what they are about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

Path = tuple[int, ...]

# Numbers of fields in descriptor.proto, of which a place is made.
_MESSAGES, _ENUMS, _SERVICES, _SYNTAX = 4, 5, 6, 12
_FIELDS, _METHODS, _VALUES, _NESTED, _NESTED_ENUMS = 2, 2, 2, 3, 4


def comments(files: FileDescriptorSet) -> Mapping[str, str]:
    """The comments of some files.

    Args:
        files: with source info.

    Returns:
        By full name (of an enum's value: the enum's full name, a dot and its own); of a file: by its name.
    """
    return dict(chain.from_iterable(_of_file(file) for file in files.file))


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    written = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    yield file.name, _text(written.get((_SYNTAX,), ""))
    for path, name in _names(file):
        yield name, _text(written.get(path, ""))


def _names(file: FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    yield from _messages(file.message_type, (_MESSAGES,), file.package)
    yield from _enums(file.enum_type, (_ENUMS,), file.package)
    for number, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (_SERVICES, number), name
        yield from _parts(service.method, (_SERVICES, number, _METHODS), name)


def _messages(messages: Sequence[Any], path: Path, parent: str) -> Iterator[tuple[Path, str]]:
    for number, message in enumerate(messages):
        name, here = f"{parent}.{message.name}", (*path, number)
        yield here, name
        yield from _parts(message.field, (*here, _FIELDS), name)
        yield from _messages(message.nested_type, (*here, _NESTED), name)
        yield from _enums(message.enum_type, (*here, _NESTED_ENUMS), name)


def _enums(enums: Sequence[Any], path: Path, parent: str) -> Iterator[tuple[Path, str]]:
    for number, enum in enumerate(enums):
        name = f"{parent}.{enum.name}"
        yield (*path, number), name
        yield from _parts(enum.value, (*path, number, _VALUES), name)


def _parts(parts: Sequence[Any], path: Path, parent: str) -> Iterator[tuple[Path, str]]:
    for number, part in enumerate(parts):
        yield (*path, number), f"{parent}.{part.name}"


def _text(comment: str) -> str:
    """A comment as one line."""
    return " ".join(comment.split())
