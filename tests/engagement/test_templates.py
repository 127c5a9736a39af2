"""Templates filled within bounds, and what a filled text must not say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engagement.content import Part, Template, Variant, decimals_of, money, number_besides
from engagement.decision import Candidate, Outcome
from engagement.event import Party
from engagement.facts import Facts, Known
from engagement.play import Channel, Depth, Discount, Option, Play, State
from services.engagement.templates import Templates, lint
from tests.engagement.conditions import known
from tests.engagement.events import NOW_MS

HOSTILE = {
    "nested loops": "{% for a in (1..1000) %}{% for b in (1..1000) %}x{% endfor %}{% endfor %}",
    "a range": "{{ (1..1000000000) | join: '' }}",
    "a range from a name": "{% for a in (1..attribute.household_size) %}x{% endfor %}",
    "deep nesting": "{%if 1%}" * 250 + "{%endif%}" * 250,
    "deep parentheses": "{% if " + "(" * 1500 + "1" + ")" * 1500 + " %}{% endif %}",
    "long expressions": "{% if " + "1 and " * 600 + "1 %}x{% endif %}",
    "doubling": "{% assign x = 'ab' %}" + "{% assign x = x | append: x %}" * 60 + "{{ x }}",
    "doubling by capture": "{% capture x %}ab{% endcapture %}"
    + "{% capture x %}{{x}}{{x}}{% endcapture %}" * 40,
    "numbers that grow": "{% assign x = 9 %}" + "{% assign x = x | times: x %}" * 60,
    "files": "{% include '/etc/passwd' %}",
    "other templates": "{% render 'other' %}",
    "python": "{{ ''.__class__.__mro__ }}",
    "names that are computed": "{{ declared[attribute.language] }}",
    "everything of a person": "{{ attribute }}",
    "events": "{{ events.ORDER }}",
    "no such field": "{{ attribute.shoe_size }}",
    "no end": "{% if declared.likes %}",
    "long output": "{% for a in declared.likes %}"
    + "x" * 3900
    + "{% endfor %}{{ declared.likes }}"
    + "x" * 60,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    """Within a quarter of a second, even on a busy machine; nothing of it is ever filled."""
    before = time.perf_counter()
    assert lint(text).fault
    assert time.perf_counter() - before < 0.25


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("Hello.", set()),
        ("{{ declared.likes | first }}", {"declared.likes"}),
        ("{% for l in declared.likes %}{{ l }}{% endfor %}", {"declared.likes"}),
        (
            "{% if attribute.sex == 'f' %}a{% else %}{{ interface.layout }}{% endif %}",
            {"attribute.sex", "interface.layout"},
        ),
        ("{% if false %}{{ attribute.diet }}{% endif %}", {"attribute.diet"}),
        ("{{ loyalty.guests.points }} {{ offer.price }} {{ where_from }}", {"loyalty.guests.points"}),
        ("{% assign l = attribute.language | default: 'en' %}{{ l }}", {"attribute.language"}),
        ("{{ declared.likes[0] | upcase }}", {"declared.likes"}),
        ("{% comment %}{{ attribute.sex }}{% endcomment %}", set()),
        ("3 .. 4 dots", set()),
    ],
)
def test_what_a_text_reads_is_known_before_it_is_filled(text: str, reads: set[str]) -> None:
    """In every branch, whatever holds."""
    assert lint(text) == (frozenset(reads), "")


def template(text: str, plain: str = "Something plain.", **changed: Any) -> Template:
    """One text in English."""
    variant = Variant("en", (Part("body", text, plain),), "This price is your own.")
    return Template(
        **{"template_id": "t", "version": 3, "state": State.LIVE, "variants": (variant,), **changed}
    )


def outcome(price_minor: int | None = None, *, personalised: bool = False, **option: Any) -> Outcome:
    """An option that was chosen."""
    chosen = Option("o", Depth.INDIVIDUAL, **option)
    play = Play("p", 1, State.LIVE, "personalise.content", 0, "", (Channel.EMAIL,), (chosen,))
    candidate = Candidate(play, chosen, Channel.EMAIL, NOW_MS)
    return Outcome(
        candidate=candidate,
        held=None,
        retry_at_ms=0,
        depth=Depth.INDIVIDUAL,
        propensity=1.0,
        alternatives=(),
        price_minor=price_minor,
        price_personalised=personalised,
        honours=None,
        reserves=False,
        binds_until_ms=0,
        steps=(),
        read=(),
    )


def filled(
    text: str, told: Outcome | None = None, *, of: Template | None = None, **fields: Known
) -> tuple[str, str]:
    """What is said, and why it is the plain text."""
    facts = Facts((), {name.replace("__", "."): one for name, one in fields.items()}, NOW_MS, "UTC")
    log: list[str] = []
    content = Templates(log.append).fill(of or template(text), "en", facts, told or outcome(), "EUR")
    assert bool(log) == bool(content.plain_because)
    assert not any(str(one.value) in line for one in fields.values() for line in log)
    return content.parts[0][1], content.plain_because


def test_what_the_person_said_is_said_back() -> None:
    """With its origin, where the template wants that."""
    text = "You like {{ declared.likes | join: ' and ' }} ({{ where_from }})."
    assert filled(text, declared__likes=known(("tea", "rye"))) == (
        "You like tea and rye (quiz 2023-11-14).",
        "",
    )


def test_what_is_not_known_is_never_an_empty_word() -> None:
    """The plain text is given; a default may be said."""
    assert filled("Dear {{ dependent.name | first }}") == ("Something plain.", "NOT_FILLED")
    assert filled("{{ attribute.language | default: 'en' }}") == ("en", "")


@pytest.mark.parametrize("party", [Party.FIRST, Party.SECOND, Party.THIRD])
def test_a_value_the_person_did_not_give_is_not_shown_unless_the_template_reveals_it(party: Party) -> None:
    """Not in words, and not by the branch that is taken."""
    status = known("honoured", party=int(party))
    for text in (
        "You are {{ loyalty.guests.status }}.",
        "{% if loyalty.guests.status == 'honoured' %}Sir{% endif %}",
    ):
        assert filled(text, loyalty__guests__status=status) == ("Something plain.", "NOT_GIVEN")
    open_one = template("You are {{ loyalty.guests.status }}.", reveals=("loyalty.guests.status",))
    assert filled("", of=open_one, loyalty__guests__status=status)[0] == "You are honoured."


def test_a_value_that_got_into_a_text_by_another_way_is_found() -> None:
    """What the call said is shown; that it is also what a partner knows of the person is too much."""
    text = "Searching for {{ context.search }}?"
    partner = known(("category:Wheelchairs",), party=int(Party.SECOND))
    said = known("wheelchairs", party=0)
    assert filled(text, context__search=said) == ("Searching for wheelchairs?", "")
    assert filled(text, context__search=said, declared__likes=partner) == ("Something plain.", "NOT_GIVEN")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Now {{ offer.price }}.", True),
        ("Now 9.00 EUR.", True),
        ("Now 9,00 €.", True),
        ("Now € 9.", True),
        ("10 % off.", True),
        ("10.0% off.", True),
        ("Take {{ offer.percent }} off.", True),
        ("Now 8.99 EUR.", False),
        ("Now 90 EUR.", False),
        ("15 % off.", False),
        ("1 % off.", False),
        ("15 percent off.", False),
        ("In 24 hours.", True),
    ],
)
def test_no_other_price_and_no_other_percentage_than_was_decided_is_said(text: str, *, right: bool) -> None:
    """A discount of 10 % and a price of 9.00 EUR."""
    decided = outcome(900, discount=Discount(permille=100, margin_floor_permille=50))
    assert (filled(text, decided)[1] == "") is right


def test_amounts_are_read_however_they_are_written() -> None:
    """Thousands are divided by dots, commas, blanks; some currencies have no cents and some have mills."""
    for text in ("1,234.50 EUR", "1.234,50 EUR", "1 234,50 EUR", "€1234.5", "CHF 1'234.50"):
        assert not number_besides([text], None, {123450}, "EUR"), text
    assert not number_besides(["1,234 JPY"], None, {1234}, "JPY")
    assert (money(1234, "JPY"), money(1234, "KWD"), money(-5, "EUR")) == (
        "1234 JPY",
        "1.234 KWD",
        "-0.05 EUR",
    )
    assert decimals_of("EUR") == 2


def test_a_price_of_ones_own_comes_with_its_disclosure_and_nobody_elses_does() -> None:
    """It is said beside the text, in the text's language."""
    facts = Facts((), {}, NOW_MS, "UTC")
    fill = Templates(lambda _: None).fill
    assert (
        fill(template("Hi."), "en", facts, outcome(personalised=True)).disclosure == "This price is your own."
    )
    assert fill(template("Hi."), "en", facts, outcome()).disclosure == ""


def test_the_language_is_the_persons_else_its_first_word_else_the_templates_first() -> None:
    """Whoever speaks "pt-BR" is answered in "pt" where there is nothing nearer."""
    variants = tuple(Variant(tag, (Part("body", tag),)) for tag in ("en", "pt", "de-AT"))
    many = template("", variants=variants)
    fill = Templates(lambda _: None).fill
    for wanted, given in (("pt-BR", "pt"), ("DE-at", "de-AT"), ("de", "en"), ("", "en"), ("pt", "pt")):
        assert fill(many, wanted, Facts((), {}, NOW_MS, "UTC"), outcome()).parts == (("body", given),)


def test_declared_interface_choices_win_over_the_order_of_a_page() -> None:
    """Blocks the person wants first come first; what a partner says they want does not count."""
    shown = outcome(blocks=("news", "offers", "basket"))
    fill = Templates(lambda _: None).fill
    for party, blocks in ((1, ("basket", "news", "offers")), (2, ("news", "offers", "basket"))):
        order = known(("basket", "gone"), party=party)
        facts = Facts((), {"interface.block_order": order}, NOW_MS, "UTC")
        assert fill(template("Hi."), "en", facts, shown).blocks == blocks


def test_a_scene_is_its_ids_and_its_filled_texts() -> None:
    """A part named like an element is its text."""
    scene = template(
        "",
        variants=(Variant("en", (Part("sign", "For {{ dependent.name | first }}", "Hello"),)),),
        scene_id="room",
        scene_element_ids=("lamp", "sign"),
    )
    facts = Facts((), {"dependent.name": known(("Rex",))}, NOW_MS, "UTC")
    content = Templates(lambda _: None).fill(scene, "en", facts, outcome(item_ids=("bone",)))
    assert (content.scene_id, content.scene_element_ids, content.parts) == (
        "room",
        ("lamp", "sign"),
        (("sign", "For Rex"),),
    )
    assert content.personal
    assert content.item_ids == ("bone",)
