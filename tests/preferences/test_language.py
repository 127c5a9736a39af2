"""The page in three languages: complete, in the browser's, in the language's own forms."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel import Locale

import services.preferences
from consent.policy import Policy
from recommender.events import Kind
from services.preferences.choices import Why
from services.preferences.language import LANGUAGES, load_languages, negotiated
from veilgraph.engagement.v1 import profile_pb2
from veilgraph.identity.v1 import identity_pb2
from veilgraph.recommender.v1 import recommender_pb2

ALL = load_languages()
FOLDER = Path(services.preferences.__file__).parent


def forms(text: object) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [str(text)]


def given(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_says_everything_and_puts_the_same_in(tag: str):
    """The same keys; no text is empty; each form of each text takes what the English one takes."""
    english, texts = ALL["en"].texts, ALL[tag].texts
    assert texts.keys() == english.keys()
    for key, text in texts.items():
        assert {frozenset(given(form)) for form in forms(text)} == {
            frozenset(given(forms(english[key])[0]))
        }, key
        assert all(form.strip() for form in forms(text)), key


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_text_with_a_count_has_each_plural_of_its_language(tag: str):
    for key, text in ALL[tag].texts.items():
        if isinstance(text, dict):
            assert set(text) == set(Locale.parse(tag).plural_form.tags | {"other"}), key


def test_no_two_languages_share_a_sentence():
    """A text that was not translated would be found here; names of formats and signs may be alike."""
    for key, text in ALL["ru"].texts.items():
        for form, other in zip(forms(text), forms(ALL["en"].texts[key]), strict=False):
            assert form != other, key


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_purpose_reason_and_kind_of_the_suite_has_a_word(tag: str, policy: Policy):
    texts = ALL[tag].texts
    wanted = [f"purpose.{leaf}" for leaf in policy.leaves]
    wanted += [f"purpose_about.{leaf}" for leaf in policy.leaves]
    wanted += [f"group.{leaf.partition('.')[0]}" for leaf in policy.leaves]
    wanted += [f"choices_why.{why.value}" for why in Why]
    for enum, prefix, groups in (
        (recommender_pb2.Depth, "DEPTH_", ("depth", "depth_means")),
        (profile_pb2.AgeBand, "AGE_BAND_", ("age_band",)),
        (profile_pb2.Stance, "STANCE_", ("stance",)),
        (profile_pb2.Party, "PARTY_", ("party",)),
        (identity_pb2.IdentifierKind, "IDENTIFIER_KIND_", ("identifier",)),
    ):
        names = [name.removeprefix(prefix) for name, number in enum.items() if number]
        wanted += [f"{group}.{name}" for group in groups for name in names]
    kinds = {
        name.removeprefix("GROUND_KIND_") for name, number in recommender_pb2.GroundKind.items() if number
    }
    wanted += [f"because.{kind}" for kind in kinds - {"EVENT"}]
    wanted += [f"because.{kind.name}" for kind in Kind]  # of these alone comes a ground
    assert not [key for key in wanted if key not in texts]


def test_every_text_is_used_and_every_key_that_a_page_names_is_there():
    """By the literal keys of templates and code; groups of words are looked up by name."""
    code = "".join(path.read_text() for path in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")])
    named = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code)) | set(re.findall(r"'([a-z_]+\.[a-z_]+)'", code))
    texts = ALL["en"].texts
    groups = {"frame", "pages", "welcome", "overview", "known", "told", "choices", "why", "erase", "erased"}
    missing = [key for key in named if key.partition(".")[0] in groups and key not in texts]
    assert not missing
    unused = [
        key
        for key in texts
        if key.partition(".")[0] in groups
        and key not in named
        and not key.startswith("choices.done_everything")
    ]
    assert not [key for key in unused if not key.startswith("choices.done_")]


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("uk", "uk"),
        ("uk-UA,uk;q=0.9,ru;q=0.8,en;q=0.7", "uk"),
        ("de-DE, ru;q=0.4, en;q=0.3", "ru"),
        ("en;q=0.1, RU-ru;q=0.2", "ru"),
        ("ru;q=0, uk;q=0", "en"),
        ("*", "en"),
        ("fr, *;q=0.5, uk;q=0.4", "en"),
        ("uk;q=nonsense, ru;q=0.1", "ru"),
        ("uk;q=7", "en"),
        (";;;,,,=", "en"),
        ("xx," * 5000 + "uk", "en"),
    ],
)
def test_the_language_is_the_one_most_wanted_that_is_there(header: str, tag: str):
    assert negotiated(header) == tag


def test_counts_and_days_are_written_as_the_language_writes_them():
    counted = {
        tag: [one.text("overview.count", count=n) for n in (1, 2, 5, 1234)] for tag, one in ALL.items()
    }
    assert counted["en"][0].startswith("1 purchase") and "1,234 purchases" in counted["en"][3]
    assert "1 событие" in counted["ru"][0] and "2 события" in counted["ru"][1]
    assert "5 событий" in counted["ru"][2] and "5 подій" in counted["uk"][2]
    day = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert ALL["en"].day(day) == "March 8, 2026"
    assert ALL["ru"].day(day).startswith("8 марта 2026") and ALL["uk"].day(day).startswith("8 березня 2026")


def test_a_name_without_a_word_stands_for_itself():
    """A deployment's own purposes and origins are shown as it calls them."""
    assert ALL["uk"].word("purpose", "share.lottery") == "share.lottery"
