"""The life of one session in its room.

A session is *planned* until its preparation is due. While *preparing*, the room's preset
runs, and runs again, until everything is where it should be: then the session is *ready*.
A required device that is lost takes it back to preparing. It goes *live* by the clock or
because a technician starts it, also out of preparing: people do not wait for a camera.
When the time is over, or a technician ends it, it is *ending* while the room is put away,
then *ended*, and *reported* once its report stands in the journal.

A session that was never live when its time was over is *missed*, and that is reported too.
A session that central moves so far that its preparation is to come again is *planned* once
more. Central may cancel a session: before it is live it becomes *cancelled*, afterwards it ends.
Events that come late or twice change nothing: they are told apart from those that mean
nothing in a state, which are a mistake of ours.
"""

from __future__ import annotations

from enum import StrEnum

from contract.words import Phase


class Event(StrEnum):
    """What moves a session."""

    PREPARE = "prepare"
    PREPARED = "prepared"
    DEVICE_LOST = "device_lost"
    START = "start"
    END = "end"
    PUT_AWAY = "put_away"
    REPORT = "report"
    MISS = "miss"
    CANCEL = "cancel"
    PUT_OFF = "put_off"


class IllegalTransition(Exception):
    """An event that means nothing in this state."""


TRANSITIONS: dict[tuple[Phase, Event], Phase] = {
    (Phase.PLANNED, Event.PREPARE): Phase.PREPARING,
    (Phase.PLANNED, Event.START): Phase.LIVE,  # a technician who is early
    (Phase.PLANNED, Event.MISS): Phase.MISSED,
    (Phase.PLANNED, Event.CANCEL): Phase.CANCELLED,
    (Phase.PREPARING, Event.PREPARE): Phase.PREPARING,  # once more
    (Phase.PREPARING, Event.PREPARED): Phase.READY,
    (Phase.PREPARING, Event.DEVICE_LOST): Phase.PREPARING,
    (Phase.PREPARING, Event.START): Phase.LIVE,
    (Phase.PREPARING, Event.MISS): Phase.MISSED,
    (Phase.PREPARING, Event.CANCEL): Phase.CANCELLED,
    (Phase.PREPARING, Event.PUT_OFF): Phase.PLANNED,
    (Phase.READY, Event.PUT_OFF): Phase.PLANNED,
    (Phase.READY, Event.PREPARE): Phase.PREPARING,
    (Phase.READY, Event.DEVICE_LOST): Phase.PREPARING,
    (Phase.READY, Event.START): Phase.LIVE,
    (Phase.READY, Event.MISS): Phase.MISSED,
    (Phase.READY, Event.CANCEL): Phase.CANCELLED,
    (Phase.LIVE, Event.END): Phase.ENDING,
    (Phase.LIVE, Event.CANCEL): Phase.ENDING,
    (Phase.ENDING, Event.PUT_AWAY): Phase.ENDED,
    (Phase.ENDED, Event.REPORT): Phase.REPORTED,
    (Phase.MISSED, Event.REPORT): Phase.REPORTED,
}

BEFORE = frozenset({Phase.PLANNED, Phase.PREPARING, Phase.READY})
"""The session has not begun."""
OCCUPIED = frozenset({Phase.LIVE, Phase.ENDING})
"""Nothing else may touch the room by itself."""
OVER = frozenset({Phase.ENDED, Phase.REPORTED, Phase.CANCELLED, Phase.MISSED})
"""Nothing happens in the room for it any more."""


def advance(phase: Phase, event: Event) -> Phase:
    """Return the phase that `event` leads to.

    Raises:
        IllegalTransition: `event` means nothing in `phase`.
    """
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise IllegalTransition(f"{event} means nothing while a session is {phase}") from None


def may(phase: Phase, event: Event) -> bool:
    """Return whether `event` means something in `phase`."""
    return (phase, event) in TRANSITIONS
