"""DefinitionService over its tables, handed its calls as the guard hands them over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engagement.errors import TooManyDefinitions
from services.engagement.defining import DefinitionServicer
from services.engagement.in_force import HOLDS_S, InForce
from services.errors import status_of
from services.storage.definitions import DefinitionsBehind, DefinitionTables
from tests.contract.engines import tables
from tests.engagement.conftest import Calls
from tests.engagement.declared_definitions import RETIRED, Definition, play, segment, template
from tests.engagement.test_deciding import Desk, desk, engine
from veilgraph.engagement.v1 import definition_pb2

__all__ = ["desk", "engine"]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_no_more_definitions_are_kept_than_the_deployment_allows(
    tmp_path: Path, calls: Calls, dry_run: bool
) -> None:
    """The first that is one too many is named, nothing of the request is kept, and retiring makes room."""
    async with tables("sqlite", tmp_path, "engagement") as database:
        kept = DefinitionTables(database)
        servicer = DefinitionServicer(kept, InForce(kept, print), 1)

        async def apply(*definitions: Definition, **fields: Any) -> definition_pb2.ApplyResponse:
            asked = definition_pb2.ApplyRequest(definitions=definitions, **fields)
            return await servicer.Apply(asked, calls.begin())

        await apply(template(), request_id="first")
        none = play()
        none.play.condition.nodes.add()  # it is no definition, and has a place all the same
        with pytest.raises(TooManyDefinitions) as refused:
            await apply(none, template(text="new"), segment(), request_id="more", dry_run=dry_run)
        status = status_of(refused.value)
        assert (status.code.name, status.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_DEFINITIONS")
        assert refused.value.field == "definitions[2]"
        assert [one.kept.id for one in (await kept.current()).versions] == ["roses"]
        both = await apply(segment(), template(state=RETIRED), request_id="instead", dry_run=dry_run)
        assert both.applied != dry_run


async def test_nothing_is_decided_by_what_may_be_retired_by_now(desk: Desk) -> None:
    """Not even for nobody, whom no store is asked about."""
    now_s = 0.0
    in_force = InForce(DefinitionTables(desk.database), print, clock_s=lambda: now_s)
    await in_force.refresh()
    desk.decider._definitions = in_force
    assert (await desk.decide(None)).HasField("hold")
    now_s += HOLDS_S
    with pytest.raises(DefinitionsBehind) as behind:
        await desk.decide(None)
    status = status_of(behind.value)
    assert (status.code.name, status.reason) == ("UNAVAILABLE", "DEFINITIONS_BEHIND")
