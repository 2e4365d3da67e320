"""A desk that speaks OSC over UDP, as the X32's protocol document says.

It answers a question with address, type and value, sets without a word, tells everybody else who
asked for it within the last ten seconds (`/xremote`) of each change, and never the one who made it.
"""

from __future__ import annotations

import asyncio
import struct
import time

from drivers.mixer.sim.faults import Faults

REMEMBERS_S = 10.0
Peer = tuple[str, int]


class SimulatedOscDesk(asyncio.DatagramProtocol):
    """What it remembers, and what it answers."""

    def __init__(self, *, model: str = "X32", faults: Faults | None = None) -> None:
        self.model = model
        self.faults = faults or Faults()
        self.values: dict[str, int | float] = {}
        self.heard: list[str] = []
        """Addresses of what came, oldest first; the last thousand."""
        self._listeners: dict[Peer, float] = {}
        self._transport: asyncio.DatagramTransport | None = None
        for number in range(1, 17 if model != "X32" else 33):
            self._add(f"/ch/{number:02d}/mix")
        for place in (
            ("/main/st/mix", "/bus/01/mix", "/dca/1") if model == "X32" else ("/lr/mix", "/bus/1/mix", "/dca/1")
        ):
            self._add(place)

    def _add(self, place: str) -> None:
        self.values[f"{place}/on"] = 1
        self.values[f"{place}/fader"] = 0.75

    @property
    def listeners(self) -> int:
        """How many are told of changes now."""
        return sum(until > time.monotonic() for until in self._listeners.values())

    def muted(self, place: str) -> bool:
        """Whether a channel (`ch/01`) is muted."""
        return self.values[f"/{place}/mix/on"] == 0

    def turn(self, address: str, value: float) -> None:
        """Somebody touches the desk."""
        self.values[address] = value
        self._tell_others(address, None)

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the device address."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        where = transport.get_extra_info("sockname")
        return f"{'x32' if self.model == 'X32' else 'xair'}+udp://{where[0]}:{where[1]}"

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """Answer one datagram."""
        if self.faults.drop:
            return
        address, _, rest = data.partition(b"\0")
        name = address.decode("ascii", "replace")
        self.heard = [*self.heard[-999:], name]
        after_tags = rest.lstrip(b"\0")
        if name == "/xremote":
            self._listeners[addr] = time.monotonic() + REMEMBERS_S
        elif name in {"/xinfo", "/info"}:
            self._send(_message(name, "127.0.0.1", "Meja", self.model, "4.06"), addr)
        elif name in self.values and not after_tags:
            self._send(_message(name, self.values[name]), addr)
        elif name in self.values and after_tags[:2] in {b",i", b",f"} and len(after_tags) >= 8:
            self._set(name, after_tags[:2] == b",i", after_tags[4:8], addr)

    def _set(self, name: str, whole: bool, raw: bytes, addr: Peer) -> None:
        value: int | float = struct.unpack(">i" if whole else ">f", raw)[0]
        if name.endswith("/on"):
            if self.faults.wrong_mute:
                return
            self.values[name] = int(value != 0)
        else:
            self.values[name] = int(min(max(float(value), 0.0), 1.0) * 1023.5) / 1023.0
        self._tell_others(name, addr)

    def _tell_others(self, name: str, but: Peer | None) -> None:
        for peer, until in self._listeners.items():
            if peer != but and until > time.monotonic():
                self._send(_message(name, self.values[name]), peer)

    def _send(self, datagram: bytes, addr: Peer) -> None:
        if self.faults.half_line:
            datagram = datagram[: len(datagram) // 2]
        if self.faults.slow:
            asyncio.get_running_loop().call_later(self.faults.slow / 1000, self._send_now, datagram, addr)
        else:
            self._send_now(datagram, addr)

    def _send_now(self, datagram: bytes, addr: Peer) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram, addr)


def _string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def _message(address: str, *values: float | str) -> bytes:
    tags, body = ",", b""
    for value in values:
        if isinstance(value, str):
            tags, body = tags + "s", body + _string(value)
        elif isinstance(value, int):
            tags, body = tags + "i", body + struct.pack(">i", value)
        else:
            tags, body = tags + "f", body + struct.pack(">f", value)
    return _string(address) + _string(tags) + body
