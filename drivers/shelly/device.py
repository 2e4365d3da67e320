"""A Shelly relay or plug, second generation and later, over its local HTTP. Never tried on a real one.

Devices with a password want SHA-256 digest authentication, which this driver does not speak yet.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from datetime import timedelta

from drivers.address import DeviceAddress
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Verdict, judge
from drivers.shelly import codec
from drivers.streams import broken

PORT = 80
ANSWER_WITHIN_S = 3.0
MAX_BODY_BYTES = 16_384
LAST_OUTLET = 15


class ShellyPower:
    """Implements `drivers.ports.Power`."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self._host = host
        self._port = port

    async def open(self) -> None:
        """Ask for the first outlet, which shows that it is there."""
        await self._status(0)

    async def close(self) -> None:
        """Nothing is held between requests."""

    async def check(self) -> Health:
        """Ask for the first outlet; what the device complains of is a fault."""
        found = await self._status(0)
        measures = [Measure("power.output", found.on, Verdict.PASS)]
        if found.power_w is not None:
            measures.append(Measure("power.load", found.power_w, Verdict.PASS, "W"))
        measures += [self._complaint(error) for error in found.errors]
        return judge(tuple(measures))

    async def switch(self, outlet: int, on: bool) -> Result:
        """Switch an outlet and ask whether it is.

        Raises:
            ValueError: no such number.
            OutcomeUnknown: it says otherwise afterwards.
        """
        if not 0 <= outlet <= LAST_OUTLET:
            raise ValueError(f"outlet must be 0 to {LAST_OUTLET}, got {outlet}")
        began = time.monotonic()
        await self._order(codec.set_path(outlet, on))
        found = await self._status(outlet)
        if found.on is not on:
            detail = f"{self.name}: wanted outlet {outlet} on {on}, read back {found.on}"
            raise OutcomeUnknown(Reason("power.not_taken", detail, {"device": self.name, "outlet": outlet}))
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {"on": found.on})

    async def _order(self, path: str) -> None:
        """Send an order.

        Raises:
            OutcomeUnknown: the link broke after it was sent, or no answer came.
        """
        connection = await self._connect()
        try:
            await self._get(connection, path)
        except DeviceUnreachable as error:
            raise OutcomeUnknown(error.reason) from error

    async def _status(self, outlet: int) -> codec.SwitchStatus:
        """Ask about an outlet.

        Raises:
            ProtocolViolation: the answer says nothing of it.
        """
        body = await self._get(await self._connect(), codec.status_path(outlet))
        try:
            return codec.status(body)
        except codec.BadAnswer as error:
            raise ProtocolViolation(self._bad(str(error))) from error

    async def _connect(self) -> http.client.HTTPConnection:
        """Return a connection for one request.

        Raises:
            DeviceUnreachable: nobody there.
        """
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_WITHIN_S)
        unwanted = threading.Event()
        try:
            await asyncio.to_thread(_open, connection, unwanted)
        except OSError as error:
            raise DeviceUnreachable(self._broken(error)) from error
        except BaseException:  # the thread goes on to its own limit; whoever is later closes
            unwanted.set()
            connection.close()
            raise
        return connection

    async def _get(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        """Return the body of a good answer.

        Raises:
            DeviceUnreachable: the link broke, or no answer came in time.
            DeviceRefused: an error answer.
            ProtocolViolation: what answers speaks no HTTP.
        """
        try:
            status, body = await asyncio.to_thread(_exchange, connection, path)
        except OSError as error:  # a link that closes without an answer is one, too
            raise DeviceUnreachable(self._broken(error)) from error
        except http.client.HTTPException as error:
            raise ProtocolViolation(self._bad(f"{type(error).__name__}: {error}")) from error
        finally:
            connection.close()  # a cancelled thread that never began would leave it
        if status == http.client.UNAUTHORIZED:
            detail = f"{self.name}: wants a password, which this driver does not speak; switch it off in the device"
            raise DeviceRefused(Reason("link.password_wanted", detail, {"device": self.name}))
        if status != http.client.OK:
            detail = f"{self.name}: wanted {path}, found HTTP {status}: {codec.complaint(body)}"
            raise DeviceRefused(Reason("power.refused", detail, {"device": self.name, "status": int(status)}))
        return body

    def _complaint(self, error: str) -> Measure:
        reason = Reason("power.fault", f"{self.name}: reports {error}", {"device": self.name, "error": error})
        return Measure("power.fault", error, Verdict.FAIL, limit="none", reason=reason)

    def _broken(self, error: OSError) -> Reason:
        return broken(f"http {self._host}:{self._port}", error)

    def _bad(self, how: str) -> Reason:
        return Reason("link.bad_answer", f"{self.name}: {how}", {"device": self.name})


def _open(connection: http.client.HTTPConnection, unwanted: threading.Event) -> None:
    """Connect; runs in a thread, and leaves nothing open once nobody wants it."""
    connection.connect()
    if unwanted.is_set():
        connection.close()


def _exchange(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """Make one request; runs in a thread, ended by the connection's time limit."""
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(MAX_BODY_BYTES)
    finally:
        connection.close()


def connect(name: str, address: DeviceAddress, password: str | None) -> ShellyPower:
    """Return the unopened outlets.

    Raises:
        AddressError: a password is given, which the driver does not speak.
    """
    address.allow()
    if password is not None:
        raise AddressError(f"{address}: a password on a Shelly is not supported yet")
    host, port = address.endpoint(PORT)
    return ShellyPower(name, host, port)
