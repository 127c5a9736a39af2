"""An authority for development makes what is missing and overwrites nothing."""

from __future__ import annotations

import argparse
import io
import stat
from pathlib import Path

import pytest
from cryptography import x509
from rich.console import Console

from services.__main__ import _parser
from services.deployment.dev_ca import (
    AUTHORITY_DAYS,
    CERTIFICATE_DAYS,
    AuthorityUnusable,
    files_of,
    provide,
    workloads,
)
from services.tls.material import CertificateUnusable, identity_of, read
from tests.tls.world import DOMAIN, SHOP, made

NOW_S = 1_700_000_000
DAY_S = 86_400


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everybody_gets_what_only_its_owner_can_read(tmp_path):
    """Each certificate speaks for its workload alone, and none names anybody else."""
    provide(tmp_path, DOMAIN, ["shop", "big.shop"], NOW_S)
    for identity in workloads(DOMAIN, ["shop", "big.shop"]):
        files = files_of(tmp_path, identity)
        read(files, identity, NOW_S * 1000)
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        assert identity_of(certificate) == identity
        assert not list(certificate.subject)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        is_caller = identity.path.startswith("caller/")
        assert names.get_values_for_type(x509.DNSName) == ([] if is_caller else [identity.dns_name])
    for path in tmp_path.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_what_is_there_stays(tmp_path):
    made(tmp_path)
    before = contents(tmp_path)
    assert provide(tmp_path, DOMAIN, ["shop", "partner", "new"], NOW_S) == [tmp_path / "caller/new.pem"]
    assert contents(tmp_path) == before | {
        name: (tmp_path / name).read_bytes() for name in ("caller/new.pem", "caller/new.key")
    }


def test_renewing_keeps_every_key(tmp_path):
    made(tmp_path)
    before = contents(tmp_path)
    made(tmp_path, renew=True)
    changed = {name for name, content in contents(tmp_path).items() if content != before[name]}
    assert changed == {name for name in before if name.endswith(".pem") and name != "ca.pem"}


def test_a_certificate_lives_for_days_and_none_beyond_its_authority(tmp_path):
    provide(tmp_path, DOMAIN, ["shop"], NOW_S)
    files = files_of(tmp_path, SHOP)
    read(files, SHOP, (NOW_S + CERTIFICATE_DAYS * DAY_S) * 1000)
    with pytest.raises(CertificateUnusable, match="not valid now"):
        read(files, SHOP, (NOW_S + CERTIFICATE_DAYS * DAY_S + 1) * 1000)
    provide(tmp_path, DOMAIN, ["shop"], NOW_S + (AUTHORITY_DAYS - 1) * DAY_S, renew=True)
    ends_ms = read(files, SHOP, (NOW_S + AUTHORITY_DAYS * DAY_S) * 1000).expire_ms
    assert ends_ms == (NOW_S + AUTHORITY_DAYS * DAY_S + 1) * 1000


def test_an_authority_that_can_not_issue_says_why(tmp_path):
    made(tmp_path)
    with pytest.raises(AuthorityUnusable, match=r"ca\.pem: not an authority of this program for other"):
        provide(tmp_path, "other.example", (), NOW_S)
    with pytest.raises(AuthorityUnusable, match="its time is over"):
        provide(tmp_path, DOMAIN, (), 4_000_000_000)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(AuthorityUnusable, match=r"its key is not ca\.key"):
        provide(tmp_path, DOMAIN, (), NOW_S)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(AuthorityUnusable, match="no certificate in PEM"):
        provide(tmp_path, DOMAIN, (), NOW_S)


def ran(*arguments: str) -> tuple[int, str]:
    given: argparse.Namespace = _parser().parse_args(["dev-ca", *arguments])
    output = io.StringIO()
    return given.command(given, Console(file=output, width=200)), output.getvalue()


def test_the_command_says_what_it_made_and_what_it_is_for(tmp_path):
    code, said = ran(str(tmp_path), "--caller", "shop")
    assert code == 0
    assert f"made {tmp_path}/caller/shop.pem" in said
    assert "For development only." in said
    assert "All certificates are there and stay" in ran(str(tmp_path), "--caller", "shop")[1]


@pytest.mark.parametrize("wrong", [("--trust-domain", "no domain"), ("--caller", "../shop")])
def test_the_command_refuses_a_name_that_is_none_and_makes_nothing(tmp_path, wrong):
    code, said = ran(str(tmp_path / "tls"), *wrong)
    assert code == 1
    assert "Not made:" in said
    assert not (tmp_path / "tls").exists()
