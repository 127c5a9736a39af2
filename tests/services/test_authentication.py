"""Who calls is who a valid token names, for as long as it is valid."""

from __future__ import annotations

import grpc
import pytest

from services.interceptors.call import Call
from tests.conftest import set_state
from tests.services.conftest import ANNA, RECOMMEND, reason_of, refused


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic c2hvcDpzaG9w",
        "Bearer nonsense",
        "Bearer " + "e" * 5000,
        "Bearer eyJhbGciOiJub25lIiwia2lkIjoidGVzdCJ9.eyJhenAiOiJzaG9wIn0.",
    ],
)
async def test_without_a_valid_token_nobody_calls(suite, header):
    """No, malformed and unsigned credentials are one answer."""
    metadata = (("authorization", header),) if header is not None else ()
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=metadata))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNAUTHENTICATED")


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "other"}, {"iss": "https://evil.test"}, {"azp": "nobody"}, {"azp": None}],
)
async def test_a_token_for_something_else_is_no_token(suite, claims):
    """Expired, for another audience, from another issuer, of a caller without an allow-list."""
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(**claims)))
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"


async def test_a_token_without_azp_names_its_caller_by_client_id(suite):
    """The caller is the ``azp``, or where there is none the ``client_id``."""
    set_state(suite.guard, ANNA, RECOMMEND)
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth(azp=None, client_id="shop"))
    assert suite.audit.records[-1].caller == "shop"


async def test_a_forged_signature_is_no_token(suite):
    """A token whose claims were changed after signing is refused."""
    ((_, header),) = suite.auth()
    head, body, signature = header.split(".")
    forged = f"{head}.{body}.{signature[:-4]}AAAA"
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=(("authorization", forged),)))
    assert reason_of(error) == "CALLER_UNAUTHENTICATED"


async def test_a_remembered_token_still_expires(suite):
    """The cache of verified tokens does not outlive a token, in a stream either."""
    set_state(suite.guard, ANNA, RECOMMEND)
    expires_s = 4_000_000_000
    metadata = suite.auth(exp=expires_s)
    chat = suite.stub.Chat(metadata=metadata)
    await chat.write(suite.ask(ANNA))
    await chat.read()
    suite.clock.now_ms = expires_s * 1000
    await chat.write(suite.ask(ANNA))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        assert await chat.read() is not grpc.aio.EOF
    assert reason_of(caught.value) == "CALLER_UNAUTHENTICATED"
    assert reason_of(await refused(suite.stub.Ask(suite.ask(ANNA), metadata=metadata)))


async def test_a_token_that_ends_ends_a_response_stream(suite):
    """What is about people leaves only while the credentials it was asked for with hold."""
    set_state(suite.guard, ANNA, RECOMMEND)
    expires_s = 4_000_000_000

    async def during(call: Call) -> None:
        if len(suite.probe.calls) == 2:
            suite.clock.now_ms = expires_s * 1000

    suite.probe.during = during
    got = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for answer in suite.stub.Watch(suite.ask(ANNA), metadata=suite.auth(exp=expires_s)):
            got.append(answer)
    assert len(got) == 1
    assert reason_of(caught.value) == "CALLER_UNAUTHENTICATED"
