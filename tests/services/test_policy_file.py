"""A deployment's own policy: signed, whole, never older than one that was in force."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.errors import PolicyError
from consent.policy import compile_policy
from services.consent.policy_file import SUFFIX, PolicyFileError, line_of, read_signed, shipped, sign
from services.consent.policy_key import PolicyKeyError, make_policy_key, open_policy_key
from services.deployment.config import SERVICES, ConfigError, load
from services.deployment.development import prepare
from services.deployment.suite import running_suite
from services.storage.policy_version import PolicyWentBack, run_under
from services.storage.sqlite import SqliteDatabase
from tests.conftest import ROOT
from tests.services.test_commands import command

NOW_S = 1_700_000_000
TEXT = (ROOT / "consent/policy.toml").read_text()
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()


def policy_in(folder: Path, text: str = TEXT) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    return path


def signed_in(folder: Path, text: str = TEXT) -> Path:
    """A signed policy that need not be one."""
    path = policy_in(folder, TEXT)
    sign(path, KEY)
    content = b"veilgraph policy file 1\n" + text.encode()
    path.write_text(text)
    path.with_name(path.name + SUFFIX).write_text(f"{PUBLIC.hex()} {KEY.sign(content).hex()}\n")
    return path


def deployment(folder: Path, lines: str) -> Path:
    """A configuration with lines of its own before the sections."""
    path = prepare(folder, NOW_S, dict.fromkeys(SERVICES, 0))
    path.write_text(path.read_text().replace("[listen]", f"{lines}\n[listen]", 1))
    return path


def own(folder: Path) -> Path:
    return deployment(folder, f'policy = "policy.toml"\npolicy_keys = ["{PUBLIC.hex()}"]')


def test_a_signed_policy_is_taken_as_it_is(tmp_path):
    """What the deployment obeys is what was signed."""
    sign(policy_in(tmp_path, TEXT.replace("version = 1", "version = 7", 1)), KEY)
    config = load(own(tmp_path))
    assert (config.policy.version, config.own_policy) == (7, True)
    assert config.policy.leaves == shipped().leaves


def test_the_policy_of_the_package_needs_no_signature(tmp_path):
    """Who can change it can change what would check it."""
    config = load(prepare(tmp_path, NOW_S, dict.fromkeys(SERVICES, 0)))
    assert (config.policy.digest, config.own_policy) == (shipped().digest, False)


@pytest.mark.parametrize("place", [0, 40, 700, -1])
def test_no_byte_of_a_signed_policy_can_be_changed(tmp_path, place):
    """Not in a comment either."""
    path = policy_in(tmp_path)
    sign(path, KEY)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(PolicyFileError, match=r"policy\.toml\.sig, line 1: the signature is not over this"):
        read_signed(path, {PUBLIC}, "demo")


@pytest.mark.parametrize("text", ["", "\n", "ab cd\n", f"{PUBLIC.hex()}\n", f"{PUBLIC.hex()} {'A' * 128}\n"])
def test_what_is_no_signature_is_none(tmp_path, text):
    """Empty, cut off, in another form."""
    path = policy_in(tmp_path)
    path.with_name(path.name + SUFFIX).write_text(text)
    with pytest.raises(PolicyFileError, match="line 1: not a signature"):
        read_signed(path, {PUBLIC}, "demo")


def test_a_missing_signature_is_named(tmp_path):
    """The file alone is not enough."""
    policy_in(tmp_path)
    with pytest.raises(ConfigError, match=r"policy: policy\.toml\.sig: No such file"):
        load(own(tmp_path))


def test_a_stranger_s_signature_is_none(tmp_path):
    """A good signature by a key that is not trusted."""
    path = policy_in(tmp_path)
    sign(path, Ed25519PrivateKey.generate())
    with pytest.raises(PolicyFileError, match="none of policy_keys"):
        read_signed(path, {PUBLIC}, "demo")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('policy = "policy.toml"', "policy_keys: a policy of the deployment's own is signed"),
        (
            'policy = "policy.toml"\npolicy_keys = []',
            "policy_keys: a policy of the deployment's own is signed",
        ),
        ('policy = "policy.toml"\npolicy_keys = ["AB"]', "each is an Ed25519 public key"),
        (f'policy_keys = ["{PUBLIC.hex()}"]', "there is no policy of the deployment's own"),
        (f'policy = ""\npolicy_keys = ["{PUBLIC.hex()}"]', "policy: a text is needed"),
    ],
)
def test_a_policy_is_named_together_with_its_keys(tmp_path, lines, message):
    """A configuration from before policies were signed is told what to do."""
    sign(policy_in(tmp_path), KEY)
    with pytest.raises(ConfigError, match=message):
        load(deployment(tmp_path, lines))


#: (a line as it stands, the line in its place): each a fault that this line alone has.
FAULTS = [
    ('"service"                     = { basis = "contract"', '"service" = { basis = "whim"'),
    ('"loyalty"                     = { basis = "consent"', '"loyalty" = { basis = "consent", colour = 1'),
    (
        '"train_model"                 = { basis = "consent", view = "strict"',
        '"train_model" = { view = "odd", basis = "consent"',
    ),
    ('"share.sale"                  = { basis', '"share.sale" = = { basis'),
    ('"share.partner"               = ', '"share.partner.more" = 1\n"share.partner" = '),
    (
        '"location_precise"            = { basis = "consent", view = "none", since = 1',
        '"location_precise" = { basis = "consent", view = "none", since = 9',
    ),
    ('like = "EU_GDPR"', 'like = "NOWHERE"'),
    ('like = "EU_GDPR"', 'like = "UK_GDPR"'),
    ('"analytics.reporting" = "opt_out"', '"world.domination" = "opt_out"'),
    ('"analytics.reporting" = "opt_out"', '"analytics.reporting" = "maybe"'),
    ('"analytics.reporting" = "opt_out"', '"rights" = "opt_out"'),
    ("MINOR = [", 'MINOR = ["world.domination", '),
    ("CHILD = [", 'CHILD = ["operate", '),
    ("[minors]", "[majors]"),
    ("version = 1", "version = -1"),
]


@pytest.mark.parametrize(("old", "new"), FAULTS, ids=[new[:40] for _, new in FAULTS])
def test_a_fault_names_its_line(tmp_path, old, new):
    """Unknown purposes, views, bases and keys, a circle of regimes, bad TOML: found by the number."""
    assert TEXT.count(old) >= 1
    text = TEXT.replace(old, new, 1)
    number = text[: text.index(new)].count("\n") + 1
    with pytest.raises(PolicyFileError) as fault:
        read_signed(signed_in(tmp_path, text), {PUBLIC}, "demo")
    named = int(re.match(r"policy\.toml, line (\d+): ", str(fault.value))[1])
    assert named in {number, number + new.count("\n")}, str(fault.value)


def test_every_purpose_s_line_is_found():
    """A wrong basis in any line of the tree is named by that line."""
    lines = TEXT.splitlines()
    purposes = [number for number, line in enumerate(lines, 1) if re.match(r'"[a-z._]+" += \{ basis', line)]
    assert len(purposes) == len(shipped().leaves)
    for number in purposes:
        wrong = list(lines)
        wrong[number - 1] = re.sub(r'basis = "[a-z_]+"', 'basis = "whim"', lines[number - 1])
        with pytest.raises(PolicyError) as fault:
            compile_policy(tomllib.loads("\n".join(wrong)))
        assert line_of("\n".join(wrong), str(fault.value)) == number


def test_what_has_the_wrong_shape_is_no_policy(tmp_path):
    """A value nobody looked for is no crash."""
    text = TEXT.replace(
        '"loyalty"                     = { basis = "consent", view = "strict", since = 1 }', '"loyalty" = 3'
    )
    with pytest.raises(PolicyFileError, match=r"policy\.toml, line \d+: not the shape of a policy"):
        read_signed(signed_in(tmp_path, text), {PUBLIC}, "demo")
    with pytest.raises(PolicyFileError, match=r"line 2: not UTF-8"):
        path = policy_in(tmp_path)
        path.write_bytes(b"# one\n# \xff two\n")
        content = path.read_bytes()
        signature = KEY.sign(b"veilgraph policy file 1\n" + content)
        path.with_name(path.name + SUFFIX).write_text(f"{PUBLIC.hex()} {signature.hex()}\n")
        read_signed(path, {PUBLIC}, "demo")


def test_what_is_no_policy_is_not_signed(tmp_path):
    """The signer reads it as the deployment will."""
    path = policy_in(tmp_path, TEXT.replace("contract", "whim"))
    with pytest.raises(PolicyFileError, match="line"):
        sign(path, KEY)
    assert not path.with_name(path.name + SUFFIX).exists()


async def test_a_version_that_was_in_force_is_not_followed_by_an_older_one(tmp_path, policy):
    """Nor by other content under the same number; the same again, and a newer one, may run."""
    database = SqliteDatabase(tmp_path / "consent.db", "consent")
    at = {number: TEXT.replace("version = 1", f"version = {number}", 1) for number in (1, 2, 3)}
    compiled = {number: compile_policy(tomllib.loads(text)) for number, text in at.items()}
    changed = compile_policy(tomllib.loads(at[2].replace('"contract"', '"consent"')))
    for number in (1, 2, 2):
        await run_under(database, compiled[number], own=True)
    with pytest.raises(PolicyWentBack, match="version 1 is older than 2"):
        await run_under(database, compiled[1], own=True)
    with pytest.raises(PolicyWentBack, match="version 2 was in force with other content"):
        await run_under(database, changed, own=True)
    await run_under(database, changed, own=False)
    await run_under(database, compiled[3], own=True)
    with pytest.raises(PolicyWentBack):
        await run_under(database, compiled[2], own=False)
    database.close()


async def test_a_deployment_refuses_to_start_with_an_older_policy(tmp_path, clock):
    """And says so; the store is as it was."""
    for version, message in ((2, ""), (1, "policy: version 1 is older than 2"), (2, "")):
        sign(policy_in(tmp_path, TEXT.replace("version = 1", f"version = {version}", 1)), KEY)
        config = load(own(tmp_path))
        if message:
            with pytest.raises(ConfigError, match=message):
                async with running_suite(config, clock, lambda _line: None):
                    pass
        else:
            async with running_suite(config, clock, lambda _line: None) as suite:
                assert suite.guard.ready


def test_a_key_others_can_read_signs_nothing(tmp_path):
    """Nor one of another kind, nor one that would be written over."""
    path = tmp_path / "key.pem"
    make_policy_key(path)
    assert open_policy_key(path)
    with pytest.raises(PolicyKeyError, match="File exists"):
        make_policy_key(path)
    path.chmod(0o640)
    with pytest.raises(PolicyKeyError, match="can be read by others"):
        open_policy_key(path)
    path.chmod(0o600)
    path.write_text("nothing")
    with pytest.raises(PolicyKeyError, match="holds no private key"):
        open_policy_key(path)
    with pytest.raises(PolicyKeyError, match="--new-key"):
        open_policy_key(tmp_path / "none.pem")


def test_the_command_signs_and_the_check_verifies(tmp_path):
    """What it prints goes into the configuration; a changed file is refused with its place."""
    policy_in(tmp_path)
    ran = command(tmp_path, "sign-policy", "policy.toml", "--key", "key.pem", "--new-key")
    keys = ran.stdout.splitlines()[-1]
    assert (ran.returncode, keys.startswith("policy_keys = [")) == (0, True)
    config = deployment(tmp_path, f'policy = "policy.toml"\n{keys}')
    checked = command(tmp_path, "check-config", config.name)
    assert (checked.returncode, "its own, signed" in checked.stdout) == (0, True)
    policy_in(tmp_path, TEXT + "\n")
    checked = command(tmp_path, "check-config", config.name)
    assert (checked.returncode, "policy.toml.sig, line 1" in checked.stdout) == (1, True)
