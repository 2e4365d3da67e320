"""Presets inside presets: who runs whom, told before anything is made of them. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

DEEPEST = 5
"""Presets inside one another, the outermost counted."""
MOST_STEPS = 200
MOST_PRESETS = 100


class Nesting:
    """The calls among the presets of a room file, by name; a name that is unknown calls nobody."""

    def __init__(self, calls: Mapping[str, tuple[str, ...]], own_steps: Mapping[str, int]) -> None:
        self._calls = calls
        self._own_steps = own_steps
        self._measures: dict[str, tuple[int, int]] = {}

    def circle(self, preset: str, called: str) -> tuple[str, ...]:
        """Return the shortest way from `preset` over `called` back to itself; empty: there is none."""
        ways: dict[str, tuple[str, ...]] = {called: (preset, called)}
        waiting = deque([called])
        while waiting:
            here = waiting.popleft()
            if here == preset:
                return ways[here]
            for name in self._calls.get(here, ()):
                if name not in ways:
                    ways[name] = (*ways[here], name)
                    waiting.append(name)
        return ()

    def is_endless(self, preset: str) -> bool:
        """Whether `preset` is, or comes to, one that runs itself."""
        reached, waiting = {preset}, [preset]
        while waiting:
            here = waiting.pop()
            if any(self.circle(here, called) for called in self._calls.get(here, ())):
                return True
            fresh = set(self._calls.get(here, ())) - reached
            reached |= fresh
            waiting += fresh
        return False

    def measured(self, preset: str) -> tuple[int, int]:
        """Return how many presets stand in one another, and how many steps there are; it must not be endless."""
        if preset not in self._measures:
            inside = [self.measured(called) for called in self._calls.get(preset, ())]
            depth = 1 + max((depth for depth, _ in inside), default=0)
            steps = self._own_steps.get(preset, 0) + sum(steps for _, steps in inside)
            self._measures[preset] = depth, steps
        return self._measures[preset]
