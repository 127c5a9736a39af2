"""How Envoy calls services that take certificates: it shows its own, and takes each service for itself only.

The files are named in secrets of their own (SDS), which Envoy reads again when something is renamed
in their folder. The certificate says that this is the gateway; who calls, the token says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.tls.material import Files
from services.tls.spiffe import SpiffeId

_TLS: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE: Final = "certificate"
_AUTHORITIES: Final = "authorities"
#: A connection is left after so long, so that what is shown is never a certificate of long ago.
CONNECTIONS: Final[dict[str, Any]] = {"common_http_protocol_options": {"max_connection_duration": "600s"}}


@dataclass(frozen=True, slots=True)
class GatewayTls:
    """The gateway's side.

    Attributes:
        files: where its certificate lies.
        trust_domain: in which the services have their names.
    """

    files: Files
    trust_domain: str

    def toward(self, identity: SpiffeId, protocols: Sequence[str] = ("h2",)) -> dict[str, Any]:
        """The part of a cluster that is about its connections: to whom, and what is spoken there."""
        named = {"san_type": "URI", "matcher": {"exact": str(identity)}}
        context = {
            "alpn_protocols": list(protocols),
            # Envoy's own newest version as a client is 1.2.
            "tls_params": dict.fromkeys(
                ("tls_minimum_protocol_version", "tls_maximum_protocol_version"), "TLSv1_3"
            ),
            "tls_certificate_sds_secret_configs": [_secret(_CERTIFICATE)],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": [named]},
                "validation_context_sds_secret_config": _secret(_AUTHORITIES),
            },
        }
        typed = {
            "@type": f"{_TLS}.UpstreamTlsContext",
            "sni": identity.dns_name,
            "max_session_keys": 0,  # every connection shows the certificate anew
            "common_tls_context": context,
        }
        return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": typed}}

    def secrets(self) -> dict[str, str]:
        """What Envoy reads of the files, by the name of the file in its own folder."""
        certificate, key, ca = (path.absolute() for path in self.files.paths)
        shown = {
            "certificate_chain": {"filename": str(certificate)},
            "private_key": {"filename": str(key)},
            "watched_directory": {"path": str(certificate.parent)},
        }
        trusted = {
            "trusted_ca": {"filename": str(ca)},
            "watched_directory": {"path": str(ca.parent)},
        }
        return {
            _file(_CERTIFICATE): _resource(_CERTIFICATE, {"tls_certificate": shown}),
            _file(_AUTHORITIES): _resource(_AUTHORITIES, {"validation_context": trusted}),
        }


def _secret(name: str) -> dict[str, Any]:
    # Without a folder in it Envoy does not take it for the path of a file.
    source = {"path_config_source": {"path": f"./{_file(name)}"}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def _file(name: str) -> str:
    return f"{name}.json"


def _resource(name: str, secret: dict[str, Any]) -> str:
    return json.dumps({"resources": [{"@type": f"{_TLS}.Secret", "name": name, **secret}]}, indent=2)
