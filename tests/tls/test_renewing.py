"""Certificates change while everything runs: connections that live go on, new ones show the new one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace

import grpc
import pytest
from cryptography import x509

from services.deployment.dev_ca import files_of
from services.tls.certificate import Certificate
from tests.probe.v1 import probe_pb2, probe_pb2_grpc
from tests.tls.conftest import asked
from tests.tls.world import CONSENT, IDENTITY, SHOP, made, now_ms, serial, shown


def served(folder, address: str) -> int:
    """The serial number of the certificate that a new connection is shown."""
    files = files_of(folder, SHOP)
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(files.certificate, files.key)
    context.check_hostname = False
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as raw, context.wrap_socket(raw) as wrapped:
        shown_to_us = wrapped.getpeercert(binary_form=True)
    assert shown_to_us is not None
    return x509.load_der_x509_certificate(shown_to_us).serial_number


async def test_an_old_connection_lives_on_and_a_new_one_is_shown_the_new_certificate(renewable):
    """Without a restart, and without a call lost."""
    before = serial(renewable.certificate.material.certificate)
    async with renewable.channel(renewable.secured(SHOP)) as living:
        assert await asked(living) == "OK"
        assert await asyncio.to_thread(served, renewable.folder, renewable.server.address) == before
        made(renewable.folder, renew=True)
        renewable.certificate.follow()
        after = serial(renewable.certificate.material.certificate)
        assert await asked(living) == "OK"
        assert await asyncio.to_thread(served, renewable.folder, renewable.server.address) == after
        assert after != before
        assert await asked(living) == "OK"
    assert await renewable.asked(renewable.secured(SHOP)) == "OK"


async def test_a_broken_file_changes_nothing_for_who_connects(renewable):
    """It is in the log, and the certificate before is shown."""
    before = serial(renewable.certificate.material.certificate)
    files_of(renewable.folder, renewable.certificate.identity).certificate.write_text("half a certif")
    renewable.certificate.follow()
    assert f"the certificate of {CONSENT} stays in use" in renewable.log.getvalue()
    assert await asyncio.to_thread(served, renewable.folder, renewable.server.address) == before
    assert await renewable.asked(renewable.secured(SHOP)) == "OK"


async def test_an_authority_that_is_trusted_no_more_opens_nothing_new(renewable, tmp_path_factory):
    """It is followed by another: both for a while, then the new one alone."""
    old = renewable.secured(SHOP)
    files = files_of(renewable.folder, renewable.certificate.identity)
    other = made(tmp_path_factory.mktemp("next"))
    first, second = files.ca.read_bytes(), (other / "ca.pem").read_bytes()
    files.ca.write_bytes(first + second)
    renewable.certificate.follow()
    mine = shown(other, SHOP)
    both = replace(mine, ca=first + second)
    assert await renewable.asked(both) == "OK"
    assert await renewable.asked(old) == "OK"
    next_files = files_of(other, renewable.certificate.identity)
    for path, follower in zip(files.paths, next_files.paths, strict=True):
        path.write_bytes(follower.read_bytes())
    renewable.certificate.follow()
    assert await renewable.asked(both) == "OK"
    assert await renewable.asked(old) == "UNAVAILABLE"


async def test_a_connection_outlives_its_clients_certificate_and_its_calls_do_not(guarded):
    """From the certificate's end on its caller is nobody, on connections that were begun before, too."""
    async with guarded.channel(guarded.secured(SHOP)) as living:
        assert await asked(living) == "OK"
        guarded.clock.now_ms = guarded.secured(SHOP).material.expire_ms - 1
        assert await asked(living) == "OK"
        guarded.clock.now_ms += 1
        assert await asked(living) == "CALLER_UNAUTHENTICATED"


async def test_a_stream_ends_with_the_certificate_it_was_begun_under(guarded):
    """Each message is judged; a token that lives longer does not help."""
    async with guarded.channel(guarded.secured(SHOP)) as living:
        stub = probe_pb2_grpc.ProbeServiceStub(living)
        stream = stub.Gather(metadata=guarded.token("shop"), timeout=10)
        await stream.write(probe_pb2.AskRequest(subject="nobody", sha256=bytes(32)))
        guarded.clock.now_ms = guarded.secured(SHOP).material.expire_ms
        await stream.write(probe_pb2.AskRequest(subject="nobody", sha256=bytes(32)))
        await stream.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_service_calls_with_its_newest_certificate_and_what_it_began_goes_on(renewable):
    """A stream over the connection before is not cut, and the connection is closed after it."""
    renewable.clock.now_ms = now_ms()
    own = Certificate(files_of(renewable.folder, IDENTITY), IDENTITY, renewable.clock, print)
    peers = renewable.peers(identity=own)
    first = peers.channel("consent", "identity")
    assert peers.channel("consent", "identity") is first
    assert await asked(first, peers.metadata("identity")) == "OK"
    stream = probe_pb2_grpc.ProbeServiceStub(first).Chat(metadata=peers.metadata("identity"), timeout=10)
    await stream.write(probe_pb2.AskRequest(subject="nobody", sha256=bytes(32)))
    assert (await stream.read()).reason
    made(renewable.folder, renew=True)
    own.follow()
    second = peers.channel("consent", "identity")
    assert second is not first
    assert await asked(second, peers.metadata("identity")) == "OK"
    await stream.write(probe_pb2.AskRequest(subject="nobody", sha256=bytes(32)))
    assert (await stream.read()).reason
    (leaving,) = peers._leaving
    await asyncio.sleep(0)
    assert not leaving.done()
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    await asyncio.wait_for(leaving, 10)
    await peers.close()


async def test_a_part_shows_its_own_certificate_and_no_other_parts(guarded):
    """Two parts of one process are two callers."""
    held = {
        name: Certificate(files_of(guarded.folder, identity), identity, guarded.clock, print)
        for name, identity in {"identity": IDENTITY, "consent": guarded.certificate.identity}.items()
    }
    peers = guarded.peers(**held)
    for name in held:
        channel = peers.channel("consent", name)
        assert await asked(channel, peers.metadata(name)) == "OK"
        for other in {"identity", "consent", "engagement"} - {name}:
            assert await asked(channel, peers.metadata(other)) == "CALLER_UNAUTHENTICATED"
    await peers.close()
