"""Words of the SOP that more than one rule needs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Leader(StrEnum):
    """Which leader (pimpinan) takes part; they come first and are not held to working hours."""

    NONE = "none"
    GOVERNOR = "governor"
    VICE_GOVERNOR = "vice_governor"
    SECRETARY = "secretary"

    @property
    def takes_part(self) -> bool:
        """Whether it is a leader at all."""
        return self is not Leader.NONE


LEADERS: Final = (Leader.GOVERNOR, Leader.VICE_GOVERNOR, Leader.SECRETARY)
"""The positions that may count as leaders, in the usual order of their priority."""


class Role(StrEnum):
    """What a person may do here."""

    APPLICANT = "applicant"
    HEAD = "head"
    VERIFIER = "verifier"
    SCHEDULER = "scheduler"
    """Keeps rooms, kit and rosters and prepares what can be served; decides nothing."""
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"


class UnitKind(StrEnum):
    """What a session occupies one of at a time."""

    ROOM = "room"
    OPERATOR = "operator"
    EQUIPMENT = "equipment"
    ACCOUNT = "account"


PLATFORMS: Final[Mapping[str, str]] = {
    "zoom": "Zoom",
    "google-meet": "Google Meet",
    "teams": "Microsoft Teams",
    "webex": "Webex",
}


def platform_name(platform: str) -> str:
    """Return a platform as its maker writes it."""
    return PLATFORMS.get(platform, platform.replace("-", " ").title())
