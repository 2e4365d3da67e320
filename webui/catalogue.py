"""Brings the catalogues up to date with the texts in code and templates.

    python -m webui.catalogue            writes locales/{id,en}/*.po of the kit and both faces
    python -m webui.catalogue --check    writes nothing; exit 1 and a list when something is missing

New messages come in untranslated (Indonesian) or as themselves (English); messages that no
text uses any more are dropped. Nothing is compiled and nothing is guessed ("fuzzy").
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from webui.i18n import LANGUAGES

ROOT = Path(__file__).parent.parent
_METHODS = [("**/macros/**.html", "jinja2"), ("**/templates/**.html", "jinja2"), ("**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**.html": {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "trim_blocks": "true", "lstrip_blocks": "true"}}
_KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of texts and the file name of its catalogues."""

    folder: Path
    file: str

    def catalogue(self, language: str) -> Path:
        """Return the path of its catalogue in `language`."""
        return self.folder / "locales" / language / self.file


PARTS = (
    Part(ROOT / "webui", "ui.po"),
    Part(ROOT / "agent" / "web", "tablet.po"),
    Part(ROOT / "central" / "web", "central.po"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A message of the code: its id (two for a plural) and the files that use it."""

    id: str | tuple[str, str]
    where: frozenset[str]


def texts(folder: Path) -> list[Text]:
    """Return every message that code and templates below `folder` mark for translation."""
    found: dict[str | tuple[str, str], set[str]] = {}
    for name, _line, message, _comments, _context in extract_from_dir(
        folder, [("**.html", "jinja2"), ("**.py", "python")], _OPTIONS, _KEYWORDS
    ):
        key = message if isinstance(message, str) else (message[0], message[1])
        found.setdefault(key, set()).add(Path(name).as_posix())
    return [Text(key, frozenset(found[key])) for key in sorted(found, key=str)]
