"""The Jinja environment of a face, and how a page is rendered.

    locales = Locales(i18n.KIT, FACE / "locales")
    assets = Assets(assets.KIT, FACE / "static")
    pages = environment(FACE / "templates", locales=locales, assets=assets)
    html = render(pages, "tablet.html", language_of(request), zone=room_zone, room=room)

Templates import the kit's macros as `kit/ui.html` and extend `kit/page.html`. In them,
`_("English text")` and `{% trans %}` speak the language given to `render`; a literal `%`
inside a message is written `%%`. Undefined names raise. Filters:

    moment | jam            09.17                               (a time of day in `zone`)
    moment | tanggal        Selasa, 3 November 2026
    moment | tanggal_pendek 3 Nov
    moment | waktu          Selasa, 3 November 2026 pukul 09.17
    moment | zona           WIB
    span | durasi           1 jam 13 menit
    number | angka          1.234,5
    asset(name)             content-hashed address of a static file
    why(reason)             a machine reason as a sentence (webui.reasons)
    measure_name(name)      what a measured value is called
    value_text(found, unit) a measured value with its unit
    limit_text(limit)       what was wanted of a measured value
    device_name(name)       what people call a device of the room file

`jam`, `tanggal` and the others take aware datetimes; without `zone` they show them in their own offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from babel.core import Locale
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape

from webui.assets import Assets
from webui.i18n import Locales, current_language, speaking
from webui.limits import limit_text, value_text
from webui.reasons import Reason, device_name, measure_name, sentence
from webui.verbs import told

MACROS = Path(__file__).parent / "macros"
TEMPLATE_EXTENSIONS = ["jinja2.ext.i18n", "jinja2.ext.do"]

_LOCALES = {"id": Locale("id"), "en": Locale("en", "GB")}
_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


def environment(*template_folders: Path, locales: Locales, assets: Assets) -> Environment:
    """Return the environment of a face with templates in `template_folders`, earlier ones winning."""
    env = Environment(
        loader=ChoiceLoader([FileSystemLoader(template_folders), PrefixLoader({"kit": FileSystemLoader(MACROS)})]),
        autoescape=True,
        auto_reload=False,  # an upgrade under a process that runs must not mix its pages with older code
        undefined=StrictUndefined,
        extensions=TEMPLATE_EXTENSIONS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # jinja2.ext.i18n adds these methods to the environment when it loads
    env.install_gettext_callables(locales.gettext, locales.ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals["asset"] = assets.url
    env.globals["current_language"] = current_language
    env.globals["why"] = lambda reason: _why(reason, locales)
    env.globals["device_name"] = lambda name: device_name(name, locales.gettext)
    env.globals["measure_name"] = lambda name: measure_name(name, locales.gettext)
    env.globals["told"] = lambda verb, arguments: told(verb, arguments, locales.gettext)
    env.globals["value_text"] = lambda found, unit: value_text(found, unit, locales.gettext)
    env.globals["limit_text"] = lambda limit: limit_text(limit, locales.gettext)
    for name, function in _FILTERS.items():
        env.filters[name] = function
    return env


def render(env: Environment, name: str, language: str, *, zone: tzinfo | None = None, **context: object) -> str:
    """Return template `name` in `language`, with times shown in `zone`."""
    with showing(zone), speaking(language):
        return env.get_template(name).render(**context)


@contextmanager
def showing(zone: tzinfo | None) -> Iterator[None]:
    """Show the times inside in `zone`, for rows that are made before the page is; `render` does so itself."""
    token = _zone.set(zone)
    try:
        yield
    finally:
        _zone.reset(token)


def _why(reason: Reason, locales: Locales) -> str:
    return sentence(reason, locales.gettext)


def _locale() -> Locale:
    return _LOCALES[current_language()]


def _local(moment: datetime) -> datetime:
    """Return `moment` where the reader is.

    Raises:
        ValueError: it has no time zone, so nobody knows when it is.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time on a screen must have a zone, got {moment}")
    zone = _zone.get()
    return moment.astimezone(zone) if zone else moment


def jam(moment: datetime) -> str:
    """Return the time of day, 09.17 in Indonesian and 09:17 in English."""
    return _local(moment).strftime("%H.%M" if current_language() == "id" else "%H:%M")


def tanggal(moment: datetime) -> str:
    """Return weekday and date in words."""
    return str(format_date(_local(moment), "EEEE, d MMMM y", locale=_locale()))


def tanggal_pendek(moment: datetime) -> str:
    """Return day and month, abbreviated."""
    return str(format_date(_local(moment), "d MMM", locale=_locale()))


def waktu(moment: datetime) -> str:
    """Return weekday, date and time of day."""
    between = "'pukul'" if current_language() == "id" else "'at'"
    return str(format_datetime(_local(moment), f"EEEE, d MMMM y {between} ", locale=_locale(), tzinfo=None)) + jam(
        moment
    )


def zona(moment: datetime) -> str:
    """Return the short name of the zone, such as WIB."""
    return str(get_timezone_name(_local(moment), width="short", locale=_LOCALES["id"]))


def durasi(span: timedelta) -> str:
    """Return a duration in whole minutes, or in seconds below one minute; a negative one counts as none."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return _unit(seconds, "second")
    hours, minutes = divmod(seconds // 60, 60)
    parts = [_unit(hours, "hour")] if hours else []
    parts += [_unit(minutes, "minute")] if minutes else []
    return " ".join(parts)


def angka(number: float) -> str:
    """Return a number with the language's separators."""
    return str(format_decimal(number, locale=_locale()))


def _unit(count: int, unit: str) -> str:
    return str(format_unit(count, f"duration-{unit}", locale=_locale()))


def labelled(row: Markup, heads: Sequence[str]) -> Markup:
    """Return a table's row in which each cell names its column: on a narrow screen cells stand below each other."""
    names = iter(heads)
    return Markup(re.sub(r"<td\b", lambda _: f'<td data-label="{escape(next(names, ""))}"', row))  # noqa: S704 - a row of ours


_FILTERS = {
    "angka": angka,
    "durasi": durasi,
    "jam": jam,
    "labelled": labelled,
    "tanggal": tanggal,
    "tanggal_pendek": tanggal_pendek,
    "waktu": waktu,
    "zona": zona,
}
