"""Keeps the catalogues in step with the texts in code and templates.

    python -m webui.catalogue            brings locales/{id,en}/*.po of the kit and both faces up to date
    python -m webui.catalogue --check    changes nothing; exit 1 and a list when something is amiss

New messages come in untranslated (Indonesian) or as themselves (English); messages that no
text uses any more are dropped. Nothing is compiled and nothing is guessed ("fuzzy").
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from webui.i18n import LANGUAGES

ROOT = Path(__file__).parent.parent
SOURCE = "en"
"""The language of the message ids: an untranslated message is right in it."""

_METHODS = [("**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**.html": {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "trimmed": "true"}}
_KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}

PLURAL_FORMS = {"id": "nplurals=1; plural=0;", "en": "nplurals=2; plural=(n != 1);"}
"""Indonesian has one form; Babel's own table says two."""

_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"

"""
"""Without dates: a file changes only when its texts do."""

MessageId = str | tuple[str, str]
"""One text, or one and many."""


@dataclass(frozen=True, slots=True)
class Part:
    """A folder with texts, and where its catalogues are kept."""

    folder: Path
    locales: Path
    file: str

    def path(self, language: str) -> Path:
        """Return where its catalogue in `language` is."""
        return self.locales / language / self.file


PARTS = (
    Part(ROOT / "webui", ROOT / "webui" / "locales", "ui.po"),
    Part(ROOT / "agent", ROOT / "agent" / "web" / "locales", "tablet.po"),
    Part(ROOT / "central", ROOT / "central" / "web" / "locales", "central.po"),
)


def texts(folder: Path) -> dict[MessageId, list[str]]:
    """Return every message that code and templates below `folder` mark, with the files that use it."""
    found: dict[MessageId, set[str]] = {}
    for name, _line, message, _comments, _context in extract_from_dir(folder, _METHODS, _OPTIONS, _KEYWORDS):
        key = message if isinstance(message, str) else (message[0], message[1])
        found.setdefault(key, set()).add(Path(name).as_posix())
    return {key: sorted(found[key]) for key in sorted(found, key=str)}


def complaints(part: Part) -> Iterator[str]:
    """Yield what is missing, left over, untranslated or fuzzy in the catalogues of `part`."""
    wanted = texts(part.folder)
    for language in LANGUAGES:
        where = part.path(language).relative_to(ROOT)
        catalogue = _read(part, language)
        yield from (
            f"{where}: missing {key!r} of {', '.join(files)}" for key, files in wanted.items() if key not in catalogue
        )
        for message in catalogue:
            if not message.id:
                continue
            if message.id not in wanted:
                yield f"{where}: no text uses {message.id!r}"
            if message.fuzzy:
                yield f"{where}: fuzzy {message.id!r}"
            if not _filled(message.string):
                yield f"{where}: untranslated {message.id!r}"


def update(part: Part, language: str) -> None:
    """Write the catalogue of `part` in `language` with exactly the messages in use."""
    old = _read(part, language)
    new = Catalog(locale=language)
    new.mime_headers = [("Plural-Forms", PLURAL_FORMS[language])]
    for key, files in texts(part.folder).items():
        new.add(key, _string(old, key, language, new.num_plurals), [(name, 0) for name in files])
    path = part.path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_HEADER.format(language=language, plural=PLURAL_FORMS[language]).encode())
        write_po(file, new, width=110, omit_header=True, include_lineno=False)


def _string(old: Catalog, key: MessageId, language: str, forms: int) -> str | tuple[str, ...]:
    """Return what `old` has for `key`, else the message itself in its own language, else nothing."""
    known = old.get(key)
    string = known.string if known is not None else None
    if not _filled(string):
        string = key if language == SOURCE else ""
    if isinstance(key, str):
        return string if isinstance(string, str) else ""
    return tuple(string)[:forms] if string else ("",) * forms


def _read(part: Part, language: str) -> Catalog:
    path = part.path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _filled(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) if isinstance(string, str) or string is None else all(string)


def main(arguments: list[str]) -> int:
    """Update or check every part that exists."""
    parts = [part for part in PARTS if texts(part.folder)]
    if "--check" not in arguments:
        for part in parts:
            for language in LANGUAGES:
                update(part, language)
    amiss = [line for part in parts for line in complaints(part)]
    sys.stdout.writelines(f"{line}\n" for line in amiss)
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
