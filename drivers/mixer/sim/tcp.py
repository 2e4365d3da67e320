"""What the simulated mixers on TCP have in common: visitors, and answers that may go wrong."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque

from drivers.mixer.sim.faults import Faults


class Visit:
    """One connection, whose answers leave in order."""

    def __init__(self, writer: asyncio.StreamWriter, faults: Faults) -> None:
        self.writer = writer
        self._faults = faults
        self._later: deque[bytes] = deque()
        self.state: dict[str, str] = {}
        """What the maker's protocol remembers of a connection."""

    def say(self, data: bytes) -> None:
        """Send, as the faults allow."""
        if self._faults.half_line:
            data = data[: len(data) // 2]
        self._later.append(data)
        asyncio.get_running_loop().call_later(self._faults.slow / 1000, self._leave)

    def _leave(self) -> None:
        data = self._later.popleft()
        if not self.writer.is_closing():
            self.writer.write(data)


class TcpSimulator(ABC):
    """A mixer that listens on TCP."""

    scheme = ""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.visits: list[Visit] = []
        self.received = 0
        self._server: asyncio.Server | None = None

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the device address."""
        self._server = await asyncio.start_server(self._visited, host, port)
        where = self._server.sockets[0].getsockname()
        return f"{self.scheme}+tcp://{where[0]}:{where[1]}"

    def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for visit in self.visits:
            visit.writer.transport.abort()

    @abstractmethod
    def greet(self, visit: Visit) -> None:
        """Say what is said first."""

    @abstractmethod
    def take(self, visit: Visit, data: bytes) -> None:
        """Take in bytes and answer what they end."""

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(writer, self.faults)
        self.visits.append(visit)
        try:
            with contextlib.suppress(OSError):
                await self._converse(visit, reader)
        finally:
            self.visits.remove(visit)
            writer.transport.abort()

    async def _converse(self, visit: Visit, reader: asyncio.StreamReader) -> None:
        if not self.faults.drop:
            self.greet(visit)
        while not self.faults.drop and (data := await reader.read(4096)):
            self.received += len(data)
            self.take(visit, data)
