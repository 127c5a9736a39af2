"""No answer of any service tells why a person may not be asked about, or whether there is one.

Every method is asked about people who may not be asked about, each for another reason: one who
refused, one who withdrew, one whose grant ran out, one never asked, one nobody knows. Codes,
texts, details, metadata and messages are compared byte by byte, of calls that have one request
id; only the epoch is left out, for some calls are writes.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import message_factory

from identity.ids import SubjectId
from identity.pairwise import Pairwise
from services.interceptors.declared import policy_of
from tests.e2e.conftest import Shop
from tests.e2e.test_sweep import LIBRARY, REQUESTS, reflected, refused_or_degraded, wire_name
from tests.services.conftest import reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import decision_pb2
from veilgraph.identity.v1 import identity_pb2, people_pb2

EVERYTHING = ("service", "personalise", "identity", "analytics", "loyalty")
HOUR_MS = 3_600_000
#: These may be used without a record: the never asked and the expired are served.
NEEDS_NO_GRANT = {"Resolve", "TrackBatch", "Track", "Declare", "SetEntitlement", "RecordAttributes", "Report"}
REQUEST_ID = ("x-request-id", "01234567-89ab-cdef-0123-456789abcdef")


async def people(shop: Shop) -> dict[str, str]:
    """By the value of their identifier the subjects who may not be asked about."""
    found = {value: await shop.subject(value) for value in ("refuser", "withdrawer", "expired", "silent")}
    await shop.say(consent_pb2.ACTION_REFUSE, found["refuser"], *EVERYTHING)
    await shop.grant(found["withdrawer"], *EVERYTHING)
    end = {"seconds": (shop.clock.now_ms + HOUR_MS) // 1000}
    await shop.say(consent_pb2.ACTION_GRANT, found["expired"], *EVERYTHING, valid_until=end)
    shop.clock.now_ms += 2 * HOUR_MS
    await shop.withdraw(found["withdrawer"], *EVERYTHING)
    config = shop.suite.process.config
    pairwise = Pairwise(config.keyring, config.tenant, "shop")
    return found | {"nobody": pairwise.seal(SubjectId(b"nobody knows me."))}


async def told(channel: grpc.aio.Channel, method: Any, request: Any, shop: Shop) -> tuple[bytes, ...] | None:
    """Everything a caller is told; ``None`` when it is not told no."""
    kinds = {
        (False, False): channel.unary_unary,
        (True, True): channel.stream_stream,
    }
    response_type = message_factory.GetMessageClass(method.output_type)
    call = kinds[method.client_streaming, method.server_streaming](wire_name(method))
    raw = request.SerializeToString()
    started = call(iter([raw]) if method.client_streaming else raw, metadata=(*shop.metadata, REQUEST_ID))
    try:
        got = [one async for one in started] if method.server_streaming else [await started]
    except grpc.aio.AioRpcError as error:
        if reason_of(error) == "DECISION_UNKNOWN":
            return None  # who may be asked about is told that there is no such decision
        pairs = (*error.initial_metadata(), *error.trailing_metadata())
        metadata = [f"{key}={value!r}".encode() for key, value in pairs]
        return (error.code().name.encode(), error.details().encode(), *metadata)
    answers = [response_type.FromString(one) for one in got]
    if not all(refused_or_degraded(method, answer) for answer in answers):
        return None
    for answer in answers:
        answer.ClearField("consent_epoch")
        if isinstance(answer, people_pb2.WatchResponse):
            answer.ClearField("cursor")  # random, another one at every call
        for decision in _decisions_in(answer):
            decision.ClearField("decision_id")  # of the caller and its request id, another one at every call
    metadata = [f"{key}={value!r}".encode() for key, value in await started.trailing_metadata()]
    return (b"OK", *metadata, *(answer.SerializeToString() for answer in answers))


def _decisions_in(answer: Any) -> list[Any]:
    if isinstance(answer, decision_pb2.DecideBatchResponse):
        return list(answer.decisions)
    return [answer] if isinstance(answer, decision_pb2.DecideResponse) else []


async def test_every_method_of_every_service_answers_them_all_alike(shop):
    """Refused, withdrawn, expired, never asked and unknown are one answer wherever they are denied."""
    subjects = await people(shop)
    asked = set()
    for channel in shop.channels.values():
        for method in await reflected(channel, shop):
            if any(wire_name(method).startswith(prefix) for prefix in LIBRARY) or method.name not in REQUESTS:
                continue
            assert policy_of(method).purpose not in {"rights", "operate"}
            denied = {}
            for value, subject in subjects.items():
                if method.name != "Resolve":
                    request = REQUESTS[method.name](shop, subject)
                elif value == "nobody":  # to resolve an identifier is to make it known
                    continue
                else:
                    digest = {"kind": 1, "sha256": shop.digest(value)}
                    request = identity_pb2.ResolveRequest(identifiers=[digest])
                answer = await told(channel, method, request, shop)
                if answer is not None:
                    denied[value] = answer
            assert len(set(denied.values())) == 1, (method.name, denied)
            served = {"expired", "silent"} if method.name in NEEDS_NO_GRANT else set()
            assert set(denied) >= set(subjects) - served - {"nobody"}, (method.name, set(denied))
            assert method.name == "Resolve" or "nobody" in denied
            asked.add(method.name)
    assert asked == set(REQUESTS)
