"""Until when the certificates of a process are ones, as a metric."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from services.tls.certificate import Certificate


def watch_certificates(registry: CollectorRegistry, certificates: Mapping[str, Certificate]) -> None:
    """Registers ``veilgraph_certificate_expires_timestamp_seconds``, by service."""
    gauge = Gauge(
        "veilgraph_certificate_expires_timestamp_seconds",
        "When the certificate in use ends, seconds since the epoch, by service.",
        ["service"],
        registry=registry,
    )
    for service, certificate in certificates.items():
        gauge.labels(service).set_function(partial(_ends_s, certificate))


def _ends_s(certificate: Certificate) -> float:
    """Of the one in use by now."""
    return certificate.material.expire_ms / 1000
