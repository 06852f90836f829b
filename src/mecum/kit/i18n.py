"""Words that the server says itself, by code, from `mecum/locales/<lang>.po`.

An entry's msgid is a code such as `notification.run_finished.title`; `{name}` stands for a parameter. An entry with
`msgid_plural` has forms picked by the parameter `count`. Errors carry their English in the source; other languages have
them under `error.<code>` and `error.<code>.hint`.
"""

from __future__ import annotations

import gettext
import io
import logging
import re
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from mecum.kit.errors import MecumError, Param

logger = logging.getLogger(__name__)

FALLBACK = "en"
ACCEPT_LANGUAGE_CHARS_MAX = 500
_PARAMETER = re.compile(r"\{(\w+)\}")


class I18n:
    """All languages of one folder of `.po` files, each read once, when first asked for."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder or files("mecum.locales")
        self._loaded: dict[str, gettext.GNUTranslations] = {}

    @cached_property
    def locales(self) -> tuple[str, ...]:
        """Languages that are there, the fallback first."""
        found = {name.removesuffix(".po") for each in self._folder.iterdir() if (name := each.name).endswith(".po")}
        return (FALLBACK, *sorted(found - {FALLBACK}))

    def text(self, locale: str, code: str, /, **params: Param) -> str:
        """The words for `code` in `locale`, in English where that lacks them; `code` itself where nobody has them.

        Args:
            locale: a language or language tag (`zh`, `zh-CN`).
            params: values for `{name}`; `count` picks the plural form.
        """
        language = self.supported(locale)
        found = self._entry(language, code, params)
        if found is None and language != FALLBACK:
            found = self._entry(FALLBACK, code, params)
        if found is None:
            logger.warning("No words for the code %s", code)
            return code
        return fill(found, params)

    def error(self, locale: str, error: MecumError) -> tuple[str, str]:
        """What happened and what to do, in `locale`; the English of the error itself where that lacks them."""
        language = self.supported(locale)
        params = dict(error.params)
        spoken_for = language == FALLBACK and error.detail != error.code
        detail = None if spoken_for else self._entry(language, f"error.{error.code}", params)
        hint = (
            self._entry(language, f"error.{error.code}.hint", params) if error.hint and language != FALLBACK else None
        )
        return (
            fill(detail, params) if detail is not None else error.detail,
            fill(hint, params) if hint is not None else error.hint,
        )

    def supported(self, locale: str) -> str:
        """The language to use for a language tag: itself, its base language, or the fallback."""
        tag = locale.replace("_", "-").lower()
        for candidate in (tag, tag.split("-")[0]):
            if candidate in self.locales:
                return candidate
        return FALLBACK

    def negotiate(self, accept_language: str) -> str:
        """The language that an `Accept-Language` header (RFC 9110, 12.5.4) likes best among ours."""
        for tag in _by_preference(accept_language):
            if tag == "*":
                return FALLBACK
            language = self.supported(tag)
            if language != FALLBACK or tag.split("-")[0] == FALLBACK:
                return language
        return FALLBACK

    def _entry(self, language: str, code: str, params: dict[str, Param]) -> str | None:
        translations = self._translations(language)
        count = params.get("count")
        if isinstance(count, int):
            plural = translations.ngettext(code, "", count)
            if plural not in (code, ""):
                return plural
        found = translations.gettext(code)
        return None if found == code else found

    def _translations(self, language: str) -> gettext.GNUTranslations:
        if language not in self._loaded:
            with self._folder.joinpath(f"{language}.po").open("rb") as file:
                catalog = read_po(file, locale=language, abort_invalid=True)
            compiled = io.BytesIO()
            write_mo(compiled, catalog)
            compiled.seek(0)
            self._loaded[language] = gettext.GNUTranslations(compiled)
        return self._loaded[language]


def fill(pattern: str, params: dict[str, Param]) -> str:
    """`pattern` with its `{name}`s replaced; one without a value stays as it is."""
    return _PARAMETER.sub(lambda found: str(params.get(found[1], found[0])), pattern)


def placeholders(pattern: str) -> frozenset[str]:
    """Names of the parameters in `pattern`."""
    return frozenset(_PARAMETER.findall(pattern))


def _by_preference(header: str) -> list[str]:
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:ACCEPT_LANGUAGE_CHARS_MAX].split(",")):
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            ranked.append((-weight, place, tag.strip().lower()))
    return [tag for _, _, tag in sorted(ranked)]
