"""Which message stands on which topic, from whom, and how it is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contract import messages as m
from contract import topics
from contract.base import Message
from contract.report import ExecutionReport

_R = topics.RoomTopics("{room}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of the topic table."""

    topic: str
    sender: Literal["central", "agent"]
    message: type[Message]
    retained: bool
    what: str
    expires_s: int | None = None
    """Message expiry on MQTT 5; what must not be late carries its own time limit besides."""


CHANNELS: tuple[Channel, ...] = (
    Channel(topics.CENTRAL_STATE, "central", m.CentralState, True, "Central is there; also its will."),
    Channel(topics.CENTRAL_BROADCAST, "central", m.Broadcast, False, "A word to all rooms."),
    Channel(_R.schedule, "central", m.Schedule, True, "Snapshot of the room's coming days."),
    Channel(_R.config, "central", m.RoomConfig, True, "What central manages of the room."),
    Channel(_R.command, "central", m.Command, False, "An order, carried out at most once.", 60),
    Channel(_R.ack, "central", m.Ack, False, "Committed in the database up to here."),
    Channel(_R.presence, "agent", m.RoomPresence, True, "The agent is there; also its will."),
    Channel(_R.state, "agent", m.RoomState, True, "Readiness and devices, measured.", 180),
    Channel(_R.alert("{alert}"), "agent", m.Alert, True, "One open problem; empty when cleared."),
    Channel(_R.events, "agent", m.EntryBatch, False, "Journal entries and reports without a gap."),
    Channel(_R.reply, "agent", m.Reply, False, "Progress and result of a command."),
)

MESSAGES: tuple[type[Message], ...] = (*(channel.message for channel in CHANNELS), ExecutionReport)
"""Every message that has a version of its own."""
