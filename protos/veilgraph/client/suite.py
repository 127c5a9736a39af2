"""The services as a caller sees them: one attribute a method, named as in the contract.

The surface is written out so that editors and type checkers know it; a test compares it with
the descriptors, so it can not fall behind the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from veilgraph.client.transport import Method, Transport
from veilgraph.consent.v1 import consent_pb2, rights_pb2
from veilgraph.engagement.v1 import definition_pb2, loyalty_pb2, profile_pb2
from veilgraph.identity.v1 import identity_pb2, keys_pb2, people_pb2, rules_pb2, tokens_pb2
from veilgraph.recommender.v1 import entitlement_pb2, jobs_pb2, recommender_pb2, search_pb2

#: attribute of ``Veilgraph`` -> full name of the service behind it.
SERVICES: Final[Mapping[str, str]] = {
    "identity": "veilgraph.identity.v1.IdentityService",
    "people": "veilgraph.identity.v1.PeopleService",
    "rules": "veilgraph.identity.v1.RulesService",
    "keys": "veilgraph.identity.v1.KeyService",
    "tokens": "veilgraph.identity.v1.TokenService",
    "consent": "veilgraph.consent.v1.ConsentService",
    "rights": "veilgraph.consent.v1.RightsService",
    "profile": "veilgraph.engagement.v1.ProfileService",
    "definitions": "veilgraph.engagement.v1.DefinitionService",
    "loyalty": "veilgraph.engagement.v1.LoyaltyService",
    "recommender": "veilgraph.recommender.v1.RecommenderService",
    "entitlements": "veilgraph.recommender.v1.EntitlementService",
    "jobs": "veilgraph.recommender.v1.JobService",
    "search": "veilgraph.recommender.v1.SearchService",
}


class Identity:
    """``veilgraph.identity.v1.IdentityService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = identity_pb2, SERVICES["identity"]
        self.Resolve = transport.unary(Method(service, "Resolve", pb.ResolveRequest, pb.ResolveResponse))
        self.Link = transport.unary(Method(service, "Link", pb.LinkRequest, pb.LinkResponse))
        self.Unlink = transport.unary(Method(service, "Unlink", pb.UnlinkRequest, pb.UnlinkResponse))
        self.Explain = transport.unary(Method(service, "Explain", pb.ExplainRequest, pb.ExplainResponse))


class People:
    """``veilgraph.identity.v1.PeopleService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = people_pb2, SERVICES["people"]
        self.GetPerson = transport.unary(
            Method(service, "GetPerson", pb.GetPersonRequest, pb.GetPersonResponse)
        )
        self.Translate = transport.unary(
            Method(service, "Translate", pb.TranslateRequest, pb.TranslateResponse)
        )
        self.Watch = transport.unary(Method(service, "Watch", pb.WatchRequest, pb.WatchResponse))


class Rules:
    """``veilgraph.identity.v1.RulesService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = rules_pb2, SERVICES["rules"]
        self.GetRules = transport.unary(Method(service, "GetRules", pb.GetRulesRequest, pb.GetRulesResponse))
        self.PreviewRules = transport.unary(
            Method(service, "PreviewRules", pb.PreviewRulesRequest, pb.PreviewRulesResponse)
        )
        self.ApplyRules = transport.unary(
            Method(service, "ApplyRules", pb.ApplyRulesRequest, pb.ApplyRulesResponse)
        )


class Keys:
    """``veilgraph.identity.v1.KeyService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = keys_pb2, SERVICES["keys"]
        self.GetKeys = transport.unary(Method(service, "GetKeys", pb.GetKeysRequest, pb.GetKeysResponse))
        self.RotateKeys = transport.unary(
            Method(service, "RotateKeys", pb.RotateKeysRequest, pb.RotateKeysResponse)
        )
        self.RetireKey = transport.unary(
            Method(service, "RetireKey", pb.RetireKeyRequest, pb.RetireKeyResponse)
        )
        self.DestroyKey = transport.unary(
            Method(service, "DestroyKey", pb.DestroyKeyRequest, pb.DestroyKeyResponse)
        )


class Tokens:
    """``veilgraph.identity.v1.TokenService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = tokens_pb2, SERVICES["tokens"]
        self.ExchangeToken = transport.unary(
            Method(service, "ExchangeToken", pb.ExchangeTokenRequest, pb.ExchangeTokenResponse)
        )


class Consent:
    """``veilgraph.consent.v1.ConsentService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = consent_pb2, SERVICES["consent"]
        self.Record = transport.unary(Method(service, "Record", pb.RecordRequest, pb.RecordResponse))
        self.GetState = transport.unary(Method(service, "GetState", pb.GetStateRequest, pb.GetStateResponse))
        self.History = transport.unary(Method(service, "History", pb.HistoryRequest, pb.HistoryResponse))


class Rights:
    """``veilgraph.consent.v1.RightsService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = rights_pb2, SERVICES["rights"]
        self.Access = transport.server_stream(Method(service, "Access", pb.AccessRequest, pb.AccessResponse))
        self.WhereFrom = transport.unary(
            Method(service, "WhereFrom", pb.WhereFromRequest, pb.WhereFromResponse)
        )
        self.Recipients = transport.unary(
            Method(service, "Recipients", pb.RecipientsRequest, pb.RecipientsResponse)
        )
        self.Restrict = transport.unary(Method(service, "Restrict", pb.RestrictRequest, pb.RestrictResponse))
        self.Object = transport.unary(Method(service, "Object", pb.ObjectRequest, pb.ObjectResponse))
        self.Lift = transport.unary(Method(service, "Lift", pb.LiftRequest, pb.LiftResponse))
        self.Erase = transport.unary(Method(service, "Erase", pb.EraseRequest, pb.EraseResponse))
        self.GetReceipt = transport.unary(
            Method(service, "GetReceipt", pb.GetReceiptRequest, pb.GetReceiptResponse)
        )


class Profile:
    """``veilgraph.engagement.v1.ProfileService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = profile_pb2, SERVICES["profile"]
        self.TrackBatch = transport.unary(
            Method(service, "TrackBatch", pb.TrackBatchRequest, pb.TrackBatchResponse)
        )
        self.Track = transport.duplex(Method(service, "Track", pb.TrackRequest, pb.TrackResponse))
        self.Declare = transport.unary(Method(service, "Declare", pb.DeclareRequest, pb.DeclareResponse))
        self.Portrait = transport.unary(Method(service, "Portrait", pb.PortraitRequest, pb.PortraitResponse))


class Definitions:
    """``veilgraph.engagement.v1.DefinitionService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = definition_pb2, SERVICES["definitions"]
        self.Apply = transport.unary(Method(service, "Apply", pb.ApplyRequest, pb.ApplyResponse))
        self.Describe = transport.unary(Method(service, "Describe", pb.DescribeRequest, pb.DescribeResponse))
        self.Approve = transport.unary(Method(service, "Approve", pb.ApproveRequest, pb.ApproveResponse))


class Loyalty:
    """``veilgraph.engagement.v1.LoyaltyService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = loyalty_pb2, SERVICES["loyalty"]
        self.Post = transport.unary(Method(service, "Post", pb.PostRequest, pb.PostResponse))
        self.Redeem = transport.unary(Method(service, "Redeem", pb.RedeemRequest, pb.RedeemResponse))
        self.Standing = transport.unary(Method(service, "Standing", pb.StandingRequest, pb.StandingResponse))


class Search:
    """``veilgraph.recommender.v1.SearchService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = search_pb2, SERVICES["search"]
        self.Search = transport.unary(Method(service, "Search", pb.SearchRequest, pb.SearchResponse))


class Recommender:
    """``veilgraph.recommender.v1.RecommenderService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = recommender_pb2, SERVICES["recommender"]
        self.Recommend = transport.unary(
            Method(service, "Recommend", pb.RecommendRequest, pb.RecommendResponse)
        )
        self.RecommendBatch = transport.unary(
            Method(service, "RecommendBatch", pb.RecommendBatchRequest, pb.RecommendBatchResponse)
        )
        self.UpsertItems = transport.unary(
            Method(service, "UpsertItems", pb.UpsertItemsRequest, pb.UpsertItemsResponse)
        )
        self.GetItem = transport.unary(Method(service, "GetItem", pb.GetItemRequest, pb.Item))
        self.DeleteItems = transport.unary(
            Method(service, "DeleteItems", pb.DeleteItemsRequest, pb.DeleteItemsResponse)
        )
        self.Train = transport.server_stream(Method(service, "Train", pb.TrainRequest, pb.TrainResponse))
        self.GetModel = transport.unary(Method(service, "GetModel", pb.GetModelRequest, pb.Model))


class Entitlements:
    """``veilgraph.recommender.v1.EntitlementService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = entitlement_pb2, SERVICES["entitlements"]
        self.SetEntitlement = transport.unary(
            Method(service, "SetEntitlement", pb.SetEntitlementRequest, pb.SetEntitlementResponse)
        )


class Jobs:
    """``veilgraph.recommender.v1.JobService``."""

    def __init__(self, transport: Transport) -> None:
        pb, service = jobs_pb2, SERVICES["jobs"]
        self.Evaluate = transport.server_stream(
            Method(service, "Evaluate", pb.EvaluateRequest, pb.EvaluateResponse)
        )
        self.GetEvaluation = transport.unary(
            Method(service, "GetEvaluation", pb.GetEvaluationRequest, pb.GetEvaluationResponse)
        )
        self.Rebuild = transport.server_stream(
            Method(service, "Rebuild", pb.RebuildRequest, pb.RebuildResponse)
        )
        self.Forget = transport.unary(Method(service, "Forget", pb.ForgetRequest, pb.ForgetResponse))


class Veilgraph:
    """A connection to the suite; close it, or use it as a context manager. Safe to share by threads.

    Attributes:
        identity: identifiers to subject ids, and the links between them.
        people: the map of people, for those who answer for it.
        rules: by what identifiers belong together, for those who decide it.
        keys: the keys of the deployment, for those who rotate them.
        tokens: logins of people, exchanged for tokens that speak for one.
        consent: what people allowed.
        rights: what people ask about themselves and have done.
        profile: events in, and a person's own events back.
        definitions: what may be offered to whom, for those who declare it.
        loyalty: what people earn by what they buy, and what it buys them.
        recommender: recommendations, and the catalogue.
        entitlements: who may see exclusive items.
        jobs: what an operator has the recommender do.
        search: searches of the catalogue.
    """

    def __init__(self, transports: Mapping[str, Transport], close: Callable[[], None]) -> None:
        """Made by ``connect`` and ``FakeVeilgraph``.

        Args:
            transports: what carries each service, by the keys of ``SERVICES``.
            close: gives back what the transports hold.
        """
        self.identity = Identity(transports["identity"])
        self.people = People(transports["people"])
        self.rules = Rules(transports["rules"])
        self.keys = Keys(transports["keys"])
        self.tokens = Tokens(transports["tokens"])
        self.consent = Consent(transports["consent"])
        self.rights = Rights(transports["rights"])
        self.profile = Profile(transports["profile"])
        self.definitions = Definitions(transports["definitions"])
        self.loyalty = Loyalty(transports["loyalty"])
        self.recommender = Recommender(transports["recommender"])
        self.entitlements = Entitlements(transports["entitlements"])
        self.jobs = Jobs(transports["jobs"])
        self.search = Search(transports["search"])
        self._close = close

    def close(self) -> None:
        """Ends the calls in flight and gives the connections back."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
