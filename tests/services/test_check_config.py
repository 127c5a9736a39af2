"""A configuration is judged with everything it points to: each problem with its place, warnings apart."""

from __future__ import annotations

import pytest

from services.deployment.config import ConfigError, load, problems
from services.deployment.issuer import open_issuer, save_token
from services.doctor import files
from services.doctor.examination import of_configuration
from services.doctor.finding import worst
from tests.given import NOW_MS, Clock
from tests.services.doctored import CONFIG, deployment, lines, migrated
from tests.services.typed import typed

DAY_S = 86_400


def edited(config, old: str, new: str) -> None:
    path = config.folder / CONFIG
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_development_suite_is_good(tmp_path):
    config = deployment(tmp_path)
    assert worst(of_configuration(config.folder / CONFIG, Clock(NOW_MS))) == 0


def test_all_problems_are_told_at_once_and_load_agrees(tmp_path):
    """Whoever mends one is not sent round again for each of the others."""
    config = deployment(tmp_path)
    edited(
        config,
        "[listen]",
        'colour = "blue"\nmodel_refresh_s = 1\ndrain_s = -1\ndefinitions_max = 0\n[listen]',
    )
    edited(config, 'keyring = "keys/keyring.json"', 'keyring = "keys/none.json"')
    edited(config, '"loyalty"', '"joy"')
    edited(config, "methods = [", "methods = []\n# [")
    found = problems(config.folder / CONFIG)
    assert [problem.split(":")[0].rsplit("/", 1)[-1] for problem in found] == [
        CONFIG,
        "model_refresh_s",
        "drain_s",
        "definitions_max",
        "none.json",
        "callers.shop.purposes",
        "verifiers.development-verifier.methods",
    ]
    with pytest.raises(ConfigError):
        load(config.folder / CONFIG)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('identity = "8.8.8.8:9401"', "monitoring.identity: metrics are for the cluster alone"),
        ('consent = "9401"', "monitoring.consent: an IP address and a port are needed"),
        ('gateway = "127.0.0.1:9401"', "monitoring: unknown keys"),
    ],
)
def test_a_process_is_watched_from_the_cluster_alone(tmp_path, line, told):
    config = deployment(tmp_path)
    edited(config, "[listen]", f"[monitoring]\n{line}\n[listen]")
    (problem,) = problems(config.folder / CONFIG)
    assert problem.startswith(told)


def test_what_only_load_judges_is_told_too(tmp_path):
    """Two issuers of one name are no fault of either part."""
    config = deployment(tmp_path)
    edited(config, "https://verifier.", "https://issuer.")
    assert ["has an issuer of its own" in problem for problem in problems(config.folder / CONFIG)] == [True]


def test_what_is_wrong_with_certificates_is_told_beside_the_rest(tmp_path):
    """A caller's id says that certificates are meant; without the section nobody shows one."""
    config = deployment(tmp_path)
    edited(config, "[callers.shop]", '[callers.shop]\nspiffe = "spiffe://acme.example/shop"')
    edited(config, "[listen]", "drain_s = -1\n[listen]")
    found = problems(config.folder / CONFIG)
    assert [problem.split(":")[0] for problem in found] == ["drain_s", "callers.shop.spiffe"]


@pytest.mark.parametrize("wrong", ["callers = 3", "[callers]\nshop = 3", 'verifiers = "all"'])
def test_what_should_be_a_section_and_is_none_is_told(tmp_path, wrong):
    """By ``load`` and by the check alike, and not by a trace."""
    path = deployment(tmp_path).folder / CONFIG
    kept = path.read_text().split("[callers.")[0]
    path.write_text(f"{kept}{wrong}" if wrong[0] == "[" else f"{wrong}\n{kept}")
    name = wrong.strip("[").split()[0].rstrip("]")
    assert problems(path) == [f"{name}: each is a section [{name}.…] of its own"]
    with pytest.raises(ConfigError, match=name):
        load(path)


def test_a_section_that_is_missing_is_named_by_the_command(tmp_path):
    """Its name stands in brackets, which the console would take for a colour."""
    config = deployment(tmp_path)
    edited(config, "[tokens]", "[other]")
    code, said = typed("check-config", config.folder / CONFIG)
    assert code == 1
    assert "the section [tokens] is missing" in said
    assert all(line.startswith(f"{config.folder / CONFIG} can not be used: ") for line in said.splitlines())


@pytest.mark.parametrize(
    ("mode", "line"),
    [
        (0o640, "warning {}: others can read the key ring (0640) -> chmod 600 {}"),
        (0o602, "error   {}: others can write the key ring (0602) -> chmod 600 {}"),
    ],
)
def test_a_key_ring_that_is_not_its_owners_alone_is_told(tmp_path, mode, line):
    config = deployment(tmp_path)
    config.keyring_path.chmod(mode)
    assert lines(files.of_secrets(config)) == [line.format(config.keyring_path, config.keyring_path)]


def test_a_readable_key_ring_warns_and_the_configuration_is_still_good(tmp_path):
    config = deployment(tmp_path)
    config.keyring_path.chmod(0o640)
    code, said = typed("check-config", config.folder / CONFIG)
    assert code == 0
    assert "warning: " in said
    assert " is good: 6 callers" in said


def test_a_write_of_the_ring_that_was_cut_off_is_told(tmp_path):
    config = deployment(tmp_path)
    config.keyring_path.with_name(".keyring.json.new").touch()
    assert "a write of it was cut off" in lines(files.of_secrets(config))[0]


def test_a_folder_whose_files_others_can_replace_is_told(tmp_path):
    config = deployment(tmp_path / "suite")
    config.folder.chmod(0o777)
    assert lines(files.of_secrets(config))[0].startswith("error ")


def test_a_key_set_without_a_key_is_told(tmp_path):
    """No token would ever be good."""
    config = deployment(tmp_path)
    (config.folder / "keys/jwks.json").write_text('{"keys": []}')
    found = lines(of_configuration(config.folder / CONFIG, Clock(NOW_MS)))
    assert found[0].startswith("error   tokens.jwks: it holds no key")


def test_tokens_are_told_by_when_they_end(tmp_path):
    """A year is too long, an ended one is no use, and one that is none is neither."""
    folder, now_s = deployment(tmp_path).folder, NOW_MS // 1000
    for path in (folder / "tokens").iterdir():
        path.unlink()
    issuer = open_issuer(folder / "keys")
    for name, days in (("long", 365), ("right", 30), ("short", 1)):
        save_token(folder / "tokens" / name, issuer.mint(name, "veilgraph", days * DAY_S, now_s))
    (folder / "tokens" / "wrong").touch(mode=0o600)
    found = lines(files.of_tokens(folder, now_s + 2 * DAY_S))
    assert [line.split("tokens/")[1].split(" ->")[0] for line in found] == [
        "long: the token is good for 363 more days",
        "short: the token has ended",
        "wrong: it holds no token with an end",
    ]


async def test_tables_of_a_newer_program_are_told(tmp_path):
    config = await migrated(deployment(tmp_path))
    async with config.store("consent").opened() as database:
        newer = "INSERT INTO schema_version VALUES ('audit', 99)"
        await database.write(lambda writer: writer.execute(newer))
    found = lines(of_configuration(config.folder / CONFIG, Clock(NOW_MS)))
    assert found == [
        (
            "error   store consent: audit is at version 99, this program knows 3"
            " -> run the newer program, or restore a backup of this one's time"
        )
    ]


def test_a_database_that_is_not_there_is_told(tmp_path):
    config = deployment(tmp_path)
    edited(config, "[listen]", f'[stores]\npostgresql = "postgresql:///none?host={tmp_path}"\n[listen]')
    found = lines(of_configuration(config.folder / CONFIG, Clock(NOW_MS)))
    assert [line.split(" (")[0] for line in found] == [
        f"error   store {service}: it can not be read"
        for service in ("identity", "consent", "recommender", "engagement")
    ]
