"""Every way a call can fail has a type, and says what the server told."""

import inspect

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from veilgraph.client import Denied, InvalidRequest, Overloaded, Unavailable, VeilgraphError, errors


def _details(*messages) -> bytes:
    packed = []
    for message in messages:
        wrapped = any_pb2.Any()
        wrapped.Pack(message)
        packed.append(wrapped)
    return status_pb2.Status(details=packed).SerializeToString()


def _info(reason: str, domain: str = "veilgraph") -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata={"request_id": "r-1"})


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_code_has_a_type_below_the_root(code):
    """Nothing but VeilgraphError reaches a caller, and the code is kept."""
    error = errors.from_status(code, "text")
    assert isinstance(error, VeilgraphError)
    assert type(error) is not VeilgraphError
    assert (error.code, error.reason, error.text) == (code, code.name, "text")


def test_a_denial_carries_reason_and_time_to_come_back():
    """ErrorInfo and RetryInfo become attributes."""
    retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000))
    error = errors.from_status(
        grpc.StatusCode.PERMISSION_DENIED, "no", _details(_info("NOT_PERMITTED"), retry)
    )
    assert isinstance(error, Denied)
    assert (error.reason, error.retry_after, error.request_id) == ("NOT_PERMITTED", 1.5, "r-1")
    assert str(error) == "NOT_PERMITTED: no (request r-1)"


def test_an_invalid_request_names_the_field():
    """BadRequest becomes ``field``."""
    violation = error_details_pb2.BadRequest.FieldViolation(field="links[3].source")
    bad = error_details_pb2.BadRequest(field_violations=[violation])
    error = errors.from_status(
        grpc.StatusCode.INVALID_ARGUMENT, "too long", _details(_info("FIELD_LENGTH"), bad)
    )
    assert isinstance(error, InvalidRequest)
    assert error.field == "links[3].source"
    assert str(error) == "FIELD_LENGTH: too long [links[3].source] (request r-1)"


@pytest.mark.parametrize("foreign", [b"", b"\xff\xff", _details(_info("NOT_PERMITTED", "other.example"))])
def test_details_that_are_not_ours_are_not_believed(foreign):
    """A proxy's or another domain's details leave the code's own name as the reason."""
    assert errors.from_status(grpc.StatusCode.PERMISSION_DENIED, "", foreign).reason == "PERMISSION_DENIED"


def test_whoever_handles_unavailable_handles_overload():
    """An overloaded server is an unavailable one that says why."""
    assert issubclass(Overloaded, Unavailable)


def test_the_tree_in_the_docstring_is_the_tree():
    """Each class is drawn once, below its base."""
    drawn = {
        line.split("─ ")[1].split()[0]: line.index("──")
        for line in (errors.__doc__ or "").splitlines()
        if "─ " in line
    }
    kinds = {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, VeilgraphError) and kind is not VeilgraphError
    }
    assert drawn.keys() == kinds.keys()
    assert {name: len(kind.__mro__) for name, kind in kinds.items()} == {
        name: 5 + depth // 4 for name, depth in drawn.items()
    }
