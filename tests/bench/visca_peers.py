"""What others have published, at the same work: `visca-over-ip` 0.5.2 and `pyvisca` 0.1.9.

Each piece of work runs in a process of its own with a time limit, because a peer may hang or spin: its
figures come back as one line of JSON, and none come back when it did not end. Against faults the
process runs the simulated camera in a thread, so that it can be asked what really ran at the
moment the peer says so.

    python -m tests.bench.visca_peers udp-inquiries PORT 500
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from drivers.visca.sim import SimulatedCamera, serve
from tests.bench.common import percentile
from tests.bench.visca_floors import median, timed

Numbers = dict[str, float]
STOP = "06 01 01 01 03 03"
MODEL = "srg-300h"
"""What is moved against faults: a camera that takes the two speeds that the peer gives."""


class OverIp(Protocol):
    """What is used of `visca_over_ip.Camera`."""

    _location: tuple[str, int]
    _inq_sock: socket.socket

    def _send_command(self, command_hex: str) -> bytes | None: ...
    def reset_sequence_number(self) -> None: ...
    def pantilt(
        self,
        pan_speed: int,
        tilt_speed: int,
        pan_position: int | None = None,
        tilt_position: int | None = None,
        relative: bool = False,
    ) -> None: ...
    def pantilt_home(self) -> None: ...
    def get_pantilt_position(self) -> tuple[int, int]: ...


class OverSerial(Protocol):
    """What is used of `pyvisca.PTZ`."""

    def get_power(self) -> int: ...


def over_ip(port: int) -> OverIp:
    """Return a peer that talks to a camera on this machine.

    It binds the port of the camera on its own side too, which one machine cannot have twice. So it is
    made towards a free port, and turned to the camera afterwards.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        free = probe.getsockname()[1]
    peer = cast("OverIp", import_module("visca_over_ip").Camera("127.0.0.1", port=free))
    peer._location = ("127.0.0.1", port)
    # What it sent while it was made has come back to itself.
    peer._inq_sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            peer._inq_sock.recv(64)
    peer._inq_sock.settimeout(0.1)
    peer.reset_sequence_number()
    return peer


def udp_inquiries(port: str, count: str) -> Numbers:
    """Ask an answering camera for its position."""
    peer = over_ip(int(port))
    taken, cpu_us = _cpu(lambda: timed(lambda: _discard(peer.get_pantilt_position()), int(count)), int(count))
    return {"p50_us": median(taken), "cpu_us": cpu_us}


def udp_commands(port: str, count: str) -> Numbers:
    """Send an answering camera home; the peer returns at the acknowledgement."""
    peer = over_ip(int(port))
    return {"p50_us": median(timed(peer.pantilt_home, int(count)))}


def serial_inquiries(path: str, count: str) -> Numbers:
    """Ask a camera on a line whether it is on."""
    peer = cast("OverSerial", import_module("pyvisca.visca").PTZ(path))
    taken, cpu_us = _cpu(lambda: timed(lambda: _discard(peer.get_power()), int(count)), int(count))
    return {"p50_us": median(taken), "cpu_us": cpu_us}


def faulty_moves(faults: str, count: str) -> Numbers:
    """Move a camera behind a bad network step by step; each step differs, so each can be found again."""
    steps = [(there_and_back(n), n % 2) for n in range(int(count))]
    with _simulated(json.loads(faults)) as simulated:
        peer = over_ip(_port(simulated))
        said = [step for step in steps if _worked(partial(peer.pantilt, 0x18, 0x14, *step, relative=True))]
        time.sleep(0.5)
        ran = Counter(simulated.ran)
    bodies = [b"\x01\x06\x03\x18\x14" + _nibbles(pan) + _nibbles(tilt) for pan, tilt in said]
    return {
        "done": len(said),
        "not_run": sum(not ran[body] for body in bodies),
        "twice": sum(ran[body] > 1 for body in bodies),
    }


def faulty_stops(faults: str, count: str) -> Numbers:
    """Drive and stop again and again; look whether the camera moves when STOP has returned.

    The drive is repeated until the camera moves: only a STOP that has something to stop counts.
    """
    still_moving, taken = 0, []
    with _simulated(json.loads(faults)) as simulated:
        peer = over_ip(_port(simulated))
        for n in range(int(count)):
            while not simulated.moving:
                _worked(partial(peer.pantilt, 8 if n % 2 else -8, 8 if n % 2 else -8))
                time.sleep(0.02)
            began = time.perf_counter()
            # Its `pantilt(0, 0)` has speed 00, which cameras refuse; in fairness it sends a STOP they take.
            _worked(lambda: peer._send_command(STOP))
            taken.append((time.perf_counter() - began) * 1000)
            still_moving += simulated.moving
    return {"moving": still_moving, "p50_ms": median(taken), "p99_ms": percentile(taken, 0.99)}


def there_and_back(number: int) -> int:
    """Return a step of its own for each number, whose sum stays small."""
    step = 1 + number // 2
    return step if number % 2 else -step


def _nibbles(value: int) -> bytes:
    return bytes((value & 0xFFFF) >> shift & 0x0F for shift in (12, 8, 4, 0))


def _worked(action: Callable[[], object]) -> bool:
    """Whether the peer said that it is done: it raised nothing."""
    try:
        action()
    except Exception:  # noqa: BLE001 - whatever a foreign library raises, it did not claim success
        return False
    return True


def _discard(_: object) -> None:
    return


def _cpu(work: Callable[[], list[float]], count: int) -> tuple[list[float], float]:
    before = time.process_time()
    taken = work()
    return taken, (time.process_time() - before) / count * 1e6


def _port(simulated: SimulatedCamera) -> int:
    return int(simulated.address.rpartition(":")[2])


@contextlib.contextmanager
def _simulated(faults: dict[str, str]) -> Iterator[SimulatedCamera]:
    """Run a simulated camera in a thread of its own."""
    begun: Future[tuple[SimulatedCamera, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        over = asyncio.Event()
        async with serve(model=MODEL, faults=faults) as simulated:
            begun.set_result((simulated, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="simulated camera")
    thread.start()
    simulated, loop, over = begun.result(10)
    try:
        yield simulated
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


WORK: dict[str, Callable[[str, str], Numbers]] = {
    "udp-inquiries": udp_inquiries,
    "udp-commands": udp_commands,
    "serial-inquiries": serial_inquiries,
    "faulty-moves": faulty_moves,
    "faulty-stops": faulty_stops,
}


def peer(work: str, where: str, count: int, *, within_s: float) -> Numbers:
    """Run one piece of a peer's work; nothing but `nan` when it did not end in time, or failed."""
    with started(work, where, count) as result:
        return result(within_s)


@contextlib.contextmanager
def started(work: str, where: str, count: int) -> Iterator[Callable[[float], Numbers]]:
    """Run one piece of a peer's work beside the block; give what waits for its end and returns its figures."""
    command = [sys.executable, "-m", "tests.bench.visca_peers", work, where, str(count)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
    ) as process:
        try:
            yield lambda within_s: _result(process, within_s)
        finally:
            process.kill()


def _result(process: subprocess.Popen[bytes], within_s: float) -> Numbers:
    try:
        printed, _ = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        printed = b""
    nothing: Numbers = defaultdict(lambda: float("nan"))
    return nothing | (json.loads(printed.splitlines()[-1]) if printed and not process.returncode else {})


if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:4])))
