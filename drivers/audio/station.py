"""The far end of the lines: meters a microphone and carries out commands on some sound system.

The worker and the room model differ in their `SoundSystem` only; metering, the loop check
and the words on the line are these, so that the supervisor cannot tell them apart.

Three threads: `meter` turns blocks into level lines and is the sign of life, `work` carries
out commands one by one, and `proof` those that take seconds, so that a mute never waits for
them. Blocks arrive on a fourth, which belongs to the sound system.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np

from drivers.audio import dsp, lines
from drivers.audio.hearing import Hearing
from drivers.audio.lines import Line
from drivers.audio.model import MICROPHONE, SPEAKER, LoopAnswer, LoopEnd
from drivers.audio.turns import MUTE_ALL, Turn, Turns
from drivers.ports import MAX_STEP_UP_DB, SoundPort

TRIES = 3
SIGN_OF_LIFE_EVERY_S = 0.25
LOOK_AGAIN_AFTER_S = 1.0
"""Looking for an absent microphone costs a process; once a second finds it soon enough."""
NO_SAMPLES_AFTER_S = 0.4
"""Blocks come every 0.05 s; a supervisor waits for a sign of life longer than this."""
RECORDED_WITHIN_S = 1.0
STEP_TOLERANCE_DB = 0.1
"""Sound systems round gains: a step of 6 dB may read a little more."""
_PROVE = "prove"
_LOOK = "look"
"""An order from here, not from the supervisor: see what is there now."""


class SoundTrouble(Exception):
    """The sound system did not do what was asked; `code` is a reason code, `values` what its sentence needs."""

    def __init__(self, code: str, detail: str, **values: str | float) -> None:
        super().__init__(detail)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Block:
    """Samples of the microphone and when the first of them was heard."""

    at_s: float
    samples: dsp.Samples
    lost: bool = False
    """Samples before these were lost."""


@dataclass(frozen=True, slots=True)
class Played:
    """When the first sample left the loudspeaker, on the clock of `Block.at_s`."""

    at_s: float
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the sound system lists."""

    ports: tuple[SoundPort, ...]
    device: str
    """The microphone we want."""
    captured: str
    """Where the capture hangs now; empty when it does not run."""


class SoundSystem(Protocol):
    """One microphone and one loudspeaker. Every method may raise `SoundTrouble` and may block."""

    def inventory(self) -> Inventory:
        """Ask which ports are there."""

    def listen(self, heard: Callable[[Block], None]) -> None:
        """Start the capture; `heard` is called on a thread of the sound system."""

    def play(self, samples: dsp.Samples) -> Played:
        """Play `samples`; returns while or after they sound."""

    def mute(self, port: str, on: bool) -> bool:
        """Mute or open a port and return what was read back."""

    def gain(self, port: str, db: float) -> float:
        """Set a port's gain and return what was read back."""

    def make_default(self, port: str) -> bool:
        """Let programs that name no device use the port's, and return whether they now do."""

    def halted(self) -> str:
        """Return why an open capture gives no samples, empty when nobody holds it back."""


class Station:
    """One supervisor's view of a sound system.

    `send` is called from three threads. `leave` ends the station; it may not return.
    """

    def __init__(self, system: SoundSystem, send: Callable[[Line], None], leave: Callable[[], None]) -> None:
        self._system = system
        self._send = send
        self._leave = leave
        self._blocks: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
        self._orders = Turns()
        self._proofs = Turns()
        self._takes: queue.SimpleQueue[Block] | None = None
        self._set = 0
        """How often a port was muted, opened or set: a proof meanwhile proves nothing."""
        self._muted: dict[str, bool] = {}
        """What was last read back of each port: to open one that is open disturbs nothing."""
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._meter, name="sound-meter", daemon=True),
            threading.Thread(target=self._work, args=(self._orders,), name="sound-work", daemon=True),
            threading.Thread(target=self._work, args=(self._proofs,), name="sound-proof", daemon=True),
        ]

    def start(self) -> None:
        """Begin to meter and to take orders."""
        for thread in self._threads:
            thread.start()

    def order(self, line: Line) -> None:
        """Queue a command; its answer comes through `send`. No other waits for a proof, which takes seconds."""
        (self._proofs if line.get("do") == _PROVE else self._orders).put(line)

    def look_again(self) -> None:
        """Look, in turn, at what is there now and tell the supervisor: something came, went or moved."""
        self._orders.put({"do": _LOOK})

    def stop(self) -> None:
        """End the threads; a sound system that hangs keeps them."""
        self._over.set()
        self._blocks.put(None)
        for waited_for in (self._orders, self._proofs):
            waited_for.put(None)

    # --- meter ---

    def _meter(self) -> None:
        while not self._over.is_set():
            try:
                self._system.listen(self.heard)
            except SoundTrouble as trouble:
                self._wait_alive(trouble)
            else:
                self._pass_levels_on()

    def heard(self, block: Block) -> None:
        """Take a block from the sound system."""
        self._blocks.put(block)

    def _wait_alive(self, trouble: SoundTrouble) -> None:
        for _ in range(round(LOOK_AGAIN_AFTER_S / SIGN_OF_LIFE_EVERY_S)):
            self._tell_absent(trouble.code, str(trouble))
            if self._over.wait(SIGN_OF_LIFE_EVERY_S):
                return

    def _tell_absent(self, code: str, detail: str) -> None:
        self._send({"event": "absent", "code": code, "detail": detail})

    def _pass_levels_on(self) -> None:
        """Send a line for each block; without blocks there is no line, which the supervisor notices."""
        hearing = Hearing()
        while (block := self._next_block()) is not None:
            if (takes := self._takes) is not None:
                takes.put(block)
            level = dsp.level(block.samples)
            second = hearing.feed(block.samples, level)
            self._send(
                {
                    "event": "level",
                    "rms": round(level.rms_dbfs, 2),
                    "peak": round(level.peak_dbfs, 2),
                    "zero": level.digital_zero,
                    "clips": level.clips,
                    "lufs": None if hearing.momentary_lufs is None else round(hearing.momentary_lufs, 2),
                }
            )
            if second is not None:
                self._send({"event": "second", **_rounded(asdict(second))})

    def _next_block(self) -> Block | None:
        """Wait for a block; while somebody holds the microphone back, say so, which a new worker would not mend."""
        while True:
            try:
                return self._blocks.get(timeout=NO_SAMPLES_AFTER_S)
            except queue.Empty:
                pass
            try:
                halted = self._system.halted()
            except SoundTrouble:  # its silence is told by ours
                continue
            if halted:
                self._tell_absent("sound.suspended", halted)

    # --- work ---

    def _work(self, orders: Turns) -> None:
        while (order := (turn := orders.get()).order) is not None:
            if order.get("do") == _LOOK:
                self._look()
                continue
            number = order.get("id")
            try:
                _still_wanted(turn)
                self._send({"id": number, "ok": self._carry_out(order)})
            except SoundTrouble as trouble:
                self._send({"id": number, "error": trouble.code, "detail": str(trouble), "values": trouble.values})
            except ValueError as error:
                self._send({"id": number, "error": "sound.bad_order", "detail": str(error)})
            if order.get("do") == "inventory":
                self._leave_if_moved()

    def _carry_out(self, order: Line) -> Line:
        match order.get("do"):
            case "inventory":
                self._inventory = self._system.inventory()
                self._muted = {port.name: port.muted for port in self._inventory.ports}
                return _listed(self._inventory)
            case "mute":
                port, on = lines.text(order, "port"), lines.flag(order, "on")
                self._set += on != self._muted.get(port)
                self._muted[port] = self._system.mute(port, on)
                return {"muted": self._muted[port]}
            case "gain":
                return {"gain_db": self._gain(order)}
            case "default":
                return {"default": self._system.make_default(lines.text(order, "port"))}
            case _ if order.get("do") == MUTE_ALL:
                return self._mute_all()
            case _ if order.get("do") == _PROVE:
                return asdict(self.prove())
            case other:
                raise ValueError(f"do: wanted inventory, mute, mute_all, gain, default or prove, got {other!r}")

    def _gain(self, order: Line) -> float:
        """Set a port's gain and return what was read back.

        Raises:
            SoundTrouble: it was to be careful, and would go up too far at once.
        """
        port, db = lines.text(order, "port"), lines.number(order, "db")
        if order.get("careful") is True:
            stands_db = port_of(self._system.inventory().ports, port).gain_db
            if db - stands_db > MAX_STEP_UP_DB + STEP_TOLERANCE_DB:
                detail = f"wanted {port} from {stands_db:.1f} to {db:g} dB, {MAX_STEP_UP_DB:g} dB up at most at once"
                raise SoundTrouble("sound.too_big_a_step", detail, most_db=MAX_STEP_UP_DB)
        self._set += 1
        return self._system.gain(port, db)

    def _mute_all(self) -> Line:
        """Mute what is there, whatever else fails, and return what was read back.

        Raises:
            SoundTrouble: a port is there and could not be muted.
        """
        self._set += 1
        muted: dict[str, bool] = {}
        trouble: SoundTrouble | None = None
        for port in (MICROPHONE, SPEAKER):
            try:
                muted[port] = self._muted[port] = self._system.mute(port, True)
            except SoundTrouble as error:
                if error.code != "sound.device_missing":
                    trouble = trouble or error
        if trouble is not None:
            raise trouble
        return {"muted": muted}

    _inventory: Inventory | None = None

    def _look(self) -> None:
        """Tell the supervisor what is there when that has changed; a server that is away tells when it is back."""
        try:
            found = self._system.inventory()
        except SoundTrouble:
            return
        if found != self._inventory:
            self._inventory = found
            self._send({"event": "ports", **_listed(found)})
            self._leave_if_moved()

    def _leave_if_moved(self) -> None:
        """End when the capture hangs on another source: its levels would be somebody else's.

        A sound system moves a capture silently when its microphone goes, and does not move
        it back. Starting afresh is the one way that holds for all of them.
        """
        found = self._inventory
        if found is not None and found.captured and found.captured != found.device:
            self._send({"event": "leaving", "detail": f"the capture was moved to {found.captured}"})
            self._leave()

    # --- loop check ---

    def prove(self) -> LoopAnswer:
        """Play the chirp until it is heard, at most `TRIES` times, and return the last answer.

        Raises:
            SoundTrouble: somebody muted or set a port meanwhile.
        """
        probe, before = dsp.chirp(), self._set
        answer = self._try(probe)
        while answer.tries < TRIES and not _settled(answer) and self._set == before:
            answer = replace(self._try(probe), tries=answer.tries + 1)
        if self._set != before:
            raise SoundTrouble("sound.disturbed", "somebody muted or set a port while the tone was played")
        return answer

    def _try(self, probe: dsp.Samples) -> LoopAnswer:
        takes: queue.SimpleQueue[Block] = queue.SimpleQueue()
        self._takes = takes
        try:
            taken = self._take(takes, [], dsp.LISTEN_BEFORE_S)
            played = self._system.play(probe)
            until_s = played.at_s - taken[0].at_s + dsp.CHIRP_S + dsp.LISTEN_AFTER_S
            taken = self._take(takes, taken, until_s)
        finally:
            self._takes = None
        recording = np.concatenate([block.samples for block in taken])
        played_at = round((played.at_s - taken[0].at_s) * dsp.RATE_HZ)
        answer = dsp.judge(recording, probe, played_at)
        return replace(answer, xrun=played.lost or any(block.lost for block in taken))

    @staticmethod
    def _take(takes: queue.SimpleQueue[Block], taken: list[Block], length_s: float) -> list[Block]:
        """Return `taken` and what follows, `length_s` long in all.

        Raises:
            SoundTrouble: the microphone gives no more samples.
        """
        frames = sum(block.samples.size for block in taken)
        while frames < length_s * dsp.RATE_HZ:
            try:
                block = takes.get(timeout=RECORDED_WITHIN_S)
            except queue.Empty:
                raise SoundTrouble("sound.no_levels", "the microphone gives no samples") from None
            taken.append(block)
            frames += block.samples.size
        return taken


def _still_wanted(turn: Turn) -> None:
    """Refuse what would undo that everything was muted.

    Raises:
        SoundTrouble: it would.
    """
    if turn.overtaken:
        raise SoundTrouble("sound.muted_all", "everything was muted while this waited")


def _rounded(values: dict[str, lines.Value]) -> Line:
    """Return `values` with floats cut to hundredths; flags and counts stay."""
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in values.items()}


def _listed(inventory: Inventory) -> Line:
    ports = [asdict(port) for port in inventory.ports]
    return {"ports": ports, "device": inventory.device, "captured": inventory.captured}


def _settled(answer: LoopAnswer) -> bool:
    """Tell whether another try would say nothing new."""
    return answer.end is LoopEnd.DIGITAL_ZERO or (answer.end is LoopEnd.HEARD and not answer.xrun)


def port_of(ports: tuple[SoundPort, ...], name: str) -> SoundPort:
    """Return the port `name`.

    Raises:
        SoundTrouble: it is not one of ours, or its device is not there.
    """
    for port in ports:
        if port.name == name:
            if port.present:
                return port
            raise SoundTrouble("sound.device_missing", f"{name}: {port.device} is not there", device=port.device)
    raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {name!r}")
