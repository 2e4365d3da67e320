"""One process of a race: several threads that book, move, take back and make room, all on the same few things.

`python -m tests.racer` reads its orders as one line of JSON, says `ready`, waits for a line,
and prints what became of every attempt as one line of JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from central.db import guard
from central.db import tables as t
from central.errors import CentralError, Refused
from central.model import Decision, Reschedule
from central.services import Services, make_services
from tests.service.central.office import APPLICANT, HEAD, NOW, VERIFIER, settings_in

OTHER_OFFICER = replace(VERIFIER, id=HEAD.id, login=HEAD.login)
REASON = "balapan"


@dataclass(frozen=True, slots=True)
class Orders:
    """What one process does."""

    folder: str
    database: str | None
    seed: int
    attempts: int
    threads: int
    rooms: tuple[str, ...]
    operators: tuple[str, ...]
    requests: tuple[str, ...]
    leaders: tuple[str, ...]
    careless: bool = False
    """Look first, write then, in two transactions: the mistake that the guard is there for."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one."""

    deed: str
    outcome: str
    """`done`, or the code of a refusal, or the name of an error that nobody may see."""
    explained: bool
    seconds: float


def _explained(error: CentralError) -> bool:
    """Return whether the refusal says what is in the way: findings that name it, or a code that does."""
    return bool(error.findings) if isinstance(error, Refused) and error.code == "booking.taken" else bool(error.code)


class Racer:
    """The deeds, each of which ends in an `Attempt`."""

    def __init__(self, services: Services, orders: Orders) -> None:
        self._here = services
        self._orders = orders

    def run(self, number: int) -> list[Attempt]:
        """Make the attempts of one thread."""
        chance = random.Random(self._orders.seed * 1000 + number)
        share = self._orders.attempts // self._orders.threads
        return [self._attempt(chance) for _ in range(share)]

    def _attempt(self, chance: random.Random) -> Attempt:
        deeds: dict[str, Callable[[random.Random], None]]
        deeds = (
            {"careless": self._careless}
            if self._orders.careless
            else {"book": self._book, "withdraw": self._withdraw, "displace": self._displace, "move": self._move}
        )
        (deed,) = chance.choices(list(deeds), (86, 4, 6, 4)[: len(deeds)])
        started, outcome, explained = time.perf_counter(), "done", True
        try:
            deeds[deed](chance)
        except CentralError as error:
            outcome, explained = error.code, _explained(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this is looking for
            outcome, explained = f"{type(error).__name__}: {error}"[:300], False
        return Attempt(deed, outcome, explained, time.perf_counter() - started)

    def _book(self, chance: random.Random) -> None:
        decision = Decision(
            approve=True,
            operator_id=chance.choice(self._orders.operators),
            room_id=chance.choice(self._orders.rooms),
            override_reason=REASON,
        )
        self._here.desk.decide(chance.choice(self._orders.requests), decision, VERIFIER)

    def _withdraw(self, chance: random.Random) -> None:
        self._here.desk.withdraw(chance.choice(self._orders.requests), REASON, APPLICANT)

    def _displace(self, chance: random.Random) -> None:
        room = chance.choice(self._orders.rooms)
        proposal = self._here.displacing.propose(chance.choice(self._orders.leaders), VERIFIER, room_id=room)
        self._here.displacing.apply(proposal.id, REASON, OTHER_OFFICER)

    def _move(self, chance: random.Random) -> None:
        days = timedelta(days=chance.choice((-1, 0, 1)))
        ident = chance.choice(self._orders.requests)
        wanted = Reschedule(
            reason=REASON,
            starts=self._here.desk.get(ident, VERIFIER).starts + days + timedelta(hours=chance.choice((0, 2))),
            room_id=chance.choice(self._orders.rooms),
            override_reason=REASON,
        )
        self._here.rescheduling.apply(ident, wanted, VERIFIER)

    def _careless(self, chance: random.Random) -> None:
        """Book as a program with the bug does.

        Raises:
            Refused: it saw in time that the room is taken.
        """
        store, request = self._here.store, chance.choice(self._orders.requests)
        with store.reading() as connection:
            row = connection.execute(t.request.select().where(t.request.c.id == request)).mappings().one()
            unit = {"unit_kind": "room", "unit_id": chance.choice(self._orders.rooms)}
            span = {"starts": row["starts"], "ends": row["ends"]}
            a = t.alloc.c
            held = sa.select(a.id).where(
                a.unit_id == unit["unit_id"], a.live, a.starts < span["ends"], a.ends > span["starts"]
            )
            taken = connection.execute(held).first() is not None
        time.sleep(chance.uniform(0, 0.01))
        if taken:
            raise Refused("careless.taken", "seen in time")
        try:
            with store.writing() as connection:
                connection.execute(t.alloc.insert(), unit | span | {"live": True})
        except sa.exc.DBAPIError as error:
            if not guard.is_overlap(error):
                raise
            raise Refused("careless.stopped", "stopped by the database") from error


def main() -> None:
    """Do as the first line of standard input says, once the second one comes."""
    orders = Orders(**json.loads(sys.stdin.readline()))
    services = make_services(settings_in(Path(orders.folder), orders.database), now=lambda: NOW)
    racer = Racer(services, orders)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(orders.threads) as pool:
        attempts = [attempt for mine in pool.map(racer.run, range(orders.threads)) for attempt in mine]
    services.store.close()
    sys.stdout.write(json.dumps([asdict(attempt) for attempt in attempts]) + "\n")


if __name__ == "__main__":
    main()
