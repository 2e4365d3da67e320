"""An output as a timed machine: the recording, the stream, the virtual camera, the replay buffer.

STOPPED -> STARTING -> STARTED <-> PAUSED
^                      |
+------ STOPPING <-----+
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.obs.sim.clock import Clock

START_TAKES_S = 0.03
STOP_TAKES_S = 0.62
BYTES_A_MS = 312
ACTIVE = frozenset({"STARTED", "PAUSED", "RESUMED", "STOPPING"})
"""When a status says active: until the encoder has ended."""
_EVENT_ACTIVE = frozenset({"STARTED", "RESUMED"})
"""When an event says so."""

Tell = Callable[[str, dict[str, object]], None]


@dataclass
class Output:
    """One output; `tell` is called with the event and its fields."""

    event: str
    clock: Clock
    tell: Tell
    has_path: bool = False
    start_takes_s: float = START_TAKES_S
    stop_takes_s: float = STOP_TAKES_S
    state: str = "STOPPED"
    path: str = ""
    stalls: Callable[[], bool] = field(default=lambda: False)
    _ran_ms: float = 0.0
    _since_s: float = 0.0
    _bytes: int = 0
    _turn: int = 0

    @property
    def active(self) -> bool:
        """Whether it puts something out."""
        return self.state in ACTIVE

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self.state == "PAUSED"

    def start(self, *, dies: bool = False) -> None:
        """Begin; with `dies` it stops as soon as it tried."""
        self._ran_ms, self._bytes = 0.0, 0
        self._now("STARTING")
        self._then(self.start_takes_s, "STOPPED" if dies else "STARTED")

    def stop(self) -> None:
        """Begin to stop."""
        self._count()
        self._now("STOPPING")
        self._then(self.stop_takes_s, "STOPPED")

    def pause(self) -> None:
        """Stand still, if it runs; OBS says nothing if it does not."""
        if self.state in _EVENT_ACTIVE:
            self._count()
            self._now("PAUSED")

    def resume(self) -> None:
        """Go on."""
        self._now("RESUMED")

    def status(self) -> dict[str, object]:
        """Return how long and how much."""
        self._count()
        ms = int(self._ran_ms) if self.active else 0
        return {
            "outputActive": self.active, "outputTimecode": timecode(ms), "outputDuration": ms,
            "outputBytes": self._bytes,
        }  # fmt: skip

    def _count(self) -> None:
        """Add up what ran since it was last counted."""
        now = self.clock.now()
        if self.state in _EVENT_ACTIVE:
            ms = 1000 * (now - self._since_s)
            self._ran_ms += ms
            self._bytes += 0 if self.stalls() else int(BYTES_A_MS * ms)
        self._since_s = now

    def _then(self, wait_s: float, state: str) -> None:
        self._turn += 1
        turn = self._turn
        self.clock.later(wait_s, lambda: self._now(state) if turn == self._turn else None)

    def _now(self, state: str) -> None:
        self.state = state
        self._since_s = self.clock.now()
        told: dict[str, object] = {
            "outputActive": state in _EVENT_ACTIVE, "outputState": f"OBS_WEBSOCKET_OUTPUT_{state}",
        }  # fmt: skip
        if self.has_path:
            told["outputPath"] = self.path if state in {"STARTED", "STOPPED"} else None
        self.tell(self.event, told)


def timecode(ms: int) -> str:
    """Return hours, minutes, seconds and thousandths."""
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
