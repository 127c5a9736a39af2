"""The services' certificates are looked at as services read them, and shown when they are asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.deployment.config import SERVICES, load
from services.deployment.dev_ca import AUTHORITY_DAYS, files_of, provide
from services.deployment.development import prepare
from services.doctor.certificates import of_certificates, shown
from services.doctor.examination import of_configuration
from services.doctor.finding import worst
from services.doctor.running import of_processes
from services.tls.config import TlsConfig
from tests.services.doctored import deployment, lines
from tests.tls.conftest import authority, guarded  # noqa: F401 - fixtures
from tests.tls.world import CONSENT, DOMAIN, SHOP, made, now_ms, sign

DAY_MS = 86_400_000
EACH = "service/{service}"


def tls_of(folder: Path, name: str = EACH) -> TlsConfig:
    """Certificates that lie in an authority's folder."""
    paths = (str(folder / f"{name}{ending}") for ending in (".pem", ".key"))
    return TlsConfig(DOMAIN, *paths, str(folder / "ca.pem"), {})


def test_a_development_suite_with_certificates_is_good(tmp_path):
    path = prepare(tmp_path, now_ms() // 1000, dict.fromkeys(SERVICES, 0), tls=True)
    assert worst(of_configuration(path, now_ms)) == 0
    (tmp_path / "tls/service/consent.pem").unlink()
    assert worst(of_configuration(path, now_ms)) == 2
    assert load(path).tls is not None


@pytest.mark.parametrize(
    ("days", "said"), [(0, []), (23, ["warning"] * 4), (31, ["error  "] * 4), (-1, ["error  "] * 4)]
)
def test_certificates_are_told_by_when_they_begin_and_end(tmp_path, days, said):
    """Each is told when three quarters of its life are over."""
    found = lines(of_certificates(tls_of(made(tmp_path)), now_ms() + days * DAY_MS))
    assert [line[:7] for line in found] == said


def test_another_services_certificate_and_one_that_is_missing_are_told(tmp_path):
    """What would keep a service from starting is known before it does."""
    made(tmp_path)
    (tmp_path / "service/identity.pem").replace(tmp_path / "service/consent.pem")
    found = sorted(lines(of_certificates(tls_of(tmp_path), now_ms())))
    assert ["consent.key: not the key" in found[0], "identity.pem: No such file" in found[1]] == [True, True]
    assert [line[:7] for line in found] == ["error  "] * 2


def test_a_service_with_a_folder_of_its_own_needs_no_others_certificates(tmp_path):
    """The path says no service; whose it is says the certificate, and when it ends that is still said."""
    tls = tls_of(made(tmp_path), "service/consent")
    assert lines(of_certificates(tls, now_ms())) == []
    assert "consent.pem: not valid now" in lines(of_certificates(tls, now_ms() + 31 * DAY_MS))[0]
    sign(tmp_path, "spiffe://acme.example/caller/shop").write(files_of(tmp_path, CONSENT))
    assert "speaks for" in lines(of_certificates(tls, now_ms()))[0]


@pytest.mark.parametrize("whose", ["gateway", "caller/shop"])
def test_where_nobody_serves_lies_the_certificate_of_whoever_works_there(tmp_path, whose):
    """An operator's pod, the gateway's: it speaks for no service and is not wrong for that."""
    tls = replace(tls_of(made(tmp_path), whose), callers={SHOP: "shop"})
    assert lines(of_certificates(tls, now_ms())) == []
    assert shown(tls, now_ms()) is not None
    assert "not valid now" in lines(of_certificates(tls, now_ms() + 31 * DAY_MS))[0]


def test_a_caller_whom_nobody_knows_is_told(tmp_path):
    """The path leads to the certificate of somebody who has no business there."""
    tls = tls_of(made(tmp_path), "caller/shop")
    assert "speaks for spiffe://acme.example/caller/shop" in lines(of_certificates(tls, now_ms()))[0]


def test_a_folder_that_is_not_mounted_is_noted_and_a_file_that_is_missing_from_it_is_an_error(tmp_path):
    """A job that prepares tables shows no certificate to anybody; who has the folder was to have the file."""
    tls = tls_of(made(tmp_path), "service/consent")
    elsewhere = replace(tls, certificate="/nowhere/tls.crt", key="/nowhere/tls.key")
    (told,) = lines(of_certificates(elsewhere, now_ms()))
    assert told.startswith("note    tls: /nowhere: nothing lies here")
    (tmp_path / "service/consent.pem").unlink()
    assert lines(of_certificates(tls, now_ms()))[0].startswith("error  ")
    missing = replace(tls_of(tmp_path), certificate="/nowhere/{service}.pem", key="/nowhere/{service}.key")
    assert [line[:7] for line in lines(of_certificates(missing, now_ms()))] == ["error  "] * 4


def test_a_private_key_that_others_can_read_is_told(tmp_path):
    (made(tmp_path) / "service/engagement.key").chmod(0o644)
    found = lines(of_certificates(tls_of(tmp_path), now_ms()))
    assert [line.split(" (")[0] for line in found] == [
        f"warning {tmp_path}/service/engagement.key: others can read a private key"
    ]


def test_the_last_authority_is_told_by_when_it_ends(tmp_path):
    """New certificates do not help then: none outlives who vouches for it."""
    made(tmp_path)
    near_ms = now_ms() + (AUTHORITY_DAYS - 20) * DAY_MS
    provide(tmp_path, DOMAIN, [], near_ms // 1000, renew=True)
    found = lines(of_certificates(tls_of(tmp_path), near_ms))
    assert [line.split(" ends ")[0] for line in found] == [
        f"warning tls: {tmp_path}/ca.pem: the last authority"
    ]


async def test_a_service_that_takes_certificates_only_is_asked_with_one(
    tmp_path,
    authority,  # noqa: F811
    guarded,  # noqa: F811
):
    """Any of the suite will do; one of another authority, and none, will not."""
    plain = deployment(tmp_path / "suite")
    listen = {**plain.listen, "consent": guarded.server.address}
    config = replace(plain, listen=listen, tls=tls_of(authority))
    stranger = tls_of(made(tmp_path / "other"))

    async def told(material) -> list[str]:
        found = await asyncio.to_thread(lambda: lines(of_processes(config, ["consent"], material)))
        return [line for line in found if "consent" in line]

    assert await told(shown(config.tls, now_ms())) == []
    assert "does not answer (UNAVAILABLE)" in (await told(shown(stranger, now_ms())))[0]
    assert shown(config.tls, now_ms() + 31 * DAY_MS) is None
    assert (await told(None)) == [
        "note    service consent: it runs, and no certificate is here to ask it with"
    ]
