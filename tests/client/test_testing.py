"""The fake behaves as a connection does, so tests written against it mean something."""

import pytest

from veilgraph.client import Denied, NotServed, email
from veilgraph.client.testing import FakeVeilgraph
from veilgraph.consent.v1.consent_pb2 import GetStateRequest
from veilgraph.engagement.v1.profile_pb2 import TrackRequest, TrackResponse
from veilgraph.identity.v1.identity_pb2 import ResolveRequest, ResolveResponse, ResolveResult
from veilgraph.recommender.v1.recommender_pb2 import TrainRequest, TrainResponse

JANE = ResolveRequest(identifiers=[email("jane@example.com")])


def _resolve(request: ResolveRequest) -> ResolveResponse:
    return ResolveResponse(results=[ResolveResult(subject=f"s{len(request.identifiers)}")])


def test_a_handler_answers_and_the_call_is_kept():
    """Code under test gets the handler's response; the test sees what was asked."""
    with FakeVeilgraph({"identity.Resolve": _resolve}) as veil:
        assert veil.identity.Resolve(JANE).results[0].subject == "s1"
        assert veil.identity.Resolve.future(JANE, timeout_s=1).result().results[0].subject == "s1"
    assert [call.method for call in veil.calls] == ["identity.Resolve"] * 2
    assert veil.calls[0].request == JANE


def test_a_handler_can_refuse():
    """A typed error reaches the caller, at once or through the future."""

    def refuse(request):
        raise Denied("NOT_PERMITTED", retry_after=3)

    veil = FakeVeilgraph({"identity.Resolve": refuse})
    with pytest.raises(Denied) as denied:
        veil.identity.Resolve(JANE)
    assert denied.value.retry_after == 3
    assert isinstance(veil.identity.Resolve.future(JANE).exception(), Denied)


def test_streams_are_iterated():
    """Track takes an iterator of requests; Train gives an iterator of responses."""
    veil = FakeVeilgraph(
        {
            "profile.Track": lambda requests: (TrackResponse(message=n) for n, _ in enumerate(requests, 1)),
            "recommender.Train": lambda _: [TrainResponse(step="gram"), TrainResponse(step="index")],
        }
    )
    assert [answer.message for answer in veil.profile.Track([TrackRequest(), TrackRequest()])] == [1, 2]
    assert [step.step for step in veil.recommender.Train(TrainRequest(request_id="t"))] == ["gram", "index"]
    assert len(veil.calls) == 3


def test_a_method_without_a_handler_is_not_served():
    """As a server would answer, and not with a made-up success."""
    with pytest.raises(NotServed):
        FakeVeilgraph().consent.GetState(GetStateRequest())


def test_a_handler_for_no_method_is_an_error_of_the_test():
    """A misspelt name would otherwise never be called."""
    with pytest.raises(ValueError, match=r"identity\.Resolv$"):
        FakeVeilgraph({"identity.Resolv": _resolve})


def test_a_wrong_message_type_fails():
    """On either side, as on the wire."""
    veil = FakeVeilgraph({"identity.Resolve": lambda _: GetStateRequest()})
    with pytest.raises(TypeError):
        veil.identity.Resolve(JANE)
    with pytest.raises(TypeError):
        veil.identity.Resolve(GetStateRequest())


def test_the_caller_can_not_change_what_was_sent():
    """A request object that is reused afterwards leaves the record alone."""
    veil = FakeVeilgraph({"identity.Resolve": _resolve})
    request = ResolveRequest(identifiers=[email("jane@example.com")])
    veil.identity.Resolve(request)
    request.Clear()
    assert veil.calls[0].request == JANE
