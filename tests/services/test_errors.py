"""Every error has its place in the one table."""

from __future__ import annotations

import importlib
import inspect

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from services.errors import DOMAIN_ERRORS, REASONS, Refusal, details, status_of

PACKAGES = ("identity", "consent", "engagement", "recommender")


def domain_errors() -> list[type[Exception]]:
    """All leaf error classes of the domain packages."""
    classes = [
        cls
        for package in PACKAGES
        for _, cls in inspect.getmembers(importlib.import_module(f"{package}.errors"), inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__ == f"{package}.errors"
    ]
    return [
        cls for cls in classes if not any(other is not cls and issubclass(other, cls) for other in classes)
    ]


@pytest.mark.parametrize("error", domain_errors(), ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_domain_error_has_a_row(error):
    """A new error class without a row in the table fails here, not as INTERNAL in production."""
    assert any(cls in DOMAIN_ERRORS for cls in error.__mro__)


def test_every_row_names_a_reason():
    """The table's reasons are all known, with a code that is no OK."""
    assert set(DOMAIN_ERRORS.values()) <= set(REASONS)
    assert all(code is not grpc.StatusCode.OK for code, _ in REASONS.values())


def test_an_unforeseen_error_is_internal_without_its_text():
    """What is not in the table says nothing of itself."""
    status = status_of(ValueError("jane@example.com"))
    assert (status.code, status.text) == (grpc.StatusCode.INTERNAL, "internal error")
    assert b"jane" not in details(status, "r1")


def test_details_carry_reason_field_and_time_to_retry():
    """A client finds the reason, the field at fault and when to come back."""
    packed = status_pb2.Status.FromString(
        details(status_of(Refusal("FIELD_REQUIRED", field="a.b", retry_after_s=1.5)), "r1")
    )
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail, message in zip(packed.details, (info, bad, retry), strict=True):
        assert detail.Unpack(message)
    assert (info.reason, info.metadata["request_id"]) == ("FIELD_REQUIRED", "r1")
    assert bad.field_violations[0].field == "a.b"
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (1, 500_000_000)
