"""Keys change while all services run: everything goes on, and what is over is over everywhere."""

from __future__ import annotations

import asyncio
import io
import itertools
from typing import Any

import grpc
import pytest

from identity import rotation
from identity.keyring import Key, KeyRing, KeyState
from services.deployment.config import ConfigError
from tests.e2e.conftest import Shop, quartet_in, suite_in
from tests.services.conftest import reason_of
from tests.services.typed import typed
from veilgraph.consent.v1 import consent_pb2
from veilgraph.identity.v1 import keys_pb2, keys_pb2_grpc

OVERLAP_S = 60


async def rotate(shop: Shop, use: int, caller: str = "", overlap_s: int = 0) -> None:
    await _keys(shop).RotateKeys(
        keys_pb2.RotateKeysRequest(use=use, caller=caller, from_version=1, overlap_s=overlap_s),
        metadata=shop.metadata_of("operator"),
    )


async def destroy(shop: Shop, use: int, version: int = 1) -> None:
    request = keys_pb2.DestroyKeyRequest(use=use, version=version)
    await _keys(shop).DestroyKey(request, metadata=shop.metadata_of("operator"))


def _keys(shop: Shop) -> Any:
    return keys_pb2_grpc.KeyServiceStub(shop.channels["identity"])


async def answers(shop: Shop, subject: str) -> list[str]:
    """What each service says to an id: its reason, or nothing when it takes it."""
    state = consent_pb2.GetStateRequest(subject=subject)
    reasons = []
    for call in (
        shop.portrait(subject),
        shop.consent.GetState(state, metadata=shop.metadata),
    ):
        try:
            await call
        except grpc.aio.AioRpcError as error:
            reasons.append(reason_of(error))
        else:
            reasons.append("")
    return reasons


async def test_a_callers_ids_change_and_the_old_ones_end_by_the_clock_everywhere(shop):
    """What was said and done under the old id is the new one's."""
    old = await shop.subject("anna@shop.example")
    await shop.grant(old)
    await shop.track(shop.event("1", old, "tea"))
    await rotate(shop, keys_pb2.KEY_USE_PAIRWISE, "shop", OVERLAP_S)
    (result,) = await shop.resolve("anna@shop.example")
    assert result.previous == old != result.subject
    assert [await answers(shop, one) for one in (old, result.subject)] == [["", ""]] * 2
    assert await shop.portrait(old) == await shop.portrait(result.subject)
    shop.clock.now_ms += OVERLAP_S * 1000
    assert await answers(shop, old) == ["PSEUDONYM_KEY_RETIRED"] * 2
    assert await answers(shop, result.subject) == ["", ""]


async def test_without_an_overlap_the_old_ids_are_refused_as_soon_as_the_rotation_returned(shop):
    """In every process: it returns when every process holds the ring."""
    old = await shop.subject("anna@shop.example")
    await shop.grant(old)
    await rotate(shop, keys_pb2.KEY_USE_PAIRWISE)
    assert await answers(shop, old) == ["PSEUDONYM_KEY_RETIRED"] * 2
    await destroy(shop, keys_pb2.KEY_USE_PAIRWISE)
    assert await answers(shop, old) == ["PSEUDONYM_KEY_RETIRED"] * 2
    assert await answers(shop, await shop.subject("anna@shop.example")) == ["", ""]


async def test_identifiers_outlive_their_key(shop):
    """People, their consents and their links are what they were when the old key is destroyed."""
    anna, card = [await shop.subject(one) for one in ("anna@shop.example", "card 7")]
    for one in (anna, card):
        await shop.grant(one)
    await shop.link(anna, card)
    person = await shop.person("card 7")
    await rotate(shop, keys_pb2.KEY_USE_IDENTIFIER)
    while (
        await _keys(shop).GetKeys(keys_pb2.GetKeysRequest(), metadata=shop.metadata_of("operator"))
    ).rekeying:
        pass
    await destroy(shop, keys_pb2.KEY_USE_IDENTIFIER)
    assert [await shop.subject(one) for one in ("anna@shop.example", "card 7")] == [anna, card]
    assert await shop.person("card 7") == person != ""


async def test_only_who_holds_the_scope_may_touch_the_keys(shop):
    request = keys_pb2.RotateKeysRequest(use=keys_pb2.KEY_USE_PAIRWISE, from_version=1)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await _keys(shop).RotateKeys(request, metadata=shop.metadata)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_suite_goes_on_after_what_it_signs_and_seals_by_was_rotated(tmp_path, clock):
    """People's keys open what they sealed, and processes know each other by the new signing key."""
    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        anna, ben = [await shop.subject(f"{one}@shop.example") for one in ("anna", "ben")]
        await shop.grant(anna)
        await shop.track(shop.event("1", anna, "tea"))
        before = await shop.portrait(anna)
        await shop.close()
    for use in ("audit", "signing"):
        code, said = await asyncio.to_thread(
            typed, "keys", "--config", tmp_path / "suite.toml", "rotate", use
        )
        assert (code, said.split(",")[0]) == (0, f"{use} v2")
    async with quartet_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        assert (await shop.portrait(anna)).events == before.events
        assert len(before.events) == 1
        shop._ids = itertools.count(100)
        await shop.grant(ben)
        await shop.link(anna, ben)  # identity waits at consent's barrier, which knows it by its token
        assert await shop.person("anna@shop.example") == await shop.person("ben@shop.example") != ""
        await shop.close()


@pytest.mark.parametrize("lost", ["destroyed", "another's"])
async def test_a_service_does_not_start_without_a_key_that_identifiers_are_kept_under(tmp_path, clock, lost):
    """They would come back as somebody new, without what they refused."""
    async with suite_in(tmp_path, clock, io.StringIO()) as suite:
        shop = Shop(suite, clock, tmp_path, io.StringIO(), "shop")
        await shop.subject("anna@shop.example")
        await shop.close()
    path = tmp_path / "keys" / "keyring.json"
    ring = KeyRing.from_json(path.read_text())
    if lost == "destroyed":
        rotated = rotation.activate(rotation.begin(ring, "identifier", bytes(32), 0), "identifier")
        ring = rotation.destroy(rotated, "identifier", 1, 0)
    else:
        ring = ring.with_keys([Key("identifier", 1, KeyState.ACTIVE, 0, None, bytes(32))])
    path.write_text(ring.to_json())
    with pytest.raises(ConfigError, match=r"versions \[1\]"):
        async with suite_in(tmp_path, clock, io.StringIO()):
            pass
