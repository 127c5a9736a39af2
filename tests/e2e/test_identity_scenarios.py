"""Pitfalls of identity, each a file of ``tests/scenarios``, played one after another on one suite."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.deployment.config import SERVICES, load
from services.deployment.development import CALLERS, prepare
from services.deployment.issuer import AUDIENCE, open_issuer, save_token
from services.deployment.suite import running_suite
from tests.conftest import NOW_MS, ROOT, Clock
from tests.e2e.conftest import Shop
from tests.e2e.scenes import Case, Scene, StepFailedError, read_case

FOLDER = ROOT / "tests" / "scenarios"
FILES = sorted(FOLDER.glob("*.json"))
#: Cases let years go by; nobody's token runs out meanwhile.
TOKENS_S = 100 * 365 * 86_400
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A whole suite whose shop may speak for the verifier that sees people sign in."""
    folder, clock, log = tmp_path_factory.mktemp("stage"), Clock(NOW_MS), io.StringIO()
    path = prepare(folder, NOW_MS // 1_000, dict.fromkeys(SERVICES, 0))
    path.write_text(path.read_text().replace("callers = []", 'callers = ["shop"]'))
    issuer = open_issuer(folder / "keys")
    for caller in CALLERS:
        token = issuer.mint(caller, AUDIENCE, TOKENS_S, NOW_MS // 1_000)
        save_token(folder / "tokens" / caller, token)
    async with running_suite(load(path), clock, log.write) as suite:
        shop = Shop(suite, clock, folder, log, "shop")
        yield shop
        await shop.close()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
async def test_a_pitfall_ends_as_its_file_says(stage: Shop, path: Path):
    """Through the contract: who is one person for what, who allows what, what is refused and why."""
    await Scene(stage, read_case(path), FILES.index(path)).play()


SHARED = {"anna": ("email", "anna#@shop.example"), "till": ("device_id", "till-#")}
LINKED = [{"grant": ["anna", "till"]}, {"link": ["anna", "till"]}]


@pytest.mark.parametrize(
    "step",
    [
        {"people": [["anna"], ["till"]]},
        {"people": [["anna", "till"]], "purpose": "loyalty", "whatever": 1},
        {"nobody": ["anna"]},
        {"allowed": {"loyalty": ["anna"]}},
        {"said": {"anna": "REFUSED"}, "of": "loyalty"},
        {"sees": {"till": ["tea"]}},
        {"sees": {"till": None}},
        {"explained": ["anna", "till"], "by": None},
        {"explained": ["anna", "till"], "by": ["same_order"]},
        {"resolve": ["anna"], "new": True},
        {"resolve": ["anna"], "refused": "BLOCKED_VALUE"},
        {"link": ["anna", "till"], "refused": "LINK_DECLARED_WRONG"},
        {"link": ["anna", "anna"]},
        {"unlink": ["anna", "till"], "removes": 2},
        {"unlink": ["anna", "till"], "refused": "LINK_NOT_FOUND"},
        {"grant": ["anna"], "refused": "NOTICE_REQUIRED"},
        {"hope": ["anna"]},
    ],
    ids="-".join,
)
async def test_a_step_that_is_not_so_fails(stage: Shop, step: dict[str, Any]):
    """Each kind of expectation can: what two linked identifiers are is said wrongly of them."""
    case = Case("wrong", "to see it fail", SHARED, [*LINKED, step])
    number = len(FILES) + next(_wrong)
    with pytest.raises(AttributeError if "hope" in step else StepFailedError, match=r"hope|step 3"):
        await Scene(stage, case, number).play()


_wrong = iter(range(1000))


async def test_an_identifier_that_changed_its_subject_fails(stage: Shop):
    """Nothing may happen to the subject of an identifier; that is looked at without being asked."""
    scene = Scene(stage, Case("moved", "to see it fail", SHARED, []), len(FILES) + next(_wrong))
    scene._subjects["anna"] = await scene._subject("till")
    scene._subjects["till"] = scene._subjects["anna"]
    with pytest.raises(StepFailedError, match="another subject"):
        await scene.play()


def verbs() -> Sequence[str]:
    return [
        name.removeprefix("do_")
        for name, _ in inspect.getmembers(Scene, inspect.isfunction)
        if name.startswith("do_")
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_every_verb_is_explained_where_one_learns_to_add_a_case():
    """And none is that there is not."""
    explained = re.findall(r"^\| `(\w+)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(verbs())


@pytest.mark.asyncio(loop_scope="module")
async def test_every_case_says_what_it_claims_and_why():
    """Each claims something else, and expects something before it ends."""
    cases = [read_case(path) for path in FILES]
    assert len(cases) >= 25
    assert len({case.title for case in cases}) == len(cases)
    expecting = {"people", "nobody", "allowed", "said", "sees", "explained"}
    for case in cases:
        assert case.why.endswith(".") and case.title.endswith(".")
        assert expecting & {next(iter(step)) for step in case.steps}
