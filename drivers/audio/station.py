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
import time
from collections.abc import Callable
from dataclasses import asdict

from drivers.audio import dsp, lines
from drivers.audio.hearing import Hearing
from drivers.audio.lines import Line
from drivers.audio.model import MICROPHONE, SPEAKER
from drivers.audio.proof import Proofs, called_off
from drivers.audio.system import Block, Inventory, SoundStuck, SoundSystem, SoundTrouble, port_of
from drivers.audio.turns import LOOK, MUTE_ALL, Turn, Turns
from drivers.ports import MAX_STEP_UP_DB

SIGN_OF_LIFE_EVERY_S = 0.25
LOOK_AGAIN_AFTER_S = 1.0
"""Looking for an absent microphone costs a process; once a second finds it soon enough."""
NO_SAMPLES_AFTER_S = 0.4
"""Blocks come every 0.05 s; a supervisor waits for a sign of life longer than this."""
STEP_TOLERANCE_DB = 0.1
"""Sound systems round gains: a step of 6 dB may read a little more."""
QUIET_WITHIN_S = 0.5
"""Whoever ends a station has the tone stopped and the gain back by then, or gives up on it."""


class Station:
    """One supervisor's view of a sound system.

    `send` is called from three threads. `leave` ends the station; it may not return.
    """

    def __init__(self, system: SoundSystem, send: Callable[[Line], None], leave: Callable[[], None]) -> None:
        self._system = system
        self._send = send
        self._leave = leave
        self._blocks: queue.SimpleQueue[tuple[float, Block] | None] = queue.SimpleQueue()
        """Blocks and when they were heard."""
        self._orders = Turns()
        self._proof_orders = Turns()
        self._proofs = Proofs(system)
        self._muted: dict[str, bool] = {}
        """What was last read back of each port: to open one that is open disturbs nothing."""
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._meter, name="sound-meter", daemon=True),
            threading.Thread(target=self._work, args=(self._orders,), name="sound-work", daemon=True),
            threading.Thread(target=self._work, args=(self._proof_orders,), name="sound-proof", daemon=True),
        ]

    def start(self) -> None:
        """Begin to meter and to take orders."""
        for thread in self._threads:
            thread.start()

    def order(self, line: Line) -> None:
        """Queue a command; its answer comes through `send`. No other waits for a proof, which takes seconds.

        Raises:
            BadLine: what is called off has no number.
        """
        match line.get("do"):
            case "call_off":
                self._call_off(int(lines.number(line, "of")))
            case "prove":
                self._proof_orders.put(line)
            case _:
                self._orders.put(line)

    def _call_off(self, number: int) -> None:
        """End a proof; one that only waits is answered now, so that nobody waits for the one before it."""
        if not self._proofs.call_off(number):
            self._send(_refused(number, called_off()))

    def look_again(self) -> None:
        """Look, in turn, at what is there now and tell the supervisor: something came, went or moved."""
        self._orders.put({"do": LOOK})

    def stop(self) -> None:
        """End the tone and the threads; a sound system that hangs keeps them."""
        self._over.set()
        self.hush()
        self._blocks.put(None)
        for waited_for in (self._orders, self._proof_orders):
            waited_for.put(None)

    def hush(self) -> None:
        """Stop what is played and put back what it borrowed, before whoever listens goes."""
        self._proofs.end(QUIET_WITHIN_S)

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
        self._blocks.put((time.monotonic(), block))

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
        while (heard := self._next_block()) is not None:
            at_s, block = heard
            self._proofs.heard(block)
            level = dsp.level(block.samples)
            second = hearing.feed(block.samples, level)
            self._send(
                {
                    "event": "level",
                    "at": round(at_s, 4),
                    "rms": round(level.rms_dbfs, 2),
                    "peak": round(level.peak_dbfs, 2),
                    "zero": level.digital_zero,
                    "clips": level.clips,
                    "lufs": None if hearing.momentary_lufs is None else round(hearing.momentary_lufs, 2),
                }
            )
            if second is not None:
                self._send({"event": "second", **_rounded(asdict(second))})

    def _next_block(self) -> tuple[float, Block] | None:
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
        while (order := (turn := orders.get()).order) is not None and not self._over.is_set():
            if order.get("do") == LOOK:
                self._look()
                continue
            number = order.get("id")
            try:
                _still_wanted(turn)
                self._send({"id": number, "ok": self._carry_out(order)})
            except SoundTrouble as trouble:
                self._send(_refused(number, trouble))
                if isinstance(trouble, SoundStuck):
                    self._leave_because(str(trouble))
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
                if on != self._muted.get(port):
                    self._proofs.disturb()
                self._muted[port] = self._system.mute(port, on)
                return {"muted": self._muted[port]}
            case "gain":
                return {"gain_db": self._gain(order)}
            case "default":
                return {"default": self._system.make_default(lines.text(order, "port"))}
            case _ if order.get("do") == MUTE_ALL:
                return self._mute_all()
            case "prove":
                return self._prove(order)
            case other:
                raise ValueError(f"do: wanted inventory, mute, mute_all, gain, default or prove, got {other!r}")

    def _prove(self, order: Line) -> Line:
        speaker_db = lines.number(order, "speaker_db") if order.get("speaker_db") is not None else None
        return asdict(self._proofs.run(int(lines.number(order, "id")), speaker_db))

    def _gain(self, order: Line) -> float:
        """Set a port's gain and return what was read back.

        Raises:
            SoundTrouble: it was to be careful, and would go up too far at once.
        """
        port, db = lines.text(order, "port"), lines.number(order, "db")
        self._proofs.disturb()
        self._proofs.give_back()
        if order.get("careful") is True:
            stands_db = port_of(self._system.inventory().ports, port).gain_db
            if db - stands_db > MAX_STEP_UP_DB + STEP_TOLERANCE_DB:
                detail = f"wanted {port} from {stands_db:.1f} to {db:g} dB, {MAX_STEP_UP_DB:g} dB up at most at once"
                raise SoundTrouble("sound.too_big_a_step", detail, most_db=MAX_STEP_UP_DB)
        return self._system.gain(port, db)

    def _mute_all(self) -> Line:
        """Mute what is there, whatever else fails, and return what was read back.

        Raises:
            SoundTrouble: a port is there and could not be muted.
        """
        self._proofs.disturb()
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
            self._leave_because(f"the capture was moved to {found.captured}")

    def _leave_because(self, why: str) -> None:
        self.hush()
        self._send({"event": "leaving", "detail": why})
        self._leave()


def _still_wanted(turn: Turn) -> None:
    """Refuse what would undo that everything was muted.

    Raises:
        SoundTrouble: it would.
    """
    if turn.overtaken:
        raise SoundTrouble("sound.muted_all", "everything was muted while this waited")


def _refused(number: lines.Value, trouble: SoundTrouble) -> Line:
    return {"id": number, "error": trouble.code, "detail": str(trouble), "values": trouble.values}


def _rounded(values: dict[str, lines.Value]) -> Line:
    """Return `values` with floats cut to hundredths; flags and counts stay."""
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in values.items()}


def _listed(inventory: Inventory) -> Line:
    ports = [asdict(port) for port in inventory.ports]
    return {"ports": ports, "device": inventory.device, "captured": inventory.captured}
