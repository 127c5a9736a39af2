"""A rules file is read, or refused with its place, at a cost of its size."""

from __future__ import annotations

import tracemalloc

import pytest

from identity.errors import RulesError
from identity.rules import BLOCKED_MAX
from identity.rules_file import KEY_PARTS_MAX, NESTING_MAX, TEXT_MAX, WORD_MAX, parse
from services.deployment.config import shipped_rules_file
from services.identity.rule_book import rules_of
from tests.identity.rulebook import SHIPPED, variant


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = " + "[" * 50_000, "line 1"),
        ("a = [\n" * 20, f"line {NESTING_MAX + 1}"),
        ("a = " + "{a=" * 20_000, "line 1"),
        ("version = " + "1" * 5_000, "line 1"),
        ("\nx = 0x" + "f" * 5_000, "line 2"),
        ("a" + ".a" * 3_000 + " = 1", "line 1"),
        ('"a"' + '."a"' * KEY_PARTS_MAX + " = 1", "line 1"),
        ("a = '''\n\n''' \n" + "b = " + "[" * 99, "line 4"),
        ("#" * (TEXT_MAX + 1), "the text"),
        ("a = 2020-99-99", "line 1"),
    ],
)
def test_a_file_of_any_shape_is_refused_with_its_place(text, where):
    with pytest.raises(RulesError) as refused:
        rules_of(text, SHIPPED)
    assert refused.value.field == f"rules.{where}"


def test_what_stands_in_strings_and_comments_is_no_shape():
    brackets, dots, word = "[" * 99, "." * 99, "w" * (WORD_MAX + 1)
    text = f'a = \'{brackets}\' # {brackets}{dots}{word}\n"{word}{dots}" = "\\"{brackets}"\n'
    assert parse(text) == {"a": brackets, f"{word}{dots}": f'"{brackets}'}
    assert parse(f'a = """\n{dots}\\"\n{brackets}"""') == {"a": f'{dots}"\n{brackets}'}


def test_what_is_as_deep_and_long_as_may_be_is_read():
    nested = "[" * NESTING_MAX + "]" * NESTING_MAX
    assert parse(f"a = {nested}\n" + ".".join("b" * KEY_PARTS_MAX) + " = " + "1" * WORD_MAX)
    assert parse(shipped_rules_file())["version"] == 1


def test_the_costliest_file_of_dotted_keys_takes_no_square_of_memory():
    lines = [".".join([f"{number:x}"] * KEY_PARTS_MAX) + " = 1\n" for number in range(2_500)]
    text = "".join(lines)[:TEXT_MAX]
    tracemalloc.start()
    try:
        parse(text.rpartition("\n")[0])
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def test_so_many_values_are_blocked_and_no_more():
    """Each is sealed under every key that opens."""
    none = {name: [] for name in ("any", *(kind.name.lower() for kind in SHIPPED.kinds))}
    values = [f"{number}" for number in range(BLOCKED_MAX + 1)]
    assert len(variant(blocked=none | {"email": values[:-1]}).blocked) == BLOCKED_MAX
    with pytest.raises(RulesError, match="blocked: at most 2000 values"):
        variant(blocked=none | {"email": values})
    with pytest.raises(RulesError, match="blocked: at most 2000 values"):
        variant(blocked=none | {"any": values[: BLOCKED_MAX // 2]})
