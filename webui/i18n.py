"""Languages of the screens: gettext catalogues read as text at start, without a compile step.

Message ids are English and stand in the code and the templates; people see Indonesian
unless they choose otherwise. The language of the moment is a context variable, so that a
template, its macros and its filters agree on it: `speaking` sets it, `render` does so itself.

A face keeps `locales/LANGUAGE/*.po` of its own; `Locales(KIT, FACE)` merges them, later
folders win. `python -m webui.catalogue` brings the files up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

LANGUAGES = ("id", "en")
DEFAULT = "id"
COOKIE = "siaga_language"
QUERY = "lang"
KIT = Path(__file__).parent / "locales"
"""The kit's own catalogues."""

_PLURAL: dict[str, Callable[[int], int]] = {"id": lambda _: 0, "en": lambda n: int(n != 1)}
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate this later"
    """Mark `message` for the catalogue and return it untranslated."""
    return message


def current_language() -> str:
    """Return the language of the page being rendered."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Render what is inside in `language`; an unknown one becomes the default."""
    token = _language.set(language if language in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _language.reset(token)


class Locales:
    """Translations of every language, merged from the catalogues in `folders`."""

    def __init__(self, *folders: Path) -> None:
        self._texts: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in LANGUAGES}
        for folder in folders:
            for language in LANGUAGES:
                for path in sorted((folder / language).glob("*.po")):
                    self._texts[language].update(_read(path, language))

    def gettext(self, message: str) -> str:
        """Return `message` in the current language, or itself when no catalogue has it."""
        found = self._texts[current_language()].get(message)
        return found[0] if found else message

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the form of `one` and `many` that `count` wants in the current language."""
        language = current_language()
        found = self._texts[language].get(one)
        if found is None:
            return one if count == 1 else many
        return found[min(_PLURAL[language](count), len(found) - 1)]


def language_of(connection: HTTPConnection, *, ask_browser: bool = False) -> str:
    """Return the language to answer in: `?lang=`, else the cookie, else the default.

    `ask_browser` also reads Accept-Language. It is off by default because browsers in these
    offices are often installed in English while their users read Indonesian.
    """
    wanted = [connection.query_params.get(QUERY, ""), connection.cookies.get(COOKIE, "")]
    if ask_browser:
        wanted += _accepted(connection.headers.get("accept-language", ""))
    return next((name for name in wanted if name in LANGUAGES), DEFAULT)


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, best first, without regions."""
    ranked: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            ranked.append((-float(quality or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    return [name for _, name in sorted(ranked, key=lambda item: item[0])]


def _read(path: Path, language: str) -> dict[str, tuple[str, ...]]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    return dict(_entry(message) for message in catalogue if message.id and message.string and not message.fuzzy)


def _entry(message: Message) -> tuple[str, tuple[str, ...]]:
    key = message.id if isinstance(message.id, str) else message.id[0]
    texts = message.string or ""
    return key, (texts,) if isinstance(texts, str) else tuple(texts)
