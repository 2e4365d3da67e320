"""Ears that remember, for tests of lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.outcomes import Reason
from drivers.visca.line import Ears


@dataclass
class Heard:
    """What a line told."""

    parts: list[bytes] = field(default_factory=list)
    failed: list[Reason] = field(default_factory=list)
    lost: list[Reason] = field(default_factory=list)
    freed: int = 0
    on_free: Callable[[], None] | None = None

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    def ears(self) -> Ears:
        return Ears(self.parts.append, self.failed.append, self.lost.append, self._free)

    def _free(self) -> None:
        self.freed += 1
        if self.on_free is not None:
            self.on_free()
