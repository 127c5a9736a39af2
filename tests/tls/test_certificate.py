"""A process shows the newest certificate that can be used, and never loses the one it has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.deployment.dev_ca import files_of
from services.tls.certificate import Certificate
from services.tls.material import CertificateUnusable
from tests.tls.world import CONSENT, DOMAIN, made, now_ms, sign


class Followed:
    """Consent's certificate, and what is said of it."""

    def __init__(self, folder):
        self.folder = folder
        self.said = []
        self.files = files_of(folder, CONSENT)
        self.held = Certificate(self.files, CONSENT, now_ms, self.said.append)


@pytest.fixture
def followed(tmp_path):
    return Followed(made(tmp_path))


def test_a_process_does_not_start_without(tmp_path):
    with pytest.raises(CertificateUnusable, match="No such file"):
        Certificate(files_of(tmp_path, CONSENT), CONSENT, now_ms, print)


def test_files_that_stay_are_not_read_again(followed):
    before = followed.held.material
    followed.held.follow()
    assert followed.held.material is before
    assert not followed.said


def test_a_new_certificate_is_taken_up(followed):
    before = followed.held.material
    made(followed.folder, renew=True)
    followed.held.follow()
    assert followed.held.material.certificate == followed.files.certificate.read_bytes()
    assert followed.held.material.certificate != before.certificate
    assert followed.said == [f"a new certificate of spiffe://{DOMAIN}/service/consent is in use\n"]


@pytest.mark.parametrize("name", ["certificate", "key", "ca"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_broken_file_is_told_once_and_the_one_before_stays(followed, name, content):
    """Until it is whole again."""
    path, before = getattr(followed.files, name), followed.held.material
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for _ in range(3):
        followed.held.follow()
    assert followed.held.material is before
    (line,) = followed.said
    assert line.startswith(f"the certificate of {CONSENT} stays in use; {path}: ")
    path.write_bytes(whole)
    path.chmod(0o600)
    made(followed.folder, renew=True)
    followed.held.follow()
    assert followed.held.material.certificate != before.certificate


def test_a_certificate_without_its_key_is_waited_for(followed):
    """Two files do not change at once: in between, the pair before stays."""
    before = followed.held.material
    signed = sign(followed.folder, str(CONSENT), dns=(CONSENT.dns_name,))
    followed.files.certificate.write_bytes(signed.certificate)
    followed.held.follow()
    assert followed.held.material is before
    followed.files.key.write_bytes(signed.key)
    followed.held.follow()
    assert followed.held.material.key == signed.key


def test_one_that_is_not_valid_yet_is_taken_up_when_it_is(tmp_path):
    """Without its files changing again."""
    clock, said = [now_ms()], []
    files = files_of(made(tmp_path), CONSENT)
    held = Certificate(files, CONSENT, lambda: clock[0], said.append)
    signed = sign(tmp_path, str(CONSENT), dns=(CONSENT.dns_name,), begins=timedelta(minutes=5))
    signed.write(files)
    held.follow()
    assert "not valid now" in said.pop()
    clock[0] += 301_000
    held.follow()
    assert held.material.key == signed.key


def test_what_is_said_of_a_certificate_shows_no_key(followed):
    followed.files.certificate.write_bytes(followed.files.key.read_bytes())
    followed.held.follow()
    assert "PRIVATE" not in "".join(followed.said)
    assert followed.files.key.read_text().splitlines()[1] not in "".join(followed.said)


def test_a_certificate_that_nobody_replaces_is_told_of_once(tmp_path):
    """Three quarters into its life; a new one is told of anew."""
    clock, said = [now_ms()], []
    files = files_of(made(tmp_path), CONSENT)
    held = Certificate(files, CONSENT, lambda: clock[0], said.append)
    for end_ms in (held.material.late_ms - 1, held.material.late_ms, held.material.expire_ms):
        clock[0] = end_ms
        held.follow()
    (line,) = said
    assert "three quarters of its life are over" in line
    signed = sign(tmp_path, str(CONSENT), dns=(CONSENT.dns_name,), ends=timedelta(days=60))
    signed.write(files)
    held.follow()
    assert "a new certificate" in said.pop()
    clock[0] = held.material.late_ms
    held.follow()
    assert "three quarters of its life are over" in said.pop()
