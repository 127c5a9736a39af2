"""The gRPC connection: tokens, deadlines, retries and errors against a real server."""

import threading
import time
from concurrent import futures
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from tests.tls.world import DOMAIN, made, sign
from veilgraph.client import (
    Cancelled,
    Denied,
    NotServed,
    TooLate,
    Unauthenticated,
    Unavailable,
    connect,
    email,
)
from veilgraph.client.suite import SERVICES
from veilgraph.engagement.v1 import profile_pb2, profile_pb2_grpc
from veilgraph.identity.v1 import identity_pb2, identity_pb2_grpc
from veilgraph.recommender.v1 import recommender_pb2, recommender_pb2_grpc

JANE = identity_pb2.ResolveRequest(identifiers=[email("jane@example.com")])
TOKEN = "eyJ0.eyJ0.c2ln"  # the form of a token; the fake server verifies nothing
AWAY_S = 1.5
SLOW_S = 30.0  # passes even on a busy machine; no test waits for it


def _refusal(code: grpc.StatusCode, reason: str) -> tuple[grpc.StatusCode, tuple]:
    wrapped = any_pb2.Any()
    wrapped.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="veilgraph"))
    status = status_pb2.Status(code=code.value[0], details=[wrapped])
    return code, (("grpc-status-details-bin", status.SerializeToString()),)


class _Suite(
    identity_pb2_grpc.IdentityServiceServicer,
    profile_pb2_grpc.ProfileServiceServicer,
    recommender_pb2_grpc.RecommenderServiceServicer,
):
    """A server that fails as it is told before it answers."""

    def __init__(self):
        self.refusals = []
        self.metadata = []
        self.epoch = 0
        self.time_left = []
        self.held = threading.Event()
        self.reached = threading.Event()
        self.tracked = []

    def Resolve(self, request, context):
        self.metadata.append(dict(context.invocation_metadata()))
        self.time_left.append(context.time_remaining())
        if self.refusals:
            code, trailing = self.refusals.pop(0)
            context.set_trailing_metadata(trailing)
            context.abort(code, "told to")
        results = [identity_pb2.ResolveResult(subject="s") for _ in request.identifiers]
        return identity_pb2.ResolveResponse(results=results, consent_epoch=self.epoch)

    def Link(self, _request, _context):
        self.reached.set()
        self.held.wait(SLOW_S)
        return identity_pb2.LinkResponse()

    def Track(self, request_iterator, context):
        self.time_left.append(context.time_remaining())
        for position, request in enumerate(request_iterator, 1):
            self.tracked.append(request)
            yield profile_pb2.TrackResponse(message=position)

    def Train(self, _request, context):
        context.add_callback(self.held.set)
        yield recommender_pb2.TrainResponse(step="gram")
        self.held.wait(SLOW_S)
        context.set_trailing_metadata(_refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")[1])
        context.abort(grpc.StatusCode.UNAVAILABLE, "told to")


class Identity:
    """A workload of an authority in a folder; the server's certificate names this machine, too."""

    def __init__(self, folder, path):
        made(folder)
        signed = sign(folder, f"spiffe://{DOMAIN}/{path}", dns=("localhost",))
        self.certificate, self.key = signed
        self.ca = (folder / "ca.pem").read_bytes()

    def channel(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)

    def server(self) -> grpc.ServerCredentials:
        return grpc.ssl_server_credentials([(self.key, self.certificate)], self.ca, require_client_auth=True)


@contextmanager
def _serving(suite: _Suite, credentials=None, at="127.0.0.1:0"):
    with futures.ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(suite, server)
        profile_pb2_grpc.add_ProfileServiceServicer_to_server(suite, server)
        recommender_pb2_grpc.add_RecommenderServiceServicer_to_server(suite, server)
        port = server.add_secure_port(at, credentials) if credentials else server.add_insecure_port(at)
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            suite.held.set()
            server.stop(0).wait()


@pytest.fixture
def suite():
    """A server that answers at once unless told otherwise."""
    return _Suite()


@pytest.fixture
def address(suite):
    """Where the server listens."""
    with _serving(suite) as address:
        yield address


@pytest.fixture
def veil(address):
    """A connection to it with time to spare."""
    with connect(address, token=TOKEN, timeout_s=SLOW_S) as veil:
        yield veil


def test_a_call_carries_the_token_as_a_bearer(veil, suite):
    """The services read the caller from ``authorization`` and from nowhere else."""
    assert veil.identity.Resolve(JANE).results[0].subject == "s"
    assert suite.metadata[0]["authorization"] == f"Bearer {TOKEN}"


def test_a_token_function_is_asked_at_each_call(address, suite):
    """A token that is renewed is used from the next call on."""
    tokens = iter(["one", "two"])
    with connect(address, token=lambda: next(tokens)) as veil:
        veil.identity.Resolve(JANE)
        veil.identity.Resolve(JANE)
    assert [metadata["authorization"] for metadata in suite.metadata] == ["Bearer one", "Bearer two"]


def test_a_connection_names_the_newest_epoch_it_has_seen(address, suite):
    """Whichever method answered with it, waiting or not; an older answer takes nothing back."""
    with connect(address, token=TOKEN, timeout_s=SLOW_S) as veil:
        for suite.epoch in (0, 7, 9, 8):
            veil.identity.Resolve(JANE)
        veil.identity.Resolve.future(JANE).result()
    assert [metadata.get("x-min-epoch") for metadata in suite.metadata] == [None, None, "7", "9", "9"]
    with connect(address, token=TOKEN, timeout_s=SLOW_S) as other:
        other.identity.Resolve(JANE)
    assert "x-min-epoch" not in suite.metadata[-1]


@pytest.mark.parametrize("token", ["", "a b", "geheim\n", "gehe\u00efm"])
def test_a_bad_token_is_refused_and_never_repeated(address, token):
    """A newline from a file must not print the token in a traceback."""
    with connect(address, token=token) as veil, pytest.raises(ValueError, match=r"^not a bearer token$"):
        veil.identity.Resolve(JANE)


@pytest.mark.parametrize(
    "target",
    [
        "suite.example:443",
        "10.0.0.7:8080",
        "0.0.0.0:8080",
        "127.0.0.1.evil.example:80",
        "localhost:80@evil.example",
        "dns:///suite.example:443",
        "[::2]:8080",
    ],
)
def test_a_token_never_leaves_this_host_unencrypted(target):
    """Only loopback and Unix sockets may be spoken to in the clear."""
    with pytest.raises(ValueError, match="tls="):
        connect(target, token=TOKEN)


@pytest.mark.parametrize("target", ["localhost:1", "127.0.0.2:1", "[::1]:1", "unix:/run/veilgraph.sock"])
def test_this_host_may_be_spoken_to_in_the_clear(target):
    """Nothing is sent before a call, so a name is enough."""
    connect(target, token=TOKEN).close()


def test_with_tls_any_host_may_be_named():
    """The credentials decide whom to trust."""
    connect("suite.example:443", token=TOKEN, tls=grpc.ssl_channel_credentials()).close()


def test_a_caller_known_by_its_certificate_sends_no_token(suite, tmp_path):
    """The services read its name from the certificate; there is nothing to steal in the call."""
    shop, server = (Identity(tmp_path, path) for path in ("caller/shop", "service/identity"))
    with _serving(suite, server.server()) as address:
        named = address.replace("127.0.0.1", "localhost")
        with connect(named, tls=shop.channel(), timeout_s=SLOW_S) as veil:
            assert veil.identity.Resolve(JANE).results
    assert "authorization" not in suite.metadata[0]


def test_something_says_who_calls():
    """Without a token and a certificate it could be nobody."""
    with pytest.raises(ValueError, match="nothing says who calls"):
        connect("localhost:1")


def test_a_proxy_of_the_environment_gets_nothing(suite, monkeypatch):
    """A call to this host is not carried to another by http_proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with _serving(suite) as address, connect(address, token=TOKEN) as veil:
        assert veil.identity.Resolve(JANE, timeout_s=SLOW_S).results


def test_every_service_needs_an_address():
    """A mapping that forgets a service or invents one is refused when connecting."""
    with pytest.raises(ValueError, match=", ".join(SERVICES)):
        connect({"identity": "localhost:1"}, token=TOKEN)


def test_services_may_live_at_different_addresses(suite):
    """A mapping sends each service's calls to its own address."""
    other = _Suite()
    with _serving(suite) as here, _serving(other) as there:
        places = dict.fromkeys(SERVICES, here) | {"recommender": there}
        with connect(places, token=TOKEN, timeout_s=SLOW_S) as veil:
            veil.identity.Resolve(JANE)
            next(veil.recommender.Train(recommender_pb2.TrainRequest()))
    assert len(suite.metadata) == 1
    assert not other.metadata
    assert other.held.is_set()
    assert not suite.tracked


def test_unavailable_is_retried_until_it_answers(veil, suite):
    """Two refusals in a row are not seen by the caller."""
    suite.refusals = [_refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")] * 2
    assert veil.identity.Resolve(JANE).results
    assert len(suite.metadata) == 3


def test_a_call_that_met_the_closing_port_is_repeated(veil, suite):
    """The server took it from the wire, began nothing, and says CANCELLED although nobody gave it up."""
    suite.refusals = [(grpc.StatusCode.CANCELLED, ())] * 2
    assert veil.identity.Resolve(JANE).results
    assert len(suite.metadata) == 3


def test_who_shares_a_connection_rides_over_a_change_of_hands(suite):
    """For seconds nobody listens; sixteen calls at a time are more than gRPC's usual budget of retries."""
    with _serving(suite) as address:
        pass
    with connect(address, token=TOKEN, timeout_s=SLOW_S) as veil:
        calls = [veil.identity.Resolve.future(JANE) for _ in range(16)]
        time.sleep(AWAY_S)
        with _serving(suite, at=address):
            assert all(call.result().results for call in calls)


def test_a_server_that_pushes_back_is_not_asked_again(veil, suite):
    """Pushback below zero means: do not retry."""
    code, trailing = _refusal(grpc.StatusCode.UNAVAILABLE, "CONSENT_NOT_READY")
    suite.refusals = [(code, (*trailing, ("grpc-retry-pushback-ms", "-1")))] * 2
    with pytest.raises(Unavailable, match="CONSENT_NOT_READY"):
        veil.identity.Resolve(JANE)
    assert len(suite.metadata) == 1


def test_a_server_that_stays_away_is_given_up(veil, suite):
    """Five attempts, then the typed error."""
    code, trailing = _refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    suite.refusals = [(code, (*trailing, ("grpc-retry-pushback-ms", "1")))] * 9
    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        veil.identity.Resolve(JANE)
    assert len(suite.metadata) == 5


def test_a_denial_is_not_retried(veil, suite):
    """What is not permitted now is not permitted a moment later."""
    suite.refusals = [_refusal(grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")]
    with pytest.raises(Denied) as denied:
        veil.identity.Resolve(JANE)
    assert denied.value.reason == "NOT_PERMITTED"
    assert len(suite.metadata) == 1


def test_a_call_has_a_deadline_even_when_none_is_named(address, suite):
    """The default reaches the server; a call's own replaces it."""
    with connect(address, token=TOKEN) as veil:
        veil.identity.Resolve(JANE)
        veil.identity.Resolve(JANE, timeout_s=SLOW_S)
    assert 0 < suite.time_left[0] <= 2
    assert 2 < suite.time_left[1] < 2 * SLOW_S


def test_a_passed_deadline_is_its_own_error(veil):
    """The server is still busy when the caller's time is up."""
    with pytest.raises(TooLate):
        veil.identity.Link(identity_pb2.LinkRequest(), timeout_s=0.05)


def test_an_unserved_method_is_its_own_error(veil):
    """Nothing is retried, and the caller can tell."""
    with pytest.raises(NotServed):
        veil.identity.Explain(identity_pb2.ExplainRequest())


def test_futures_run_beside_each_other(veil, suite):
    """The first call is still held while the second is answered; both come as futures."""
    held = veil.identity.Link.future(identity_pb2.LinkRequest())
    assert veil.identity.Resolve.future(JANE).result().results
    assert not held.done()
    suite.held.set()
    done, _ = futures.wait([held], timeout=SLOW_S)
    assert done == {held}


def test_a_future_fails_with_the_typed_error(veil, suite):
    """Nothing of gRPC has to be caught."""
    suite.refusals = [_refusal(grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNAUTHENTICATED")]
    assert isinstance(veil.identity.Resolve.future(JANE).exception(timeout=SLOW_S), Unauthenticated)


def test_a_cancelled_future_ends_the_call(veil, suite):
    """Neither side waits on."""
    held = veil.identity.Link.future(identity_pb2.LinkRequest())
    assert suite.reached.wait(SLOW_S)
    assert held.cancel()
    assert held.cancelled()


def test_closing_ends_the_calls_in_flight(address, suite):
    """A future of a closed connection fails; it does not hang."""
    veil = connect(address, token=TOKEN, timeout_s=SLOW_S)
    held = veil.identity.Link.future(identity_pb2.LinkRequest())
    assert suite.reached.wait(SLOW_S)
    veil.close()
    assert isinstance(held.exception(timeout=SLOW_S), Cancelled)


def test_a_duplex_stream_answers_each_message_and_has_no_deadline(veil, suite):
    """Track may stay open for hours."""
    answers = veil.profile.Track(profile_pb2.TrackRequest() for _ in range(3))
    assert [answer.message for answer in answers] == [1, 2, 3]
    assert suite.time_left[0] is None or suite.time_left[0] > 10**6


def test_an_error_in_the_callers_own_requests_comes_back_to_the_caller(veil):
    """It is not left in a log as a failed call."""

    def requests():
        yield profile_pb2.TrackRequest()
        raise LookupError("the caller's own")

    with pytest.raises(LookupError, match="the caller's own"):
        list(veil.profile.Track(requests()))


def test_a_stream_that_breaks_gives_what_came_and_then_the_typed_error(veil, suite):
    """The caller knows what it has got."""
    steps = veil.recommender.Train(recommender_pb2.TrainRequest())
    assert next(steps).step == "gram"
    suite.held.set()
    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        next(steps)


def test_leaving_a_stream_early_ends_the_call(veil, suite):
    """The server's context is told; the handler stops waiting."""
    for _ in veil.recommender.Train(recommender_pb2.TrainRequest()):
        break
    assert suite.held.wait(SLOW_S)
