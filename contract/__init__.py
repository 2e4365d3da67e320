"""What crosses MQTT between central and the rooms: topics, messages, shared words, the link.

Imports nothing of ours. The same content as a document: `docs/asyncapi.yaml`.
"""

from contract.base import MAX_PACKET_BYTES, PROTOCOL_MAJOR, Message, MessageError
from contract.catalogue import CHANNELS, MESSAGES, Channel
from contract.ids import new_id
from contract.messages import (
    Ack,
    Alert,
    Applied,
    Broadcast,
    CentralState,
    ChecklistItem,
    Clock,
    Command,
    CommandGuard,
    CurrentSession,
    DeviceState,
    Entry,
    EntryBatch,
    Fault,
    Measured,
    OutboxDepth,
    PlannedSession,
    Reply,
    RoomConfig,
    RoomPresence,
    RoomState,
    Schedule,
)
from contract.report import ExecutionReport
from contract.topics import CENTRAL_ALL, CENTRAL_BROADCAST, CENTRAL_STATE, ROOMS_SCHEDULE, ROOMS_UP, RoomTopics, room_of
from contract.words import Condition, EntryKind, Phase, Presence, Readiness, SessionStatus, StepOutcome, Verdict

__all__ = [
    "CENTRAL_ALL",
    "CENTRAL_BROADCAST",
    "CENTRAL_STATE",
    "CHANNELS",
    "MAX_PACKET_BYTES",
    "MESSAGES",
    "PROTOCOL_MAJOR",
    "ROOMS_SCHEDULE",
    "ROOMS_UP",
    "Ack",
    "Alert",
    "Applied",
    "Broadcast",
    "CentralState",
    "Channel",
    "ChecklistItem",
    "Clock",
    "Command",
    "CommandGuard",
    "Condition",
    "CurrentSession",
    "DeviceState",
    "Entry",
    "EntryBatch",
    "EntryKind",
    "ExecutionReport",
    "Fault",
    "Measured",
    "Message",
    "MessageError",
    "OutboxDepth",
    "Phase",
    "PlannedSession",
    "Presence",
    "Readiness",
    "Reply",
    "RoomConfig",
    "RoomPresence",
    "RoomState",
    "RoomTopics",
    "Schedule",
    "SessionStatus",
    "StepOutcome",
    "Verdict",
    "new_id",
    "room_of",
]
