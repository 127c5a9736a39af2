"""Where a schema lies, and the sessions with it.

Every session has the schema as its search path and the service's name, and keeps its prepared
statements. None of its ``FAILURES`` leaves the engine: whoever asked is told ``StoreUnusable``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncpg

_READERS_MAX = 8
_STATEMENTS_KEPT = 1024
CONNECT_S = 5.0
#: What serves asks for few rows by an index. A plan made while a table was empty reads all of it, and is
#: kept while the table grows.
BY_INDEX = {"enable_seqscan": "off"}
#: What PostgreSQL, or the way to it, answers with when it can not.
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session that the database ends while the next question is on its way
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A schema with one service's tables.

    Attributes:
        dsn: the database, as libpq writes it; a password stands in the file that it names.
        domain: the service.
        schema: its schema in the database.
    """

    dsn: str = field(repr=False)
    domain: str
    schema: str

    async def connected(self, **settings: str) -> asyncpg.Connection:
        """A connection whose tables are the schema's."""
        return await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_S,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=self._settings(**settings),
        )

    async def pool(self) -> asyncpg.Pool:
        """Connections for reading; one is as it was left, for nobody changes anything of it."""
        return await asyncpg.create_pool(
            self.dsn,
            min_size=1,
            max_size=_READERS_MAX,
            timeout=CONNECT_S,
            reset=_as_it_is,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=self._settings(**BY_INDEX),
        )

    def _settings(self, **settings: str) -> dict[str, str]:
        return {"search_path": self.schema, "application_name": f"veilgraph {self.domain}", **settings}


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    pass
