"""What happened in a drill: what broke when, how soon the room noticed and people acted, and what was missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from siaga.drill.script import FaultSettings, Script


@dataclass(slots=True)
class Course:
    """One fault as it went; seconds since the drill began."""

    fault: FaultSettings
    broke_s: float | None = None
    noticed_s: float | None = None
    repaired_s: float | None = None
    mended_s: float | None = None
    """When the room found it good again."""
    person_s: float | None = None
    """When somebody first did something at the tablet after it broke."""

    @property
    def noticed_after_s(self) -> float | None:
        """How long the room needed to notice."""
        return _after(self.broke_s, self.noticed_s)

    @property
    def mended_after_s(self) -> float | None:
        """How long the room needed to find it good again."""
        return _after(self.repaired_s, self.mended_s)

    @property
    def person_after_s(self) -> float | None:
        """How long people needed."""
        return _after(self.broke_s, self.person_s)

    def missed(self) -> list[str]:
        """Return what was expected and did not happen in time."""
        if self.broke_s is None:
            return ["its moment never came"]
        wanted = self.fault.expect
        pairs = (
            ("noticed", wanted.noticed, self.noticed_after_s),
            ("mended", wanted.mended, self.mended_after_s),
            ("person", wanted.person, self.person_after_s),
        )
        return [
            f"{name} within {limit.total_seconds():g} s, found {'never' if found is None else f'{found:.1f} s'}"
            for name, limit, found in pairs
            if limit is not None and (found is None or found > limit.total_seconds())
        ]

    def wanted(self) -> int:
        """Return how many things were expected: that it came about at all, and each limit."""
        limits = (self.fault.expect.noticed, self.fault.expect.mended, self.fault.expect.person)
        return 1 + sum(limit is not None for limit in limits)


def _after(begin_s: float | None, end_s: float | None) -> float | None:
    return None if begin_s is None or end_s is None else end_s - begin_s


@dataclass(slots=True)
class Score:
    """One drill."""

    script: Script
    began_at: datetime
    courses: list[Course]
    phases: dict[str, float] = field(default_factory=dict)
    """When the session came into each phase, in seconds since the drill began."""
    incidents: int = 0
    presses: int = 0
    """What people did at the tablet."""
    reported: bool = False

    def missed(self) -> list[str]:
        """Return everything that was expected and did not happen."""
        found = [f"{course.fault.told}: {text}" for course in self.courses for text in course.missed()]
        if self.script.expect_report and not self.reported:
            found.append("the session: wanted its report, found none")
        return found

    @property
    def wanted(self) -> int:
        """How many things were expected."""
        return sum(course.wanted() for course in self.courses) + self.script.expect_report

    @property
    def held(self) -> int:
        """How many of them happened."""
        return self.wanted - len(self.missed())

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "drill": self.script.name,
            "began_at": self.began_at.isoformat(),
            "wanted": self.wanted,
            "held": self.held,
            "missed": self.missed(),
            "phases": {name: round(at_s, 2) for name, at_s in self.phases.items()},
            "reported": self.reported,
            "incidents": self.incidents,
            "presses": self.presses,
            "faults": [
                {"fault": course.fault.told, "missed": course.missed()}
                | {n: v if v is None else round(v, 2) for n, v in asdict(course).items() if n.endswith("_s")}
                | {"noticed_after_s": course.noticed_after_s, "mended_after_s": course.mended_after_s}
                | {"person_after_s": course.person_after_s}
                for course in self.courses
            ],
        }
