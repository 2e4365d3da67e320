"""Questions and orders to one camera, in its profile's terms.

Orders are held against the profile before a byte is sent. Questions are not: what a camera
does not know it may say itself, and a wrong profile must not make a camera unknowable.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from drivers.errors import DriverError, OutcomeUnknown, ProtocolViolation
from drivers.outcomes import Outcome
from drivers.ports import Position
from drivers.visca import table
from drivers.visca.codec import ErrorCode
from drivers.visca.conversation import Conversation
from drivers.visca.profiles import Profile
from drivers.visca.row import Row
from drivers.visca.session import Lane, Order, Request
from drivers.visca.table import Version

POWER_ASKED_EVERY_S = 0.5
FRESH_S = 2.0
"""How long a position counts as where the camera is, if nothing moved it since."""
LOOK_WITHIN_S = 1.2
"""A camera that says nothing to a look and its resends for so long is not there."""
BURST = 3
"""So many questions of one check come together at most."""
LOOK = 2
"""So many questions a look takes."""
ORDERS_KEPT = 256
"""So many orders are kept ready: a stick repeats a few hundred speeds, a room fewer memories."""

DRIVES = frozenset(
    row.name
    for row in (
        table.PAN_TILT_DRIVE,
        table.ZOOM_TELE,
        table.ZOOM_WIDE,
        table.ZOOM_DRIVE,
        table.ZOOM_DRIVE_FINE,
        table.FOCUS_FAR,
        table.FOCUS_NEAR,
        table.FOCUS_DRIVE,
    )
)
"""What goes on until it is stopped."""
STOP_NAMES = frozenset(row.name for row in (table.PAN_TILT_STOP, table.ZOOM_STOP, table.FOCUS_STOP))


class Asker:
    """Puts them to one camera and reads its answers."""

    def __init__(self, talk: Conversation, profile: Profile) -> None:
        self.profile = profile
        self._talk = talk
        self._questions: dict[tuple[str, Lane], Order] = {}
        self._orders: dict[tuple[str, tuple[int, ...], Lane, float], Order] = {}
        self._seen: tuple[float, Position] | None = None
        self._asked_until = 0.0

    def use(self, profile: Profile) -> None:
        """Speak in the terms of `profile` from now on."""
        self.profile = profile
        self._orders.clear()
        self._seen = None

    def moved(self) -> None:
        """Say that the camera moves: where it was seen counts no more."""
        self._seen = None

    async def version(self) -> Version:
        """Ask what the version inquiry answers.

        Raises:
            ProtocolViolation: an answer of the wrong length.
        """
        try:
            return Version.parse(await self.ask(table.VERSION_INQ))
        except ValueError as error:
            raise ProtocolViolation(self._talk.reason("camera.malformed_answer", str(error))) from error

    async def ask(self, row: Row, lane: Lane = Lane.USER) -> bytes:
        """Return the answer to an inquiry without values.

        Raises:
            DriverError: no answer, or a refusal.
        """
        order = self._questions.get((row.name, lane))
        if order is None:
            # Not held against the profile: what a camera does not know it may say itself.
            order = self._questions[row.name, lane] = self.as_order(
                row, row.encode(address=self._talk.line.address), lane
            )
        within_s = LOOK_WITHIN_S if lane is Lane.POLL else None
        request = await self._talk.ask(order, within_s=within_s)
        if request.outcome is not Outcome.COMPLETED:
            self._talk.expect(request, await self.why_refused(request) if row is not table.POWER_INQ else "")
        return request.answer

    def read(self, row: Row, answer: bytes) -> dict[str, int]:
        """Return the numbers of an answer.

        Raises:
            ProtocolViolation: they are none.
        """
        try:
            return row.decode(answer)
        except ValueError as error:
            raise ProtocolViolation(self._talk.reason("camera.malformed_answer", str(error))) from error

    async def is_on(self, lane: Lane = Lane.USER) -> bool:
        """Ask whether it is on; a camera that starts up may say so or refuse."""
        return self.read(table.POWER_INQ, await self.ask(table.POWER_INQ, lane))["power"] == 2

    async def power_reached(self, on: bool) -> None:
        """Return once power is as wanted; a camera that starts may be silent or refuse.

        Raises:
            OutcomeUnknown: it is not, within the profile's time.
        """
        within_s = self.profile.start_up_s
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    with suppress(DriverError):
                        if await self.is_on(Lane.POLL) is on:
                            return
                    await asyncio.sleep(POWER_ASKED_EVERY_S)
        wanted = "on" if on else "in standby"
        raise OutcomeUnknown(
            self._talk.reason("camera.power_not_reached", f"wanted {wanted} within {within_s:g} s", on=on)
        )

    async def look(self, lane: Lane = Lane.USER) -> Position:
        """Ask where the camera looks."""
        turned = self.read(table.POSITION_INQ, await self.ask(table.POSITION_INQ, lane))
        zoomed = self.read(table.ZOOM_INQ, await self.ask(table.ZOOM_INQ, lane))
        at = Position(
            self.profile.degrees(turned["pan"]),
            self.profile.degrees(turned["tilt"], "tilt"),
            round(zoomed["zoom"] / self.profile.zoom_end, 4),
        )
        self._seen = _now(), at
        return at

    async def whereabouts(self) -> Position:
        """Return where the camera looks, for reckoning times: maybe from a moment ago, or a corner if it cannot say."""
        if self.profile.quirks.blind:
            return Position(self.profile.pan_deg[0], self.profile.tilt_deg[0], 0.0)
        if self._seen is not None and _now() - self._seen[0] <= FRESH_S:
            return self._seen[1]
        return await self.look()

    async def patience(self, questions: int = BURST) -> None:
        """Wait until the camera may be polled again: so many questions come together, then it rests."""
        gap_s, now = 1 / self.profile.quirks.poll_max_hz, _now()
        wait_s = self._asked_until - now
        self._asked_until = max(now, self._asked_until) + questions * gap_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def order(self, row: Row, *values: int, lane: Lane = Lane.USER, within_s: float = 2.0) -> Order:
        """Return the order for `row`.

        Raises:
            ValueError: the camera does not take it; names the value, the range and the profile.
        """
        key = row.name, values, lane, within_s
        order = self._orders.get(key)
        if order is None:
            if row.name in STOP_NAMES:
                payload = row.encode(address=self._talk.line.address)
            else:
                payload = self.profile.frame(row, *values, address=self._talk.line.address)
            if len(self._orders) >= ORDERS_KEPT:
                self._orders.clear()
            order = self._orders[key] = self.as_order(row, payload, lane, within_s)
        return order

    @staticmethod
    def as_order(row: Row, payload: bytes, lane: Lane = Lane.USER, within_s: float = 2.0) -> Order:
        """Return the order for the bytes of a `row`; a STOP goes before everything else."""
        lane = Lane.STOP if row.name in STOP_NAMES else lane
        return Order(
            row.name,
            row.kind,
            payload,
            lane,
            row.axes,
            within_s,
            idempotent=row.idempotent,
            drive=row.name in DRIVES,
            answer_bytes=row.answer_lengths if row.answer else frozenset(),
        )

    async def command(self, row: Row, *values: int, within_s: float = 2.0) -> Request:
        """Return the ended request; for a refusal its reason is learnt here, while the camera is asked anyway."""
        request = await self._talk.ask(self.order(row, *values, within_s=within_s))
        if request.outcome is Outcome.REFUSED:
            self._talk.expect(request, await self.why_refused(request))
        return request

    async def why_refused(self, request: Request) -> str:
        """Return the code of a refusal, asking whether standby is why."""
        if request.code != ErrorCode.NOT_EXECUTABLE:
            return ""
        with suppress(DriverError):
            return "camera.not_executable" if await self.is_on() else "camera.in_standby"
        return "camera.not_executable"


def _now() -> float:
    return asyncio.get_running_loop().time()
