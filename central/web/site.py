"""What all pages share: templates, static files, language and theme, the live hub.

A page is rendered with the person who asked for it; what the person may not do is not
shown, and is refused again by the route that would do it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

from babel.dates import format_date
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse

from central.domain.words import Role, platform_name
from central.model import Person
from central.permissions import Action, may
from central.web import journal, runs, views, words
from webui import assets, i18n
from webui.assets import Assets
from webui.env import environment, jam, render, showing
from webui.i18n import LANGUAGES, N_, Locales, current_language, language_of, speaking
from webui.live import Hub
from webui.reasons import Translate
from webui.security import SAFE_METHODS
from webui.timeline import stylesheet

T = TypeVar("T")

HERE = Path(__file__).parent
LOCALES: Final = HERE / "locales"
THEME_COOKIE: Final = "siaga_tema"
A_YEAR_S: Final = 365 * 24 * 3600
THEMES: Final[Mapping[str, str]] = {
    "auto": N_("Theme: automatic"),
    "light": N_("Theme: day"),
    "dark": N_("Theme: night"),
}
"""Theme to the word on its button; the button goes on to the next one."""

_MAIN_ROLES: Final = (
    Role.HEAD, Role.VERIFIER, Role.SCHEDULER, Role.TECHNICIAN, Role.ADMIN, Role.AUDITOR, Role.APPLICANT,
)  # fmt: skip
"""The role that a person is shown by, when there are several."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the bar."""

    href: str
    label: str
    here: bool
    count: int


_LINKS: Final = (
    ("/kotak-masuk", N_("Inbox"), (Action.DISPOSE, Action.PROPOSE_DISPLACEMENT)),
    ("/permohonan", N_("Requests"), (Action.SEE_REQUESTS,)),
    ("/jadwal", N_("Schedule"), (Action.SEE_ROOMS,)),
    ("/dinding", N_("Wall"), (Action.SEE_ROOMS,)),
    ("/ruang", N_("Rooms"), (Action.SEE_ROOMS,)),
    ("/laporan", N_("Reports"), (Action.SEE_REPORTS,)),
    ("/kelola", N_("Manage"), (Action.MANAGE_STOCK,)),
    ("/pengguna", N_("People"), (Action.MANAGE_PEOPLE,)),
    ("/audit", N_("Audit"), (Action.SEE_AUDIT,)),
)

SAID: Final[Mapping[str, tuple[str, str]]] = {
    "terkirim": ("ready", N_("The request was received. You see here how it goes on.")),
    "diteruskan": ("ready", N_("Forwarded to the division.")),
    "dikembalikan": ("ready", N_("Returned to the applicant.")),
    "ditawarkan": ("ready", N_("Offered. The applicant reads it and can send the request again with it.")),
    "disetujui": ("ready", N_("Approved. The room has its schedule.")),
    "ditolak": ("ready", N_("Refused. The applicant reads the reason.")),
    "tersimpan": ("ready", N_("The draft is kept. Only you see it until you send it.")),
    "tersimpan-baris": ("ready", N_("The row is kept.")),
    "baris-dihapus": ("ready", N_("The row is deleted.")),
    "berkas-diterima": ("ready", N_("The whole file was taken in.")),
    "dikirim-lagi": ("ready", N_("It is sent again at once.")),
    "dapat-dihubungi": ("ready", N_("Kept. Messages about requests go there from now on.")),
    "sandi-baru": ("ready", N_("The new password holds. Every other log-in has ended.")),
    "log-masuk-berakhir": ("ready", N_("That log-in has ended.")),
    "akun-tersimpan": ("ready", N_("The account is kept.")),
    "alamat-baru": ("ready", N_("Your calendars have new addresses. The old ones lead nowhere now.")),
    "dipindahkan": ("ready", N_("Moved. Everybody concerned is told, and the rooms have the new plan.")),
    "plh-ditunjuk": ("ready", N_("Named. From the first day until the last the acting head gives direction.")),
    "plh-berakhir": ("ready", N_("That period has ended.")),
    "ditarik": ("ready", N_("Withdrawn.")),
    "log-masuk-habis": (
        "degraded",
        N_("Your log-in had ended, so nothing of what you sent was done. Log in, and do it once more."),
    ),
}
"""What a page says after something was done; the address carries the key."""


@dataclass(frozen=True, slots=True)
class Said:
    """A note above a page."""

    tone: str
    text: str


class Site:
    """The pages' surroundings; one for the whole application."""

    def __init__(self, zone: tzinfo, now: Callable[[], datetime]) -> None:
        self.zone = zone
        self._now = now
        self.locales = Locales(i18n.KIT, LOCALES)
        self.assets = Assets(assets.KIT, HERE / "static", made={"grid.css": stylesheet()})
        self.hub = Hub(boot=secrets.token_hex(4), ui=self.assets.version)
        self._pages = environment(HERE / "templates", locales=self.locales, assets=self.assets)
        self._pages.filters["hari"] = _day
        self._pages.filters["jam_detik"] = _seconds
        self._pages.filters["translated"] = self.locales.gettext
        translate = self.locales.gettext
        self._pages.globals.update(
            state_pill=partial(views.state_pill, translate=translate),
            phase_pill=partial(views.phase_pill, translate=translate),
            item_pills=partial(views.item_pills, translate=translate),
            steps=partial(views.steps, translate=translate),
            history=views.history,
            devices=lambda report: list(journal.devices(report, translate)),
            preset_runs=lambda report: list(runs.runs(report, translate)),
            recordings=lambda report: list(journal.recordings(report, translate)),
            device_history=lambda report: list(journal.history(report, translate)),
            change_kind=lambda kind: journal.change_kind(kind, translate),
            chain_harm=lambda harm: translate(journal.HARMS.get(harm, harm)),
            leader_words=words.LEADERS,
            kept_words=words.KEPT,
            role_words=words.ROLES,
            platform_name=platform_name,
        )

    def page(
        self,
        request: Request,
        name: str,
        person: Person | None,
        context: Mapping[str, object] = MappingProxyType({}),
        *,
        status: int = 200,
        **more: object,
    ) -> HTMLResponse:
        """Return template `name` as a whole page for `person`, with all of `context` and `more` in it."""
        given = {**context, **more}
        chosen = theme_of(request)
        following = list(THEMES)[(list(THEMES).index(chosen) + 1) % len(THEMES)]
        standard: dict[str, object] = {
            "user": person,
            "role": main_role(person) if person else None,
            "may": allowed(person),
            "links": list(_links(request.url.path, person, given.get("waiting_for_me", 0))),
            "path": request.url.path,
            "here": here_of(request),
            "theme": chosen if chosen != "auto" else "",
            "theme_word": THEMES[chosen],
            "next_theme": following,
            "said": self._said(request),
            "mistakes": {},
            "now": self._now(),
            "status": status,
        }
        return self._html(request, name, status, standard | given)

    def part(self, request: Request, name: str, context: Mapping[str, object]) -> HTMLResponse:
        """Return template `name` as a part of a page."""
        return self._html(request, name, 200, context)

    def _html(self, request: Request, name: str, status: int, context: Mapping[str, object]) -> HTMLResponse:
        html = render(self._pages, name, language_of(request), zone=self.zone, **context)
        return HTMLResponse(html, status_code=status, headers={"cache-control": "no-store"})

    def say(self, request: HTTPConnection, message: str, **values: object) -> str:
        """Return `message` in the language of the request."""
        with speaking(language_of(request)):
            return self.locales.gettext(message) % values if values else self.locales.gettext(message)

    def note(self, request: HTTPConnection, tone: str, message: str) -> Said:
        """Return `message` as a note above the page."""
        return Said(tone, self.say(request, message))

    def listed(self, request: HTTPConnection, make: Callable[[Translate], Iterable[T]]) -> list[T]:
        """Return what `make` gives in the language of the request and the office's zone."""
        with speaking(language_of(request)), showing(self.zone):
            return list(make(self.locales.gettext))

    def _said(self, request: Request) -> Said | None:
        found = SAID.get(request.query_params.get("kata", ""))
        return Said(found[0], self.say(request, found[1])) if found else None


def main_role(person: Person) -> Role:
    """Return the role a person is shown by."""
    lent = {Role.HEAD} if person.acting_for else set()
    return next((role for role in _MAIN_ROLES if role in person.roles - lent), Role.APPLICANT)


def allowed(person: Person | None) -> dict[str, bool]:
    """Return what `person` may do, for templates: `may.submit`, `may.see_sessions`."""
    return {action.name.lower(): person is not None and may(person, action) for action in Action}


def _links(path: str, person: Person | None, waiting: object) -> Iterator[Link]:
    for href, label, actions in _LINKS:
        if person is not None and any(may(person, action) for action in actions):
            count = waiting if href == "/kotak-masuk" and isinstance(waiting, int) else 0
            yield Link(href, label, path == href or path.startswith(f"{href}/"), count)


def theme_of(request: HTTPConnection) -> str:
    """Return the theme that was chosen, else `auto`: the system's."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def back_to(target: str, *, otherwise: str = "/") -> str:
    """Return `target` when it is a path of this site, else `otherwise`."""
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target and "\r" not in target
    return target if own else otherwise


def here_of(request: Request) -> str:
    """Return the address that shows this page again: of the answer to a form, the page that the form stands on."""
    if request.method in SAFE_METHODS:
        wanted = [(name, value) for name, value in request.query_params.multi_items() if name != "kata"]
        return request.url.path + (f"?{urlencode(wanted)}" if wanted else "")
    came_from = urlsplit(request.headers.get("referer", ""))
    if came_from.netloc != request.url.netloc:
        return "/"
    return back_to(came_from.path + (f"?{came_from.query}" if came_from.query else ""))


def see_other(path: str) -> RedirectResponse:
    """Return the answer to a form that was carried out: look there."""
    return RedirectResponse(path, status_code=303)


def remember(request: Request, name: str, value: str, where: str) -> RedirectResponse:
    """Return to `where` with a choice kept in the browser for a year."""
    answer = see_other(back_to(where))
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=A_YEAR_S, path="/", samesite="lax", httponly=True, secure=secure)
    return answer


def choose(request: Request, language: str, theme: str, where: str) -> RedirectResponse:
    """Keep the language or the theme that was chosen; others are not taken."""
    if language in LANGUAGES:
        return remember(request, i18n.COOKIE, language, where)
    if theme in THEMES:
        return remember(request, THEME_COOKIE, theme, where)
    return see_other(back_to(where))


def _day(day: date) -> str:
    return str(format_date(day, "d MMMM y", locale="id" if current_language() == "id" else "en_GB"))


def _seconds(moment: datetime) -> str:
    """Return the time of day to the second; `jam` knows the zone of the page."""
    return f"{jam(moment)}{'.' if current_language() == 'id' else ':'}{moment.second:02d}"
