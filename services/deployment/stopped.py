"""A deployment that does not run, and does not start while something is changed under it.

Every service's files are held as the service itself would hold them. What runs on other hosts holds
no file here: it is known by its address and by its connections to the database.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from services.deployment.config import SERVICES, SuiteConfig
from services.storage import inspection
from services.storage.folder import FolderInUse, sole_user
from services.storage.postgres import PostgresSchema

_CONNECT_S = 1.0


@contextmanager
def stopped(config: SuiteConfig) -> Iterator[None]:
    """Holds a deployment still while the block runs; not within a running event loop.

    Raises:
        FolderInUse: a service of it runs, here or elsewhere.
        StoreUnusable: its database can not say whether one does.
    """
    with ExitStack() as stack:
        for service in SERVICES:
            stack.enter_context(sole_user(config.folder, service))
        for service, address in config.listen.items():
            if listens(address):
                raise FolderInUse(f"something serves on {address}, where {service} listens; stop it first")
        store = config.store(SERVICES[0])
        if isinstance(store, PostgresSchema) and (count := inspection.asked(store, inspection.sessions)):
            raise FolderInUse(f"{count} connections of services to the database are open; stop them first")
        yield


def listens(address: str) -> bool:
    """Whether anybody takes connections at a "host:port"."""
    host, _, port = address.rpartition(":")
    if port == "0":
        return False
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return True
    except OSError:
        return False
