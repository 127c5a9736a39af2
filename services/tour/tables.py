"""What a tour shows, as tables: in words, shortened, and with the suite's texts taken literally."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from services.importing.dealing import CHANNELS, Channel
from services.importing.mapping import minor_digits
from services.tour.household import Known
from veilgraph.consent.v1 import rights_pb2
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2, keys_pb2, people_pb2, rules_pb2
from veilgraph.recommender.v1 import recommender_pb2

ITEMS_SHOWN, REASONS_SHOWN, ID_SHOWN = 5, 2, 16
#: The words for a household's identifiers.
KNOWN_BY = {
    Channel.TILL: "the loyalty card",
    Channel.WEB: "the e-mail address",
    Channel.PHONE: "the phone number",
}


def strangers_table(known: Known) -> Table:
    """The channels, what each shows, and who is behind it."""
    table = Table("channel", "known by", "events", "person, as this caller sees it")
    for channel in CHANNELS:
        events = sum(known.origins[channel].values())
        table.add_row(channel.origin, KNOWN_BY[channel], f"{events:,}", _short(known.people[channel]))
    return table


def path_table(explained: identity_pb2.ExplainResponse) -> Table:
    """The evidence that joins two ids, step by step."""
    table = Table("from", "to", "evidence", "seen by")
    for step in explained.path:
        table.add_row(
            _words(identity_pb2.IdentifierKind, step.from_kind),
            _words(identity_pb2.IdentifierKind, step.to_kind),
            _words(identity_pb2.Evidence, step.evidence),
            escape(step.source),
        )
    return table


def items_table(answer: recommender_pb2.RecommendResponse) -> Table:
    """The first items of a list, each with its strongest reasons."""
    table = Table("item", "category", "because of")
    for item in answer.items[:ITEMS_SHOWN]:
        because = [
            escape(f"{reason.title} ({reason.origin}, {reason.day.ToDatetime():%d %b %Y})")
            for reason in item.reasons[:REASONS_SHOWN]
        ]
        table.add_row(escape(item.title), escape(item.category), "\n".join(because) or "what everybody buys")
    return table


def events_table(events: Iterable[profile_pb2.PortraitEvent], titles: Mapping[str, str]) -> Table:
    """Events of a portrait: what was done, and where each record comes from.

    Args:
        events: what to show.
        titles: title of each item by its id.
    """
    table = Table("when", "what", "item", "pieces", "amount", "whose data", "origin", "recorded")
    for event in events:
        table.add_row(
            f"{event.occurred_at.ToDatetime():%d %b %Y %H:%M}",
            _words(profile_pb2.EventKind, event.kind),
            escape(titles[event.item_id]),
            f"{event.quantity:,}",
            _money(event.amount_minor, event.currency),
            _words(profile_pb2.Party, event.source.party),
            escape(event.source.origin),
            f"{event.recorded_at.ToDatetime():%d %b %Y %H:%M}",
        )
    return table


def kept_table(told: rights_pb2.AccessResponse) -> Table:
    """What is kept about a person: how much of which kind in which store, and from where."""
    table = Table("store", "kind", "things", "source", "whose data", "from", "to")
    for one in told.where_from:
        table.add_row(
            one.store,
            one.kind,
            f"{one.count:,}",
            escape(one.source),
            escape(one.party.lower()),
            f"{one.first.ToDatetime():%d %b %Y}" if one.HasField("first") else "",
            f"{one.last.ToDatetime():%d %b %Y}" if one.HasField("last") else "",
        )
    return table


def receipt_table(body: Mapping[str, Any]) -> Table:
    """What a receipt says was erased, and what stays and why."""
    table = Table("store", "erased", "keys destroyed", "kept")
    for store, counts in sorted(body["erased"].items()):
        kept = body["kept"].get(store, {})
        table.add_row(
            escape(store),
            escape(", ".join(f"{kind} {count:,}" for kind, count in sorted(counts.items()))),
            f"{len(body['keys'].get(store, ())):,}",
            escape(
                ", ".join(f"{kind} {one['count']:,} ({one['why']})" for kind, one in sorted(kept.items()))
            ),
        )
    return table


def callers_table(answers: Mapping[str, identity_pb2.ResolveResult]) -> Table:
    """What different callers are told of one identifier."""
    table = Table("caller", "id", "person")
    for caller, answer in answers.items():
        table.add_row(caller, _short(answer.subject), _short(answer.person))
    return table


def person_table(seen: people_pb2.GetPersonResponse) -> Table:
    """The links an operator sees around an identifier, and what became of each."""
    table = Table("from", "to", "evidence", "seen by", "counts", "why not")
    for link in seen.links:
        one, other = seen.members[link.one], seen.members[link.other]
        table.add_row(
            _words(identity_pb2.IdentifierKind, one.kind),
            _words(identity_pb2.IdentifierKind, other.kind),
            _words(identity_pb2.Evidence, link.evidence),
            escape(link.source),
            escape(link.state.lower().replace("_", " ")),
            escape(link.reason or link.held_back),
        )
    return table


def rules_table(preview: rules_pb2.PreviewRulesResponse) -> Table:
    """What rules would change in each view of the graph."""
    table = Table("view", "people of several identifiers", "would be", "would split", "would be joined")
    for view in preview.views:
        table.add_row(
            escape(view.view),
            f"{view.people_before:,}",
            f"{view.people_after:,}",
            f"{view.splits:,}",
            f"{view.merges:,}",
        )
    return table


def keys_table(versions: Iterable[keys_pb2.KeyVersion]) -> Table:
    """The versions of each key, and what is kept under them."""
    table = Table("key", "of", "version", "state", "identifiers")
    for one in versions:
        table.add_row(
            _words(keys_pb2.KeyUse, one.use),
            escape(one.caller or "everybody"),
            f"{one.version}",
            _words(keys_pb2.KeyState, one.state),
            f"{one.identifiers:,}" if one.use == keys_pb2.KEY_USE_IDENTIFIER else "",
        )
    return table


def ids_table(
    before: Sequence[identity_pb2.ResolveResult], after: Sequence[identity_pb2.ResolveResult]
) -> Table:
    """A caller's ids of a household before and after their key was rotated."""
    table = Table("known by", "before", "now", "before, as told now", "taken until")
    for channel in CHANNELS:
        now = after[channel]
        until = f"{now.refresh_at.ToDatetime():%d %b %Y %H:%M}" if now.HasField("refresh_at") else ""
        table.add_row(
            KNOWN_BY[channel],
            _short(before[channel].subject),
            _short(now.subject),
            _short(now.previous),
            until,
        )
    return table


def _money(amount_minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return escape(f"{amount_minor / 10**digits:,.{digits}f} {currency}") if currency else ""


def _short(sealed: str) -> str:
    return f"{escape(sealed[:ID_SHOWN])}…" if sealed else "none"


def _words(enum: Any, value: int) -> str:
    """An enum value in words: ``EVENT_KIND_ORDER`` of ``EventKind`` is "order"."""
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.DESCRIPTOR.name).upper()
    name: str = enum.Name(value)
    return name.removeprefix(f"{prefix}_").lower().replace("_", " ")
