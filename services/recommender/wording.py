"""A ground of a recommendation in words for the person, by language.

A text says what was done, when, and who saw it; then what it may be used for and why. It names
nothing the ground itself does not hold, so that a sentence never tells more than the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from veilgraph.engagement.v1 import profile_pb2 as profile
from veilgraph.recommender.v1 import recommender_pb2 as pb

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language; names in braces are filled in.

    Attributes:
        date: of day, month and year.
        months: their names, January first.
        events: by kind of event.
        something: for an item whose title the person may not see.
        grounds: by kind of ground.
        purposes: names of purposes.
        permitted: by legal basis; "" for all others.
        sentence: puts ground and permission together.
        bare: of a ground that used nothing of the person.
    """

    date: str
    months: tuple[str, ...]
    events: Mapping[int, str]
    something: str
    grounds: Mapping[int, str]
    purposes: Mapping[str, str]
    permitted: Mapping[str, str]
    sentence: str
    bare: str


ENGLISH = Wording(
    date="{day} {month} {year}",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    events={
        profile.EVENT_KIND_VIEW: "you looked at {title} on {date} ({origin})",
        profile.EVENT_KIND_BASKET_ADD: "you put {title} into your basket on {date} ({origin})",
        profile.EVENT_KIND_ORDER: "you bought {title} on {date} ({origin})",
    },
    something="something",
    grounds={
        pb.GROUND_KIND_EVENT: "of what you did with {title} on {date} ({origin})",
        pb.GROUND_KIND_ANSWER: "you told us on {date} that you like {name} ({origin})",
        pb.GROUND_KIND_SESSION: "you are looking at {title} now",
        pb.GROUND_KIND_SITUATION: "it suits the moment ({situation})",
        pb.GROUND_KIND_SEGMENT: "people of the age group you told us buy it now",
        pb.GROUND_KIND_TREND: "many people buy it now",
        pb.GROUND_KIND_OTHER_EVENTS: "of several things you did before",
        pb.GROUND_KIND_TEXT: "it goes with what you searched for",
    },
    purposes={
        "personalise.recommend": "personal recommendations",
        "personalise.search": "personal search results",
    },
    permitted={
        "consent": "permitted by your yes to {purpose}",
        "opt_out": "used because you have not said no to {purpose}",
        "": "used for {purpose} ({basis})",
    },
    sentence="Because {ground}, {permitted}.",
    bare="Because {ground}.",
)

GERMAN = Wording(
    date="{day}. {month} {year}",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    events={
        profile.EVENT_KIND_VIEW: "Sie am {date} {title} angesehen haben ({origin})",
        profile.EVENT_KIND_BASKET_ADD: "Sie am {date} {title} in den Warenkorb gelegt haben ({origin})",
        profile.EVENT_KIND_ORDER: "Sie am {date} {title} gekauft haben ({origin})",
    },
    something="etwas",
    grounds={
        pb.GROUND_KIND_EVENT: "Sie am {date} mit {title} zu tun hatten ({origin})",
        pb.GROUND_KIND_ANSWER: "Sie uns am {date} gesagt haben, dass Sie {name} mögen ({origin})",
        pb.GROUND_KIND_SESSION: "Sie sich gerade {title} ansehen",
        pb.GROUND_KIND_SITUATION: "es zum Augenblick passt ({situation})",
        pb.GROUND_KIND_SEGMENT: "Menschen der Altersgruppe, die Sie uns genannt haben, es jetzt kaufen",
        pb.GROUND_KIND_TREND: "viele es jetzt kaufen",
        pb.GROUND_KIND_OTHER_EVENTS: "es zu mehrerem passt, was Sie früher getan haben",
        pb.GROUND_KIND_TEXT: "es zu dem passt, was Sie gesucht haben",
    },
    purposes={
        "personalise.recommend": "persönlichen Empfehlungen",
        "personalise.search": "persönlichen Suchergebnissen",
    },
    permitted={
        "consent": "erlaubt durch Ihr Ja zu {purpose}",
        "opt_out": "verwendet, weil Sie {purpose} nicht widersprochen haben",
        "": "verwendet zu {purpose} ({basis})",
    },
    sentence="Weil {ground}; {permitted}.",
    bare="Weil {ground}.",
)

WORDINGS: Mapping[str, Wording] = {"en": ENGLISH, "de": GERMAN}


def wording_for(language: str) -> Wording:
    """The texts of a language (BCP 47) or of the one it is a variety of; English where there are none."""
    return WORDINGS.get(language.lower().partition("-")[0], WORDINGS[DEFAULT])


def sentence_of(ground: pb.Ground, wording: Wording) -> str:
    """One ground in a sentence."""
    text = wording.grounds[ground.kind]
    if ground.kind == pb.GROUND_KIND_EVENT:
        text = wording.events.get(ground.event_kind, text)
    said = text.format(
        title=ground.title or wording.something,
        date=_date(ground.day.seconds, wording),
        origin=ground.origin,
        name=ground.answer.name,
        situation=ground.situation,
    )
    if not ground.purpose:
        return wording.bare.format(ground=said)
    permitted = wording.permitted.get(ground.legal_basis, wording.permitted[""]).format(
        purpose=wording.purposes.get(ground.purpose, ground.purpose), basis=ground.legal_basis
    )
    return wording.sentence.format(ground=said, permitted=permitted)


def _date(seconds: int, wording: Wording) -> str:
    day = datetime.fromtimestamp(seconds, UTC)
    return wording.date.format(day=day.day, month=wording.months[day.month - 1], year=day.year)
