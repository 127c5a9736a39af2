"""View types: what may leave, as a message type that can hold nothing else.

For a response type and a purpose a second message type is built with only the fields that
this purpose may read. The handler's bytes are parsed into it and what it does not know is
discarded, so minimisation fails closed by shape. The view is a copy, so a response object
that a handler keeps is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from services.interceptors.declared import TIMESTAMP, Descriptor, class_of, rule_of
from veilgraph.privacy.v1 import privacy_pb2

#: The classes any purpose may read: about no person, sealed for the caller, or kept in the suite.
IMPERSONAL = frozenset(
    {
        privacy_pb2.DATA_CLASS_PUBLIC,
        privacy_pb2.DATA_CLASS_OPERATIONAL,
        privacy_pb2.DATA_CLASS_PSEUDONYM,
        privacy_pb2.DATA_CLASS_PERSON,
        privacy_pb2.DATA_CLASS_SUBJECT,  # only ever in internal methods, see ``gaps``
    }
)
Seal = Callable[[str], str]


class Seals(NamedTuple):
    """What turns birth subjects (hexadecimal) into ids of one caller.

    Attributes:
        subject: gives the subject id.
        before: gives the subject id under the caller's key before.
        person: gives the person id.
        recipient: gives the subject id of the caller they are given out for.
    """

    subject: Seal
    before: Seal
    person: Seal
    recipient: Seal


MayRead = Callable[[Descriptor], bool]


def may_read(purpose: str) -> MayRead:
    """The rule for one purpose (a leaf's name; empty = nothing personal): which fields it reads."""

    def rule(field: Descriptor) -> bool:
        declared = rule_of(field)
        if declared is None or not declared.data_class:
            return False
        if not declared.purposes:
            return declared.data_class in IMPERSONAL
        return any(purpose == node or purpose.startswith(node + ".") for node in declared.purposes)

    return rule


class View:
    """A response type cut down to what one purpose may read.

    Attributes:
        has_epoch: it can hold the consent epoch.
        disclosed: mask of the data classes (``privacy.v1.DataClass``) it can hold.
        redacted: mask of those that only the response type can hold.
    """

    def __init__(self, message: Descriptor, readable: MayRead) -> None:
        """Builds the view of ``message`` with the fields that ``readable`` says yes to."""
        file = descriptor_pb2.FileDescriptorProto(name="view.proto", package="view", syntax="proto2")
        _add(file, message, readable, set())
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        descriptor = pool.FindMessageTypeByName(f"view.{_local(message)}")
        self._type = message_factory.GetMessageClass(descriptor)
        self._seals = _sealing(message, readable)
        self.has_epoch = "consent_epoch" in descriptor.fields_by_name
        self.disclosed = _classes(message, readable, set())
        self.redacted = _classes(message, lambda _: True, set()) & ~self.disclosed

    def of(self, response: Any, seals: Seals) -> Any:
        """A copy of a response with the permitted fields only and all pseudonyms sealed.

        Args:
            response: what the handler returned; not changed.
            seals: of the caller.
        """
        view = self._type.FromString(response.SerializeToString())
        view.DiscardUnknownFields()
        if self._seals is not None:
            self._seals(view, seals)
        return view


def _local(message: Descriptor) -> str:
    return str(message.full_name).replace(".", "_")


def _add(
    file: descriptor_pb2.FileDescriptorProto, message: Descriptor, readable: MayRead, done: set[str]
) -> None:
    if message.full_name in done:
        return
    done.add(message.full_name)
    copy = file.message_type.add(name=_local(message))
    for field in message.fields:
        if not _kept(field, readable):
            continue
        part = copy.field.add(name=field.name, number=field.number, type=field.type)
        part.label = part.LABEL_REPEATED if field.is_repeated else part.LABEL_OPTIONAL
        if field.message_type is not None:
            part.type_name = f".view.{_local(field.message_type)}"
            _add(file, field.message_type, readable, done)
        elif field.enum_type is not None:
            part.type = part.TYPE_INT32  # the same bytes, and no enum to copy
        if field.is_repeated and field.is_packed:
            part.options.packed = True


def _kept(field: Descriptor, readable: MayRead) -> bool:
    if field.containing_type.full_name == TIMESTAMP:
        return True  # judged at the field that holds it
    if field.message_type is None or field.message_type.full_name == TIMESTAMP:
        return readable(field)
    # A container is what its fields are; one with a rule of its own is judged by that, too.
    return rule_of(field) is None or readable(field)


def _classes(message: Descriptor, readable: MayRead, seen: set[str]) -> int:
    """Mask of the data classes in the fields that are kept, of the message and beneath it."""
    if message.full_name in seen:
        return 0
    seen.add(message.full_name)
    mask = 0
    for field in message.fields:
        if not _kept(field, readable):
            continue
        data_class = class_of(field)
        if data_class:
            mask |= 1 << data_class
        if field.message_type is not None and field.message_type.full_name != TIMESTAMP:
            mask |= _classes(field.message_type, readable, seen)
    return mask


Sealing = Callable[[Any, Seals], None]


def _sealing(message: Descriptor, readable: MayRead) -> Sealing | None:
    """A walk that seals the pseudonyms beneath a message; ``None`` when there are none."""
    kept = [field for field in message.fields if _kept(field, readable)]
    subjects = tuple(f.name for f in kept if _is_subject(f))
    before = tuple(f.name for f in kept if _is_subject(f, before=True))
    handed = tuple(f.name for f in kept if _is_subject(f, handed=True))
    persons = tuple(f.name for f in kept if class_of(f) == privacy_pb2.DATA_CLASS_PERSON)
    beneath = [(f, _sealing(f.message_type, readable)) for f in kept if f.message_type is not None]
    nested = tuple((f.name, f.is_repeated, inner) for f, inner in beneath if inner is not None)
    if not (subjects or before or handed or persons or nested):
        return None

    def walk(view: Any, seals: Seals) -> None:
        for name in subjects:
            _replace(view, name, seals.subject)
        for name in before:
            _replace(view, name, seals.before)
        for name in handed:
            _replace(view, name, seals.recipient)
        for name in persons:
            _replace(view, name, seals.person)
        for name, repeated, inner in nested:
            for element in _elements(view, name, repeated=repeated):
                inner(element, seals)

    return walk


def _is_subject(field: Descriptor, *, before: bool = False, handed: bool = False) -> bool:
    rule = rule_of(field)
    return (
        rule is not None
        and rule.data_class == privacy_pb2.DATA_CLASS_PSEUDONYM
        and rule.under_key_before == before
        and rule.for_recipient == handed
    )


def _replace(view: Any, name: str, seal: Seal) -> None:
    value = getattr(view, name)
    if isinstance(value, str):
        if value:
            setattr(view, name, seal(value))
    else:
        value[:] = [seal(element) for element in value]


def _elements(view: Any, name: str, *, repeated: bool) -> Iterable[Any]:
    """The messages in a field: all of a list, or the one that is set."""
    if repeated:
        elements: Iterable[Any] = getattr(view, name)
        return elements
    return (getattr(view, name),) if view.HasField(name) else ()
