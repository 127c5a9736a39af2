"""What the gateway shows to callers where it is reached over a network: a certificate with its DNS names.

The files are read again when something is renamed in their folder. A caller shows none: who calls
says the token.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.gateway.upstream_tls import TLS, file_of, in_file, resource

_SHOWN: Final = "shown"


@dataclass(frozen=True, slots=True)
class EdgeTls:
    """The side of the gateway that callers see.

    Attributes:
        certificate: PEM, then those between it and an authority that callers trust.
        key: its private key, PEM.
    """

    certificate: Path
    key: Path

    def socket(self) -> dict[str, Any]:
        """The part of the listener that is about its connections."""
        context = {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificate_sds_secret_configs": [in_file(_SHOWN)],
        }
        typed = {"@type": f"{TLS}.DownstreamTlsContext", "common_tls_context": context}
        return {"name": "envoy.transport_sockets.tls", "typed_config": typed}

    def secrets(self) -> dict[str, str]:
        """What Envoy reads of the files, by the name of the file in its own folder."""
        certificate, key = self.certificate.absolute(), self.key.absolute()
        shown = {
            "certificate_chain": {"filename": str(certificate)},
            "private_key": {"filename": str(key)},
            "watched_directory": {"path": str(certificate.parent)},
        }
        return {file_of(_SHOWN): resource(_SHOWN, {"tls_certificate": shown})}
