"""The loop check at the far end of the lines: a tone is played, looked for, and stopped at once when told.

A tone that sounds on after somebody called the check off, muted a port or went away is what
people remember of a system like this. So each run has one event that ends it: the tone stops
within a block or two, what waits for samples wakes up, and the loudspeaker's gain, which a
run may borrow, is put back in every case in which this process lives.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from drivers.audio import dsp
from drivers.audio.model import SPEAKER, LoopAnswer, LoopEnd
from drivers.audio.system import Block, SoundSystem, SoundTrouble, port_of

TRIES = 3
RECORDED_WITHIN_S = 1.0


@dataclass
class _Run:
    """One proof that runs."""

    number: int
    over: threading.Event = field(default_factory=threading.Event)
    takes: queue.SimpleQueue[Block | None] = field(default_factory=queue.SimpleQueue)
    trouble: SoundTrouble | None = None
    """Why it was ended early."""

    def end(self, trouble: SoundTrouble) -> None:
        self.trouble = self.trouble or trouble
        self.over.set()
        self.takes.put(None)

    def go_on(self) -> None:
        """Return if nobody ended it.

        Raises:
            SoundTrouble: somebody did.
        """
        if self.trouble is not None:
            raise self.trouble


class Proofs:
    """Runs one proof at a time, on one thread; all else may be called from any other."""

    def __init__(self, system: SoundSystem) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._gains = threading.Lock()
        self._run: _Run | None = None
        self._called_off: set[int] = set()
        self._borrowed_db: float | None = None
        self._idle = threading.Event()
        self._idle.set()

    def run(self, number: int, speaker_db: float | None = None) -> LoopAnswer:
        """Play the chirp until it is heard, at most `TRIES` times, and return the last answer.

        `speaker_db` is the loudspeaker's gain meanwhile; before the end it is what it was.

        Raises:
            SoundTrouble: it was ended early, or the sound system did not play it.
        """
        run = _Run(number)
        with self._lock:
            self._run = run
            self._idle.clear()
            if number in self._called_off:
                run.end(called_off())
            self._called_off = {other for other in self._called_off if other > number}
        try:
            with self._at_gain(speaker_db, run):
                return self._look_for_tone(run)
        finally:
            with self._lock:
                self._run = None
            self._idle.set()

    def heard(self, block: Block) -> None:
        """Take what the microphone heard."""
        if (run := self._run) is not None:
            run.takes.put(block)

    def call_off(self, number: int) -> bool:
        """End the proof of that number at once, also one that will come; return whether it runs."""
        with self._lock:
            self._called_off.add(number)
            runs = self._run is not None and self._run.number == number
            if self._run is not None and runs:
                self._run.end(called_off())
            return runs

    def disturb(self) -> None:
        """End what runs: somebody muted or set a port, and it would prove nothing."""
        self._end(SoundTrouble("sound.disturbed", "somebody muted or set a port while the tone was played"))

    def end(self, within_s: float) -> bool:
        """End what runs and return once nothing sounds and the gain is back; false when that took too long."""
        self._end(called_off())
        return self._idle.wait(within_s)

    def _end(self, trouble: SoundTrouble) -> None:
        with self._lock:
            if self._run is not None:
                self._run.end(trouble)

    # --- the loudspeaker's gain ---

    @contextmanager
    def _at_gain(self, db: float | None, run: _Run) -> Iterator[None]:
        try:
            if db is not None:
                self._borrow(db, run)
            yield
        finally:
            self.give_back()

    def _borrow(self, db: float, run: _Run) -> None:
        with self._gains:
            run.go_on()
            self._borrowed_db = port_of(self._system.inventory().ports, SPEAKER).gain_db
            self._system.gain(SPEAKER, db)

    def give_back(self) -> None:
        """Set the loudspeaker's gain to what it was before a proof borrowed it, if one did."""
        with self._gains:
            borrowed_db, self._borrowed_db = self._borrowed_db, None
            if borrowed_db is not None:
                self._system.gain(SPEAKER, borrowed_db)

    # --- the tone ---

    def _look_for_tone(self, run: _Run) -> LoopAnswer:
        probe = dsp.chirp()
        answer = self._try(run, probe)
        while answer.tries < TRIES and not _settled(answer):
            answer = replace(self._try(run, probe), tries=answer.tries + 1)
        run.go_on()
        return answer

    def _try(self, run: _Run, probe: dsp.Samples) -> LoopAnswer:
        run.go_on()
        while not run.takes.empty():
            run.takes.get()
        taken = _take(run, [], dsp.LISTEN_BEFORE_S)
        played = self._system.play(probe, run.over)
        until_s = played.at_s - taken[0].at_s + dsp.CHIRP_S + dsp.LISTEN_AFTER_S
        taken = _take(run, taken, until_s)
        recording = np.concatenate([block.samples for block in taken])
        played_at = round((played.at_s - taken[0].at_s) * dsp.RATE_HZ)
        answer = dsp.judge(recording, probe, played_at)
        return replace(answer, xrun=played.lost or any(block.lost for block in taken))


def called_off() -> SoundTrouble:
    """Return why a proof ended that somebody took back."""
    return SoundTrouble("sound.called_off", "the check was called off")


def _take(run: _Run, taken: list[Block], length_s: float) -> list[Block]:
    """Return `taken` and what follows, `length_s` long in all.

    Raises:
        SoundTrouble: the microphone gives no more samples, or the run was ended.
    """
    frames = sum(block.samples.size for block in taken)
    while frames < length_s * dsp.RATE_HZ:
        run.go_on()
        try:
            block = run.takes.get(timeout=RECORDED_WITHIN_S)
        except queue.Empty:
            raise SoundTrouble("sound.no_levels", "the microphone gives no samples") from None
        if block is not None:
            taken.append(block)
            frames += block.samples.size
    run.go_on()
    return taken


def _settled(answer: LoopAnswer) -> bool:
    """Tell whether another try would say nothing new."""
    return answer.end is LoopEnd.DIGITAL_ZERO or (answer.end is LoopEnd.HEARD and not answer.xrun)
