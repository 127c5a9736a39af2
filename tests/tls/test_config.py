"""A deployment's section about certificates is whole, or nothing starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.deployment.config import SERVICES, ConfigError, load
from services.deployment.dev_ca import caller_id
from services.deployment.development import TRUST_DOMAIN, prepare
from services.deployment.suite import running_suite
from services.tls.material import CertificateUnusable
from tests.conftest import Clock
from tests.tls.world import now_ms

PORTS = dict.fromkeys(SERVICES, 0)


def prepared(folder: Path, *, tls: bool = True) -> Path:
    return prepare(folder, now_ms() // 1000, PORTS, tls=tls)


def test_a_development_suite_names_its_certificates_and_callers(tmp_path):
    """Each service has files of its own, each caller an id of its own."""
    tls = load(prepared(tmp_path)).tls
    assert tls is not None
    assert tls.files("consent").certificate == tmp_path / "tls/service/consent.pem"
    assert tls.files("identity").key == tmp_path / "tls/service/identity.key"
    assert tls.callers[caller_id(TRUST_DOMAIN, "shop")] == "shop"
    assert len(tls.callers) == 6
    assert load(prepared(tmp_path, tls=False)).tls is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[tls]", "[tls]\nverify = false", r"tls: unknown keys \['verify'\]"),
        ('ca = "tls', '# "tls', "ca: a text is needed"),
        (f'"{TRUST_DOMAIN}"', '"No Domain"', "trust domain is a DNS name"),
        ("caller/shop", "caller/partner", r"callers\.partner\.spiffe: shop has it, too"),
        ("caller/shop", "service/identity", r"callers\.shop\.spiffe: the suite's own workloads"),
        ("caller/shop", "gateway", r"callers\.shop\.spiffe: the suite's own workloads"),
        (f"{TRUST_DOMAIN}/caller/shop", "other.example/shop", "not of the trust domain"),
        ("spiffe://veilgraph.localhost/caller/shop", "shop", r"callers\.shop\.spiffe: a SPIFFE id begins"),
        ("[tls]", "[tls]\n[stls]", r"unknown keys \['stls'\]"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    path = prepared(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_an_id_without_certificates_is_a_mistake(tmp_path):
    """Whoever wrote it believes that certificates are asked for."""
    path = prepared(tmp_path, tls=False)
    path.write_text(path.read_text().replace("[callers.shop]", '[callers.shop]\nspiffe = "spiffe://a/b"'))
    with pytest.raises(ConfigError, match=r"callers\.shop\.spiffe: without \[tls\]"):
        load(path)


async def test_a_service_does_not_start_with_anothers_certificate(tmp_path):
    """Nor with none."""
    config = load(prepared(tmp_path))
    (tmp_path / "tls/service/identity.pem").replace(tmp_path / "tls/service/consent.pem")
    for match in (r"consent\.key: not the key", r"identity\.pem: No such file"):
        with pytest.raises(CertificateUnusable, match=match):
            async with running_suite(config, Clock(now_ms()), lambda _: None, [match.split("\\")[0]]):
                pass
