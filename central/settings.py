"""Central's two files: where it runs (`central.yaml`) and the office's rules (`policy.yaml`).

Both are read with every mistake named at its line. Secrets stand in neither: they come
from a credentials file of their own or from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints

from central import holidaylist
from central.domain.calendar import Gap, Hours, OfficeCalendar, Period, Week
from central.domain.clocks import Standards
from central.domain.resources import BUFFER_AT_MOST, Buffers, Rules
from central.domain.words import LEADERS, Leader, Role
from contract.link import Broker
from contract.yamlfile import Duration, Settings, duration, parse, read

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MANAGED = "managed"
DECREE_DUE_MONTH = 10
"""From here on next year's decree is missed: it usually comes out in September."""
RAMADAN_DUE = timedelta(days=90)
"""So long before Ramadan its hours are missed."""


def _hours(text: object) -> object:
    """Return `07:30-16:00` as two times.

    Raises:
        ValueError: it is written in another way, or ends before it starts.
    """
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", text)
    if found is None:
        raise ValueError(f"hours like 07:30-16:00 are wanted, got {text!r}")
    first, last = time.fromisoformat(found[1]), time.fromisoformat(found[2])
    if first >= last:
        raise ValueError(f"hours must end after they start, got {text!r}")
    return first, last


def _listen(text: str) -> str:
    """Check `HOST:PORT`.

    Raises:
        ValueError: no host or no port.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"an address like 127.0.0.1:8080 is wanted, got {text!r}")
    return text


def _zone(name: str) -> str:
    """Check the name of a time zone.

    Raises:
        ValueError: nobody knows it.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"a time zone like Asia/Pontianak is wanted, got {name!r}") from error
    return name


def _database(url: object) -> object:
    """Check that it is a kind of database that there is, and that no password stands in the address.

    Raises:
        ValueError: it is another kind, or one does.
    """
    if not isinstance(url, str):
        return url
    if not url.startswith(("sqlite://", "postgresql+psycopg://")):
        raise ValueError(f"sqlite:///PATH or postgresql+psycopg://ROLE@HOST/DATABASE is wanted, got {url!r}")
    if urlsplit(url).password:
        raise ValueError("a database address holds no password: use PostgreSQL's own file (PGPASSFILE) or PGPASSWORD")
    return url


def _pattern(text: str) -> str:
    """Check a regular expression.

    Raises:
        ValueError: it is none.
    """
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression is wanted: {error}") from error
    return text


def _time(value: object) -> object:
    """Let text like `02:30` pass for a time of day."""
    return time.fromisoformat(value) if isinstance(value, str) else value


def _day(value: object) -> object:
    """Let YAML's own dates and text like `2027-02-08` pass for a date."""
    return date.fromisoformat(value) if isinstance(value, str) else value


KEEP: Final = "keep"
"""In place of a time: for ever."""
KEPT_AT_LEAST: Final = timedelta(days=1)


def _kept_for(value: object) -> object:
    """Return a time to keep things for, none for `keep`.

    Raises:
        ValueError: it is no duration, or shorter than a day.
    """
    if value is None or value == KEEP:
        return None
    if (length := duration(value)) < KEPT_AT_LEAST:
        raise ValueError(f"at least 1d is wanted, or {KEEP}; got {value!r}")
    return length


def _said_kept_for(length: timedelta | None) -> str:
    return KEEP if length is None else f"{length / timedelta(days=1):g}d"


def _kept_whole(value: object) -> object:
    """Check that journals stay.

    Raises:
        ValueError: they are not to.
    """
    if value != KEEP:
        raise ValueError(
            f"only {KEEP} is possible, got {value!r}: what a session's report is worth is proven from the room's "
            "journal each time it is shown, and one that was cut would prove nothing"
        )
    return value


def _leaders(positions: tuple[Leader, ...]) -> tuple[Leader, ...]:
    """Check that each is a position, once.

    Raises:
        ValueError: one is none, or stands there twice.
    """
    if Leader.NONE in positions or len(set(positions)) < len(positions):
        raise ValueError(f"some of {', '.join(LEADERS)} are wanted, each once, got {', '.join(positions)}")
    return positions


def _buffer(length: timedelta) -> timedelta:
    """Check a time around an event.

    Raises:
        ValueError: longer than anything is kept for.
    """
    if length > BUFFER_AT_MOST:
        raise ValueError(f"at most {BUFFER_AT_MOST.days * 24} hours are wanted, got {length}")
    return length


OfficeHours = Annotated[Hours, BeforeValidator(_hours)]
Listen = Annotated[str, AfterValidator(_listen)]
Day = Annotated[date, BeforeValidator(_day)]
Buffer = Annotated[Duration, AfterValidator(_buffer)]
KeptFor = Annotated[
    timedelta | None, BeforeValidator(_kept_for), PlainSerializer(_said_kept_for, return_type=str, when_used="json")
]
"""How long something is kept; none is for ever."""


class OtherHours(Settings):
    """Hours for a while."""

    name: str
    first: Day = Field(alias="from")
    until: Day
    hours: dict[Weekday, OfficeHours]
    breaks: dict[Weekday, OfficeHours] | None = None


class WorkingHours(Settings):
    """The usual week and what differs from it."""

    usual: dict[Weekday, OfficeHours]
    periods: tuple[OtherHours, ...] = ()
    breaks: dict[Weekday, OfficeHours] = Field(default_factory=dict)


class Holidays(Settings):
    """Which days are free besides the week's own."""

    country: Literal["ID"] | None = "ID"
    also: dict[Day, str] = Field(default_factory=dict)
    excepted: tuple[Day, ...] = Field(default=(), alias="not")
    decreed: tuple[int, ...] = ()
    """Years that are complete in this file, although the list has no joint leave of theirs."""


class TimeStandards(Settings):
    """The SOP's time standards."""

    disposition: Duration = timedelta(minutes=10)
    verification: Duration = timedelta(days=1)
    report: Duration = timedelta(minutes=5)


class Around(Settings):
    """What belongs to an event before and after it, for one thing."""

    setup: Buffer = timedelta(minutes=30)
    teardown: Buffer = timedelta(minutes=15)

    def buffers(self) -> Buffers:
        """Return it as the rules take it."""
        return Buffers(self.setup, self.teardown)


class EventBuffers(Around):
    """What belongs to an event before and after it: everywhere, in some rooms, for accounts."""

    rooms: dict[str, Around] = Field(default_factory=dict)
    accounts: Around = Around(setup=timedelta(minutes=30), teardown=timedelta(minutes=15))


class Staff(Settings):
    """The division's people."""

    hours: dict[Weekday, OfficeHours] | None = None
    """When they work, preparation included; a person's own shifts count instead."""
    travel: Duration = timedelta(0)
    sessions_a_day: Annotated[int, Field(ge=0)] = 0
    skills: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Retention(Settings):
    """How long each kind is kept after its time; none is for ever. What is no kind of these is never erased.

    What an office was sent goes only when it says so: nobody loses it by an upgrade.
    """

    letters: KeptFor = None
    """Files, after the end of the last event that was asked for with them."""
    contacts: KeptFor = None
    """Names and telephones in requests, after the end of the event."""
    pictures: KeptFor = None
    """Of what was on air, after the report that shows them came."""
    messages: KeptFor = None
    """What people and webhooks were told of requests that are over."""
    log_ins: KeptFor = timedelta(days=90)
    """Those that have ended, and waits after wrong tries."""
    keys: KeptFor = timedelta(days=30)
    """Of orders that were sent twice, with the answers kept for them."""
    drafts: KeptFor = None
    """Requests that nobody sent in, since they were last kept."""
    journals: Annotated[Literal["keep"], BeforeValidator(_kept_whole)] = "keep"


class Policy(Settings):
    """The office's rules."""

    lead_time: Duration = timedelta(days=3)
    lead_time_in: Literal["calendar_days", "working_days"] = "calendar_days"
    working_hours: WorkingHours
    holidays: Holidays = Holidays()
    standards: TimeStandards = TimeStandards()
    buffers: EventBuffers = EventBuffers()
    staff: Staff = Staff()
    servable_limit: Annotated[int, Field(ge=1)] = 3
    platforms: tuple[str, ...] = ("zoom",)
    letter_number: Annotated[str, AfterValidator(_pattern)] = r"^\S+/\S+$"
    leaders: Annotated[tuple[Leader, ...], AfterValidator(_leaders)] = LEADERS
    """Who counts as a leader, in the order of priority."""
    retention: Retention = Retention()

    def sop(self, calendar: Callable[[datetime], OfficeCalendar]) -> Standards:
        """Return the time standards as the rules take them, in the working time of when a step began."""
        given = self.standards
        return Standards(given.disposition, given.verification, given.report, calendar)

    def rules(self, zone: ZoneInfo, year: int) -> Rules:
        """Return the rules of verification as they stand in `year`."""
        calendar = self.calendar(zone, year)
        return Rules(
            calendar=calendar,
            lead_time=self.lead_time,
            buffers=self.buffers.buffers(),
            servable_limit=self.servable_limit,
            platforms=self.platforms,
            lead_in_working_days=self.lead_time_in == "working_days",
            buffers_of={room: around.buffers() for room, around in self.buffers.rooms.items()},
            account_buffers=self.buffers.accounts.buffers(),
            staff=replace(calendar, week=_week(self.staff.hours), periods=()) if self.staff.hours else None,
            travel=self.staff.travel,
            sessions_a_day=self.staff.sessions_a_day,
            skills=self.staff.skills,
            leaders=self.leaders,
        )

    def calendar(self, zone: ZoneInfo, year: int) -> OfficeCalendar:
        """Return working hours, and holidays from the year before `year` on."""
        hours, free = self.working_hours, self._free_days(year)
        periods = tuple(
            Period(p.first, p.until, _week(p.hours), None if p.breaks is None else _week(p.breaks))
            for p in hours.periods
        )
        return OfficeCalendar(
            zone,
            _week(hours.usual),
            periods,
            free,
            _week(hours.breaks),
            undecreed=frozenset(holidaylist.years(year)) - self._decreed(free),
            fasts=tuple(fast for fast in holidaylist.fasts(free) if not _has_hours(periods, fast)),
        )

    def _free_days(self, year: int) -> dict[date, str]:
        found: dict[date, str] = {}
        if self.holidays.country:
            found = dict(holidaylist.listed(self.holidays.country, year))
        found |= self.holidays.also
        return {day: name for day, name in found.items() if day not in self.holidays.excepted}

    def _decreed(self, free: dict[date, str]) -> frozenset[int]:
        """Return the years whose free days are all known; an office with a list of its own has them all there."""
        known = holidaylist.decreed(free) if self.holidays.country else {day.year for day in free}
        return frozenset(known) | frozenset(self.holidays.decreed)

    def missing(self, zone: ZoneInfo, today: date) -> tuple[MissingDays, ...]:
        """Return what the calendar lacks and ought to have by now, first things first."""
        calendar = self.calendar(zone, today.year)
        due = [today.year, *([today.year + 1] if today.month >= DECREE_DUE_MONTH else [])]
        decrees = [MissingDays(Gap.DECREE, date(y, 1, 1), date(y, 12, 31)) for y in due if y in calendar.undecreed]
        fasts = [MissingDays(Gap.RAMADAN, *f) for f in calendar.fasts if f[0] - RAMADAN_DUE <= today <= f[1]]
        return tuple(sorted((*decrees, *fasts), key=lambda found: found.first))


@dataclass(frozen=True, slots=True)
class MissingDays:
    """Days whose holidays or hours the policy file does not know."""

    gap: Gap
    first: date
    last: date

    def __str__(self) -> str:
        if self.gap is Gap.DECREE:
            return (
                f"the holiday decree of {self.first.year} is not known: put its days under holidays, also, "
                f"and {self.first.year} under holidays, decreed"
            )
        return (
            f"no hours for Ramadan, about {self.first} to {self.last}: "
            "put the circular's hours under working_hours, periods"
        )


def _has_hours(periods: tuple[Period, ...], fast: tuple[date, date]) -> bool:
    """Return whether a period lies upon the middle of a Ramadan; its ends may be estimates."""
    middle = fast[0] + (fast[1] - fast[0]) / 2
    return any(period.first <= middle <= period.last for period in periods)


def _week(hours: dict[Weekday, Hours]) -> Week:
    return {WEEKDAYS.index(day): opening for day, opening in hours.items()}


class BrokerSettings(Settings):
    """The managed broker, or the office's own."""

    at: Annotated[str, Field(pattern=r"^(managed|mqtts?://.+)$")] = MANAGED
    listen: Annotated[str, Field(pattern=r"^127\.0\.0\.1:\d{1,5}$")] = "127.0.0.1:1884"
    """Of the managed one, loopback only; port 0 lets the system choose once."""
    credentials: Path | None = None
    username: str | None = None
    password_env: str | None = None

    @property
    def managed(self) -> bool:
        """Whether central starts it itself."""
        return self.at == MANAGED


class Credentials(Settings):
    """A `*.secrets.yaml` file."""

    username: str
    password: str = Field(repr=False)


class Letters(Settings):
    """Limits of uploads."""

    at_most_mib: Annotated[int, Field(ge=1, le=100)] = 10


class Channel(Settings):
    """A way to reach people: an address of an Apprise service, which holds secrets and so is in the environment."""

    url_env: str
    """The variable; in its text `{to}` becomes the person's own address."""
    roles: tuple[Role, ...] = ()
    """With roles it is one place (a group) that all of these read, and it is sent to once."""
    language: Literal["id", "en"] = "id"
    """Of a place; a person reads in his own."""


class Webhook(Settings):
    """A program that is told of every event, or of some."""

    url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+(/\S*)?$")]
    secret_env: str
    events: tuple[str, ...] = ()


class Notifications(Settings):
    """Whom central tells what happens to requests, and how long it tries."""

    channels: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")], Channel] = Field(default_factory=dict)
    webhooks: dict[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")], Webhook] = Field(default_factory=dict)
    attempts: Annotated[int, Field(ge=1, le=50)] = 10
    """After so many it is given up, and shown until somebody sends it again."""


class Backup(Settings):
    """The back-up that is made every day."""

    folder: Path | None = None
    at: Annotated[time, BeforeValidator(_time)] = time(2, 30)
    keep: Annotated[int, Field(ge=0, le=1000)] = 14
    """So many; 0 makes none."""
    files: bool = False
    """With letters and pictures in it; without they are listed with their hashes."""


def safe_url(url: str) -> bool:
    """Return whether an address is over TLS, or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})


def _issuer(text: str) -> str:
    """Check the address of an OpenID provider.

    Raises:
        ValueError: it is none, or without TLS.
    """
    if not safe_url(text) or "?" in text or "#" in text:
        raise ValueError(f"an issuer like https://sso.example/realms/office is wanted, got {text!r}")
    return text


class SignOn(Settings):
    """An OpenID Connect provider whose people may log in here; local accounts stay beside it."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    """As its own description and its tokens spell it, to the last slash."""
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    secret_env: str
    """The variable with the client's secret."""
    label: Annotated[str, Field(max_length=60)] = ""
    """What people call it, for the log-in page."""
    scopes: tuple[str, ...] = ("openid", "profile")
    groups_claim: str = "groups"
    """Where the token has somebody's groups; dots lead into objects: realm_access.roles."""
    roles: dict[str, tuple[Role, ...]]
    """Group to roles; whoever is in none of them does not come in."""
    allowed: tuple[str, ...] = ()
    """With groups here, whoever is in none of them does not come in, whatever else he is."""
    login_claim: str = "preferred_username"
    agency_claim: str = ""
    agencies: dict[str, str] = Field(default_factory=dict)
    """What the token calls an agency, to its id here; what is missing is an id already."""
    within: Duration = timedelta(seconds=5)
    """How long each question to the provider may take."""


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
"""One line of the letterhead."""


class Office(Settings):
    """Who files reports: the letterhead, and the lines above the signatures."""

    government: Line = "Pemerintah Provinsi Kalimantan Barat"
    name: Line = "Dinas Komunikasi dan Informatika"
    address: Annotated[tuple[Line, ...], Field(max_length=4)] = ()
    place: Line = "Pontianak"
    """Before the date."""
    approver: Line = "Kepala Bidang Pelaksana"


class CentralFile(Settings):
    """`central.yaml`."""

    listen: Listen = "127.0.0.1:8080"
    public_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://127.0.0.1:8080"
    data: Path
    database: Annotated[str, Field(pattern=r"^(sqlite|postgresql\+psycopg)://"), BeforeValidator(_database)] | None = (
        None
    )
    broker: BrokerSettings = BrokerSettings()
    letters: Letters = Letters()
    backup: Backup = Backup()
    sign_on: SignOn | None = None
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses of proxies in front of central, whose word on who asks is taken."""
    metrics_from: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses that may read /metrics."""
    notifications: Notifications = Notifications()
    office: Office = Office()
    policy: Path
    time_zone: Annotated[str, AfterValidator(_zone)] = "Asia/Pontianak"
    schedule_window: Duration = timedelta(days=14)
    prepare_lead: Duration = timedelta(minutes=30)


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True)
class CentralSettings:
    """Both files, and the folder that their paths start from."""

    base: Path
    file: CentralFile
    policy: Policy

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone."""
        return ZoneInfo(self.file.time_zone)

    @property
    def folder(self) -> Path:
        """Where central keeps its own things."""
        return self.base / self.file.data

    @property
    def backup_folder(self) -> Path:
        """Where the daily back-ups are."""
        wanted = self.file.backup.folder
        return self.folder / "backups" if wanted is None else self.base / wanted

    @property
    def database_url(self) -> str:
        """Where the bookings are."""
        return self.file.database or f"sqlite:///{self.folder / 'central.db'}"

    @property
    def secure(self) -> bool:
        """Whether people reach central over TLS."""
        return self.file.public_url.startswith("https://")

    def office_broker(self) -> Broker:
        """Return the office's own broker with central's credentials.

        Raises:
            FileMistakes: the credentials file is missing or wrong.
        """
        settings = self.file.broker
        username = settings.username
        password = os.environ.get(settings.password_env) if settings.password_env else None
        if settings.credentials is not None:
            secrets = parse(read(self.base / settings.credentials), Credentials)
            username, password = secrets.username, secrets.password
        return Broker.parse(settings.at, username=username, password=password)


def load(path: Path) -> CentralSettings:
    """Return the central file at `path` with the policy file it names.

    Raises:
        FileMistakes: every mistake of the first of the two files that has some.
    """
    file = parse(read(path), CentralFile)
    base = path.resolve().parent
    return CentralSettings(base, file, parse(read(base / file.policy), Policy))
