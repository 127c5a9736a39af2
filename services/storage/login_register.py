"""Which login served which request: a login is exchanged once, and the request itself may come again.

What is remembered, until the login has expired, are two digests of what nobody can guess.
"""

from __future__ import annotations

from services.errors import Refusal
from services.interceptors.call import Login
from services.storage.database import Connection, Database

_TAKE = "INSERT INTO login_use VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_TAKEN = "SELECT used_for FROM login_use WHERE token_id = ?"


class LoginRegister:
    """Keeps to identity's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, login: Login, use: bytes, now_ms: int) -> None:
        """Has a login serve a request; durable when it returns.

        Args:
            login: the login.
            use: 32 bytes that tell the request from every other.
            now_ms: what expired before is forgotten, milliseconds since the epoch.

        Raises:
            Refusal: it served another request.
        """
        await self._database.write(lambda connection: _take(connection, login, use, now_ms))


def _take(connection: Connection, login: Login, use: bytes, now_ms: int) -> None:
    connection.execute("DELETE FROM login_use WHERE expires_at_ms <= ?", (now_ms,))
    connection.execute(_TAKE, (login.token_id, use, login.expires_at_ms))
    if connection.execute(_TAKEN, (login.token_id,)).fetchone()[0] != use:
        raise Refusal("LOGIN_REUSED")
