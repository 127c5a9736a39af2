"""What one request says of a person, of one birth subject of theirs.

It is taken whole or refused whole: a half of what somebody said is not kept. One thing is answered once,
or taken back. What a person takes back by one of their birth subjects is taken back of all, but for an
age band: who is joined with a child by mistake must not make the child an adult.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engagement.attribute_rules import refusal_of_content
from engagement.attributes import About, Value
from engagement.declared import Answer, Thing, Topic
from engagement.raw_text import raw_in
from engagement.rules import Refusal
from identity.ids import SubjectId


class Profile(NamedTuple):
    """What one request says of attributes.

    Attributes:
        values: each replaces what its subject said before of the same; corrections among them.
        withdrawn: of what nothing is said any more, by any subject of the person.
        dependents: what is looked after no more; all that is known of it goes.
    """

    values: tuple[Value, ...] = ()
    withdrawn: tuple[About, ...] = ()
    dependents: tuple[str, ...] = ()


NO_PROFILE = Profile()


class Declaration(NamedTuple):
    """What one request says, of one birth subject.

    Attributes:
        subject: who says it.
        answers: each replaces the earlier answer about the same thing.
        withdrawn: things about which nothing is said any more.
        replace_all: whatever was answered before and is not answered here is withdrawn, too.
        others: the other birth subjects of the person; what is taken back was theirs, too.
        profile: what it says of attributes.
    """

    subject: SubjectId
    answers: tuple[Answer, ...]
    withdrawn: tuple[Thing, ...] = ()
    replace_all: bool = False
    others: tuple[SubjectId, ...] = ()
    profile: Profile = NO_PROFILE


def refusal_of(declaration: Declaration) -> Refusal | None:
    """Why a declaration is refused whole, or ``None``; a half of what somebody said is not kept."""
    said = declaration.answers or declaration.withdrawn or declaration.replace_all
    if not said and declaration.profile == NO_PROFILE:
        return Refusal("FIELD_REQUIRED", "preferences")
    seen: set[Thing] = set()
    preferences = (answer for answer in declaration.answers if answer.topic != Topic.AGE_BAND)
    for index, answer in enumerate(preferences):
        reason = raw_in(answer.name)
        if reason is not None:
            return Refusal(reason, f"preferences[{index}].name")
        if answer.thing in seen:
            return Refusal("ANSWERED_TWICE", f"preferences[{index}].name")
        seen.add(answer.thing)
    seen.update(answer.thing for answer in declaration.answers)
    for index, thing in enumerate(declaration.withdrawn):
        if thing in seen:
            both = "withdraw_age_band" if thing.topic == Topic.AGE_BAND else f"withdrawn[{index}].name"
            return Refusal("ANSWERED_TWICE", both)
    return _profile_refusal(declaration.profile)


def _profile_refusal(profile: Profile) -> Refusal | None:
    seen: set[About] = set()
    places = {"attributes": 0, "corrections": 0}
    for value in profile.values:
        name = "corrections" if value.corrected else "attributes"
        at = f"{name}[{places[name]}]"
        places[name] += 1
        refusal = refusal_of_content(value)
        if refusal is not None:
            return Refusal(refusal.reason, f"{at}.{refusal.field}")
        if value.about in seen or value.dependent in profile.dependents:
            return Refusal("ANSWERED_TWICE", f"{at}.attribute")
        seen.add(value.about)
    for index, about in enumerate(profile.withdrawn):
        if about in seen:
            return Refusal("ANSWERED_TWICE", f"withdrawn_attributes[{index}].attribute")
    return None


def ended(declaration: Declaration, before: Iterable[Answer]) -> list[Answer]:
    """The earlier answers that a declaration ends.

    Those that it answers anew are replaced and not ended. An age band is taken back by the subject
    that said it alone: who is joined with a child by mistake must not make the child an adult.

    Args:
        declaration: of a person.
        before: what the subjects of the person declared until now.
    """
    said = {answer.thing for answer in declaration.answers}
    taken_back = set(declaration.withdrawn)

    def ends(answer: Answer) -> bool:
        if answer.thing in said or (answer.topic == Topic.AGE_BAND and answer.subject != declaration.subject):
            return False
        return declaration.replace_all or answer.thing in taken_back

    return [answer for answer in before if ends(answer)]
