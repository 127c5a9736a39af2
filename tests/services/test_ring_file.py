"""The ring of a stopped deployment: made once, rotated while nothing runs, destroyed when not needed."""

from __future__ import annotations

import json
import socket
import stat

import pytest

from identity.errors import KeyInUse, KeyRingMalformed
from identity.ids import SubjectId
from identity.keyring import KeyRing
from identity.rotation import activate, begin
from services.audit.files import keys_of
from services.commands.ring_file import destroyed, make_ring, rotated, status
from services.deployment.config import SERVICES, load
from services.deployment.development import prepare
from services.storage.folder import FolderInUse, sole_user
from services.storage.subject_keys import SubjectKeys
from tests.given import NOW_MS
from tests.services.typed import typed


@pytest.fixture
def config(tmp_path):
    return load(prepare(tmp_path, NOW_MS // 1000, dict.fromkeys(SERVICES, 0)))


def on_disk(config) -> KeyRing:
    return KeyRing.from_json(config.keyring_path.read_text())


def states(config, use: str) -> list[str]:
    return [key.state.value for key in on_disk(config).every(use)]


async def one_person(config) -> None:
    """Somebody is known in engagement's store, under the audit key that is active."""
    keys = SubjectKeys(on_disk(config))
    async with config.store("engagement").opened() as database:
        await database.write(lambda writer: keys.key_in(writer, SubjectId(bytes(16))))


def test_a_ring_is_made_for_its_owner_alone_and_never_over_another(tmp_path):
    path = tmp_path / "keys" / "ring.json"
    assert str(path) in make_ring(path, NOW_MS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert KeyRing.from_json(before).active("signing").version == 1
    with pytest.raises(FileExistsError):
        make_ring(path, NOW_MS)
    assert path.read_text() == before
    assert [one.name for one in path.parent.iterdir()] == ["ring.json"]


@pytest.mark.parametrize("use", ["audit", "signing"])
def test_what_processes_read_at_their_start_is_rotated_while_none_runs(config, use):
    said = list(rotated(config, use, NOW_MS))
    assert said[0].startswith(f"{use} v2, active")
    assert states(config, use) == ["retired", "active"]
    assert stat.S_IMODE(config.keyring_path.stat().st_mode) == 0o600
    assert on_disk(config).revision > config.keyring.revision


def test_a_service_that_runs_keeps_the_ring_from_changing_under_it(config):
    before = config.keyring_path.read_text()
    with sole_user(config.folder, "engagement"), pytest.raises(FolderInUse, match="engagement"):
        list(rotated(config, "audit", NOW_MS))
    assert config.keyring_path.read_text() == before


def test_a_service_of_another_host_is_known_by_its_address(tmp_path):
    """It holds no lock of this machine."""
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.listen()
        ports = dict.fromkeys(SERVICES, 0) | {"consent": elsewhere.getsockname()[1]}
        config = load(prepare(tmp_path, NOW_MS // 1000, ports))
        with pytest.raises(FolderInUse, match="where consent listens"):
            list(rotated(config, "signing", NOW_MS))


async def test_an_audit_key_is_destroyed_when_nobody_is_known_under_it(config):
    """Asked in a thread: whoever asks has no event loop that runs."""
    import asyncio

    await one_person(config)
    await asyncio.to_thread(lambda: list(rotated(config, "audit", NOW_MS)))

    def destroy() -> list[str]:
        return list(destroyed(config, "audit", 1, None, NOW_MS))

    with pytest.raises(KeyInUse, match="1 people have a key under it in engagement's store"):
        await asyncio.to_thread(destroy)
    assert states(config, "audit") == ["retired", "active"]
    async with config.store("engagement").opened() as database:
        keys = SubjectKeys(on_disk(config))
        await database.write(lambda writer: keys.destroy(writer, [SubjectId(bytes(16))]))
    assert await asyncio.to_thread(destroy) == ["audit v1 is destroyed"]
    assert states(config, "audit") == ["destroyed", "active"]
    assert await asyncio.to_thread(destroy) == ["audit v1 is destroyed already"]


def test_a_signing_key_is_destroyed_once_its_public_keys_are_kept(config, tmp_path):
    """Else nobody could check the heads and receipts it signed."""
    kept = tmp_path / "public.json"
    with pytest.raises(KeyInUse, match="v1 is active"):
        list(destroyed(config, "signing", 1, None, NOW_MS))
    published = keys_of(on_disk(config))
    list(rotated(config, "signing", NOW_MS))
    for given in (None, {"AUDIT_HEAD": {"1": "00"}}):
        kept.write_text(json.dumps(given))
        with pytest.raises(KeyInUse, match="--public-keys"):
            list(destroyed(config, "signing", 1, kept if given else None, NOW_MS))
    kept.write_text(json.dumps(published))
    assert list(destroyed(config, "signing", 1, kept, NOW_MS)) == ["signing v1 is destroyed"]
    assert states(config, "signing") == ["destroyed", "active"]


def test_the_status_of_a_stopped_suite_names_every_version_and_shows_no_key(config):
    ring = on_disk(config)
    lines = list(status(ring, ring.uses))
    assert [line.split(",")[0] for line in lines] == [f"{use} v1" for use in ring.uses]
    assert not any(str(row["root"]) in "\n".join(lines) for row in json.loads(ring.to_json())["signing"])


def test_a_file_that_is_no_ring_is_left_alone(config):
    config.keyring_path.write_text("{}")
    with pytest.raises(KeyRingMalformed):
        list(rotated(config, "signing", NOW_MS))
    assert config.keyring_path.read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("init", "CONFIG"), "Not done: CONFIG is there already and stays what it is"),
        (("status",), "Not done: name the deployment: --folder or --config"),
        (("--config", "CONFIG", "rotate", "pairwise"), "Not done: --token: whose keys change while they run"),
        (
            ("--config", "CONFIG", "rotate", "signing", "--overlap-days", "3"),
            "Not done: signing: no caller has one of its own, and nothing overlaps",
        ),
    ],
)
def test_a_command_that_can_not_be_carried_out_says_why_in_a_line(config, words, sentence):
    path = str(config.folder / "suite.toml")
    code, said = typed("keys", *(word.replace("CONFIG", path) for word in words))
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(sentence.replace("CONFIG", path))


def test_the_whole_life_of_a_signing_key_is_typed_in(config, capsys):
    folder = config.folder
    path = folder / "suite.toml"
    assert typed("keys", "init", folder / "keys/other.json")[0] == 0
    assert typed("public-keys", path)[0] == 0
    (folder / "public.json").write_text(capsys.readouterr().out)
    assert typed("keys", "--config", path, "rotate", "signing")[0] == 0
    destroy = ("keys", "--config", path, "destroy", "signing", 1, "--public-keys", folder / "public.json")
    assert typed(*destroy) == (0, "signing v1 is destroyed\n")
    code, said = typed("keys", "--config", path, "status", "--offline")
    assert code == 0
    assert "signing v1, destroyed" in said
    assert "signing v2, active" in said


def test_a_ring_that_was_put_aside_is_placed_where_there_is_none(tmp_path):
    """Asked again it changes nothing, whether what is there is the same or has been rotated since."""
    seed, there = tmp_path / "aside.json", tmp_path / "keys" / "ring.json"
    make_ring(seed, NOW_MS)
    assert typed("keys", "init", there, "--from", seed) == (0, f"placed {there}, revision 0\n")
    assert there.read_text() == seed.read_text()
    assert stat.S_IMODE(there.stat().st_mode) == 0o600
    for ring in (KeyRing.from_json(seed.read_text()), later(seed)):
        there.write_text(ring.to_json())
        code, said = typed("keys", "init", there, "--from", seed)
        assert (code, f"revision {ring.revision}, and stays what it is" in said) == (0, True)
        assert there.read_text() == ring.to_json()


def test_a_ring_older_than_the_one_put_aside_is_not_taken_for_the_deployments(tmp_path):
    """A volume that was restored from long ago lacks keys that people are sealed under."""
    seed, there = tmp_path / "aside.json", tmp_path / "ring.json"
    make_ring(there, NOW_MS)
    seed.write_text(later(there).to_json())
    before = there.read_text()
    code, said = typed("keys", "init", there, "--from", seed)
    assert (code, "see which one is meant" in said) == (1, True)
    assert there.read_text() == before
    for wrong in ("{}", KeyRing.create(lambda count: bytes([7]) * count, NOW_MS).to_json()):
        seed.write_text(wrong)
        assert typed("keys", "init", there, "--from", seed)[0] == 1
        assert there.read_text() == before


def later(path) -> KeyRing:
    ring = KeyRing.from_json(path.read_text())
    return activate(begin(ring, "signing", bytes(range(32)), NOW_MS), "signing")
