"""The camera as its lines see it: messages in, ACK, Completion and errors out, two sockets, a picture's time each.

Sockets and errors from the SRG-300H and SRG-HD1 technical manuals, the V period from the EVI-D70
technical manual. Which line the messages come over is the business of the modules beside this one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from drivers.visca.sim.commands import Effect, carry_out, is_power
from drivers.visca.sim.faults import NOW, Faults
from drivers.visca.sim.inquiries import answer
from drivers.visca.sim.models import MEMORIES
from drivers.visca.sim.motors import Motor
from drivers.visca.sim.problems import NotExecutable, SyntaxProblem
from drivers.visca.sim.state import ZOOM_END, Camera

if TYPE_CHECKING:
    from drivers.visca.sim.bus import SimulatedChain

V_PERIOD_S = 1 / 60
SMOOTH_S = 1 / 60
"""How often a camera moves on that answers at once."""
INBOX = 32
LONGEST_BODY = 16
REBOOT_S = 1.0
SOCKETS = 2

_LENGTH, _SYNTAX, _FULL, _CANCELLED, _NO_SOCKET, _NOT_EXECUTABLE = 0x01, 0x02, 0x03, 0x04, 0x05, 0x41
_IF_CLEAR = b"\x01\x00\x01"


class Controller(Protocol):
    """Whoever sent a message, as seen from the camera."""

    def answer(self, frame: bytes, sequence: int, /) -> None:
        """Send `frame` back as the answer to message number `sequence`."""

    def forget(self, sequence: int, /) -> None:
        """Take message `sequence` for unheard: it did not run, and may be sent again."""


class Line(Protocol):
    """What a camera hangs on."""

    def where(self, camera: SimulatedCamera) -> str:
        """Where `camera` is reached, as a device address."""

    def went(self, camera: SimulatedCamera) -> None:
        """Note that `camera` lost its power or its link."""

    def came_back(self, camera: SimulatedCamera) -> None:
        """Note that `camera` has them again."""

    def shout(self, noise: bytes) -> None:
        """Send bytes that nobody asked for to everybody."""


class _Somebody:
    """Another controller, on a line that is not simulated."""

    def answer(self, frame: bytes, sequence: int, /) -> None:
        """Let it fall."""

    def forget(self, sequence: int, /) -> None:
        """Have nothing to forget."""


class _BufferFull(Exception):
    """Both sockets are occupied: error 03."""


@dataclass(slots=True)
class Job:
    """A command that occupies a socket; without a controller somebody else occupies it."""

    controller: Controller | None
    sequence: int
    number: int
    """The socket's number as it is told; the same for all on cameras that share one."""
    motors: tuple[Motor, ...] = ()


class SimulatedCamera:
    """A camera that is reached over a line. Its use cases are the public methods."""

    def __init__(
        self, camera: Camera, faults: Faults, *, v_period_s: float = V_PERIOD_S, remember: int | None = None
    ) -> None:
        """`v_period_s` 0 answers at once; `remember` bounds how many commands `ran` holds."""
        self.camera = camera
        self.faults = faults
        self.ran: list[bytes] = []
        """Every command that was carried out, in order, without header byte and terminator."""
        self.ran_at: list[float] = []
        """When, on the clock of the loop (`time.monotonic`)."""
        self.ran_for_others: list[bytes] = []
        """What the second controller had it do."""
        self.heard = 0
        """How many messages came in whole."""
        self.watch: Callable[[float, bytes], None] | None = None
        """Told the time and the body of every message that comes in whole."""
        self.number = 1
        """Its address in a chain; 0 before it was given one."""
        self.line: Line | None = None
        self.chain: SimulatedChain | None = None
        """The serial line that it shares with others, if it is on one."""
        self._remember = remember
        self._v_s = v_period_s
        self._plugged = True
        self._back_at = 0.0
        self._inbox: deque[tuple[bytes, Controller, int]] = deque()
        self._sockets: list[Job | None] = [None] * SOCKETS
        self._loop = asyncio.get_running_loop()
        self._then = self._loop.time()
        self._beat: asyncio.TimerHandle | None = None
        self._planned: dict[str, asyncio.TimerHandle] = {}
        for fault in ("reboot", "unplug", "second_controller"):
            self._plan(fault)

    # What it looks like from outside.

    @property
    def address(self) -> str:
        """Where it listens, as a device address."""
        return "" if self.line is None else self.line.where(self)

    @property
    def cameras(self) -> list[SimulatedCamera]:
        """All cameras on its line, itself among them."""
        return [self] if self.chain is None else self.chain.cameras

    @property
    def pan_deg(self) -> float:
        """Where it looks, to the right."""
        return self.camera.pan.position * self.camera.model.pan_right / self.camera.model.steps_per_degree

    @property
    def tilt_deg(self) -> float:
        """Where it looks, upwards."""
        return self.camera.tilt.position / self.camera.model.steps_per_degree

    @property
    def zoom(self) -> float:
        """How far it is zoomed in, from 0 to 1."""
        return self.camera.zoom.position / ZOOM_END

    @property
    def moving(self) -> bool:
        """Whether it moves at this moment."""
        self._arm()  # also when a test set a motor going past everything
        return self.camera.moving

    @property
    def on(self) -> bool:
        """Whether it is on and started up."""
        return self.camera.is_on(self._loop.time())

    @property
    def menu(self) -> bool:
        """Whether its on-screen menu is open."""
        return self.camera.registers.on("menu")

    @property
    def deaf(self) -> bool:
        """Whether it is unplugged or starting anew, and neither hears nor answers."""
        return not self._plugged or self._loop.time() < self._back_at

    # Use cases.

    def unplug(self) -> None:
        """Pull power and network: it stops where it is and answers nothing."""
        self._plugged = False
        self._lose_all()

    def plug_in(self) -> None:
        """Give power and network back."""
        self._plugged = True
        self._return()

    def reboot(self, seconds: float = REBOOT_S) -> None:
        """Start anew: it stops, forgets what it was told, and is deaf for `seconds`."""
        self._back_at = self._loop.time() + seconds
        self._lose_all()
        self._later("back", seconds, self._return)

    def fill_sockets(self) -> None:
        """Occupy both sockets, as another controller would."""
        self._sockets = [Job(None, 0, index + 1) for index in range(SOCKETS)]

    def free_sockets(self) -> None:
        """Let the other controller go."""
        self._sockets = [None if job and job.controller is None else job for job in self._sockets]

    def send_noise(self, noise: bytes = bytes.fromhex("90 12 ff ff 00 41 90")) -> None:
        """Send bytes that are no reply to everybody who ever asked something."""
        if self.line is not None and not self.deaf:
            self.line.shout(noise)

    def shove(self, pan_deg: float = 0.0, tilt_deg: float = 0.0) -> None:
        """Push it by hand: it looks elsewhere, and no command moved it."""
        degree = self.camera.model.steps_per_degree
        self.camera.pan.shove(pan_deg * degree * self.camera.model.pan_right)
        self.camera.tilt.shove(tilt_deg * degree)

    def set_fault(self, name: str, value: str | float) -> None:
        """Change one fault while it runs; 0 ends it, `now` does `reboot` and `unplug` at once.

        Raises:
            ValueError: no such fault, or no such value of it.
        """
        self.faults.set(name, value)
        if value == NOW:
            (self.reboot if name == "reboot" else self.unplug)()
        elif name == "unplug" and not self._plugged and not self.faults[name]:
            self.plug_in()
        self._plan(name)

    def close(self) -> None:
        """End everything that was to happen later."""
        for handle in (*self._planned.values(), self._beat):
            if handle is not None:
                handle.cancel()
        self._planned.clear()
        self._beat = None
        self._inbox.clear()
        self._plugged = False

    # Things that happen by themselves.

    def _later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        if name in self._planned:
            self._planned[name].cancel()
        self._planned[name] = self._loop.call_later(seconds, action)

    def _plan(self, fault: str) -> None:
        value = self.faults[fault]
        if fault in self._planned:
            self._planned.pop(fault).cancel()
        if value <= 0:
            return
        if fault == "reboot":
            self._later(fault, value, self._reboot_again)
        elif fault == "unplug":
            self._later(fault, value, self.unplug)
        elif fault == "second_controller":
            self._later(fault, 1 / value, self._obey_somebody)

    def _reboot_again(self) -> None:
        self.reboot()
        self._plan("reboot")

    def _obey_somebody(self) -> None:
        memory = self.faults.dice.choice(sorted(set(MEMORIES) & set(self.camera.memories)) or [0])
        if not self.deaf:
            self._take(bytes((0x01, 0x04, 0x3F, 0x02, memory)), _Somebody(), 0)
        self._plan("second_controller")

    def _lose_all(self) -> None:
        self.camera.halt()
        self._sockets = [None] * SOCKETS
        self._inbox.clear()
        if self.line is not None:
            self.line.went(self)

    def _return(self) -> None:
        self._back_at = 0.0
        if self.line is not None and self._plugged:
            self.line.came_back(self)

    # Bytes in.

    def arrivals(self) -> int:
        """How often a message that was sent to it arrives."""
        if self.deaf:
            return 0
        faults = self.faults
        if faults.calm:
            return 1
        if faults.happens("silent") or faults.happens("loss"):
            return 0
        return 2 if faults.happens("duplicate") else 1

    def hear(self, body: bytes, controller: Controller, sequence: int = 0) -> None:
        """Take a whole message, without header byte and terminator."""
        self.heard += 1
        if self.watch is not None:
            self.watch(self._loop.time(), body)
        self._take(body, controller, sequence)

    def _take(self, body: bytes, controller: Controller, sequence: int) -> None:
        if self._v_s == 0:
            self._pass_time()
            self._look_at(body, controller, sequence)
            self._complete()
        elif len(self._inbox) < INBOX:
            self._inbox.append((body, controller, sequence))
        else:
            controller.forget(sequence)
        self._arm()

    # The camera's life, one V period after the other.

    def _arm(self) -> None:
        """See to it that the next picture comes while there is something to do."""
        if self._beat is None and self._busy():
            now = self._loop.time()
            every = self._v_s or SMOOTH_S
            self._then = now
            self._beat = self._loop.call_at((now // every + 1) * every, self._picture)

    def _busy(self) -> bool:
        return bool(self._inbox or self.camera.moving or any(job and job.controller for job in self._sockets))

    def _picture(self) -> None:
        self._pass_time()
        self._beat = None
        if self._inbox:
            self._look_at(*self._inbox.popleft())
        self._arm()

    def _pass_time(self) -> None:
        now = self._loop.time()
        if self._beat is not None:
            self.camera.advance(now - self._then)
        self._then = now
        self._complete()

    def _complete(self) -> None:
        for index, job in enumerate(self._sockets):
            if job and job.controller and not any(motor.moving for motor in job.motors):
                self._sockets[index] = None
                self._tell_completion(job)

    def _tell_completion(self, job: Job) -> None:
        if self.faults.happens("no_completion"):
            return
        number = SOCKETS + 1 - job.number if self.faults.happens("wrong_socket") else job.number
        self._tell(job, 0x50 | (number if self.camera.model.acks else 0))

    # Messages.

    def _look_at(self, body: bytes, controller: Controller, sequence: int) -> None:
        if not 1 <= len(body) <= LONGEST_BODY:
            self._refuse(controller, sequence, 0, _LENGTH)
        elif body[0] == 0x09:
            self._inquire(body, controller, sequence)
        elif body[0] >> 4 == 2 and len(body) == 1:
            self._cancel(body[0] & 0x0F, controller, sequence)
        elif body == _IF_CLEAR:
            self.clear()
            self._answer(controller, sequence, b"\x50")
        else:
            self._command(body, controller, sequence)

    def _inquire(self, body: bytes, controller: Controller, sequence: int) -> None:
        try:
            self._answer(controller, sequence, b"\x50" + answer(self.camera, body[1:], self._loop.time()))
        except SyntaxProblem:
            self._refuse(controller, sequence, 0, _SYNTAX)
        except NotExecutable:
            self._refuse(controller, sequence, 0, _NOT_EXECUTABLE)

    def _cancel(self, number: int, controller: Controller, sequence: int) -> None:
        """End what runs in a socket; whoever asked hears of it, and so does another whose command it was."""
        job = self._sockets[number - 1] if 1 <= number <= SOCKETS else None
        if job is None:
            self._refuse(controller, sequence, number, _NO_SOCKET)
            return
        self._sockets[number - 1] = None
        for motor in job.motors:
            motor.halt()
        self._answer(controller, sequence, bytes((0x60 | job.number, _CANCELLED)))
        if job.controller is not controller:
            self._tell(job, 0x60 | job.number, _CANCELLED)

    def clear(self) -> None:
        """IF_Clear: forget the commands that wait, and end those that run, without a word."""
        for job in self._sockets:
            for motor in job.motors if job else ():
                motor.halt()
        self._sockets = [job if job and job.controller is None else None for job in self._sockets]
        self._inbox.clear()

    def _command(self, body: bytes, controller: Controller, sequence: int) -> None:
        index = self._sockets.index(None) if None in self._sockets else -1
        number = 1 if self.camera.model.shared_socket else index + 1
        try:
            effect = self._begin(body, free=index >= 0)
        except SyntaxProblem:
            self._refuse(controller, sequence, 0, _SYNTAX)
        except NotExecutable:
            self._refuse(controller, sequence, number, _NOT_EXECUTABLE)
        except _BufferFull:
            self._refuse(controller, sequence, 0, _FULL)
        else:
            self._note(body, controller)
            self._displace(effect.motors)
            self._accept(index, Job(controller, sequence, number, effect.motors if effect.lasting else ()))

    def _begin(self, body: bytes, *, free: bool) -> Effect:
        """Begin a command.

        Raises:
            SyntaxProblem: it is none that the camera knows.
            NotExecutable: it cannot be done now.
            _BufferFull: both sockets are occupied.
        """
        now = self._loop.time()
        if not is_power(body) and not self.camera.is_on(now):
            raise NotExecutable
        if not free or self.faults.happens("buffer_full"):
            raise _BufferFull
        return carry_out(self.camera, body, now)

    def _accept(self, index: int, job: Job) -> None:
        self._sockets[index] = job
        if self.camera.model.acks and not self.faults.happens("no_ack"):
            self._tell(job, 0x40 | job.number)

    def _note(self, body: bytes, controller: Controller) -> None:
        if isinstance(controller, _Somebody):
            self.ran_for_others.append(body)
            return
        self.ran.append(body)
        self.ran_at.append(self._loop.time())
        if self._remember is not None and len(self.ran) > 2 * max(self._remember, 1):
            del self.ran[: -self._remember], self.ran_at[: -self._remember]

    def _displace(self, moved: tuple[Motor, ...]) -> None:
        """End the commands whose motors a newer command has taken."""
        for index, job in enumerate(self._sockets):
            if job and job.controller and any(motor is other for motor in job.motors for other in moved):
                self._sockets[index] = None
                self._tell(job, 0x60 | job.number, _CANCELLED)

    # Bytes out.

    def _tell(self, job: Job, *content: int) -> None:
        if job.controller is not None:
            self._answer(job.controller, job.sequence, bytes(content))

    def _refuse(self, controller: Controller, sequence: int, number: int, error: int) -> None:
        """Send an error; sent again, the message meets the same error and not `0F 01`."""
        controller.forget(sequence)
        self._answer(controller, sequence, bytes((0x60 | number, error)))

    def _answer(self, controller: Controller, sequence: int, content: bytes) -> None:
        controller.answer(bytes((0x80 | self.number << 4,)) + content + b"\xff", sequence)
