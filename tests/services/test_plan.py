"""What the contract must declare: every gap is named, and nothing with a gap is served."""

from __future__ import annotations

import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, struct_pb2

from services.contract import MODULES
from services.interceptors.plan import ContractError, compile_method, compile_service
from tests.probe.v1 import probe_pb2
from veilgraph.privacy.v1 import privacy_pb2

STRING, MESSAGE = 9, 11
assert any_pb2.DESCRIPTOR and struct_pb2.DESCRIPTOR  # loaded, so that a changed contract may use them


def method_of(change, policy):
    """Compiles ``Ask`` of the probe contract after ``change(file)``."""
    file = descriptor_pb2.FileDescriptorProto()
    probe_pb2.DESCRIPTOR.CopyToProto(file)
    change(file)
    pool = descriptor_pool.Default()
    number = method_of.count = getattr(method_of, "count", 0) + 1
    package = f"changed{number}.v1"
    file.name, file.package = f"changed{number}.proto", package
    _retype(file, package)
    pool.Add(file)
    return compile_method(pool.FindServiceByName(f"{package}.ProbeService").methods_by_name["Ask"], policy)


def _retype(file, package):
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace("tests.probe.v1", package)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace("tests.probe.v1", package)
        method.output_type = method.output_type.replace("tests.probe.v1", package)


def _message(file, name):
    return next(message for message in file.message_type if message.name == name)


def _field(file, message, name):
    return next(field for field in _message(file, message).field if field.name == name)


def _rule(field):
    return field.options.Extensions[privacy_pb2.field]


def _policy(file):
    return file.service[0].method[0].options.Extensions[privacy_pb2.policy]


def _no_policy(file):
    file.service[0].method[0].options.ClearExtension(privacy_pb2.policy)


def _no_class(file):
    _field(file, "Part", "title").options.ClearExtension(privacy_pb2.field)


def _no_purposes(file):
    del _rule(_field(file, "Part", "behaviour")).purposes[:]


def _contact(file):
    _rule(_field(file, "Part", "title")).data_class = privacy_pb2.DATA_CLASS_CONTACT


def _identifier_out(file):
    _rule(_field(file, "Part", "title")).data_class = privacy_pb2.DATA_CLASS_IDENTIFIER


def _unbounded(file):
    _rule(_field(file, "AskRequest", "note")).limits.max_len = 0


def _any(file):
    file.dependency.append("google/protobuf/any.proto")
    _message(file, "Part").field.add(
        name="detail", number=9, type=MESSAGE, label=1, type_name=".google.protobuf.Any"
    )


def _struct(file):
    file.dependency.append("google/protobuf/struct.proto")
    _message(file, "AskRequest").field.add(
        name="detail", number=9, type=MESSAGE, label=1, type_name=".google.protobuf.Struct"
    )


def _map(file):
    part = _message(file, "Part")
    entry = part.nested_type.add(name="TagsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=STRING, label=1)
    entry.field.add(name="value", number=2, type=STRING, label=1)
    part.field.add(name="tags", number=9, type=MESSAGE, label=3, type_name=".tests.probe.v1.Part.TagsEntry")


def _unbounded_list(file):
    _message(file, "AskRequest").field.add(
        name="parts", number=9, type=MESSAGE, label=3, type_name=".tests.probe.v1.Part"
    )


def _no_scope(file):
    _policy(file).caller_scope = ""


def _unknown_purpose(file):
    _policy(file).purpose = "fun"


def _no_subject_said(file):
    del _policy(file).subjects[:]


def _both_said(file):
    _policy(file).no_subject = True


def _subject_elsewhere(file):
    _policy(file).subjects[0] = "note"


def _free_text_purpose(file):
    _policy(file).purpose_field = "note"


def _exempt(file):
    _policy(file).exempt = "because"


def _second_subject(file):
    other = _message(file, "AskRequest").field.add()
    other.CopyFrom(_field(file, "AskRequest", "subject"))
    other.name, other.number = "other", 9


def _second_identifier(file):
    other = _message(file, "AskRequest").field.add()
    other.CopyFrom(_field(file, "AskRequest", "sha256"))
    other.name, other.number = "other_sha256", 9


def _nested(file, name):
    """Moves a reference of ``Ask`` into a message within the request."""
    inner = file.message_type.add(name="Inner")
    inner.field.add().CopyFrom(_field(file, "AskRequest", name))
    _message(file, "AskRequest").field.add(
        name="inner", number=9, type=MESSAGE, label=1, type_name=".tests.probe.v1.Inner"
    )


def _nested_subject(file):
    _nested(file, "subject")


def _nested_identifier(file):
    _nested(file, "sha256")
    _message(file, "AskRequest").field.remove(_field(file, "AskRequest", "sha256"))


def _no_epoch(file):
    response = _message(file, "AskResponse")
    response.field.remove(_field(file, "AskResponse", "consent_epoch"))


def _reads_from_a_stream(file):
    file.service[0].method[0].client_streaming = True


def _birth_subject_out(file):
    _rule(_field(file, "Part", "title")).data_class = privacy_pb2.DATA_CLASS_SUBJECT


def _internal_with_a_public_scope(file):
    _policy(file).internal = True


def _public_with_an_internal_scope(file):
    _policy(file).caller_scope = "internal.probe"


def _internal_about_somebody(file):
    _policy(file).internal = True
    _policy(file).caller_scope = "internal.probe"


def _names_recipient(file):
    request = _message(file, "AskRequest").field.add()
    request.CopyFrom(_field(file, "AskRequest", "note"))
    request.name, request.number = "recipient", 9
    _policy(file).recipient_field = "recipient"


def _recipient_but_nothing_for_it(file):
    _names_recipient(file)
    _policy(file).purpose = "share.partner"


def _handed_without_recipient(file):
    _rule(_field(file, "AskResponse", "subject")).for_recipient = True


def _handed_for_another_purpose(file):
    _names_recipient(file)
    _handed_without_recipient(file)


def _recipient_of_no_text(file):
    _handed_without_recipient(file)
    _policy(file).recipient_field = "consent_epoch"


def _handed_in_a_request(file):
    _rule(_field(file, "AskRequest", "subject")).for_recipient = True


def _handed_person(file):
    _handed_to_partners(file)
    _rule(_field(file, "AskResponse", "person")).for_recipient = True


def _handed_to_partners(file):
    _handed_for_another_purpose(file)
    _policy(file).purpose = "share.partner"


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        (_reads_from_a_stream, "a client stream about subjects is a write, or answers every message"),
        (_birth_subject_out, "only internal methods carry those"),
        (_internal_with_a_public_scope, "have a scope that begins with"),
        (_public_with_an_internal_scope, "have a scope that begins with"),
        (_internal_about_somebody, "names no subject and a purpose that nobody can refuse"),
        (_no_policy, "no privacy policy"),
        (_no_class, "no data class"),
        (_no_purposes, "names no purpose that may read it"),
        (_contact, "no field may hold this class"),
        (_identifier_out, "an identifier never leaves"),
        (_unbounded, "needs max_len"),
        (_any, "can hold anything"),
        (_struct, "can hold anything"),
        (_map, "a map carries no data class"),
        (_unbounded_list, "needs max_items"),
        (_no_scope, "no caller_scope"),
        (_unknown_purpose, "no purpose of the policy file"),
        (_no_subject_said, "exactly one of subjects and no_subject"),
        (_both_said, "exactly one of subjects and no_subject"),
        (_subject_elsewhere, "no field of class PSEUDONYM"),
        (_free_text_purpose, "no enum field"),
        (_exempt, "names a purpose or a purpose_field"),
        (_no_epoch, "has a consent_epoch"),
        (_second_subject, "'other' is a subject the policy does not name"),
        (_nested_subject, "'inner.subject' is a subject the policy does not name"),
        (_recipient_but_nothing_for_it, "need each other"),
        (_handed_without_recipient, "need each other"),
        (_handed_for_another_purpose, "for a purpose that begins with"),
        (_recipient_of_no_text, "is no text of the request"),
        (_handed_in_a_request, "said of fields of a response"),
        (_handed_person, "only subject ids are given out"),
        (_second_identifier, "one identifier at most"),
        (_nested_identifier, "one identifier at most"),
    ],
)
def test_a_gap_is_named_and_not_compiled(policy, change, gap):
    """Each kind of gap in a contract is found at compile time, which is lint and start-up."""
    with pytest.raises(ContractError, match=gap):
        method_of(change, policy)


def test_the_changed_contract_compiles_without_a_change(policy):
    """The gaps above come from the changes, not from the harness."""
    assert method_of(lambda file: None, policy).scope == "probe"


def test_ids_of_another_caller_compile_where_the_request_says_whose_to_share_them(policy):
    assert method_of(_handed_to_partners, policy).recipient_field == "recipient"


def _writes_from_a_stream(file):
    file.service[0].method[0].client_streaming = True
    _policy(file).write = True


def _answers_each_message(file):
    file.service[0].method[0].client_streaming = True
    file.service[0].method[0].server_streaming = True


def _stream_about_nobody(file):
    file.service[0].method[0].client_streaming = True
    del _policy(file).subjects[:]
    _policy(file).no_subject = True
    _message(file, "AskRequest").field.remove(_field(file, "AskRequest", "subject"))


@pytest.mark.parametrize("change", [_writes_from_a_stream, _answers_each_message, _stream_about_nobody])
def test_a_client_stream_that_can_not_tell_too_much_compiles(policy, change):
    """What it tells is judged per message, or it tells nothing about anybody."""
    assert method_of(change, policy).scope == "probe"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.DESCRIPTOR.name)
def test_the_contract_has_no_gap(policy, module):
    """Every method and field of the published contract is declared."""
    for service in module.DESCRIPTOR.services_by_name.values():
        assert len(compile_service(service, policy)) == len(service.methods)


def test_an_option_from_another_pool_is_read_or_no_plan_is_made(policy):
    """Through a foreign descriptor pool the declaration is the same or missing, never weaker."""
    pool = descriptor_pool.DescriptorPool()
    for name in ("google/protobuf/descriptor.proto", "veilgraph/privacy/v1/privacy.proto"):
        file = descriptor_pb2.FileDescriptorProto()
        descriptor_pool.Default().FindFileByName(name).CopyToProto(file)
        pool.Add(file)
    file = descriptor_pb2.FileDescriptorProto()
    probe_pb2.DESCRIPTOR.CopyToProto(file)
    pool.Add(file)
    method = pool.FindServiceByName("tests.probe.v1.ProbeService").methods_by_name["Ask"]
    own = probe_pb2.DESCRIPTOR.services_by_name["ProbeService"].methods_by_name["Ask"]
    try:
        plan = compile_method(method, policy)
    except ContractError:
        return
    same = compile_method(own, policy)
    assert (plan.scope, plan.purpose, plan.subjects) == (same.scope, same.purpose, same.subjects)
