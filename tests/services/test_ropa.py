"""The record of processing says what is declared, all of it, and changes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from services.contract import services
from services.interceptors.call import Caller
from services.retention.ropa import _digest, record_of_processing
from services.retention.ropa_page import markdown
from tests.probe.v1 import probe_pb2
from veilgraph.privacy.v1 import privacy_pb2

CALLERS = {
    "shop": Caller("shop", "acme", frozenset({"profile.track"}), 0),
    "nobody": Caller("nobody", "acme", frozenset(), 0),
}


@pytest.fixture(scope="module")
def record(policy):
    return record_of_processing(policy, CALLERS, "acme")


def fields_of(message, seen=()):
    for field in message.fields:
        inner = field.message_type
        if inner is not None and inner.full_name != "google.protobuf.Timestamp":
            yield from fields_of(inner)
        else:
            yield field.full_name


def test_every_method_and_every_field_of_the_contract_is_in_the_record_and_on_the_page(record):
    page, data = markdown(record), json.dumps(record)
    for service in services():
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            assert path in data and f"`{path}`" in page
            for name in (*fields_of(method.input_type), *fields_of(method.output_type)):
                assert f'"{name}"' in data and f"`{name}`" in page


def test_every_purpose_stands_there_with_its_legal_basis_under_every_regime(record, policy):
    by_name = {one["purpose"]: one for one in record["purposes"]}
    assert tuple(by_name) == policy.leaves
    for index, leaf in enumerate(policy.leaves):
        assert by_name[leaf]["legal_basis"] == {regime.name: regime.basis[index] for regime in policy.regimes}
        assert f"### {leaf}\n" in markdown(record)


def test_a_purpose_lists_only_fields_it_may_read(record):
    """The answer's fields for another purpose are not among them."""
    for purpose in record["purposes"]:
        listed = {field for fields in purpose["data"].values() for field in fields}
        for method in record["methods"]:
            if method["method"] not in purpose["methods"]:
                continue
            asked = {row["field"] for row in method["request"]}
            for row in method["answer"]:
                nodes = row["purposes"].split()
                leaf = purpose["purpose"]
                readable = not nodes or any(leaf == node or leaf.startswith(node + ".") for node in nodes)
                elsewhere = row["field"] in asked or any(
                    row["field"] in {other["field"] for other in (*one["answer"], *one["request"])}
                    for one in record["methods"]
                    if one is not method and one["method"] in purpose["methods"]
                )
                assert (row["field"] in listed) == readable or elsewhere


def test_a_method_whose_purpose_is_chosen_by_a_field_stands_under_every_choice(record):
    by_name = {one["purpose"]: one for one in record["purposes"]}
    for purpose in ("identity.link.deterministic", "identity.link.probabilistic"):
        assert "/veilgraph.identity.v1.IdentityService/Link" in by_name[purpose]["methods"]


def test_a_recipient_is_a_caller_with_what_it_may_ask_for_which_purposes(policy):
    scope = "recommend"
    caller = Caller("partner", "acme", frozenset({scope}), 1 << policy.index("personalise.recommend"))
    record = record_of_processing(policy, {"partner": caller, "nobody": CALLERS["nobody"]})
    methods = {one["method"]: one for one in record["methods"]}
    partner, nobody = record["recipients"]
    assert partner["purposes"] == ["personalise.recommend"]
    assert partner["methods"]
    assert all(methods[name]["scope"] == scope for name in partner["methods"])
    assert (nobody["purposes"], nobody["methods"]) == ([], [])
    by_name = {one["purpose"]: one["recipients"] for one in record["purposes"]}
    assert by_name["personalise.recommend"] == ["partner"]
    assert by_name["marketing.email"] == []


def test_limits_and_data_classes_stand_there_as_the_policy_file_has_them(record, policy):
    assert record["retention"]["events"]["VIEW"] == f"{policy.retention.events['VIEW']} days"
    kept = {one["class"]: one["kept"] for one in record["data_classes"]}
    assert kept["IDENTIFIER"] == "until erased"
    assert kept["BEHAVIOURAL"] == f"{policy.retention.classes['BEHAVIOURAL']} days"
    shorter = replace(
        policy, retention=replace(policy.retention, events=policy.retention.events | {"VIEW": 7})
    )
    assert "| event VIEW | 7 days |" in markdown(record_of_processing(shorter, {}))


def test_the_same_deployment_has_the_same_record_to_the_byte(record, policy):
    again = record_of_processing(policy, CALLERS, "acme")
    assert json.dumps(again) == json.dumps(record)
    assert markdown(again) == markdown(record)


def changed_service(change):
    """The probe service after a change of its file, in a pool of its own beside the real options."""
    file = descriptor_pb2.FileDescriptorProto()
    probe_pb2.DESCRIPTOR.CopyToProto(file)
    number = changed_service.count = getattr(changed_service, "count", 0) + 1
    package = f"ropa{number}.v1"
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace("tests.probe.v1", package)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace("tests.probe.v1", package)
        method.output_type = method.output_type.replace("tests.probe.v1", package)
    file.name, file.package = f"ropa{number}.proto", package
    change(file)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool.FindServiceByName(f"{package}.ProbeService")


def _another_field(file):
    message = next(one for one in file.message_type if one.name == "Part")
    field = message.field.add(name="mood", number=9, type=9, label=1)
    field.options.Extensions[privacy_pb2.field].data_class = privacy_pb2.DATA_CLASS_ATTITUDINAL
    field.options.Extensions[privacy_pb2.field].purposes.append("personalise")


def _another_method(file):
    method = file.service[0].method.add()
    method.CopyFrom(file.service[0].method[0])
    method.name = "AskAgain"


def _another_purpose(file):
    file.service[0].method[0].options.Extensions[privacy_pb2.policy].purpose = "marketing.email"


def _another_class(file):
    message = next(one for one in file.message_type if one.name == "Part")
    message.field[1].options.Extensions[privacy_pb2.field].data_class = privacy_pb2.DATA_CLASS_SPECIAL


@pytest.mark.parametrize("change", [_another_field, _another_method, _another_purpose, _another_class])
def test_a_change_of_the_contract_changes_the_record(policy, change):
    """Not by the digest alone: what the change says is in it."""

    def record_of(change):
        service = changed_service(change)
        record = record_of_processing(policy, {}, contract=[service])
        package = service.full_name.removesuffix(".ProbeService")
        return json.dumps({**record, "contract": ""}).replace(package, "")

    plain, text = record_of(lambda _file: None), record_of(change)
    assert text != plain
    assert plain == record_of(lambda _file: None)
    said = {"_another_field": "mood", "_another_method": "AskAgain", "_another_class": "SPECIAL"}
    assert said.get(change.__name__, "marketing.email") in text


def test_the_digest_changes_with_a_file_of_the_contract_and_not_with_the_order_of_services():
    def service(name, content):
        return SimpleNamespace(file=SimpleNamespace(name=name, serialized_pb=content))

    one, other = service("a.proto", b"1"), service("b.proto", b"2")
    assert _digest([one, other]) == _digest([other, one, one])
    assert _digest([one, other]) != _digest([one, service("b.proto", b"3")])
