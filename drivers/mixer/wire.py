"""A TCP link to a mixer that is read all the time, so that changes arrive unasked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.streams import CONNECT_WITHIN_S, broken

READ_BYTES = 8192
MAX_UNSENT_BYTES = 65536


class Wire:
    """One connection; `heard` gets each piece of bytes, `lost` hears once that it ended."""

    def __init__(self, where: str, heard: Callable[[bytes], None], lost: Callable[[DeviceUnreachable], None]) -> None:
        self.where = where
        self._heard = heard
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> None:
        """Connect and begin to read.

        Raises:
            DeviceUnreachable: no connection in time.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                reader, self._writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise DeviceUnreachable(broken(self.where, error)) from error
        self._reading = asyncio.create_task(self._read(reader), name=f"mixer {self.where}")

    def send(self, data: bytes) -> None:
        """Hand over `data` without waiting.

        Raises:
            DeviceUnreachable: the link is gone, or the device no longer reads.
        """
        writer = self._writer
        if writer is None or writer.is_closing():
            raise self.gone("the link is closed")
        if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            raise self.gone("the device no longer reads")
        writer.write(data)

    def cut(self) -> None:
        """End the link at once, when its answers can no longer be told apart."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def close(self) -> None:
        """End the link; may be called twice."""
        reading, self._reading, writer, self._writer = self._reading, None, self._writer, None
        if writer is not None:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if reading is not None:
            reading.cancel()
            await asyncio.wait((reading,))

    def gone(self, what: str) -> DeviceUnreachable:
        """Return the error that says so."""
        detail = f"{self.where}: wanted an answer, {what}"
        return DeviceUnreachable(Reason("mixer.no_answer", detail, {"where": self.where}))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        error = self.gone("the device closed the link")
        try:
            while data := await reader.read(READ_BYTES):
                self._heard(data)
        except OSError as found:
            error = DeviceUnreachable(broken(self.where, found))
        if self._writer is not None:
            self._writer.transport.abort()
        self._lost(error)
