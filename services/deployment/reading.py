"""Parts of a configuration: a value of the right kind, or an error that says where and what is needed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class ConfigError(Exception):
    """The configuration can not be used; the text says where and why."""


def toml_of(path: Path) -> dict[str, Any]:
    """What a TOML file holds."""
    try:
        return tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None


def json_of(path: Path) -> dict[str, Any]:
    """What a JSON file holds."""
    try:
        content: dict[str, Any] = json.loads(text_of(path))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    return content


def text_of(path: Path) -> str:
    """What a file holds."""
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def only(content: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """Refuses keys that nobody knows."""
    unknown = sorted(set(content) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown keys {unknown}")


def section_of(content: Mapping[str, Any], name: str, known: frozenset[str]) -> Mapping[str, Any]:
    """A section that must be there, with known keys alone."""
    section = content.get(name)
    if not isinstance(section, dict):
        raise ConfigError(f"the section [{name}] is missing")
    only(section, known, name)
    return section


def tables_of(content: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    """The sections ``[name.…]``, of which there may be none."""
    tables = content.get(name, {})
    if not isinstance(tables, dict) or not all(isinstance(entry, dict) for entry in tables.values()):
        raise ConfigError(f"{name}: each is a section [{name}.…] of its own")
    return tables


def string_of(content: Mapping[str, Any], key: str) -> str:
    """A text that must be there."""
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: a text is needed")
    return value


def name_of(value: object, where: str) -> str:
    """A name that may stand in logs and metric labels."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(f"{where}: a name of lower-case letters, digits, '.', '_' and '-' is needed")
    return value
