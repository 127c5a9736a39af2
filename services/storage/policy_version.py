"""Which policy the deployment's consent was decided under: a version never goes back.

An older policy file, signed and good in its time, could allow again what a newer one forbids.
So the store remembers the highest version it ran under, and the content that had it.
"""

from __future__ import annotations

from consent.policy import Policy
from services.storage.database import Connection, Database


class PolicyWentBack(RuntimeError):  # noqa: N818 - named after what it says
    """The policy is older than one that was in force, or is another one of the same version."""


async def run_under(database: Database, policy: Policy, *, own: bool) -> None:
    """Remembers that consent's store runs under a policy from now on.

    Args:
        database: consent's file.
        policy: the policy.
        own: it is the deployment's own file, in which a version names one content. The file
            inside the package changes with the program.

    Raises:
        PolicyWentBack: it may not run under this one; nothing is remembered.
    """

    def remember(connection: Connection) -> None:
        version, digest = connection.execute("SELECT version, digest FROM policy").fetchone()
        if policy.version < version:
            raise PolicyWentBack(f"version {policy.version} is older than {version}, which was in force")
        if own and policy.version == version and digest != policy.digest:
            raise PolicyWentBack(f"version {version} was in force with other content; give it a higher one")
        connection.execute("UPDATE policy SET version = ?, digest = ?", (policy.version, policy.digest))

    await database.write(remember)
