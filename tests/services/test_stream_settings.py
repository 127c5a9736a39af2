"""NATS is reached as the configuration says, never in the clear beyond this machine."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.stream.link import FAULTS, Stream, joining
from services.stream.settings import NatsSettings, NatsSettingsError, nats_settings
from tests.nats_server import running


@pytest.mark.parametrize(
    ("url", "named", "says"),
    [
        ("nats://10.0.0.7:4222", {}, "url: beyond loopback"),
        ("nats://nats.example:4222", {}, "url: beyond loopback"),
        ("http://127.0.0.1:4222", {}, "url: tls"),
        ("127.0.0.1:4222", {}, "url: tls"),
        ("nats://user:secret@127.0.0.1:4222", {}, "url: no password"),
        ("nats://127.0.0.1:4222", {"ca": "there"}, "url: certificates"),
        ("tls://nats.example:4222", {"certificate": "there"}, "certificate: it comes with its key"),
        ("tls://nats.example:4222", {"key": "there"}, "certificate: it comes with its key"),
        ("tls://nats.example:4222", {"credentials": "nowhere"}, "credentials: there is no such file"),
    ],
)
def test_what_can_not_be_used_or_must_not_is_refused(url, named, says, tmp_path):
    """With the setting first, and no secret in the text."""
    (tmp_path / "there").write_text("x")
    with pytest.raises(NatsSettingsError, match=says) as refused:
        nats_settings(url, {name: tmp_path / file for name, file in named.items()})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["nats://127.0.0.1:4222", "nats://localhost:4222", "nats://[::1]:4222"])
def test_on_loopback_it_may_be_in_the_clear(url):
    assert nats_settings(url, {}).tls() is None


async def test_a_server_that_knows_its_users_takes_the_one_in_the_file_and_no_other(tmp_path):
    """The file is read at each connection; the documented permissions are enough."""
    may = 'permissions: { publish: ["events.acme.*", "$JS.API.>"], subscribe: ["_INBOX.>"] }'
    accounts = f'authorization {{ users = [{{ user: "veilgraph", password: "secret", {may} }}] }}\n'
    credentials = tmp_path / "nats.login"
    with running(tmp_path, accounts) as server:
        join = joining(nats_settings(server.url, {"credentials": tmp_path / "nats.conf"}), Stream("acme", 60))
        with pytest.raises(FAULTS):
            async with join():
                pass
        credentials.write_text("veilgraph:wrong\n")
        join = joining(nats_settings(server.url, {"credentials": credentials}), Stream("acme", 60))
        with pytest.raises(FAULTS):
            async with join():
                pass
        credentials.write_text("veilgraph:secret\n")
        async with join() as joined:
            heard = await joined.jetstream.subscribe("events.acme.3", stream="veilgraph-acme")
            await joined.jetstream.publish("events.acme.3", b"7", stream="veilgraph-acme")
            assert (await heard.next_msg(5)).data == b"7"


def certified(folder: Path) -> None:
    """A key, and a certificate of its own making for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


async def test_over_tls_the_server_is_who_the_authority_says_and_so_is_this_side(tmp_path):
    """Neither a server of another authority nor a client without a certificate is let in."""
    certified(tmp_path)
    ours = {"ca": tmp_path / "cert.pem", "certificate": tmp_path / "cert.pem", "key": tmp_path / "key.pem"}
    options = (
        f'tls {{ cert_file: "{tmp_path}/cert.pem", key_file: "{tmp_path}/key.pem",'
        f' ca_file: "{tmp_path}/cert.pem", verify: true }}\n'
    )
    with running(tmp_path, options) as server:
        url = server.url.replace("nats:", "tls:")
        async with joining(nats_settings(url, ours), Stream("acme", 60))() as joined:
            assert not joined.lost.is_set()
        without = [{}, {"ca": ours["ca"]}]
        for paths in without:
            with pytest.raises(FAULTS):
                async with joining(NatsSettings(url, paths), Stream("acme", 60))():
                    pass
