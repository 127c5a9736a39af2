"""Where the tables of each service of a deployment lie, and how a program beside is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.storage.database import Location
from services.storage.postgres import PostgresSchema
from services.storage.sqlite import SqliteFile


def location_of(service: str, folder: Path, dsn: str) -> Location:
    """A service's tables.

    Args:
        service: its name.
        folder: the deployment's; a file a service lies in it.
        dsn: the PostgreSQL database with a schema a service; empty: there is none.
    """
    if dsn:
        return PostgresSchema(dsn, service, service)
    return SqliteFile(folder / f"{service}.db", service)


def told(location: Location) -> dict[str, Any]:
    """A location as JSON can say it, for a file that only its owner reads."""
    if isinstance(location, PostgresSchema):
        return {"dsn": location.dsn, "domain": location.domain, "schema": location.schema}
    assert isinstance(location, SqliteFile)  # noqa: S101 - there are two engines
    return {"path": str(location.path), "domain": location.domain}


def understood(content: Mapping[str, Any]) -> Location:
    """What ``told`` told."""
    if "dsn" in content:
        return PostgresSchema(content["dsn"], content["domain"], content["schema"])
    return SqliteFile(Path(content["path"]), content["domain"])
