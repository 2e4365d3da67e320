"""What the office has, as tables of text: which columns each kind has, how a cell is read and written.

A file comes from a spreadsheet: with or without a byte order mark, with commas or
semicolons. Reading finds every mistake of the whole file, named by line and column. A cell
that a spreadsheet would take for a formula is written with an apostrophe before it, and
read without.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LINES_AT_MOST: Final = 5_000
CELL_AT_MOST: Final = 500
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YES: Final = {
    "yes": True,
    "ya": True,
    "true": True,
    "1": True,
    "no": False,
    "tidak": False,
    "false": False,
    "0": False,
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True)
class BadCell:
    """One mistake of a file: its line and column, what was wanted (a code) and what stands there."""

    line: int
    column: str
    code: str
    found: str = ""


class Unreadable(ValueError):
    """A cell that is not what its column wants."""


Value = object
Read = Callable[[str, tzinfo], Value]
Write = Callable[[Value, tzinfo], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how a cell is read, and how a value is written."""

    name: str
    read: Read
    write: Write
    refers_to: str = ""
    """The kind whose ids stand here."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One table: its columns. With a key rows are added or changed; without one a file replaces all of them."""

    name: str
    columns: tuple[Column, ...]
    key: str = "id"


def _plain(value: Value, _zone: tzinfo) -> str:
    return "" if value is None else str(value)


def _text(text: str, _zone: tzinfo) -> str:
    if not text:
        raise Unreadable("text")
    return text


def _free(text: str, _zone: tzinfo) -> str:
    return text


def _ident(text: str, _zone: tzinfo) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", text):
        raise Unreadable("ident")
    return text


def _number(least: int, most: int = 100_000) -> Read:
    def read(text: str, _zone: tzinfo) -> int:
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            raise Unreadable(f"number:{least}:{most}")
        return int(text)

    return read


def _number_or_none(text: str, zone: tzinfo) -> Value:
    return _number(1)(text, zone) if text else None


def _minutes(text: str, zone: tzinfo) -> Value:
    return float(str(_number(0, 24 * 60)(text, zone))) * 60 if text else None


def _as_minutes(value: Value, _zone: tzinfo) -> str:
    return f"{value / 60:.0f}" if isinstance(value, float) else ""


def _flag(text: str, _zone: tzinfo) -> bool:
    if text.lower() not in _YES:
        raise Unreadable("flag")
    return _YES[text.lower()]


def _as_flag(value: Value, _zone: tzinfo) -> str:
    return "yes" if value else "no"


def _zone_name(text: str, _zone: tzinfo) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unreadable("zone") from error
    return text


def _weekday(text: str, _zone: tzinfo) -> int:
    if text.lower() not in WEEKDAYS:
        raise Unreadable("weekday")
    return WEEKDAYS.index(text.lower())


def _as_weekday(value: Value, _zone: tzinfo) -> str:
    return WEEKDAYS[int(str(value))]


def _clock(text: str, _zone: tzinfo) -> str:
    try:
        return f"{time.fromisoformat(text.replace('.', ':')):%H:%M}"
    except ValueError as error:
        raise Unreadable("time") from error


def _day_or_none(text: str, _zone: tzinfo) -> Value:
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError as error:
        raise Unreadable("day") from error


def _moment(text: str, zone: tzinfo) -> datetime:
    """Return a moment; without an offset it is the office's time.

    Raises:
        Unreadable: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable("moment") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _as_moment(value: Value, zone: tzinfo) -> str:
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else ""


def _words(text: str, zone: tzinfo) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(_ident(word, zone)) for word in text.split()))


def _as_words(value: Value, _zone: tzinfo) -> str:
    return " ".join(sorted(value)) if isinstance(value, (tuple, list, set, frozenset)) else ""


_ID: Final = Column("id", _ident, _plain)
_NAME: Final = Column("name", _text, _plain)
_ACTIVE: Final = Column("active", _flag, _as_flag)
_WHO: Final = Column("operator_id", _ident, _plain, refers_to="staff")

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "rooms",
            (
                _ID,
                _NAME,
                Column("site", _free, _plain),
                Column("capacity", _number(1), _plain),
                Column("can_record", _flag, _as_flag),
                Column("open", _flag, _as_flag),
                Column("time_zone", _zone_name, _plain),
            ),
        ),
        Kind("agencies", (_ID, _NAME, Column("short", _text, _plain))),
        Kind(
            "equipment",
            (
                _ID,
                _NAME,
                Column("count", _number(0, 10_000), _plain),
                Column("faulty", _number(0, 10_000), _plain),
                Column("site", _free, _plain),
                Column("setup_minutes", _minutes, _as_minutes),
                Column("teardown_minutes", _minutes, _as_minutes),
            ),
        ),
        Kind(
            "accounts",
            (
                _ID,
                _NAME,
                Column("platform", _ident, _plain),
                Column("concurrency", _number(1, 1_000), _plain),
                Column("participants_at_most", _number(0), _plain),
                Column("minutes_at_most", _number_or_none, _plain),
                _ACTIVE,
            ),
        ),
        Kind("staff", (_ID, _NAME, _ACTIVE, Column("skills", _words, _as_words))),
        Kind(
            "shifts",
            (
                _WHO,
                Column("weekday", _weekday, _as_weekday),
                Column("opens", _clock, _plain),
                Column("closes", _clock, _plain),
                Column("first_day", _day_or_none, _plain),
                Column("last_day", _day_or_none, _plain),
            ),
            key="",
        ),
        Kind(
            "leave",
            (
                _WHO,
                Column("starts", _moment, _as_moment),
                Column("ends", _moment, _as_moment),
                Column("reason", _free, _plain),
            ),
            key="",
        ),
    )
}

Row = dict[str, Value]


def write(kind: Kind, rows: Iterable[Row], zone: tzinfo) -> str:
    """Return the rows as a file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in kind.columns])
    writer.writerows([_safe(cell) for cell in cells(kind, row, zone)] for row in rows)
    return out.getvalue()


def cells(kind: Kind, row: Row, zone: tzinfo) -> list[str]:
    """Return one row as text."""
    return [column.write(row[column.name], zone) for column in kind.columns]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def read(
    kind: Kind, content: bytes, zone: tzinfo, known: Mapping[str, frozenset[str]]
) -> tuple[list[Row], list[BadCell]]:
    """Return the rows of a file and everything wrong in it; `known` are the ids that each kind has."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text.lstrip()), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        lines = [(reader.line_num, [_unsafe(cell.strip()) for cell in line]) for line in reader if any(line)]
    except csv.Error:
        return [], [BadCell(reader.line_num, "", "file")]
    if not lines:
        return [], [BadCell(1, "", "empty")]
    head = [name.lower() for name in lines[0][1]]
    if wrong := list(_wrong_head(kind, head)):
        return [], wrong
    if len(lines) > LINES_AT_MOST + 1:
        return [], [BadCell(LINES_AT_MOST + 2, "", "too_many", str(len(lines) - 1))]
    return _rows(kind, head, lines[1:], zone, known)


def _wrong_head(kind: Kind, head: list[str]) -> Iterator[BadCell]:
    names = [column.name for column in kind.columns]
    yield from (BadCell(1, name, "column_missing") for name in names if name not in head)
    yield from (BadCell(1, name[:40], "column_unknown") for name in head if name not in names)
    yield from (BadCell(1, name, "column_twice") for name in names if head.count(name) > 1)


def _rows(
    kind: Kind,
    head: list[str],
    lines: list[tuple[int, list[str]]],
    zone: tzinfo,
    known: Mapping[str, frozenset[str]],
) -> tuple[list[Row], list[BadCell]]:
    rows: list[Row] = []
    bad: list[BadCell] = []
    seen: set[Value] = set()
    for number, line in lines:
        if len(line) != len(head):
            bad.append(BadCell(number, "", "cells", str(len(line))))
            continue
        row, wrong = read_row(kind, dict(zip(head, line, strict=True)), zone, known, number)
        if kind.key and row.get(kind.key) in seen:
            wrong.append(BadCell(number, kind.key, "twice", str(row[kind.key])))
        seen.add(row.get(kind.key))
        rows.append(row)
        bad += wrong
    return rows, bad


def read_row(
    kind: Kind, given: Mapping[str, str], zone: tzinfo, known: Mapping[str, frozenset[str]], number: int = 1
) -> tuple[Row, list[BadCell]]:
    """Return one row and everything wrong in it."""
    row: Row = {}
    bad: list[BadCell] = []
    for column in kind.columns:
        cell = given.get(column.name, "").strip()
        try:
            row[column.name] = _cell(column, cell, zone, known)
        except Unreadable as error:
            bad.append(BadCell(number, column.name, str(error), cell[:60]))
    return row, bad or list(_out_of_order(row, number))


def _cell(column: Column, cell: str, zone: tzinfo, known: Mapping[str, frozenset[str]]) -> Value:
    """Return a cell's value.

    Raises:
        Unreadable: it is not what the column wants.
    """
    if len(cell) > CELL_AT_MOST:
        raise Unreadable("too_long")
    value = column.read(cell, zone)
    if column.refers_to and cell not in known.get(column.refers_to, frozenset()):
        raise Unreadable("unknown")
    return value


_PAIRS: Final = (("opens", "closes"), ("starts", "ends"), ("first_day", "last_day"))


def _out_of_order(row: Row, number: int) -> Iterator[BadCell]:
    for first, last in _PAIRS:
        begins, ends = row.get(first), row.get(last)
        if begins is not None and ends is not None:
            late = begins > ends if first == "first_day" else begins >= ends  # type: ignore[operator]  # a pair is of one type
            if late:
                yield BadCell(number, last, "order")
    if isinstance(row.get("faulty"), int) and isinstance(row.get("count"), int) and row["faulty"] > row["count"]:  # type: ignore[operator]  # both are numbers
        yield BadCell(number, "faulty", "faulty")
