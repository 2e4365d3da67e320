"""Where each camera's memories were when they were stored, kept over restarts.

A recall is proved by comparing where the camera rests with where the memory was stored, so
these places must live as long as the camera's own memories do. They belong to one camera:
when another model answers in its place, its memories are somebody else's and everything
kept here is forgotten, aloud. Two cameras of the same model cannot be told apart over
VISCA; then the first recall after the exchange says by how much it is off.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from agent.clock import Clock
from agent.store import Store
from drivers.ports import Identity, Position


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another camera answers where one was; what was known of the old one's memories is forgotten."""

    camera: str
    before: str
    after: str
    memories: tuple[int, ...]


class Places(MutableMapping[int, Position]):
    """One camera's memories and where they are; every change is on the disk when it returns."""

    def __init__(self, store: Store, camera: str, clock: Clock) -> None:
        self._store = store
        self._camera = camera
        self._clock = clock

    def __getitem__(self, memory: int) -> Position:
        if (kept := self._store.place(self._camera, memory)) is None:
            raise KeyError(memory)
        return Position(*kept)

    def __setitem__(self, memory: int, at: Position) -> None:
        self._store.keep_place(self._camera, memory, (at.pan_deg, at.tilt_deg, at.zoom), self._clock.now())

    def __delitem__(self, memory: int) -> None:
        if not self._store.forget_place(self._camera, memory):
            raise KeyError(memory)

    def __iter__(self) -> Iterator[int]:
        return iter(self._store.places(self._camera))

    def __len__(self) -> int:
        return len(self._store.places(self._camera))

    def kept_at(self, memory: int) -> datetime | None:
        """Return since when the place of `memory` is known."""
        return self._store.places(self._camera).get(memory)

    def belong_to(self, identity: Identity) -> Replaced | None:
        """Take note of who answers; return what had to be forgotten because it is another model."""
        after = f"{identity.vendor} {identity.model}"
        before = self._store.fact(self._owner)
        if before == after:
            return None
        memories = tuple(sorted(self))
        self._store.change_camera(self._camera, self._owner, after)
        return None if before is None else Replaced(self._camera, before, after, memories)

    @property
    def _owner(self) -> str:
        return f"camera {self._camera}"
