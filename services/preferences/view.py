"""Pages made of templates: the one place where a text becomes markup.

Every text is escaped when it is put into a page, whoever wrote it; what HTML can not hold is
replaced. There is no filter that says a text is markup but for the one token of a form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.preferences.known import Ground, shortened
from services.preferences.language import LANGUAGES, Language
from services.preferences.session import new_id

#: What HTML can not hold, not even escaped, and what can turn the reading order of a line.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ISOLATED: Final = "\u2068{}\u2069"
#: Addresses of the pages of a visit, and the keys of their names, in the order of the menu.
PAGES: Final = (
    ("/", "pages.overview"),
    ("/known", "pages.known"),
    ("/told", "pages.told"),
    ("/choices", "pages.choices"),
    ("/why", "pages.why"),
    ("/erase", "pages.erase"),
)
_FORM: Final = Markup('<input type="hidden" name="token" value="{}">')


class View:
    """Renders pages."""

    def __init__(self, name: str) -> None:
        """For a deployment of a name."""
        self._name = name
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=presentable,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, template: str, language: Language, form_token: str, given: Mapping[str, Any]) -> str:
        """One page.

        Args:
            template: its name, without ``.html``.
            language: it speaks.
            form_token: what its forms carry.
            given: what it shows; everything a template names is here or in ``_common``.
        """
        common = {
            "name": self._name,
            "language": language,
            "languages": LANGUAGES,
            "pages": PAGES,
            "t": language.text,
            "purpose_name": lambda purpose: language.word("purpose", purpose),
            "because": lambda ground: because(ground, language),
            "csrf": lambda: _FORM.format(form_token),
            "form_id": new_id,
            "here": "",
            "visit": None,
            "done": "",
        }
        return self._templates.get_template(f"{template}.html").render({**common, **given})


def presentable(value: Any) -> Any:
    """A text as HTML can hold it; markup and everything else as it is."""
    return _FORBIDDEN.sub("\ufffd", value) if type(value) is str else value


def because(ground: Ground, language: Language) -> str:
    """One ground in a sentence."""
    given = {
        "title": isolated(ground.title),
        "origin": isolated(language.word("origin", ground.origin)),
        "day": language.day(ground.at),
        "stance": language.word("stance", ground.stance),
        "age_band": language.word("age_band", ground.age_band),
        "situation": isolated(language.word("situation", ground.situation)),
    }
    key = f"because.{ground.kind}"
    if ground.kind == "EVENT":
        key = f"because.{ground.did}" if ground.title else "because.EVENT_UNNAMED"
    if ground.kind == "TREND" and ground.against:
        key = "because.TREND_AGAINST"
    if ground.kind == "SESSION" and not ground.title:
        key = "because.SESSION_UNNAMED"
    return language.text(key if language.has(key) else "because.SOMETHING", **given)


def isolated(text: str) -> str:
    """A foreign text for the middle of a sentence: bounded, and unable to turn what is around it."""
    return _ISOLATED.format(shortened(_TURNING.sub("", text)))
