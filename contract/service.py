"""What the service manager that started a process hears of it: it is ready, it lives, how it does, it is ending.

systemd's protocol is a datagram of `NAME=VALUE` lines to the socket that it names in
`NOTIFY_SOCKET` (sd_notify(3)). Started by hand, a process has nobody to tell, and every
call here does nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

log = logging.getLogger(__name__)

TELL_WITHIN_S = 0.5
"""A manager that does not read its socket must not hold up a room."""
FRESH = timedelta(seconds=10)
"""How old the last proof of life of each part may be."""
LOOK_EVERY = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Service:
    """The service manager of this process; without an address there is none."""

    address: str | None = None
    """A path, or the name of an abstract socket after an `@`."""
    watchdog: timedelta | None = None
    """How long it waits for a sign of life before it kills the process."""

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> Service:
        """Return the manager that `environment` names; a watchdog meant for another process is none of ours."""
        wanted, meant_for = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        ours = wanted.isdigit() and int(wanted) > 0 and meant_for in {"", str(pid)}
        limit = timedelta(microseconds=int(wanted)) if ours else None
        return cls(environment.get("NOTIFY_SOCKET") or None, limit)

    def tell(self, **said: str | int) -> bool:
        """Send `NAME=VALUE` lines and return whether the manager took them."""
        if self.address is None:
            return False
        where = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        lines = "\n".join(f"{name}={_one_line(str(value))}" for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(TELL_WITHIN_S)
                sender.sendto(lines.encode(), where)
        except OSError as error:
            log.warning("the service manager was not told: %s", error, extra={"action": "notify", "said": [*said]})
            return False
        return True

    def ready(self, status: str) -> None:
        """Say that the process serves."""
        self.tell(READY=1, STATUS=status)

    def stopping(self, status: str) -> None:
        """Say that the process is ending."""
        self.tell(STOPPING=1, STATUS=status)


def _one_line(text: str) -> str:
    return " ".join(text.split())


Proof = Callable[[], float]
"""Returns when, on the monotonic clock, a part last did its work; not when it was last seen to exist."""


class Watchdog:
    """Gives the manager a sign of life only while every part has lately done its work.

    A part that hangs is named in the log and in the manager's status, and no sign is given:
    the manager kills the process and starts another one, which goes on from the disk.
    """

    def __init__(
        self, service: Service, proofs: Mapping[str, Proof], status: Callable[[], str], *, fresh: timedelta = FRESH
    ) -> None:
        self._service = service
        self._proofs = proofs
        self._status = status
        self._fresh_s = fresh.total_seconds()
        self._stale: tuple[str, ...] = ()

    @property
    def every(self) -> timedelta:
        """How often to look: often enough that three signs in a row may be lost."""
        return LOOK_EVERY if self._service.watchdog is None else min(LOOK_EVERY, self._service.watchdog / 4)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(self.every.total_seconds())

    def look(self) -> tuple[str, ...]:
        """Give the sign, or say which parts have not done their work; returns these."""
        now = time.monotonic()
        stale = tuple(name for name, proved_at in self._proofs.items() if now - proved_at() > self._fresh_s)
        if stale != self._stale:
            self._say(stale)
        self._stale = stale
        if stale:
            self._service.tell(STATUS=f"stalled: {', '.join(stale)}")
        else:
            self._service.tell(WATCHDOG=1, STATUS=self._status())
        return stale

    def _say(self, stale: tuple[str, ...]) -> None:
        if stale:
            log.error("parts have stalled", extra={"action": "stalled", "parts": list(stale), "for_s": self._fresh_s})
        else:
            log.warning("all parts work again", extra={"action": "stalled", "parts": []})
