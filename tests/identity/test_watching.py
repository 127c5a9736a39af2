"""Watch over gRPC: merges and splits as they happen, to those who may be told, from a cursor."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import grpc
import pytest

from consent.guard_table import GuardUpdate
from identity.people_map import Person
from services.interceptors.call import Caller
from services.retention.running import Sweeper
from services.storage.database import StoreUnusable
from services.storage.identity_people import IdentityPeople
from services.storage.people_map import PeopleMapStore
from services.storage.personal import DatabaseStore
from services.storage.subject_keys import SubjectKeys
from services.stores import Phase
from tests.identity.desk import RING
from tests.identity.people_desk import SCOPES, Operator, people_desk
from tests.services.conftest import reason_of
from veilgraph.identity.v1 import identity_pb2 as pb
from veilgraph.privacy.v1 import privacy_pb2

EMAILS = privacy_pb2.PURPOSE_MARKETING_EMAIL
DAY_MS = 86_400_000


def serving(desk, issuer):
    everything = (1 << len(desk.policy.leaves)) - 1
    callers = {
        name: Caller(name, "acme", SCOPES, purposes)
        for name, purposes in (
            ("watcher", everything),
            ("other", everything),
            ("mailer", 1 << desk.policy.index("marketing.email")),
        )
    }
    return people_desk(desk, issuer, callers, desk.servicer._ledger._graph)


@pytest.fixture
async def people(desk, issuer):
    async with serving(desk, issuer) as served:
        yield served


def told(answer, operator: Operator) -> list[tuple[str, list[Person], list[Person]]]:
    """The changes of an answer: what happened, the persons before, the persons after."""

    def person(parts) -> Person:
        subjects = tuple(operator.opened(parts.subjects))
        assert parts.person == operator.pairwise.seal_person(subjects[0])
        return subjects

    changes = []
    for one in answer.changes:
        change = getattr(one, one.WhichOneof("change"))
        before, after = (
            [person(p) for p in (side if isinstance(side, list) else [side])]
            for side in (
                (list(change.before), change.after)
                if one.HasField("merged")
                else (change.before, list(change.after))
            )
        )
        changes.append((one.WhichOneof("change"), before, after))
    return changes


async def who_agree(desk, *values: str):
    subjects = await desk.subjects(*values)
    desk.say_yes(*subjects)
    return subjects


async def refusal(call) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


async def test_a_link_is_a_merge_and_its_unlinking_the_same_split(desk, people):
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    assert not start.changes
    await desk.send(desk.link(b, a))
    merged = await watcher.watch(start.cursor, 5_000)
    assert told(merged, watcher) == [("merged", [(a,), (b,)], [(a, b)])]
    assert desk.members(b) == {a, b}
    await desk.unlink(a, b)
    split = await watcher.watch(merged.cursor, 5_000)
    assert told(split, watcher) == [("split", [(a, b)], [(a,), (b,)])]
    assert desk.members(b) == {b}
    assert not (await watcher.watch(start.cursor)).changes  # who did not hear of it need not
    assert split.consent_epoch == desk.guard.epoch


async def test_a_weak_link_changes_the_wide_view_alone(desk, people):
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    wide, strict = await watcher.watch(), await watcher.watch(for_purpose=EMAILS)
    await desk.send(desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY))
    assert len((await watcher.watch(wide.cursor, 5_000)).changes) == 1
    answer = await watcher.watch(strict.cursor, for_purpose=EMAILS)
    assert not answer.changes
    await desk.send(desk.link(a, b))
    assert len((await watcher.watch(answer.cursor, 5_000, EMAILS)).changes) == 1
    assert len((await watcher.watch(wide.cursor, 0)).changes) == 1


async def test_whoever_waits_is_woken_by_the_change(desk, people):
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    waiting = asyncio.ensure_future(watcher.watch(start.cursor, 5_000))
    await desk.send(desk.link(a, b))
    assert len((await waiting).changes) == 1


async def test_a_pending_link_has_changed_nothing(desk, people):
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    seen = []

    async def look(_seq):
        seen.append(await watcher.watch(start.cursor))

    desk.at_barrier = look
    await desk.send(desk.link(a, b))
    assert [len(answer.changes) for answer in seen] == [0, 0]
    assert len((await watcher.watch(start.cursor, 5_000)).changes) == 1


async def test_who_does_not_permit_the_purpose_is_not_told_of(desk, people):
    """A merge with somebody unheard of is none; nothing follows a refusal that returned."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    desk.say_yes(b, but=["personalise.recommend"])
    start = await watcher.watch()
    await desk.send(desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY))
    answer = await watcher.watch(start.cursor, 50)
    assert not answer.changes
    desk.say(a, grant=desk.policy.consent_nodes, refuse=["personalise"])
    await desk.unlink(a, b)
    assert not (await watcher.watch(answer.cursor, 50)).changes
    assert not (await watcher.watch(start.cursor)).changes


async def kept(people, desk) -> None:
    """Once everything that changed is kept."""
    for _ in range(1000):
        if not people.map._steps:
            break
        await asyncio.sleep(0)
    await desk.database.write(lambda _: None)


async def refuse_link(desk, subject) -> None:
    """One end withdraws what the link rests on; when this returns the guard table says so."""
    node = "identity.link.deterministic"
    desk.say(subject, grant=[one for one in desk.policy.consent_nodes if one != node], refuse=[node])


async def test_a_link_that_was_withdrawn_is_told_to_nobody_who_did_not_know_it(desk, people):
    """Neither as the merge it was, nor as the split of it."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    await refuse_link(desk, b)
    await kept(people, desk)
    assert not (await watcher.watch(start.cursor)).changes


async def test_a_withdrawal_that_is_not_among_the_kept_changes_yet_counts(desk, people, monkeypatch):
    """The guard table has it; what is kept of the map still ends with the merge."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    await kept(people, desk)
    keep, free = PeopleMapStore.keep, asyncio.Event()

    async def slow(store, steps, now_ms):
        await free.wait()
        return await keep(store, steps, now_ms)

    monkeypatch.setattr(PeopleMapStore, "keep", slow)
    await refuse_link(desk, b)
    early = await watcher.watch(start.cursor, 50)
    assert not early.changes
    free.set()
    await kept(people, desk)
    assert not (await watcher.watch(early.cursor, 50)).changes


async def test_pages_tell_every_group_once_and_no_merge_that_ended_meanwhile(desk, people, monkeypatch):
    monkeypatch.setattr("services.identity.watching.CHANGES_MAX", 1)
    watcher = people["watcher"]
    a, b, c, d, e, f = await who_agree(desk, *"abcdef")
    start = await watcher.watch()
    await desk.send(desk.link(a, b), desk.link(c, d), desk.link(e, f))
    await kept(people, desk)
    first = await watcher.watch(start.cursor)
    (told_first,) = told(first, watcher)
    joined = {(a, b), (c, d), (e, f)} - set(told_first[2])
    gone = min(joined)
    await refuse_link(desk, gone[0])
    await kept(people, desk)
    second = await watcher.watch(first.cursor)
    assert told(second, watcher) == [("merged", [(one,) for one in left], [left]) for left in joined - {gone}]
    assert not (await watcher.watch(second.cursor)).changes


async def test_whoever_is_behind_by_too_much_begins_anew(desk, people, monkeypatch):
    watcher = people["watcher"]
    a, b, c = await who_agree(desk, *"abc")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    await kept(people, desk)
    monkeypatch.setattr("services.identity.watching.BEHIND_MAX", 1)
    assert (await watcher.watch(start.cursor)).changes
    await desk.send(desk.link(b, c))
    await kept(people, desk)
    assert await refusal(watcher.watch(start.cursor)) == "CURSOR_TOO_OLD"


async def test_what_may_not_be_told_wakes_nobody_and_does_not_show_in_the_cursor(desk, people):
    """Else the instant of every merge of whoever refused, and in every view, would be seen."""
    watcher = people["watcher"]
    a, b, c, d = await who_agree(desk, *"abcd")
    desk.say(b, refuse=["personalise"])
    start = await watcher.watch(for_purpose=EMAILS)
    waiting = asyncio.ensure_future(watcher.watch(start.cursor, 5_000, EMAILS))
    await desk.send(desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY))
    await kept(people, desk)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await desk.send(desk.link(c, d))
    assert told(await waiting, watcher) == [("merged", [(c,), (d,)], [(c, d)])]
    quiet = await watcher.watch(for_purpose=EMAILS)
    again = [await watcher.watch(quiet.cursor, 0, EMAILS) for _ in range(2)]
    assert len({quiet.cursor, *(one.cursor for one in again)}) == 3


async def test_a_watcher_whose_purpose_moved_to_another_view_begins_anew(desk, people):
    """As after a restart under a policy that gives e-mail the wide view: its persons are others."""
    watcher = people["watcher"]
    start = await watcher.watch(for_purpose=EMAILS)
    policy = desk.policy
    emails, recommend = (policy.index(name) for name in ("marketing.email", "personalise.recommend"))
    views = [policy.view_of[recommend] if at == emails else view for at, view in enumerate(policy.view_of)]
    other = await watcher.watch()
    desk.guard.policy = replace(policy, view_of=tuple(views))
    assert await refusal(watcher.watch(start.cursor, 0, EMAILS)) == "CURSOR_TOO_OLD"
    assert (await watcher.watch(other.cursor)).cursor


async def test_a_split_is_told_of_whoever_is_left_to_tell_of(desk, people):
    """The merge was told; who refuses since is named no more, the other is known to be alone."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    await desk.send(desk.link(a, b))
    start = await watcher.watch()
    await desk.unlink(a, b)
    desk.say(a, refuse=["personalise"])
    assert told(await watcher.watch(start.cursor, 5_000), watcher) == [("split", [(b,)], [(b,)])]


async def test_everybody_told_of_is_in_the_audit_and_nobody_else(desk, people):
    a, b, c, d = await who_agree(desk, *"abcd")
    start = await people["watcher"].watch()
    await desk.send(desk.link(a, b))
    await people["watcher"].watch(start.cursor, 5_000)
    record = people.audit.records[-1]
    recommend = desk.policy.index("personalise.recommend")
    assert dict(record.decided) == {(a, recommend): True, (b, recommend): True}
    await desk.send(desk.link(c, d))
    assert people.audit.records[-1] is record


async def test_two_watchers_share_neither_ids_nor_cursors(desk, people):
    """Positions in the one sequence would tell them which of their ids are the same."""
    a, b = await who_agree(desk, "a", "b")
    start = [await people[name].watch() for name in ("watcher", "other")]
    await desk.send(desk.link(a, b))
    answers = [
        await people[name].watch(one.cursor, 5_000)
        for name, one in zip(("watcher", "other"), start, strict=True)
    ]
    texts = [
        {answer.cursor, answer.changes[0].merged.after.person, *answer.changes[0].merged.after.subjects}
        for answer in answers
    ]
    assert not texts[0] & texts[1]
    assert await refusal(people["other"].watch(start[0].cursor)) == "CURSOR_INVALID"
    assert await refusal(people["watcher"].watch(start[0].cursor, 0, EMAILS)) == "CURSOR_INVALID"


async def test_a_purpose_that_is_not_the_caller_s_is_not_watched(people):
    assert await refusal(people["mailer"].watch()) == "PURPOSE_NOT_GRANTED_TO_CALLER"
    assert (await people["mailer"].watch(for_purpose=EMAILS)).cursor


async def test_a_cursor_whose_changes_were_swept_away_is_too_old_and_one_begins_anew(desk, people):
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    behind = await watcher.watch(start.cursor, 5_000)
    desk.clock.now_ms += 40 * DAY_MS
    swept = await Sweeper("identity", desk.database, desk.policy, desk.clock).sweep()
    assert swept["people_changes"] == 2
    assert desk.database.reader.execute("SELECT count(*) FROM map_change_member").fetchone() == (0,)
    assert await refusal(watcher.watch(start.cursor)) == "CURSOR_TOO_OLD"
    assert not (await watcher.watch(behind.cursor)).changes
    assert not (await watcher.watch((await watcher.watch()).cursor)).changes


async def test_changes_beyond_a_cursor_are_never_swept_from_the_middle(desk, people):
    """The clock was set back between two changes: by its time the later one is due first."""
    watcher = people["watcher"]
    a, b, c, d = await who_agree(desk, *"abcd")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    first = await watcher.watch(start.cursor, 5_000)
    desk.clock.now_ms -= DAY_MS
    await desk.send(desk.link(c, d))
    behind = await watcher.watch(first.cursor, 5_000)
    desk.clock.now_ms += 31 * DAY_MS  # the second is due, the first is not
    swept = await Sweeper("identity", desk.database, desk.policy, desk.clock).sweep()
    assert swept["people_changes"] == 3
    assert await refusal(watcher.watch(first.cursor)) == "CURSOR_TOO_OLD"
    assert not (await watcher.watch(behind.cursor)).changes


async def test_under_other_views_the_map_begins_anew(desk, issuer):
    """What was kept says by bits in which views it happened; the policy file puts them in another order."""
    a, b = await who_agree(desk, "a", "b")
    async with serving(desk, issuer) as people:
        start = await people["watcher"].watch()
        await desk.send(desk.link(a, b, evidence=pb.EVIDENCE_SIMILARITY))
        await kept(people, desk)
    store, views = PeopleMapStore(desk.database), desk.policy.views
    assert await store.views() == views
    last = await store.last_seq()
    turned = tuple(view if view < 0 else len(views) - 1 - view for view in desk.policy.view_of)
    desk.guard.policy = replace(desk.policy, views=views[::-1], view_of=turned)
    desk.guard._foretold.clear()
    async with serving(desk, issuer) as people:
        assert await refusal(people["watcher"].watch(start.cursor)) == "CURSOR_TOO_OLD"
        assert not (await people["watcher"].watch((await people["watcher"].watch()).cursor)).changes
    assert [(one.seq, one.views) for one in await store.after(0, 10)] == [(last + 1, 0)]
    assert await store.views() == views[::-1]


async def test_under_the_same_views_a_restart_keeps_cursors(desk, issuer):
    a, b = await who_agree(desk, "a", "b")
    async with serving(desk, issuer) as people:
        start = await people["watcher"].watch()
        await desk.send(desk.link(a, b))
        await kept(people, desk)
    desk.guard._foretold.clear()
    async with serving(desk, issuer) as people:
        assert len((await people["watcher"].watch(start.cursor)).changes) == 1


async def test_which_id_a_person_goes_by_is_asked_of_resolve_and_not_watched(desk, people):
    """The oldest is erased: who is with whom is as it was, and the next oldest names them."""
    watcher = people["watcher"]
    a, b, c = await who_agree(desk, *"abc")
    await desk.send(desk.link(a, b), desk.link(b, c), desk.link(a, c))
    start = await watcher.watch()
    before = await desk.person("c", for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND)
    desk.push(erased={a})
    await kept(people, desk)
    assert not (await watcher.watch(start.cursor, 50)).changes
    after = await desk.person("c", for_purpose=privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND)
    assert (before, after) == (a.hex(), b.hex())


async def test_a_cursor_of_a_later_state_of_the_file_is_too_old(desk, people):
    """The file was put back from a backup: what the cursor stands behind is not there."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    await desk.send(desk.link(a, b))
    behind = await watcher.watch(start.cursor, 5_000)
    people.map.feed._seq = 1
    assert await refusal(watcher.watch(behind.cursor)) == "CURSOR_TOO_OLD"


async def test_what_happened_while_nobody_followed_is_found_at_the_next_start(desk, issuer):
    """As after a crash between the change of the guard table and the change that is kept."""
    a, b, c = await who_agree(desk, *"abc")
    async with serving(desk, issuer) as people:
        await people["watcher"].watch()
        await desk.send(desk.link(a, b))
        start = await people["watcher"].watch()
        start = await people["watcher"].watch(start.cursor, 50)
    desk.guard._foretold.clear()
    await desk.unlink(a, b)
    await desk.send(desk.link(b, c))
    async with serving(desk, issuer) as people:
        watcher = people["watcher"]
        answer = await watcher.watch(start.cursor, 5_000)
    assert told(answer, watcher) == [("split", [(a, b)], [(a,), (b,)]), ("merged", [(b,), (c,)], [(b, c)])]


async def test_the_first_who_ever_watches_is_not_told_what_was_before(desk, people):
    """Nobody has a cursor from then; the persons there are, `Resolve` tells."""
    a, b = await who_agree(desk, "a", "b")
    await desk.send(desk.link(a, b))
    start = await people["watcher"].watch()
    await desk.unlink(a, b)
    answer = await people["watcher"].watch(start.cursor, 5_000)
    assert told(answer, people["watcher"]) == [("split", [(a, b)], [(a,), (b,)])]
    assert await PeopleMapStore(desk.database).last_seq() == 2  # and the beginning


async def test_a_table_that_was_lost_and_loaded_anew_has_changed_nobody(desk, people):
    watcher = people["watcher"]
    a, b, c = await who_agree(desk, *"abc")
    await desk.send(desk.link(a, b))
    start = await watcher.watch()
    start = await watcher.watch(start.cursor, 50)
    desk.guard.lose()
    desk.push(births=[])
    desk.guard.lose()
    desk.guard.apply(GuardUpdate(desk.guard.epoch + 1, dict(desk.projection.entries)))
    assert not (await watcher.watch(start.cursor, 50)).changes
    await desk.send(desk.link(b, c))
    assert told(await watcher.watch(start.cursor, 5_000), watcher) == [
        ("merged", [(a, b), (c,)], [(a, b, c)])
    ]


async def test_changes_that_could_not_be_kept_are_found_again(desk, people, monkeypatch):
    """The disk refuses once; the next comparison brings what nobody was told of."""
    watcher = people["watcher"]
    a, b = await who_agree(desk, "a", "b")
    start = await watcher.watch()
    keep, failed = PeopleMapStore.keep, []

    async def fails_once(store, steps, now_ms):
        if not failed:
            failed.append(steps)
            raise StoreUnusable
        return await keep(store, steps, now_ms)

    monkeypatch.setattr(PeopleMapStore, "keep", fails_once)
    monkeypatch.setattr("services.identity.people_map.RETRY_S", 0)
    await desk.send(desk.link(a, b))
    assert told(await watcher.watch(start.cursor, 5_000), watcher) == [("merged", [(a,), (b,)], [(a, b)])]
    assert len(desk.reports) == 1


async def test_an_erased_subject_is_in_no_change_and_nobody_is_told_of_it(desk, people):
    watcher = people["watcher"]
    a, b, c = await who_agree(desk, *"abc")
    start = await watcher.watch()
    await desk.send(desk.link(a, b), desk.link(b, c))
    behind = await watcher.watch(start.cursor, 5_000)
    assert len(behind.changes) == 1
    store = DatabaseStore(
        desk.database, IdentityPeople(desk.servicer.forget, desk.identifiers.recognition), SubjectKeys(RING)
    )
    await store.erase([b], "e1", Phase.DATA)
    desk.push(erased=[b])
    assert len((await watcher.watch(behind.cursor, 5_000)).changes) == 1
    assert not (await watcher.watch(start.cursor)).changes
    kept = "SELECT subject FROM map_member UNION ALL SELECT subject FROM map_change_member"
    assert b not in {subject for (subject,) in desk.database.reader.execute(kept)}


async def test_who_waits_is_let_go_when_the_service_stops(people):
    start = await people["watcher"].watch()
    waiting = asyncio.ensure_future(people["watcher"].watch(start.cursor, 4_000))
    await asyncio.sleep(0.05)
    people.watching.close()
    assert not (await asyncio.wait_for(waiting, 1)).changes
