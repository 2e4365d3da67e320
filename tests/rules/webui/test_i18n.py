from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request

from webui import assets, i18n
from webui.assets import Assets
from webui.env import environment, render
from webui.i18n import Locales, language_of, speaking

MORNING = datetime(2026, 11, 3, 2, 17, tzinfo=UTC)
PO = 'msgid "Room"\nmsgstr "{}"\n\nmsgid "%(num)s room"\nmsgid_plural "%(num)s rooms"\n'


def catalogue(folder: Path) -> Path:
    for language, word, forms in (
        ("id", "Ruang", ["%(num)s ruang"]),
        ("en", "Room", ["%(num)s room", "%(num)s rooms"]),
    ):
        path = folder / language / "x.po"
        path.parent.mkdir(parents=True)
        head = f'msgid ""\nmsgstr ""\n"Plural-Forms: {plurals(forms)}\\n"\n\n'
        lines = "".join(f'msgstr[{n}] "{form}"\n' for n, form in enumerate(forms))
        path.write_text(head + PO.format(word) + lines)
    return folder


def plurals(forms: list[str]) -> str:
    return "nplurals=1; plural=0;" if len(forms) == 1 else "nplurals=2; plural=(n != 1);"


def rendered(tmp_path: Path, text: str, language: str, **context: object) -> str:
    (tmp_path / "page.html").write_text(text)
    locales = Locales(i18n.KIT, catalogue(tmp_path / "locales"))
    env = environment(tmp_path, locales=locales, assets=Assets(assets.KIT))
    return render(env, "page.html", language, zone=ZoneInfo("Asia/Pontianak"), **context)


@pytest.mark.parametrize(
    ("text", "indonesian", "english"),
    [
        ("{{ at | jam }}", "09.17", "09:17"),
        ("{{ at | tanggal }}", "Selasa, 3 November 2026", "Tuesday, 3 November 2026"),
        ("{{ at | waktu }}", "Selasa, 3 November 2026 pukul 09.17", "Tuesday, 3 November 2026 at 09:17"),
        ("{{ at | tanggal_pendek }}", "3 Nov", "3 Nov"),
        ("{{ at | zona }}", "WIB", "WIB"),
        ("{{ long | durasi }}", "1 jam 13 menit", "1 hour 13 minutes"),
        ("{{ short | durasi }}", "42 menit", "42 minutes"),
        ("{{ 1234.5 | angka }}", "1.234,5", "1,234.5"),
        ("{{ _('Room') }}", "Ruang", "Room"),
        ("{{ ngettext('%(num)s room', '%(num)s rooms', 2) }}", "2 ruang", "2 rooms"),
        ("{{ ngettext('%(num)s room', '%(num)s rooms', 1) }}", "1 ruang", "1 room"),
    ],
)
def test_a_page_speaks_its_language(tmp_path: Path, text: str, indonesian: str, english: str) -> None:
    context = {"at": MORNING, "long": timedelta(minutes=73), "short": timedelta(minutes=42)}
    (tmp_path / "id").mkdir()
    (tmp_path / "en").mkdir()
    assert rendered(tmp_path / "id", text, "id", **context) == indonesian
    assert rendered(tmp_path / "en", text, "en", **context) == english


def test_a_message_nobody_translated_is_shown_as_it_is() -> None:
    with speaking("id"):
        assert Locales(i18n.KIT).gettext("No such text") == "No such text"


def test_markup_in_a_value_is_escaped(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ title }}", "id", title="<b>") == "&lt;b&gt;"


def test_an_undefined_name_is_a_fault_not_a_gap(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        rendered(tmp_path, "{{ titel }}", "id")


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have a zone"):
        rendered(tmp_path, "{{ at | jam }}", "id", at=MORNING.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("query", "cookie", "header", "ask", "wanted"),
    [
        ("", "", "en-US,en;q=0.9", False, "id"),
        ("", "", "en-US,en;q=0.9", True, "en"),
        ("", "", "fr, id;q=0.5, en;q=0.7", True, "en"),
        ("", "siaga_language=en", "", False, "en"),
        ("lang=id", "siaga_language=en", "", False, "id"),
        ("lang=xx", "siaga_language=yy", "nonsense;q=a", True, "id"),
    ],
)
def test_language_is_chosen_by_query_then_cookie(query: str, cookie: str, header: str, ask: bool, wanted: str) -> None:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", header.encode())]
    request = Request({"type": "http", "query_string": query.encode(), "headers": headers})
    assert language_of(request, ask_browser=ask) == wanted
