"""Definitions as files: one YAML document each, nested as one thinks, made into what the contract has.

A file says everything by the names of the contract, without numbers that mean something. Each field of
what is made is remembered by its place in the file, so that whatever the service finds is shown there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from services.engagement.condition_files import EVENT_KINDS, Nodes
from services.engagement.definition_keys import DefinitionFileError, Keys
from services.engagement.definition_yaml import FileUnreadable, documents
from services.engagement.programme_files import CALLED, programme_in
from services.interceptors.declared import purpose_of
from veilgraph.engagement.v1 import definition_pb2, offer_pb2
from veilgraph.privacy.v1 import privacy_pb2

SUFFIXES = (".yaml", ".yml")
#: Of one folder.
FILES_MAX = 500
_MINUTES = 60


def _names(enum: Any, prefix: str) -> dict[str, int]:
    """The names of an enum without its prefix."""
    return {value.name.removeprefix(prefix): value.number for value in enum.DESCRIPTOR.values if value.number}


_STATES = _names(definition_pb2.DefinitionState, "DEFINITION_STATE_")
_CHANNELS = _names(offer_pb2.Channel, "CHANNEL_")
_DEPTHS = _names(offer_pb2.Depth, "DEPTH_")
_PURPOSES = {
    purpose: value.number
    for value in privacy_pb2.Purpose.DESCRIPTOR.values
    if (purpose := purpose_of(value)) is not None
}
#: What one calls a thing in a file, by what the contract calls it.
_CALLED = {
    "play_id": "play",
    "segment_id": "segment",
    "template_id": "template",
    "option_id": "option",
    "condition": "when",
    "margin_floor_permille": "floor_permille",
    "variants": "languages",
    **CALLED,
}


class FilesRefused(ValueError):  # noqa: N818 - named after what it says
    """Files are no definitions; ``lines`` say where and why, a line each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(self.lines))


@dataclass(slots=True)
class Written:
    """One definition, and where it stands.

    Attributes:
        message: as the contract has it.
        file: its file.
        places: the path in the file of paths in the message.
    """

    message: definition_pb2.Definition
    file: Path
    places: dict[str, str] = field(default_factory=dict)

    def place_of(self, path: str) -> str:
        """Where a field stands, e.g. "florist.yaml: options[1].when.all[0]".

        Args:
            path: of the field in the message, e.g. "play.options[1].condition.nodes[2].compare".
        """
        known = max((place for place in self.places if path.startswith(place)), key=len, default="")
        rest = path[len(known) :].lstrip(".")
        if known.endswith("]") and "nodes[" in known:
            rest = ""  # a node's own keys are those of its place
        said = ".".join(_CALLED.get(word, word) for word in rest.split(".") if word)
        return f"{self.file}: {'.'.join(part for part in (self.places.get(known, ''), said) if part)}".rstrip(
            ": "
        )


def read_folder(folder: Path) -> list[Written]:
    """The definitions of all files beneath a folder, or of one file, in the order of their names.

    Raises:
        FilesRefused: some are none, or one is declared twice.
        OSError: a file can not be read.
    """
    files = [folder] if folder.is_file() else sorted(
        path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()
    )  # fmt: skip
    if not files:
        raise FilesRefused([f"{folder}: no {' or '.join(SUFFIXES)} file is there"])
    if len(files) > FILES_MAX:
        raise FilesRefused([f"{folder}: there are more than {FILES_MAX} files"])
    written: list[Written] = []
    wrong: list[str] = []
    for path in files:
        _read_file(path, written, wrong)
    if wrong:
        raise FilesRefused(wrong)
    return written


def _read_file(path: Path, written: list[Written], wrong: list[str]) -> None:
    try:
        for document in documents(path.read_text(encoding="utf-8")):
            try:
                written.append(read_document(document, path))
            except DefinitionFileError as error:
                wrong.append(f"{path}: {error}")
    except (FileUnreadable, UnicodeDecodeError) as error:
        wrong.append(f"{path}: {error}")


def read_document(document: object, file: Path) -> Written:
    """The definition of one document.

    Raises:
        DefinitionFileError: it is none.
    """
    keys = Keys(document, "")
    kind = next((kind for kind in _READ if kind in keys), None)
    if kind is None:
        raise DefinitionFileError("", f"one of {', '.join(_READ)} says what it is")
    written = Written(definition_pb2.Definition(state=keys.name("state", _STATES)), file)  # type: ignore[arg-type]
    written.places[kind] = ""
    try:
        _READ[kind](keys, written)
    except DefinitionFileError:
        raise
    except ValueError as error:  # the contract's own numbers are of 32 bits
        raise DefinitionFileError("", str(error)) from None
    keys.done()
    return written


def _play(keys: Keys, written: Written) -> None:
    play = definition_pb2.Play(
        play_id=keys.text("play"),
        purpose=keys.name("purpose", _PURPOSES),  # type: ignore[arg-type]
        priority=keys.number("priority", 0),
        slot=keys.text("slot", ""),
        channels=keys.names("channels", _CHANNELS),
        segment_id=keys.text("segment", ""),
        service=keys.flag("service"),
        asks=keys.flag("asks"),
        review=keys.flag("review"),
        rollout_permille=keys.number("rollout_permille", 1000),
        offer_days=keys.number("offer_days", 0),
        message_days=keys.number("message_days", 0),
        nps_from_one=keys.flag("nps_from_one"),
    )
    for key, time in (("from", play.from_time), ("until", play.until_time)):
        if key in keys:
            written.places[f"play.{key}_time"] = key
            time.FromDatetime(_instant(keys, key))
    _condition(keys, play.condition, "play.condition", written)
    if "trigger" in keys:
        _trigger(keys.keys("trigger"), play, written)
    for option, path in _entries(keys, "options", "play", written):
        play.options.append(_option(option, path, written))
    written.message.play.CopyFrom(play)


def _option(keys: Keys, path: str, written: Written) -> definition_pb2.Option:
    option = definition_pb2.Option(
        option_id=keys.text("option"),
        depth=keys.name("depth", _DEPTHS),  # type: ignore[arg-type]
        template_id=keys.text("template", ""),
        sponsored=keys.flag("sponsored"),
        item_ids=keys.texts("items", ()),
        blocks=keys.texts("blocks", ()),
        interface_choice=keys.text("interface_choice", ""),
        owed=keys.flag("owed"),
    )
    _condition(keys, option.condition, f"{path}.condition", written)
    if "discount" in keys:
        discount = keys.keys("discount")
        option.discount.permille = discount.number("permille", 0)
        option.discount.amount_minor = discount.number("amount_minor", 0)
        option.discount.currency = discount.text("currency", "")
        option.discount.margin_floor_permille = discount.number("floor_permille", 0)
        option.discount.SetInParent()
        discount.done()
    keys.done()
    return option


def _trigger(keys: Keys, play: definition_pb2.Play, written: Written) -> None:
    kinds = [kind for kind in _TRIGGERS if kind in keys]
    if len(kinds) != 1:
        raise DefinitionFileError(keys.where, f"exactly one of {', '.join(_TRIGGERS)} says what sets it off")
    written.places[f"play.{_TRIGGERS[kinds[0]]}"] = keys.where
    match kinds[0]:
        case "event":
            play.event.kinds.extend(keys.names("event", EVENT_KINDS))
            play.event.delay_s = keys.number("delay_s", 0)
            play.event.unless.extend(keys.names("unless", EVENT_KINDS, ()))
        case "yearly":
            play.date.field = keys.text("yearly")
            play.date.days_before = keys.number("days_before", 0)
            play.date.minute_of_day = _minute(keys, "at")
        case "lapse":
            play.lapse.kinds.extend(keys.names("lapse", EVENT_KINDS))
            play.lapse.days = keys.number("days")
        case "near":
            play.place.cells.extend(keys.texts("near"))
            play.place.distance_m = keys.number("within_m")
            play.place.rest_days = keys.number("rest_days")
    keys.done()


def _segment(keys: Keys, written: Written) -> None:
    segment = written.message.segment
    segment.segment_id = keys.text("segment")
    segment.purpose = keys.name("purpose", _PURPOSES)  # type: ignore[assignment]
    segment.declared = keys.flag("declared")
    if "when" not in keys:
        raise DefinitionFileError("when", "it is missing")
    _condition(keys, segment.condition, "segment.condition", written)


def _limits(keys: Keys, written: Written) -> None:
    said = keys.keys("limits")
    limits = written.message.limits
    written.places["limits"] = "limits"
    for name in ("quiet_from", "quiet_until"):
        written.places[f"limits.{name}_minute"] = f"limits.{name}"
        setattr(limits, f"{name}_minute", _minute(said, name))
    limits.zone = said.text("zone")
    for name in _LIMITS:
        setattr(limits, name, said.number(name))
    said.done()


def _template(keys: Keys, written: Written) -> None:
    template = written.message.template
    template.template_id = keys.text("template")
    template.reveals.extend(keys.texts("reveals", ()))
    template.where_from = keys.flag("where_from")
    template.scene_id = keys.text("scene", "")
    template.scene_element_ids.extend(keys.texts("elements", ()))
    languages = keys.keys("languages")
    for number, language in enumerate(languages):
        said = languages.keys(language)
        written.places[f"template.variants[{number}]"] = said.where
        variant = template.variants.add(language=language, disclosure=said.text("disclosure", ""))
        parts = said.keys("parts")
        for index, name in enumerate(parts):
            written.places[f"template.variants[{number}].parts[{index}]"] = parts.at(name)
            variant.parts.append(_part(name, parts))
        said.done()


def _part(name: str, parts: Keys) -> definition_pb2.TemplatePart:
    """A text alone, or one with a plain text beside it."""
    said = parts.any(name)
    if isinstance(said, str):
        return definition_pb2.TemplatePart(name=name, text=said)
    keys = Keys(said, parts.at(name))
    part = definition_pb2.TemplatePart(name=name, text=keys.text("text"), plain=keys.text("plain", ""))
    keys.done()
    return part


def _condition(keys: Keys, condition: definition_pb2.Condition, path: str, written: Written) -> None:
    if "when" in keys:
        nodes = Nodes(condition, path, written.places)
        nodes.add(keys.any("when"), keys.at("when"))


def _minute(keys: Keys, key: str) -> int:
    """A time of the day, "09:30", as minutes since midnight."""
    hour, colon, minute = keys.text(key).partition(":")
    digits = hour.isascii() and minute.isascii() and hour.isdigit() and minute.isdigit() and len(minute) == 2  # noqa: PLR2004
    if not colon or not digits or int(hour) >= 24 or int(minute) >= _MINUTES:  # noqa: PLR2004 - hours of a day
        raise DefinitionFileError(keys.at(key), 'a time of the day is needed, e.g. "09:30"')
    return int(hour) * _MINUTES + int(minute)


def _instant(keys: Keys, key: str) -> datetime:
    text = keys.text(key)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise DefinitionFileError(
            keys.at(key), 'an instant with its offset is needed, e.g. "2026-05-01T00:00:00Z"'
        )
    return instant


def _programme(keys: Keys, written: Written) -> None:
    def entries(key: str) -> Iterator[Keys]:
        return (entry for entry, _ in _entries(keys, key, "programme", written))

    written.message.programme.CopyFrom(programme_in(keys, entries))


def _entries(keys: Keys, key: str, member: str, written: Written) -> Iterator[tuple[Keys, str]]:
    """The mappings of a list, each remembered by its place, with its path in the message."""
    for index, (entry, where) in enumerate(keys.entries(key)):
        path = f"{member}.{key}[{index}]"
        written.places[path] = where
        yield Keys(entry, where), path


_TRIGGERS = {"event": "event", "yearly": "date", "lapse": "lapse", "near": "place"}
_LIMITS = ("cap", "cap_days", "asks", "asks_days", "rest_days", "new_relation_days", "sponsored_permille")
#: In this order: a play's document names its segment, too.
_READ: Mapping[str, Callable[[Keys, Written], None]] = {
    "play": _play,
    "segment": _segment,
    "limits": _limits,
    "template": _template,
    "programme": _programme,
}
