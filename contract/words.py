"""Words with one meaning on both sides of the broker."""

from __future__ import annotations

from enum import StrEnum


class Readiness(StrEnum):
    """What a room is worth for its next session."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not_ready"
    BUSY = "busy"
    MAINTENANCE = "maintenance"


class Condition(StrEnum):
    """What a device is worth right now."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULT = "fault"
    ABSENT = "absent"


class Verdict(StrEnum):
    """What a measured value says; `UNPROVEN` is never shown as green."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNPROVEN = "unproven"


class SessionStatus(StrEnum):
    """Where a session stands in the schedule."""

    CONFIRMED = "confirmed"
    UPDATED = "updated"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """Where a session stands in its room."""

    PLANNED = "planned"
    PREPARING = "preparing"
    READY = "ready"
    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"
    REPORTED = "reported"
    CANCELLED = "cancelled"
    MISSED = "missed"


class StepOutcome(StrEnum):
    """How a step of a preset ended."""

    DONE = "done"
    VERIFIED = "verified"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    UNKNOWN = "unknown"
    """The process died in the middle; nobody knows whether the device obeyed."""

    @property
    def good(self) -> bool:
        """Whether the wanted state was reached."""
        return self in {StepOutcome.DONE, StepOutcome.VERIFIED}


class Presence(StrEnum):
    """Whether a room's agent is there."""

    ONLINE = "online"
    LOST = "lost"
    OFFLINE = "offline"


class EntryKind(StrEnum):
    """What a journal entry tells; readers keep an unknown kind as it is."""

    AGENT_STARTED = "agent.started"
    AGENT_STOPPED = "agent.stopped"
    AGENT_FAULT = "agent.fault"
    """A bug ended the agent; says which and where."""
    MODE = "agent.mode"
    """The room runs by its plan (`automatic`) or by hand alone (`manual`) from here on."""
    SCHEDULE_APPLIED = "schedule.applied"
    PHASE_CHANGED = "session.phase"
    PRESET_STARTED = "preset.started"
    PRESET_ENDED = "preset.ended"
    STEP_INTENT = "step.intent"
    STEP_ENDED = "step.ended"
    DEVICE_CHANGED = "device.changed"
    DEVICE_ALARM = "device.alarm"
    """A finding that nobody may overlook; `raised` says whether it began or ended."""
    PLACES_FORGOTTEN = "places.forgotten"
    """Another camera answers in place of one, so nobody knows where its memories are."""
    READINESS = "readiness.certified"
    LEVELS = "sound.levels"
    RECORDED = "recording.closed"
    """A recording came to rest, whoever ended it; what is in its file is not known yet."""
    RECORDING_CHECKED = "recording.checked"
    PICTURE = "evidence.picture"
    """What was on air was kept as a picture, which goes to central by itself."""
    PICTURE_DROPPED = "evidence.dropped"
    """A picture had to go before central had it: the disk is needed for facts."""
    CHECKLIST = "checklist.ticked"
    NOTE = "note.added"
    COMMAND = "command.received"
    JOURNAL_GAP = "journal.gap"
    """The disk would not write for so long that some entries found no place; says how many."""
    JOURNAL_MENDED = "journal.mended"
    """The journal's file was damaged and put aside; what could be read goes on in a new one."""
    JOURNAL_CHAINED = "journal.chained"
    """A journal of before there were hashes is chained from here on; seals what stands before it."""
    JOURNAL_FORKED = "journal.forked"
    """The room's journal and central's copy are not of one mind: a copy came back. A new stream goes on."""
    JOURNAL_PRUNED = "journal.pruned"
    """Old entries that central holds were let go; names the last of them and its hash."""
    REPORT = "report.final"
