"""A race for the same rooms, people and things, by several processes; and the checker that finds what went wrong.

    with office_for_a_race(folder, database, requests=60) as course:
        attempts = race(course, attempts=320)
        assert faults(course, attempts) == []

The processes are `tests.racer`. Used by tests with hundreds of attempts and by benchmarks with ten thousand.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from central.db import tables as t
from central.domain.resources import Need
from central.domain.words import Leader
from central.model import Request
from central.seed import OPERATORS, add_rooms, example_room
from central.services import Services
from tests.racer import Attempt, Orders
from tests.service.central.office import STARTS, disposed, draft, office

ROOMS = ("praja-1", "praja-2", "audio-visual", "rapat-4", "rapat-5")
DAYS, SLOTS = 3, 4
WITHIN_S = 600


@dataclass(frozen=True, slots=True)
class Course:
    """An office with more requests than can ever be served."""

    folder: Path
    database: str | None
    services: Services
    requests: tuple[str, ...]
    leaders: tuple[str, ...]


@contextmanager
def office_for_a_race(folder: Path, database: str | None, *, requests: int, seed: int = 1) -> Iterator[Course]:
    """Open an office with five rooms, four people, three microphones and two accounts, all wanted at once."""
    chance = random.Random(seed)
    with office(folder, database) as services:
        with services.store.writing() as connection:
            add_rooms(connection, (example_room(room) for room in ROOMS[2:]))
            connection.execute(t.equipment.insert(), {"id": "mic", "name": "Mikrofon", "count": 3})
            account = {"platform": "zoom", "concurrency": 1, "active": True}
            connection.execute(t.account.insert(), [account | {"id": f"zoom-{n}", "name": f"Zoom {n}"} for n in (1, 2)])
        made = [_waiting(services, chance, Leader.NONE) for _ in range(requests)]
        leaders = [_waiting(services, chance, Leader.GOVERNOR) for _ in range(max(requests // 10, 2))]
        yield Course(folder, database, services, tuple(one.id for one in made), tuple(one.id for one in leaders))


def _waiting(services: Services, chance: random.Random, leader: Leader) -> Request:
    starts = STARTS - timedelta(hours=4) + timedelta(days=chance.randrange(DAYS), hours=2 * chance.randrange(SLOTS))
    wanted = draft(f"Rapat {chance.randrange(10_000)}", starts=starts, room_id=chance.choice(ROOMS))
    needs = (Need("mic", chance.randint(1, 2)),) if chance.random() < 0.5 else ()
    return disposed(services.desk, replace(wanted, needs=needs, leader=leader))


def race(
    course: Course,
    *,
    attempts: int,
    processes: int = 4,
    threads: int = 4,
    seed: int = 1,
    careless: bool = False,
    at_the_start: Callable[[], None] = lambda: None,
) -> list[Attempt]:
    """Let all processes make their share of `attempts` at once, and return what became of each.

    `at_the_start` is called when all of them have opened the database and none has begun.
    """
    share = attempts // processes
    orders = [
        Orders(
            str(course.folder), course.database, seed * 100 + n, share, threads, ROOMS,
            tuple(ident for ident, _ in OPERATORS), course.requests, course.leaders, careless,
        )
        for n in range(processes)
    ]  # fmt: skip
    command = [sys.executable, "-m", "tests.racer"]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in orders]
    try:
        for racer, order in zip(racers, orders, strict=True):
            _tell(racer, json.dumps(asdict(order)))
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n", "a racer did not come to the start"
        at_the_start()
        for racer in racers:
            _tell(racer, "go")
        said = [racer.communicate(timeout=WITHIN_S)[0] for racer in racers]
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
                racer.communicate()
    return [Attempt(**one) for lines in said for one in json.loads(lines)]


def _tell(racer: subprocess.Popen[str], line: str) -> None:
    assert racer.stdin is not None
    racer.stdin.write(line + "\n")
    racer.stdin.flush()


def faults(course: Course, attempts: Sequence[Attempt]) -> list[str]:
    """Return everything that is wrong with what a race left behind, in words; empty is right."""
    with course.services.store.reading() as connection:
        counted = {
            "double bookings": len(doubles(connection)),
            "sessions that hold not what they need, or hold on after they were called off": _partial(connection),
            "requests whose state does not fit their session": _misfits(connection),
            "requests whose history does not fit their version": _unwritten(connection),
            "missing receipt numbers": _lost_receipts(connection),
            "reported bookings without session, or the other way": _lost(connection, attempts),
            "words to rooms too few or too many": _untold(connection),
        }
    seen = [f"{number} {what}" for what, number in counted.items() if number]
    seen += [f"not explained: {one.deed}: {one.outcome}" for one in attempts if not one.explained]
    return seen


def doubles(connection: sa.Connection) -> list[tuple[int, int]]:
    """Return the pairs of live allocations of one unit that touch the same time."""
    one, two = t.alloc.alias("one"), t.alloc.alias("two")
    same = sa.and_(one.c.unit_kind == two.c.unit_kind, one.c.unit_id == two.c.unit_id, one.c.id < two.c.id)
    touching = sa.and_(one.c.starts < two.c.ends, two.c.starts < one.c.ends, one.c.live, two.c.live)
    return [
        (a, b) for a, b in connection.execute(sa.select(one.c.id, two.c.id).join_from(one, two, same).where(touching))
    ]


def _number(connection: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)


def _partial(connection: sa.Connection) -> int:
    """Count sessions without their room and person, and units held for sessions that are off."""
    held = {
        (row.session_id, row.unit_kind, row.unit_id)
        for row in connection.execute(t.alloc.select().where(t.alloc.c.live))
    }
    number = 0
    for row in connection.execute(t.session.select()).mappings():
        wanted = {(row["id"], "room", row["room_id"]), (row["id"], "operator", row["operator_id"])}
        mine = {one for one in held if one[0] == row["id"]}
        number += bool(mine) if row["status"] == "cancelled" else not wanted <= mine
    return number


def _misfits(connection: sa.Connection) -> int:
    fits = {"confirmed": "approved", "updated": "approved", "cancelled": "cancelled"}
    joined = sa.select(t.session.c.status, t.request.c.state).join_from(
        t.session, t.request, t.session.c.request_id == t.request.c.id
    )
    wrong = sum(1 for row in connection.execute(joined) if fits.get(row.status) != row.state)
    bare = t.request.c.id.not_in(sa.select(t.session.c.request_id))
    return wrong + _number(connection, t.request, t.request.c.state == "approved", bare)


def _unwritten(connection: sa.Connection) -> int:
    """Count requests that moved more or less often than their version says; one that follows begins with two moves."""
    moves = Counter(connection.scalars(sa.select(t.request_move.c.request_id)))
    q = t.request.c
    rows = connection.execute(sa.select(q.id, q.version, q.replaces_id))
    return sum(moves[row.id] != row.version + (row.replaces_id is not None) for row in rows)


def _lost_receipts(connection: sa.Connection) -> int:
    given = int(connection.scalar(sa.select(sa.func.sum(t.counter.c.value))) or 0)
    return abs(given - _number(connection, t.request))


def _lost(connection: sa.Connection, attempts: Sequence[Attempt]) -> int:
    done = Counter(one.deed for one in attempts if one.outcome == "done")
    return abs(done["book"] + done["displace"] - _number(connection, t.session))


def _untold(connection: sa.Connection) -> int:
    """Count words that are missing or too many; a session that is moved is told of in one room or in two."""
    off = _number(connection, t.session, t.session.c.status == "cancelled")
    moved = _number(connection, t.request_move, t.request_move.c.event == "reschedule")
    of_moves = _number(connection, t.outbox, t.outbox.c.cause.startswith("rescheduled "))
    others = _number(connection, t.outbox) - of_moves
    wrong = 0 if moved <= of_moves <= 2 * moved else 1
    return wrong + abs(others - _number(connection, t.session) - off)
