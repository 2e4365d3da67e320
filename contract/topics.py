"""The topic tree. `R` is a room's id; the major version stands in every topic."""

from __future__ import annotations

from dataclasses import dataclass

from contract.base import PROTOCOL_MAJOR

ROOT = f"siaga/{PROTOCOL_MAJOR}"

CENTRAL_STATE = f"{ROOT}/central/state"
CENTRAL_BROADCAST = f"{ROOT}/central/bcast"
CENTRAL_ALL = f"{ROOT}/central/#"
ROOMS_UP = f"{ROOT}/room/+/up/#"
ROOMS_SCHEDULE = f"{ROOT}/room/+/down/schedule"
ROOMS_CONFIG = f"{ROOT}/room/+/down/config"


@dataclass(frozen=True, slots=True)
class RoomTopics:
    """The topics of one room."""

    room: str

    @property
    def _base(self) -> str:
        return f"{ROOT}/room/{self.room}"

    @property
    def down(self) -> str:
        """Filter for everything central sends to the room."""
        return f"{self._base}/down/#"

    @property
    def schedule(self) -> str:
        """Retained snapshot of the coming days."""
        return f"{self._base}/down/schedule"

    @property
    def config(self) -> str:
        """Retained settings that central manages."""
        return f"{self._base}/down/config"

    @property
    def command(self) -> str:
        """Commands; never retained, they expire."""
        return f"{self._base}/down/cmd"

    @property
    def ack(self) -> str:
        """Up to which entry central's database holds the room's journal."""
        return f"{self._base}/down/ack"

    @property
    def presence(self) -> str:
        """Retained; also the agent's will."""
        return f"{self._base}/up/presence"

    @property
    def state(self) -> str:
        """Retained readiness and devices."""
        return f"{self._base}/up/state"

    @property
    def events(self) -> str:
        """Journal entries and reports in one gap-free sequence."""
        return f"{self._base}/up/ev"

    @property
    def reply(self) -> str:
        """Progress and result of a command."""
        return f"{self._base}/up/reply"

    def up(self, branch: str) -> str:
        """What the room sends, by the last part of its topic."""
        return f"{self._base}/up/{branch}"

    def alert(self, alert: str) -> str:
        """Retained open problem; an empty payload clears it."""
        return f"{self._base}/up/alert/{alert}"


def room_of(topic: str) -> tuple[str, str]:
    """Split `siaga/1/room/R/up/rest` into `R` and `up/rest`.

    Raises:
        ValueError: the topic is not a room's.
    """
    base = f"{ROOT}/room/"
    room, _, rest = topic.removeprefix(base).partition("/")
    if not topic.startswith(base) or not room or not rest:
        raise ValueError(f"topic must look like {base}R/..., got {topic!r}")
    return room, rest
