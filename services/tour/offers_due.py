"""The florist's station: a message where place and time go together, once a person and not once a channel."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.tour.claims import Claims
from services.tour.household import request_id
from services.tour.offers_people import CONTENT, DAY_MS, People, Who
from services.tour.offers_tables import answers_table, messages_table
from veilgraph.engagement.v1 import decision_pb2, offer_pb2, profile_pb2

PLAY, REMINDER = "florist-nearby", "florist-reminder"
#: The florist's place, as in the play's file.
SHOP_CELL = "871969c9bffffff"
DAYS_AHEAD = 5
#: So long a message that something set off is waited for, and so long another one after it.
DUE_S, WAIT_MS, STILL_MS = 10.0, 1_000, 700
_NOON = 12


class Florist:
    """A yearly date is near, and the person is near the shop."""

    def __init__(self, people: People, claims: Claims) -> None:
        self._people = people
        self._print = claims.console.print
        self._claim = claims.check

    def walk(self) -> None:
        """Goes the whole way."""
        self._print("\n[bold]A florist: somebody is near the shop, and a day worth flowers is near[/bold]")
        apart, joined = (Who.APART_WEB, Who.APART_PHONE), (Who.JOINED_WEB, Who.JOINED_PHONE)
        for who in (*apart, *joined):
            self._tell(who)
        self._date(Who.APART_WEB)
        before = self._messages(*apart)
        linked = self._people.join(*joined)
        after = self._messages(*joined)
        self._print(messages_table([("two strangers", before.total()), ("one person", after.total())]))
        self._claim(
            before == Counter({self._people.ids[who]: 1 for who in apart}),
            "Not linked, web and phone get a message each",
        )
        self._claim(linked and after.total() == 1, "Linked, the person gets one")

    def _tell(self, who: Who) -> None:
        """Has them say a day to remember and where they live; it is noon there, so nothing waits."""
        zone = noon_zone(self._people.now_ms)
        local = datetime.fromtimestamp(self._people.now_ms / 1000, ZoneInfo(zone))
        said = {
            "OCCASION": f"{local + timedelta(days=DAYS_AHEAD):%m-%d}",
            "HOME_CELL": SHOP_CELL,
            "TIME_ZONE": zone,
        }
        answers = [
            profile_pb2.AttributeAnswer(attribute=f"ATTRIBUTE_{name}", value=value)
            for name, value in said.items()
        ]
        self._people.declare(who, attributes=answers)

    def _date(self, who: Who) -> None:
        """Asks, for two days to come, what the reminder by the date alone would do."""
        answers = []
        for days in (1, DAYS_AHEAD + 2):
            asked = decision_pb2.DecideRequest(play_id=REMINDER)
            asked.at.FromMilliseconds(self._people.now_ms + days * DAY_MS)
            answers.append(self._people.decide(who, play_id=REMINDER, at=asked.at))
        self._print(
            answers_table(zip(("the day before it is too late", "after the day"), answers, strict=True))
        )
        in_time, late = answers
        self._claim(
            in_time.given.play_id == REMINDER and late.hold.reason == decision_pb2.HOLD_REASON_NOT_ELIGIBLE,
            "Asked ahead, the reminder would come before the day and not after it; nothing is sent by asking",
        )

    def _messages(self, one: Who, other: Who) -> Counter[str]:
        """Both pass the shop; how many messages are due to whom."""
        visit = profile_pb2.EVENT_KIND_VISIT
        self._people.did((one, visit), (other, visit), detail=profile_pb2.EventDetail(place_cell=SHOP_CELL))
        found: Counter[str] = Counter()
        until = time.monotonic() + DUE_S
        while time.monotonic() < until:
            new = self._due({self._people.ids[one], self._people.ids[other]}, STILL_MS if found else WAIT_MS)
            if found and not new:
                break
            found += new
        return found

    def _due(self, ids: set[str], wait_ms: int) -> Counter[str]:
        """Takes what is due and says that it was sent; of anybody else nothing is reported."""
        request = decision_pb2.DueRequest(
            for_purpose=CONTENT, channels=[offer_pb2.CHANNEL_PUSH], wait_ms=wait_ms
        )
        due = [one for one in self._people.shop.decisions.Due(request).decisions if one.subject in ids]
        for one in due:
            report = decision_pb2.ReportRequest(
                subject=one.subject,
                decision_id=one.decision_id,
                outcome=decision_pb2.DECISION_OUTCOME_SENT,
                request_id=request_id(),
            )
            self._people.shop.decisions.Report(report)
        return Counter(one.subject for one in due if one.given.play_id == PLAY)


def noon_zone(now_ms: int) -> str:
    """A time zone of whole hours in which it is between noon and one."""
    ahead = _NOON - datetime.fromtimestamp(now_ms / 1000, UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
