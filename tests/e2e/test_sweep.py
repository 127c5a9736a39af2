"""Every method of every running service, found by reflection, asked about a subject who refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import SERVICE_NAME

from services.contract import public_services, services
from services.deployment.development import CALLERS
from services.interceptors.chain import EXEMPT
from services.interceptors.declared import policy_of, rule_of
from tests.e2e.conftest import Shop
from tests.services.conftest import detail_of, reason_of
from veilgraph.consent.v1 import consent_pb2
from veilgraph.engagement.v1 import audience_pb2, decision_pb2, definition_pb2, loyalty_pb2, profile_pb2
from veilgraph.identity.v1 import identity_pb2, people_pb2
from veilgraph.privacy.v1 import privacy_pb2
from veilgraph.recommender.v1 import entitlement_pb2, recommender_pb2, search_pb2

#: Nobody can refuse these: recording and correcting what is held, and what is about no person.
UNREFUSABLE = {
    "/veilgraph.consent.v1.AuditService/GetHead",
    "/veilgraph.consent.v1.AuditService/ListBatches",
    "/veilgraph.consent.v1.AuditService/ProveConsistency",
    "/veilgraph.consent.v1.AuditService/ProveInclusion",
    "/veilgraph.consent.v1.ConsentService/Record",
    "/veilgraph.consent.v1.ConsentService/GetState",
    "/veilgraph.consent.v1.ConsentService/History",
    *(f"/veilgraph.consent.v1.RightsService/{method}" for method in ("Access", "WhereFrom", "Recipients")),
    *(f"/veilgraph.consent.v1.RightsService/{method}" for method in ("Restrict", "Object", "Lift")),
    *(f"/veilgraph.consent.v1.RightsService/{method}" for method in ("Erase", "GetReceipt")),
    "/veilgraph.engagement.v1.DecisionService/Review",
    "/veilgraph.engagement.v1.DecisionService/Why",
    *(f"/veilgraph.engagement.v1.DefinitionService/{method}" for method in ("Apply", "Describe", "Approve")),
    "/veilgraph.identity.v1.IdentityService/Unlink",
    *(
        f"/veilgraph.identity.v1.KeyService/{method}"
        for method in ("GetKeys", "RotateKeys", "RetireKey", "DestroyKey")
    ),
    "/veilgraph.identity.v1.PeopleService/GetPerson",
    *(
        f"/veilgraph.identity.v1.RulesService/{method}"
        for method in ("GetRules", "PreviewRules", "ApplyRules")
    ),
    "/veilgraph.identity.v1.TokenService/ExchangeToken",
    "/veilgraph.recommender.v1.RecommenderService/UpsertItems",
    "/veilgraph.recommender.v1.RecommenderService/GetItem",
    "/veilgraph.recommender.v1.RecommenderService/DeleteItems",
    "/veilgraph.recommender.v1.RecommenderService/Train",
    "/veilgraph.recommender.v1.RecommenderService/GetModel",
    *(
        f"/veilgraph.recommender.v1.JobService/{method}"
        for method in ("Evaluate", "GetEvaluation", "Rebuild", "Forget")
    ),
}
RECOMMEND = privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND
FOR_YOU = recommender_pb2.RECIPE_FOR_YOU

#: Of whom a language is known; of the one who refused it was not even recorded.
EVERYBODY = definition_pb2.Condition(
    nodes=[{"compare": {"field": "attribute.language", "comparison": 2, "text": "xx"}}]
)

Request = Callable[[Shop, str], Any]
REQUESTS: dict[str, Request] = {
    "Resolve": lambda shop, subject: identity_pb2.ResolveRequest(
        identifiers=[{"kind": 1, "sha256": shop.digest("refuser")}]
    ),
    "Link": lambda shop, subject: identity_pb2.LinkRequest(
        links=[
            {
                "subject": subject,
                "other": subject,
                "evidence": 1,
                "source": "web",
                "observed_at": shop.now(),
            }
        ],
        request_id=shop.request_id(),
    ),
    "Translate": lambda shop, subject: people_pb2.TranslateRequest(
        items=[{"subject": subject}], recipient="partner"
    ),
    "Watch": lambda shop, subject: people_pb2.WatchRequest(for_purpose=RECOMMEND),
    "Explain": lambda shop, subject: identity_pb2.ExplainRequest(
        subject=subject, other=subject, for_purpose=RECOMMEND
    ),
    "TrackBatch": lambda shop, subject: profile_pb2.TrackBatchRequest(
        events=[shop.event("1", subject, "tea")]
    ),
    "Track": lambda shop, subject: profile_pb2.TrackRequest(events=[shop.event("2", subject, "tea")]),
    "Declare": lambda shop, subject: profile_pb2.DeclareRequest(
        subject=subject, replace_all=True, origin="quiz", request_id=shop.request_id()
    ),
    "RecordAttributes": lambda shop, subject: profile_pb2.RecordAttributesRequest(
        values=[
            {
                "subject": subject,
                "attribute": profile_pb2.ATTRIBUTE_LANGUAGE,
                "value": "de",
                "observed_at": shop.now(),
                "source": {"party": profile_pb2.PARTY_FIRST, "origin": "till"},
            }
        ]
    ),
    "Decide": lambda shop, subject: decision_pb2.DecideRequest(
        subject=subject, for_purpose=RECOMMEND, slot="home.banner", request_id=shop.request_id()
    ),
    "DecideBatch": lambda shop, subject: decision_pb2.DecideBatchRequest(
        items=[{"subject": subject}], for_purpose=RECOMMEND, slot="home.banner", request_id=shop.request_id()
    ),
    "Due": lambda shop, subject: decision_pb2.DueRequest(for_purpose=RECOMMEND),
    "Report": lambda shop, subject: decision_pb2.ReportRequest(
        subject=subject,
        decision_id="0" * 32,
        outcome=decision_pb2.DECISION_OUTCOME_CLICK,
        request_id=shop.request_id(),
    ),
    "Post": lambda shop, subject: loyalty_pb2.PostRequest(
        postings=[
            {
                "posting_id": shop.request_id(),
                "subject": subject,
                "programme_id": "guests",
                "kind": loyalty_pb2.POSTING_KIND_EARN,
                "points": 1,
                "occurred_at": shop.now(),
                "reference": "order-1",
            }
        ]
    ),
    "Redeem": lambda shop, subject: loyalty_pb2.RedeemRequest(
        subject=subject,
        action=loyalty_pb2.REDEEM_ACTION_RESERVE,
        programme_id="guests",
        reward_id="cup",
        request_id=shop.request_id(),
    ),
    "Standing": lambda shop, subject: loyalty_pb2.StandingRequest(subject=subject),
    "CountAudience": lambda shop, subject: audience_pb2.CountAudienceRequest(
        for_purpose=RECOMMEND, condition=EVERYBODY
    ),
    "ListAudience": lambda shop, subject: audience_pb2.ListAudienceRequest(
        for_purpose=RECOMMEND, condition=EVERYBODY
    ),
    "Portrait": lambda shop, subject: profile_pb2.PortraitRequest(subject=subject, for_purpose=RECOMMEND),
    "Recommend": lambda shop, subject: recommender_pb2.RecommendRequest(subject=subject, recipe=FOR_YOU),
    "SetEntitlement": lambda shop, subject: entitlement_pb2.SetEntitlementRequest(
        entitlements=[{"subject": subject, "item_id": "tea"}], request_id=shop.request_id()
    ),
    "Search": lambda shop, subject: search_pb2.SearchRequest(subject=subject, query="tea"),
    "RecommendBatch": lambda shop, subject: recommender_pb2.RecommendBatchRequest(
        requests=[{"subject": subject, "recipe": FOR_YOU}]
    ),
}


#: A stream that the service has ended while the client library still sends is told as that, in the place of
#: the service's answer; it is asked again.
_SENDING, ATTEMPTS = "SendMessageOperation", 5
#: Methods of libraries: their contracts declare no policy.
LIBRARY = (*EXEMPT, f"/{SERVICE_NAME}/")


async def reflected(channel: grpc.aio.Channel, shop: Shop) -> list[Any]:
    """The methods a server tells an operator that it has, as descriptors."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked, operator = reflection_pb2.ServerReflectionRequest, shop.metadata_of("operator")

    async def one(request: Any) -> Any:
        return await anext(aiter(stub.ServerReflectionInfo(iter([request]), metadata=operator)))

    names = [s.name for s in (await one(asked(list_services=""))).list_services_response.service]
    methods = []
    for name in names:
        answer = await one(asked(file_containing_symbol=name))
        file = descriptor_pb2.FileDescriptorProto.FromString(
            answer.file_descriptor_response.file_descriptor_proto[0]
        )
        service = descriptor_pool.Default().FindServiceByName(name)
        assert service.file.name == file.name
        methods += service.methods
    return methods


def wire_name(method: Any) -> str:
    """The method's path on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


async def answers(channel: grpc.aio.Channel, method: Any, request: Any, metadata: Any) -> list[Any]:
    """What a method answers to one request, whatever its kind."""
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    response_type = message_factory.GetMessageClass(method.output_type)
    call = kinds[method.client_streaming, method.server_streaming](
        wire_name(method),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_type.FromString,
    )
    for attempt in range(ATTEMPTS):
        sent = iter([request]) if method.client_streaming else request
        started = call(sent, metadata=metadata)
        try:
            return [answer async for answer in started] if method.server_streaming else [await started]
        except grpc.aio.AioRpcError as error:
            if _SENDING not in str(error.debug_error_string()) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _named_in(answer: Any) -> Any:
    """What names people in an answer about whom the caller did not name; ``None`` in others."""
    lists = {
        decision_pb2.DueResponse: "decisions",
        people_pb2.WatchResponse: "changes",
        audience_pb2.ListAudienceResponse: "subjects",
    }
    return getattr(answer, lists[type(answer)]) if type(answer) in lists else None


def refused_or_degraded(method: Any, answer: Any) -> bool:
    """Whether an answer says no to its one element, or says that it is not personal."""
    if isinstance(answer, recommender_pb2.RecommendResponse | search_pb2.SearchResponse):
        return answer.depth < recommender_pb2.DEPTH_INDIVIDUAL and answer.depth_reason == "NOT_PERMITTED"
    if isinstance(answer, recommender_pb2.RecommendBatchResponse):
        return all(refused_or_degraded(method, one) for one in answer.responses)
    if isinstance(answer, decision_pb2.DecideResponse):
        return answer.depth_reason == "NOT_PERMITTED"
    if isinstance(answer, decision_pb2.DecideBatchResponse):
        return all(refused_or_degraded(method, one) for one in answer.decisions)
    named = _named_in(answer)
    if named is not None:
        return not named
    if isinstance(
        answer, identity_pb2.ResolveResponse | identity_pb2.LinkResponse | people_pb2.TranslateResponse
    ):
        return [result.error.reason for result in answer.results] == ["NOT_PERMITTED"]
    if isinstance(answer, audience_pb2.CountAudienceResponse):
        return answer.suppressed
    if isinstance(
        answer,
        profile_pb2.DeclareResponse
        | decision_pb2.ReportResponse
        | loyalty_pb2.RedeemResponse
        | loyalty_pb2.StandingResponse,
    ):
        return False  # it refuses by its status alone
    return [error.reason for error in answer.refused] == ["NOT_PERMITTED"]


async def test_a_refused_subject_is_refused_by_every_method_of_every_service(shop):
    """Denied or degraded as declared; the methods nobody can refuse are listed by name."""
    subject = await shop.subject("refuser")
    await shop.say(
        consent_pb2.ACTION_REFUSE, subject, "service", "personalise", "identity", "analytics", "loyalty"
    )
    swept, unrefusable = set(), set()
    for channel in shop.channels.values():
        for method in await reflected(channel, shop):
            name = wire_name(method)
            if any(name.startswith(prefix) for prefix in LIBRARY):
                continue
            if policy_of(method).internal:
                continue  # no caller's at all, see below
            if policy_of(method).purpose in {"rights", "operate"}:
                unrefusable.add(name)
                continue
            request = REQUESTS[method.name](shop, subject)
            try:
                got = await answers(channel, method, request, shop.metadata)
            except grpc.aio.AioRpcError as error:
                assert reason_of(error) == "NOT_PERMITTED", name
            else:
                assert all(refused_or_degraded(method, answer) for answer in got), (name, got)
            swept.add(method.name)
    assert swept == set(REQUESTS)
    assert unrefusable == UNREFUSABLE


async def test_no_caller_may_call_what_is_internal(shop):
    """Neither reading nor writing, on any server, with whatever scopes a configured caller holds."""
    refused = set()
    for channel in shop.channels.values():
        for method in await reflected(channel, shop):
            if any(wire_name(method).startswith(prefix) for prefix in LIBRARY):
                continue
            if not policy_of(method).internal:
                continue
            empty = message_factory.GetMessageClass(method.input_type)()
            for caller in CALLERS:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await answers(channel, method, empty, shop.metadata_of(caller))
                assert reason_of(caught.value) == "SCOPE_NOT_GRANTED_TO_CALLER", wire_name(method)
            refused.add(method.full_name)
    declared = {method.full_name for service in services() for method in service.methods}
    public = {method.full_name for one in public_services().values() for method in one.methods}
    assert refused == declared - public


async def test_a_batch_beyond_its_limit_is_refused_whole_by_every_method_that_takes_one(shop):
    """With the reason and the field, before any element is looked at."""
    limits = {}
    for channel in shop.channels.values():
        for method in await reflected(channel, shop):
            if any(wire_name(method).startswith(prefix) for prefix in LIBRARY):
                continue
            name = policy_of(method).items
            if not name:
                continue
            limits[method.name] = rule_of(method.input_type.fields_by_name[name]).limits.max_items
            caller = "shop" if policy_of(method).caller_scope in CALLERS["shop"][0] else "importer"
            request = message_factory.GetMessageClass(method.input_type)()
            for _ in range(limits[method.name] + 1):
                getattr(request, name).add()
            try:
                (answer,) = await answers(channel, method, request, shop.metadata_of(caller))
                told = [(error.index, error.reason, error.field) for error in answer.refused]
            except grpc.aio.AioRpcError as error:
                violation = detail_of(error, error_details_pb2.BadRequest).field_violations[0]
                told = [(-1, reason_of(error), violation.field)]
            assert told == [(-1, "TOO_MANY_ITEMS", name)], method.name
    assert limits == {
        "Resolve": 5000,
        "Link": 5000,
        "Translate": 1000,
        "Record": 500,
        "TrackBatch": 1000,
        "Track": 1000,
        "RecordAttributes": 1000,
        "DecideBatch": 500,
        "Post": 1000,
        "RecommendBatch": 100,
        "SetEntitlement": 1000,
        "UpsertItems": 5000,
    }


async def test_every_method_wants_a_caller(shop):
    """Without a token no method of the contract answers, on any server, and none says which there are."""
    for channel in shop.channels.values():
        for method in await reflected(channel, shop):
            if any(wire_name(method).startswith(prefix) for prefix in EXEMPT):
                continue
            empty = message_factory.GetMessageClass(method.input_type)()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await answers(channel, method, empty, ())
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED, wire_name(method)
