"""What a decision may know of somebody's standing: only with their yes to loyalty, and to what it is for."""

from __future__ import annotations

from collections.abc import Sequence

from consent.guard_table import GuardTable
from consent.policy import Policy
from engagement.facts_of import Stored
from engagement.loyalty.account import Recorded
from engagement.loyalty.store import Loyalty
from identity.ids import SubjectId
from services.engagement.knowing import Knowing
from services.engagement.standings import Standings
from tests.conftest import set_state
from tests.engagement.conftest import Calls
from tests.engagement.events import subject
from tests.engagement.loyalty.lines import line, programme

ME, OTHER = subject(1), subject(2)
PRICING, STATUS = "personalise.pricing", "loyalty.stamps.status"


class Ledger:
    """One purchase of 60.00 of each of two birth subjects."""

    async def recorded_of_each(self, people: Sequence[Sequence[SubjectId]], asked: Loyalty) -> list[Recorded]:
        of_each = [[line(one.hex(), subject=one, amount_minor=6000) for one in person] for person in people]
        return [Recorded([one._replace(occurred_at_ms=asked.now_ms) for one in lines]) for lines in of_each]


class Nothing:
    """A store that keeps nothing else."""

    async def stored(self, people: Sequence[object], window: object) -> list[Stored]:
        return [Stored() for _ in people]


async def status(calls: Calls, policy: Policy) -> object:
    """What pricing knows of the status."""
    standings = Standings(Ledger(), lambda: {"stamps": programme()}, policy.index("loyalty"))  # type: ignore[arg-type]
    knowing = Knowing(Nothing(), policy, standings)  # type: ignore[arg-type]
    facts = await knowing.facts(calls.portraying(ME, PRICING), ME, PRICING, "UTC")
    return facts.fields[STATUS].value if STATUS in facts.fields else facts.fields.keys()


async def test_a_status_is_known_where_the_person_permits_both(
    calls: Calls, guard: GuardTable, policy: Policy
):
    """Purchases of 60.00 each of two identities are a friend's; of one alone they are not."""
    for one in (ME, OTHER):
        set_state(guard, one, PRICING, "loyalty", members=(ME, OTHER))
    assert await status(calls, policy) == "friend"
    set_state(guard, OTHER, PRICING, members=(ME, OTHER))
    known = {f"loyalty.stamps.{what}" for what in ("points", "progress_permille", "remaining_minor")}
    assert await status(calls, policy) == known
    set_state(guard, OTHER, "loyalty", members=(ME, OTHER))
    assert await status(calls, policy) == known


async def test_without_a_yes_to_loyalty_nothing_of_it_is_known(
    calls: Calls, guard: GuardTable, policy: Policy
):
    """Whatever else is permitted."""
    set_state(guard, ME, PRICING, members=(ME,))
    assert await status(calls, policy) == set()
