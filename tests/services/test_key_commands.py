"""The commands for keys ask the service, name the version they mean, and say what came of it."""

from __future__ import annotations

from argparse import Namespace

import pytest

from services.commands.keys import DAY_S, KeyDesk, carried_out, line_of
from services.loopback import NotLoopback
from veilgraph.identity.v1 import keys_pb2 as pb


def version(number: int, state: str, use: str = "PAIRWISE", caller: str = "", **fields: int) -> pb.KeyVersion:
    return pb.KeyVersion(
        use=f"KEY_USE_{use}", caller=caller, version=number, state=f"KEY_STATE_{state}", **fields
    )


VERSIONS = [
    version(1, "RETIRED", "IDENTIFIER", identifiers=4_000, suppressions=2, suppressions_waiting=1),
    version(2, "ACTIVE", "IDENTIFIER"),
    version(1, "ACTIVE"),
    version(2, "RETIRED", caller="shop"),
    version(3, "ACTIVE", caller="shop"),
    version(2, "ACTIVE", caller="till"),
]


class Stub:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def GetKeys(self, request, **_):
        del request
        return pb.GetKeysResponse(versions=VERSIONS, rekeying=True, revision=7)

    def RotateKeys(self, request, **_):
        self.asked.append(request)
        return pb.RotateKeysResponse(active=version(9, "ACTIVE"))

    def RetireKey(self, request, **_):
        self.asked.append(request)
        return pb.RetireKeyResponse(version=version(request.version, "ACTIVE", caller=request.caller))

    def DestroyKey(self, request, **_):
        self.asked.append(request)
        return pb.DestroyKeyResponse()


@pytest.fixture
def desk():
    desk = KeyDesk("127.0.0.1:1", "token")
    desk._stub = Stub()
    return desk


@pytest.mark.parametrize(
    ("use", "caller", "sealing"),
    [("identifier", "", 2), ("pairwise", "", 1), ("pairwise", "shop", 3), ("pairwise", "desk", 1)],
)
def test_a_rotation_names_the_version_that_seals_for_whom_it_is(desk, use, caller, sealing):
    said = list(carried_out(desk, Namespace(action="rotate", use=use, caller=caller, overlap_days=2)))
    (asked,) = desk._stub.asked
    assert (asked.from_version, asked.caller, asked.overlap_s) == (sealing, caller, 2 * DAY_S)
    assert said == ["pairwise v9, active, made 1970-01-01 00:00 UTC"]


def test_what_is_retired_is_all_before_the_version_that_seals_for_whom_it_is(desk):
    """A caller that shares the key of all is named, too: the service refuses it, nobody else is touched."""
    said = list(carried_out(desk, Namespace(action="retire", use="pairwise", caller="shop")))
    list(carried_out(desk, Namespace(action="retire", use="pairwise", caller="desk")))
    assert [(one.caller, one.version) for one in desk._stub.asked] == [("shop", 3), ("desk", 1)]
    assert said == ["pairwise of shop v3, active, made 1970-01-01 00:00 UTC"]


def test_a_version_is_destroyed_by_its_number(desk):
    said = list(carried_out(desk, Namespace(action="destroy", use="pairwise", caller="shop", version=2)))
    (asked,) = desk._stub.asked
    assert (asked.use, asked.caller, asked.version) == (pb.KEY_USE_PAIRWISE, "shop", 2)
    assert said == ["pairwise of shop v2 is destroyed"]


def test_the_status_says_what_keeps_a_version(desk):
    lines = list(carried_out(desk, Namespace(action="status")))
    assert lines[0] == (
        "identifier v1, retired, made 1970-01-01 00:00 UTC, 4,000 identifiers, 2 suppression entries,"
        " 1 of them wait for their identifier"
    )
    assert lines[-1] == "ring 7; sealing anew"
    assert len(lines) == len(VERSIONS) + 1


def test_an_overlap_is_told_with_its_end():
    key = version(2, "ACTIVE", caller="shop")
    key.overlap_until.FromMilliseconds(86_400_000)
    assert line_of(key).endswith("ids before it taken until 1970-01-02 00:00 UTC")


def test_a_token_is_sent_to_this_machine_only():
    with pytest.raises(NotLoopback):
        KeyDesk("identity.example:7101", "token")
