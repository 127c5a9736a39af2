"""Four processes that show certificates are the suite that one is, and nobody else gets in."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

import grpc
import pytest

from services.deployment.dev_ca import caller_id, files_of
from services.deployment.development import TRUST_DOMAIN
from services.doctor.finding import Severity
from services.tls.credentials import Secured, open_channel
from services.tls.material import read
from services.tls.spiffe import service_id
from tests.conftest import Clock
from tests.e2e.conftest import STUBS, Shop, quartet_in
from tests.services.typed import typed
from veilgraph.identity.v1 import identity_pb2


def secured(folder, caller: str, service: str) -> Secured:
    """What a caller shows to a service."""
    identity = caller_id(TRUST_DOMAIN, caller)
    shown = read(files_of(folder / "tls", identity), identity, time.time_ns() // 1_000_000)
    return Secured(shown, service_id(TRUST_DOMAIN, service))


class CertifiedShop(Shop):
    """The shop with a certificate instead of a token."""

    def __init__(self, suite, clock, folder, log) -> None:
        super().__init__(suite, clock, folder, log, "shop")
        self.metadata = ()
        self.bare = self.channels
        self.channels = {}
        for name, stub in STUBS.items():
            address = suite.process.config.listen[name]
            self.channels[name] = open_channel(name, address, (), secured(folder, "shop", name))
            setattr(self, name, stub(self.channels[name]))

    async def close(self) -> None:
        await super().close()
        for channel in self.bare.values():
            await channel.close()


def asking(folder: Path) -> dict[tuple[object, ...], str]:
    """Ways to ask for the keys by the command, and what it says then."""
    bare = ("--config", folder / "suite.toml", "--token", folder / "tokens/operator")
    operator = files_of(folder / "tls", caller_id(TRUST_DOMAIN, "operator"))
    service = files_of(folder / "tls", service_id(TRUST_DOMAIN, "consent"))
    return {
        ("--folder", folder): "identifier v1, active",
        (*bare, "--certificate", operator.certificate, "--key", operator.key): "identifier v1, active",
        (*bare, "--certificate", operator.certificate, "--key", service.key): "not the key of operator.pem",
        (*bare, "--certificate", service.certificate, "--key", service.key): "no caller of the configuration",
        bare: "take no call without",
    }


async def test_four_processes_with_certificates_serve_one_household(tmp_path):
    """Births, links, statements and events go from service to service as they do without."""
    clock, log = Clock(time.time_ns() // 1_000_000), io.StringIO()
    async with quartet_in(tmp_path, clock, log, tls=True) as suite:
        shop = CertifiedShop(suite, clock, tmp_path, log)
        one, other = await shop.subject("one"), await shop.subject("other")
        for subject in (one, other):
            await shop.grant(subject)
        assert (await shop.link(one, other)).linked
        await shop.track(shop.event("1", one, "tea"))
        assert (await shop.portrait(other)).total_events == 1
        await shop.withdraw(one, "personalise.recommend")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.portrait(other)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        bare = STUBS["identity"](shop.bare["identity"])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await bare.Resolve(identity_pb2.ResolveRequest(), metadata=shop.metadata_of("shop"), timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await shop.close()
        for words, says in asking(tmp_path).items():
            code, said = await asyncio.to_thread(typed, "keys", *words, "status")
            assert says in said, said
        code, said = await asyncio.to_thread(typed, "doctor", tmp_path / "suite.toml")
        assert code < Severity.ERROR, said
    assert "CALLER_UNAUTHENTICATED" not in log.getvalue()
