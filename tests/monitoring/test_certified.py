"""The end of a certificate is that of the one in use."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from services.monitoring.certified import watch_certificates
from services.tls.certificate import Certificate
from tests.conftest import Clock
from tests.tls.world import CONSENT, files_of, made, now_ms


def test_a_certificate_that_was_renewed_ends_later(tmp_path):
    registry, clock = CollectorRegistry(), Clock(now_ms())
    certificate = Certificate(files_of(made(tmp_path), CONSENT), CONSENT, clock, print)
    watch_certificates(registry, {"consent": certificate})
    name, labels = "veilgraph_certificate_expires_timestamp_seconds", {"service": "consent"}
    assert registry.get_sample_value(name, labels) == certificate.material.expire_ms / 1000
    made(tmp_path, renew=True)
    before = certificate.material
    certificate.follow()
    assert certificate.material is not before
    assert registry.get_sample_value(name, labels) == certificate.material.expire_ms / 1000
