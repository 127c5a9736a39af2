"""``Sec-GPC: 1``: a refusal that is on record and in effect before the call that carries it is answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from consent.component import GraphStep
from consent.guard_table import GuardTable, GuardUpdate
from consent.record import Action
from identity.ids import SubjectId
from services.consent import signals as signals_module
from services.consent.authority import ConsentAuthority
from services.consent.signals import RecordedSignals, gpc_mask
from services.errors import Unavailable
from services.interceptors.signals import HEADER, Heeded
from services.storage.consent import ConsentTables
from services.storage.sqlite import SqliteDatabase
from tests.conftest import set_state
from tests.consent.statements import KEYS, subject
from tests.probe.v1 import probe_pb2
from tests.services.authority_world import Saying
from tests.services.conftest import ANNA, BEN, KeptSignals, reason_of, refused, stream_refused
from veilgraph.privacy.v1 import privacy_pb2

ONE, OTHER, STRANGER = subject(1), subject(2), subject(3)
RECOMMEND, SALE, PARTNER = "personalise.recommend", "share.sale", "share.partner"
ADS = "marketing.ads.third_party"
GPC = ((HEADER, "1"),)


async def test_a_signal_is_on_record_before_the_handler_runs(suite):
    """And the purposes it refuses are denied in that very call, the others are not."""
    set_state(suite.guard, ANNA, RECOMMEND, SALE, ADS)
    seen = []

    async def during(call) -> None:
        seen.extend(call.allows(ANNA, leaf) for leaf in (RECOMMEND, SALE, PARTNER, ADS))
        seen.append(list(suite.signals.told))

    suite.probe.during = during
    await suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *GPC))
    assert seen == [True, False, False, False, [("shop", frozenset({ANNA}))]]


async def test_what_the_signal_refuses_is_denied_in_the_call_that_carries_it(suite, monkeypatch):
    """Also where a record says otherwise, as one that answered an earlier refusal would."""
    monkeypatch.setattr(signals_module, "GPC_NODES", (RECOMMEND,))
    monkeypatch.setattr(suite.signals, "refuse", lambda *_: asyncio.sleep(0))  # nothing comes of it
    set_state(suite.guard, ANNA, RECOMMEND)
    for _ in range(2):
        error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *GPC)))
        assert reason_of(error) == "NOT_PERMITTED"
    await suite.stub.Ask(suite.ask(ANNA), metadata=suite.auth())


@pytest.mark.parametrize("rpc", ["Ask", "Degrade", "Watch", "Gather", "Chat", "Batch"])
async def test_no_kind_of_call_passes_a_signal_over(suite, rpc):
    """Unary, degrading, streams both ways, elements: every subject of the call is told, once."""
    for who in (ANNA, BEN):
        set_state(suite.guard, who, RECOMMEND)
    metadata, seal = (*suite.auth(), *GPC), suite.pairwise().seal
    elements = [
        {"subject": seal(who), "purpose": privacy_pb2.PURPOSE_PERSONALISE_RECOMMEND} for who in (ANNA, BEN)
    ]
    for _ in range(2):
        if rpc == "Ask":
            await suite.stub.Ask(suite.ask(ANNA), metadata=metadata)
        elif rpc == "Degrade":
            await suite.stub.Degrade(probe_pb2.DegradeRequest(subject=seal(ANNA)), metadata=metadata)
        elif rpc == "Watch":
            assert [answer async for answer in suite.stub.Watch(suite.ask(ANNA), metadata=metadata)]
        elif rpc == "Gather":
            await suite.stub.Gather(iter([suite.ask(ANNA), suite.ask(BEN)]), metadata=metadata)
        elif rpc == "Chat":
            stream = suite.stub.Chat(iter([suite.ask(ANNA), suite.ask(BEN)]), metadata=metadata)
            assert [answer.reason async for answer in stream] == ["", ""]
        else:
            await suite.stub.Batch(probe_pb2.BatchRequest(elements=elements), metadata=metadata)
    told = [who for _, subjects in suite.signals.told for who in subjects]
    both = rpc in {"Gather", "Chat", "Batch"}
    assert sorted(told) == sorted([ANNA, BEN] if both else [ANNA])


async def test_whoever_the_guard_knows_no_more_is_not_remembered_either(policy):
    """An erasure reaches every process by the guard's stream; none keeps a birth subject of its own."""
    guard = GuardTable(policy)
    set_state(guard, ANNA, RECOMMEND)
    set_state(guard, BEN, RECOMMEND)
    heeded = Heeded(KeptSignals(guard))
    for replaced in (False, True):
        heeded.follow(guard)
        await heeded.record(guard, "shop", [ANNA, BEN])
        assert heeded.remembered == {ANNA, BEN}
        if replaced:
            guard.replace(GuardUpdate(guard.epoch + 1, {BEN: guard.entry(BEN)}))
        else:
            guard.apply(GuardUpdate(guard.epoch + 1, {ANNA: None}))
        assert heeded.remembered == {BEN}
        await heeded.record(guard, "shop", [ANNA])  # it was on its way when the erasure came
        assert heeded.remembered == {BEN}
        set_state(guard, ANNA, RECOMMEND)


async def test_a_call_that_is_refused_still_has_its_signal_recorded(suite):
    """Who may not be asked about has signalled all the same."""
    set_state(suite.guard, ANNA)
    error = await refused(suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *GPC)))
    assert reason_of(error) == "NOT_PERMITTED"
    assert suite.signals.told == [("shop", frozenset({ANNA}))]


@pytest.mark.parametrize("rpc", ["Ask", "Watch"])
async def test_a_signal_that_can_not_be_recorded_is_not_passed_over(suite, rpc, monkeypatch):
    """The call is unavailable rather than answered without the record."""

    async def down(*_):
        raise Unavailable("CONSENT_NOT_READY", retry_after_s=1)

    monkeypatch.setattr(suite.signals, "refuse", down)
    set_state(suite.guard, ANNA, RECOMMEND)
    call = getattr(suite.stub, rpc)(suite.ask(ANNA), metadata=(*suite.auth(), *GPC))
    error = await (refused(call) if rpc == "Ask" else stream_refused(call))
    assert reason_of(error) == "CONSENT_NOT_READY"
    assert suite.probe.calls == []


@pytest.mark.parametrize("values", [(), ("0",), ("true",), ("",), (" 1 ,",), ("1,1",), ("11",), ("0", "2")])
async def test_anything_but_a_one_is_no_signal(suite, values):
    """As the specification has it: as if the header were not there. And it grants nothing."""
    set_state(suite.guard, ANNA, RECOMMEND)
    metadata = (*suite.auth(), *((HEADER, value) for value in values))
    await suite.stub.Ask(suite.ask(ANNA), metadata=metadata)
    assert suite.signals.told == []
    assert not suite.probe.calls[0].allows(ANNA, SALE)


@pytest.mark.parametrize("values", [("0", "1"), ("1", "0")])
async def test_of_several_headers_one_that_says_so_is_enough(suite, values):
    """Whatever stands beside it."""
    set_state(suite.guard, ANNA, RECOMMEND)
    metadata = (*suite.auth(), *((HEADER, value) for value in values))
    await suite.stub.Ask(suite.ask(ANNA), metadata=metadata)
    assert len(suite.signals.told) == 1


async def test_a_grant_after_the_signal_is_answered_by_the_next_signal(suite):
    """What is remembered is only that it was recorded; whether it still holds is asked."""
    set_state(suite.guard, ANNA, RECOMMEND)
    for _ in range(3):
        await suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *GPC))
    assert len(suite.signals.told) == 1
    set_state(suite.guard, ANNA, RECOMMEND, SALE)
    await suite.stub.Ask(suite.ask(ANNA), metadata=(*suite.auth(), *GPC))
    assert len(suite.signals.told) == 2


async def test_who_may_not_call_signals_nothing(suite):
    """Only a caller that may make the call reports the person's signal."""
    metadata = (*suite.auth("purposeless"), *GPC)
    await refused(suite.stub.Ask(suite.ask(ANNA, "purposeless"), metadata=metadata))
    assert suite.signals.told == []


@pytest.fixture
async def recording(tmp_path: Path, policy, clock):
    """(port, authority, table) over a real store that knows two subjects."""
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    authority = ConsentAuthority(ConsentTables(database, policy, KEYS), policy, clock)
    await authority.start()
    await authority.apply_graph([GraphStep(1, (ONE, OTHER), ())])
    table = GuardTable(policy)
    authority.subscribe(table)
    numbers = iter(range(1, 100))
    port = RecordedSignals(authority, "acme", clock, lambda size: next(numbers).to_bytes(size))
    yield port, authority, table
    await authority.stop()
    database.close()


async def records_of(authority: ConsentAuthority, who: SubjectId) -> list[tuple[str, Action]]:
    records = await authority._store.records_of(who)
    return [(record.said.node, record.said.action) for record in records]


async def test_a_recorded_signal_refuses_exactly_its_nodes(recording):
    """Durable as statements of the person, and in effect when it returns."""
    port, authority, table = recording
    await port.refuse("shop", [ONE])
    assert await records_of(authority, ONE) == [("share", Action.REFUSE), (ADS, Action.REFUSE)]
    evidence = [record.evidence for record in await authority._store.records_of(ONE)]
    assert [(one.method, one.raw_signal) for one in evidence] == [("sec-gpc", b"1"), ("sec-gpc", b"")]
    assert table.entry(ONE).refuse == gpc_mask(table.policy)
    assert await records_of(authority, OTHER) == []


async def test_who_refuses_already_is_not_written_down_again(recording, clock):
    """By a signal, by a refusal of a node above or by a withdrawal; a later grant calls for it anew."""
    port, authority, _ = recording
    saying = Saying(authority, clock)
    await saying(ONE, "share", "marketing", action=Action.WITHDRAW)
    await port.refuse("shop", [ONE, OTHER])
    await port.refuse("shop", [ONE, OTHER])
    assert len(await records_of(authority, ONE)) == 2
    assert len(await records_of(authority, OTHER)) == 2
    clock.now_ms += 1
    await saying(OTHER, PARTNER)
    clock.now_ms += 1
    await port.refuse("shop", [OTHER])
    assert len(await records_of(authority, OTHER)) == 5
    assert authority.snapshot().entries[OTHER].refuse == gpc_mask(authority.policy)


async def test_signals_of_one_subject_at_the_same_time_are_one_record(recording):
    """Also when the call that began it goes away."""
    port, authority, _ = recording
    first = asyncio.create_task(port.refuse("shop", [ONE]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(port.refuse("till", [ONE, OTHER])) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(*others)
    assert len(await records_of(authority, ONE)) == 2
    assert len(await records_of(authority, OTHER)) == 2
    assert port._writing == {}


async def test_somebody_nobody_knows_is_passed_over(recording):
    """Erased or never there: no record is made of them."""
    port, authority, _ = recording
    await port.refuse("shop", [STRANGER])
    assert await records_of(authority, STRANGER) == []
