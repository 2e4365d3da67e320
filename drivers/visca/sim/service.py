"""Running simulated cameras: which carrier they hang on, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.visca.sim.bus import MOST_CAMERAS, Bus, SimulatedChain
from drivers.visca.sim.camera import V_PERIOD_S, SimulatedCamera
from drivers.visca.sim.faults import Faults
from drivers.visca.sim.models import MODELS
from drivers.visca.sim.server import SerialServer
from drivers.visca.sim.state import Camera
from drivers.visca.sim.tcp import TcpLine
from drivers.visca.sim.terminal import Terminal
from drivers.visca.sim.udp import RawUdp, SonyUdp

CARRIERS = ("udp", "udp-raw", "tcp", "serial", "rfc2217")
CHAINED = ("serial", "rfc2217")
DEFAULT_MODEL = "brc-x400"
PTY = "pty"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be simulated."""

    listen: str = "127.0.0.1:0"
    carrier: str = "udp"
    model: str = DEFAULT_MODEL
    on: bool = True
    start_up_s: float = 0.0
    faults: Mapping[str, str] = field(default_factory=dict)
    baud: int = 9600
    chain: int = 1
    addressed: bool = False
    v_period: float = V_PERIOD_S
    remember: int | None = None

    def check(self) -> None:
        """Hold that all of it can be simulated.

        Raises:
            ValueError: it cannot; says what was wanted.
        """
        if self.model not in MODELS:
            raise ValueError(f"unknown model {self.model!r}; known: {', '.join(MODELS)}")
        if self.carrier not in CARRIERS:
            raise ValueError(f"unknown carrier {self.carrier!r}; known: {', '.join(CARRIERS)}")
        if not 1 <= self.chain <= MOST_CAMERAS:
            raise ValueError(f"a chain has 1 to {MOST_CAMERAS} cameras, got {self.chain}")
        if self.chain > 1 and self.carrier not in CHAINED:
            raise ValueError(f"only cameras on a serial line make a chain, not on {self.carrier}")
        if self.v_period < 0 or self.start_up_s < 0:
            raise ValueError("a V period and a start-up take 0 seconds or more")

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port to listen on.

        Raises:
            ValueError: there are none.
        """
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"wanted HOST:PORT to listen on, got {self.listen!r}")
        return host, int(port)

    @property
    def link(self) -> Path | None:
        """The stable name of a pseudo-terminal, if it is to have one.

        Raises:
            ValueError: it is taken by something else.
        """
        link = Path(self.listen)
        if not link.is_absolute():
            return None
        if link.exists() and not link.is_symlink():
            raise ValueError(f"{link} is there already and no link")
        return link

    def build(self, faults: Faults) -> SimulatedCamera:
        """Return a camera that hangs on nothing yet."""
        state = Camera(MODELS[self.model], on=self.on, start_up_s=self.start_up_s)
        return SimulatedCamera(state, faults, v_period_s=self.v_period, remember=self.remember)


@asynccontextmanager
async def serve(
    listen: str = "127.0.0.1:0",
    *,
    carrier: str = "udp",
    model: str | None = None,
    on: bool = True,
    start_up_s: float = 0.0,
    faults: Mapping[str, str] | None = None,
    baud: int = 9600,
    chain: int = 1,
    addressed: bool = False,
    v_period: float = V_PERIOD_S,
    remember: int | None = None,
) -> AsyncIterator[SimulatedCamera]:
    """Run a simulated camera inside the block; of a chain the first, with all in its `cameras`.

    `listen` is HOST:PORT (port 0 for a free one); for `serial` it is `pty`, or an absolute path that
    becomes the stable name of the pseudo-terminal. `v_period` 0 answers at once; `baud` 0 has no wire time.
    The cameras of a chain wait for their addresses unless they are `addressed` by switches.

    Raises:
        ValueError: no such model, carrier, fault or chain, or `listen` is no HOST:PORT.
    """
    plan = Plan(
        listen,
        carrier,
        model or DEFAULT_MODEL,
        on,
        start_up_s,
        faults or {},
        baud,
        chain,
        addressed,
        v_period,
        remember,
    )
    plan.check()
    services = {"udp": _udp, "udp-raw": _udp, "tcp": _tcp, "serial": _serial, "rfc2217": _rfc2217}
    async with services[carrier](plan) as simulated:
        try:
            yield simulated
        finally:
            for camera in simulated.cameras:
                camera.close()


@asynccontextmanager
async def _udp(plan: Plan) -> AsyncIterator[SimulatedCamera]:
    endpoint = plan.endpoint
    simulated = plan.build(Faults(plan.faults))
    line = SonyUdp(simulated) if plan.carrier == "udp" else RawUdp(simulated)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: line, local_addr=endpoint)
    try:
        yield simulated
    finally:
        transport.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def _tcp(plan: Plan) -> AsyncIterator[SimulatedCamera]:
    endpoint = plan.endpoint
    simulated = plan.build(Faults(plan.faults))
    line = TcpLine(simulated)
    await line.listen(*endpoint)
    try:
        yield simulated
    finally:
        await line.close()


@asynccontextmanager
async def _serial(plan: Plan) -> AsyncIterator[SimulatedCamera]:
    terminal = Terminal(plan.baud, plan.link)
    try:
        chain = _chain(plan, terminal)
        terminal.attach(chain.bus.take, lambda: chain.bus.to_cameras.ahead_s)
        yield chain.cameras[0]
    finally:
        terminal.pull()


@asynccontextmanager
async def _rfc2217(plan: Plan) -> AsyncIterator[SimulatedCamera]:
    endpoint = plan.endpoint
    server = SerialServer(plan.baud)
    chain = _chain(plan, server)
    server.taken = chain.bus.take
    await server.listen(*endpoint)
    try:
        yield chain.cameras[0]
    finally:
        await server.close()


def _chain(plan: Plan, end: Terminal | SerialServer) -> SimulatedChain:
    faults = Faults(plan.faults)
    cameras = [plan.build(faults) for _ in range(plan.chain)]
    bus = Bus(cameras, end.emit, baud=plan.baud, addressed=plan.addressed, where=lambda: end.where)
    return SimulatedChain(bus, end, lambda: plan.build(faults))
