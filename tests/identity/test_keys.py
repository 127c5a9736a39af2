"""The key service: a change is kept first, then in effect everywhere, and can be asked for again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from identity.errors import KeyInUse, KeyUnknown
from identity.keyring import KeyRing
from identity.rotation import begin
from services import key_file
from services.consent.rounds import AuthorityStopped
from services.errors import InvalidRequest, Unavailable
from services.identity.keys import KeyServicer
from services.storage.database import StoreUnusable
from services.storage.rekeying import SealedRows
from tests.identity.desk import numbered_bytes
from veilgraph.identity.v1 import keys_pb2 as pb

IDENTIFIER, PAIRWISE = pb.KEY_USE_IDENTIFIER, pb.KEY_USE_PAIRWISE


class Office:
    """The servicer over a desk; the others' processes hold what the barrier was passed with."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.barriers: list[int] = []
        self.fault: Exception | None = None
        self.servicer = KeyServicer(
            keys=desk.keys,
            identifiers=desk.identifiers,
            rekeying=desk.rekeying(),
            rows=SealedRows(desk.database),
            links=SimpleNamespace(key_barrier=self.barrier),
            callers=("shop", "till"),
            random_bytes=numbered_bytes,
            report=desk.reports.append,
            pause=desk.pause,
        )

    async def barrier(self, revision: int) -> None:
        """Whoever else reads the file now finds this ring, or a later one."""
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        assert self.on_disk().revision >= revision
        self.barriers.append(revision)

    def on_disk(self) -> KeyRing:
        path = self.desk.keys._path
        return KeyRing.from_json(path.read_text()) if path.exists() else self.desk.keys.ring

    async def keys(self) -> pb.GetKeysResponse:
        return await self.servicer.GetKeys(pb.GetKeysRequest(), self.desk.call("operate"))

    async def states(self) -> list[tuple[int, str, int, str]]:
        return [
            (key.use, key.caller, key.version, pb.KeyState.Name(key.state).removeprefix("KEY_STATE_"))
            for key in (await self.keys()).versions
        ]

    async def rotate(self, **fields: Any) -> pb.KeyVersion:
        request = pb.RotateKeysRequest(**({"use": PAIRWISE, "from_version": 1} | fields))
        return (await self.servicer.RotateKeys(request, self.desk.call("operate"))).active

    async def destroy(self, **fields: Any) -> None:
        request = pb.DestroyKeyRequest(**({"use": PAIRWISE, "version": 1} | fields))
        await self.servicer.DestroyKey(request, self.desk.call("operate"))

    async def rekeyed(self) -> None:
        await self.servicer._rekeying.finished()


@pytest.fixture
def office(desk):
    return Office(desk)


async def test_identifiers_are_sealed_under_the_new_version_at_once_and_anew_in_the_background(office, desk):
    before = await desk.subjects("anna", "ben")
    active = await office.rotate(use=IDENTIFIER)
    assert (active.version, active.state) == (2, pb.KEY_STATE_ACTIVE)
    assert desk.token(1, "anna")[0] == 2
    await office.rekeyed()
    assert await desk.subjects("anna", "ben") == before
    told = await office.keys()
    assert [(key.version, key.identifiers) for key in told.versions if key.use == IDENTIFIER] == [
        (1, 0),
        (2, 2),
    ]
    assert (told.rekeying, told.revision) == (False, office.on_disk().revision)
    assert office.barriers == [told.revision]


async def test_an_identifier_key_is_destroyed_when_nothing_is_kept_under_it_and_not_before(office, desk):
    before = await desk.subjects("anna")
    begun = begin(desk.keys.ring, "identifier", bytes(32), 0)
    with pytest.raises(KeyInUse):
        await office.destroy(use=IDENTIFIER)
    desk.keys.keep(begun)
    with pytest.raises(KeyInUse):  # it seals
        await office.destroy(use=IDENTIFIER)
    desk.rotate()  # and nobody re-keys
    with pytest.raises(KeyInUse):
        await office.destroy(use=IDENTIFIER)
    assert office.on_disk().key("identifier", 1)
    office.servicer.resume()
    await office.rekeyed()
    await office.destroy(use=IDENTIFIER)
    assert await desk.subjects("anna") == before
    assert (IDENTIFIER, "", 1, "DESTROYED") in await office.states()
    with pytest.raises(KeyUnknown):
        desk.identifiers.recognition().tokeniser.digest(1, bytes([1]) + bytes(48))


async def test_asked_again_a_rotation_changes_nothing_more(office):
    """An operator whose answer was lost asks again."""
    first = await office.rotate(use=IDENTIFIER)
    ring = office.on_disk().to_json()
    assert await office.rotate(use=IDENTIFIER) == first
    assert office.on_disk().to_json() == ring
    await office.rotate(caller="shop")
    ring = office.on_disk().to_json()
    assert (await office.rotate(caller="shop")).version == 2
    assert office.on_disk().to_json() == ring


async def test_two_operators_at_once_rotate_once(office):
    one, other = await asyncio.gather(office.rotate(caller="shop"), office.rotate(caller="shop"))
    assert one == other
    assert [row for row in await office.states() if row[1] == "shop"] == [(PAIRWISE, "shop", 2, "ACTIVE")]


async def test_everybody_can_open_an_id_before_anybody_is_shown_one(office, desk):
    """The version is pending in every process before it is active in any."""
    seen = []
    held = office.barrier

    async def barrier(revision: int) -> None:
        await held(revision)
        seen.append([key.state.value for key in office.on_disk().every("pairwise/shop")])

    office.servicer._links = SimpleNamespace(key_barrier=barrier)
    await office.rotate(caller="shop", overlap_s=60)
    assert seen == [["pending"], ["active"]]
    (version,) = [key for key in (await office.keys()).versions if key.caller == "shop"]
    assert version.overlap_until.ToMilliseconds() == desk.clock() + 60_000


@pytest.mark.parametrize("barriers", [0, 1])
async def test_a_rotation_that_was_cut_off_goes_on_when_it_is_asked_for_again(office, desk, barriers):
    """Before the new version was known everywhere, or before everybody heard that it seals."""
    held, left = office.barrier, [barriers]

    async def barrier(revision: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Unavailable("CONSENT_NOT_READY")
        await held(revision)

    office.servicer._links = SimpleNamespace(key_barrier=barrier)
    with pytest.raises(Unavailable):
        await office.rotate(caller="shop")
    state = "ACTIVE" if barriers else "PENDING"
    assert (PAIRWISE, "shop", 2, state) in await office.states()
    office = Office(desk)  # the process that comes next
    assert (await office.rotate(caller="shop")).version == 2
    assert [row for row in await office.states() if row[1] == "shop"] == [(PAIRWISE, "shop", 2, "ACTIVE")]
    assert office.barriers[-1] == office.on_disk().revision


@pytest.mark.parametrize(
    "fault", [Unavailable("CONSENT_NOT_READY"), StoreUnusable("full"), AuthorityStopped("while")]
)
async def test_a_process_that_starts_has_everybody_follow_the_ring_it_finds(office, desk, fault):
    """The one before may have been killed between the file and the others' hearing of it."""
    desk.rotate()
    office.fault = fault
    office.servicer.resume()
    await office.servicer._settling
    assert office.barriers == [desk.keys.ring.revision]
    assert desk.pauses == [1.0]
    kind = type(fault).__name__
    assert f"identity: the ring of keys is not known everywhere yet: {kind}\n" in desk.reports
    await office.servicer.drained()


async def test_a_key_of_ids_is_destroyed_when_its_overlap_is_over(office, desk):
    await office.rotate(overlap_s=10)
    with pytest.raises(KeyInUse):
        await office.destroy()
    desk.clock.now_ms += 10_000
    await office.destroy()
    await office.destroy()  # asked again
    assert (PAIRWISE, "", 1, "DESTROYED") in await office.states()
    with pytest.raises(KeyUnknown):
        await office.destroy(version=9)


async def test_a_ring_that_can_not_be_kept_leaves_everything_as_it_was(office, desk, monkeypatch):
    before = await desk.subjects("anna")

    def full(_ring: KeyRing) -> None:
        raise OSError("no space")

    monkeypatch.setattr(desk.keys, "keep", full)
    for fields in ({"use": IDENTIFIER}, {"caller": "shop"}):
        with pytest.raises(OSError, match="no space"):
            await office.rotate(**fields)
    assert desk.token(1, "anna")[0] == 1
    assert await desk.subjects("anna") == before
    assert office.barriers == []


@pytest.mark.parametrize("fields", [{"use": IDENTIFIER}, {"caller": "shop"}])
async def test_a_ring_that_may_not_last_is_gone_on_with_when_it_is_asked_for_again(
    office, desk, monkeypatch, fields
):
    """The file is replaced, its folder can not be flushed: no second root under that number, ever."""
    before = await desk.subjects("anna")
    flush, faults = key_file._flush_folder, [OSError("no disk")]

    def faulty(path):
        if faults:
            raise faults.pop()
        flush(path)

    monkeypatch.setattr(key_file, "_flush_folder", faulty)
    with pytest.raises(OSError, match="no disk"):
        await office.rotate(**fields)
    assert desk.token(1, "anna")[0] == 1  # nothing is sealed under a root that could be lost
    replaced = office.on_disk()
    assert (await office.rotate(**fields)).version == 2
    use = "identifier" if "use" in fields else "pairwise/shop"
    assert office.on_disk().key(use, 2)._root == replaced.key(use, 2)._root
    assert desk.token(1, "anna")[0] == (2 if "use" in fields else 1)
    assert await desk.subjects("anna") == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"caller": "nobody"}, "caller"),
        ({"use": IDENTIFIER, "caller": "shop"}, "caller"),
        ({"use": IDENTIFIER, "overlap_s": 1}, "overlap_s"),
    ],
)
async def test_a_request_that_means_no_key_is_refused(office, fields, field):
    with pytest.raises(InvalidRequest) as refusal:
        await office.rotate(**fields)
    assert refusal.value.field == field
    assert office.barriers == []


async def test_an_overlap_is_ended_before_its_time_everywhere_and_once(office, desk):
    """A partner lost its list while the ids before were still taken."""
    await office.rotate(caller="shop", overlap_s=3_600)
    request = pb.RetireKeyRequest(use=PAIRWISE, caller="shop", version=2)
    told = (await office.servicer.RetireKey(request, desk.call("operate"))).version
    assert told.overlap_until.ToMilliseconds() <= desk.clock.now_ms
    ring = office.on_disk()
    assert office.barriers[-1] == ring.revision
    await office.servicer.RetireKey(request, desk.call("operate"))
    assert office.on_disk().to_json() == ring.to_json()


async def test_identifier_keys_have_no_overlap_to_end(office, desk):
    request = pb.RetireKeyRequest(use=IDENTIFIER, version=1)
    with pytest.raises(InvalidRequest) as refusal:
        await office.servicer.RetireKey(request, desk.call("operate"))
    assert (refusal.value.field, office.barriers) == ("use", [])
