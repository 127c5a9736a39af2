"""What can not serve is refused before it is used, and the refusal shows nothing secret."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.deployment.dev_ca import files_of
from services.tls.material import CertificateUnusable, read
from tests.tls.world import CONSENT, GATEWAY, IDENTITY, made, now_ms, sign

DNS = (CONSENT.dns_name,)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def folder(authority, tmp_path):
    """A copy that a test may spoil."""
    for path in authority.rglob("*.*"):
        (tmp_path / path.relative_to(authority)).parent.mkdir(exist_ok=True)
        (tmp_path / path.relative_to(authority)).write_bytes(path.read_bytes())
    return tmp_path


def refused(folder, match, identity=CONSENT):
    with pytest.raises(CertificateUnusable, match=match) as caught:
        read(files_of(folder, identity), identity, now_ms())
    assert "PRIVATE" not in str(caught.value)


def test_everybodys_certificate_can_be_used_by_them(folder):
    """It ends where it says; nothing that prints it shows the key."""
    for identity in (CONSENT, IDENTITY, GATEWAY):
        material = read(files_of(folder, identity), identity, now_ms())
        assert 29 < (material.expire_ms - now_ms()) / 86_400_000 < 30.001
        assert b"PRIVATE" in material.key
        assert "PRIVATE" not in repr(material)


@pytest.mark.parametrize("suffix", [".pem", ".key"])
def test_a_file_that_is_missing_is_named(folder, suffix):
    path = folder / f"service/consent{suffix}"
    path.unlink()
    refused(folder, f"consent{suffix}: No such file")


def test_a_file_of_something_else_is_named(folder):
    files = files_of(folder, CONSENT)
    key = files.key.read_bytes()
    files.key.write_text("-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n")
    refused(folder, r"consent\.key: no private key")
    files.key.write_bytes(key)
    files.ca.write_text("nothing")
    refused(folder, r"ca\.pem: no certificates")


def test_a_certificate_speaks_for_who_shows_it_or_is_refused(folder):
    files_of(folder, IDENTITY).certificate.replace(files_of(folder, CONSENT).certificate)
    refused(folder, "not the key of")
    files_of(folder, IDENTITY).key.replace(files_of(folder, CONSENT).key)
    refused(folder, "speaks for spiffe://acme.example/service/identity")


@pytest.mark.parametrize(
    ("uris", "dns", "match"),
    [
        ((), DNS, "one URI"),
        ((str(CONSENT), str(IDENTITY)), DNS, "one URI"),
        (("https://acme.example/consent",), DNS, "begins with"),
        (("spiffe://other.example/service/consent",), DNS, "speaks for"),
        ((str(CONSENT),), (), r"lacks the DNS name consent\.service\.acme\.example"),
        ((str(CONSENT),), (IDENTITY.dns_name,), "lacks the DNS name"),
    ],
)
def test_a_certificate_has_one_name_and_it_is_the_right_one(folder, uris, dns, match):
    sign(folder, *uris, dns=dns).write(files_of(folder, CONSENT))
    refused(folder, match)


@pytest.mark.parametrize(("begins", "ends"), [(-2, -1), (1, 2)])
def test_a_certificate_serves_in_its_time_only(folder, begins, ends):
    signed = sign(folder, str(CONSENT), dns=DNS, begins=timedelta(hours=begins), ends=timedelta(hours=ends))
    signed.write(files_of(folder, CONSENT))
    refused(folder, "not valid now")


def test_an_authority_of_the_file_vouches_for_it(folder, tmp_path_factory):
    """Two lie in it while one follows another."""
    other = made(tmp_path_factory.mktemp("other"))
    own = files_of(folder, CONSENT).ca
    before = own.read_bytes()
    own.write_bytes((other / "ca.pem").read_bytes())
    refused(folder, "no authority of ca.pem vouches for it")
    own.write_bytes((other / "ca.pem").read_bytes() + before)
    assert read(files_of(folder, CONSENT), CONSENT, now_ms()).ca == own.read_bytes()
