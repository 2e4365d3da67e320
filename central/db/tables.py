"""Every table of central's database.

Moments are kept as microseconds since 1970 in UTC, so that they order and compare the
same on every database; intervals are half-open. `alloc` is the one truth about what is
taken: one row per unit (a room, a person), buffers included, and the database itself
refuses a second live row over the same time (`central.db.guard`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

metadata = sa.MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Micros(sa.TypeDecorator[datetime]):
    """An aware moment as microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Return the moment as a number."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Return the number as a moment in UTC."""
        del dialect
        return None if value is None else moment(value)


def moment(micros: int) -> datetime:
    """Return a kept number as the moment in UTC that it stands for."""
    return _EPOCH + timedelta(microseconds=micros)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Micros, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)
counter = sa.Table(
    "counter", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Integer, nullable=False)
)

agency = sa.Table("agency", metadata, sa.Column("id", sa.Text, primary_key=True), _text("name"), _text("short"))

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    _text("name"),
    sa.Column("agency_id", sa.ForeignKey("agency.id"), nullable=True),
    _text("password_hash"),
    _flag("active"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    _moment("locked_until", nullable=True),
    sa.Column("language", sa.Text, nullable=False, server_default="id"),
    sa.Column("feeds_rev", sa.Integer, nullable=False, server_default="0"),
)
person_address = sa.Table(
    "person_address",
    metadata,
    sa.Column("person_id", sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    _text("address"),
)
person_role = sa.Table(
    "person_role",
    metadata,
    sa.Column("person_id", sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
)
login_session = sa.Table(
    "login_session",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("person.id"), nullable=False, index=True),
    _moment("seen_at"),
    _moment("ends_at"),
    _text("id"),
    _moment("began_at", nullable=True),
    _text("address"),
    _text("browser"),
    _text("provider"),
)
identity = sa.Table(
    "identity",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("person.id"), nullable=False, index=True),
    _moment("linked_at"),
)
sign_on_attempt = sa.Table(
    "sign_on_attempt",
    metadata,
    sa.Column("state_hash", sa.Text, primary_key=True),
    _text("keepsake_hash"),
    _text("nonce"),
    _text("verifier"),
    _text("following"),
    sa.Column("until", Micros, nullable=False, index=True),
)
throttle = sa.Table(
    "throttle",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("until", Micros, nullable=False, index=True),
)
answered = sa.Table(
    "answered",
    metadata,
    sa.Column("person_id", sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    _text("fingerprint"),
    sa.Column("status", sa.Integer, nullable=True),
    _text("headers"),
    _text("body"),
    sa.Column("at", Micros, nullable=False, index=True),
)

room = sa.Table(
    "room",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name"),
    _text("site"),
    sa.Column("capacity", sa.Integer, nullable=False),
    _flag("can_record"),
    _flag("open"),
    _text("time_zone"),
)
operator = sa.Table("operator", metadata, sa.Column("id", sa.Text, primary_key=True), _text("name"), _flag("active"))
operator_skill = sa.Table(
    "operator_skill",
    metadata,
    sa.Column("operator_id", sa.ForeignKey("operator.id"), primary_key=True),
    sa.Column("skill", sa.Text, primary_key=True),
)
operator_shift = sa.Table(
    "operator_shift",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("operator_id", sa.ForeignKey("operator.id"), nullable=False, index=True),
    sa.Column("weekday", sa.Integer, nullable=False),
    _text("opens"),
    _text("closes"),
    sa.Column("first_day", sa.Text, nullable=True),
    sa.Column("last_day", sa.Text, nullable=True),
)
operator_leave = sa.Table(
    "operator_leave",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("operator_id", sa.ForeignKey("operator.id"), nullable=False, index=True),
    _moment("starts"),
    _moment("ends"),
    _text("reason"),
    sa.Index("operator_leave_ends", "ends"),
)
equipment = sa.Table(
    "equipment",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name"),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("faulty", sa.Integer, nullable=False, server_default="0"),
    _text("site"),
    sa.Column("setup_s", sa.Float, nullable=True),
    sa.Column("teardown_s", sa.Float, nullable=True),
)
account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name"),
    _text("platform"),
    sa.Column("concurrency", sa.Integer, nullable=False),
    sa.Column("participants_at_most", sa.Integer, nullable=False, server_default="0"),
    sa.Column("minutes_at_most", sa.Integer, nullable=True),
    _flag("active"),
)

letter = sa.Table(
    "letter",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    _text("media_type"),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    _moment("received_at"),
    _moment("erased_at", nullable=True),
)
request = sa.Table(
    "request",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("receipt", sa.Text, nullable=False, unique=True),
    sa.Column("agency_id", sa.ForeignKey("agency.id"), nullable=False),
    _text("letter_number"),
    _text("letter_date"),
    _text("letter_subject"),
    _text("letter_name"),
    sa.Column("letter_sha256", sa.ForeignKey("letter.sha256"), nullable=True),
    _text("contact_name"),
    _text("contact_phone"),
    _text("title"),
    _text("agenda"),
    _moment("starts"),
    _moment("ends"),
    sa.Column("room_id", sa.ForeignKey("room.id"), nullable=False),
    sa.Column("participants", sa.Integer, nullable=False),
    _text("platform"),
    _text("leader"),
    _flag("recording"),
    _flag("own_account"),
    _text("own_equipment"),
    _text("own_people"),
    _text("state"),
    sa.Column("version", sa.Integer, nullable=False),
    _moment("submitted_at"),
    sa.Column("applicant_id", sa.ForeignKey("person.id"), nullable=False),
    sa.Column("streaming", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("needs"),
    sa.Column("series_id", sa.Text, nullable=True, index=True),
    sa.Column("replaces_id", sa.Text, nullable=True),
    _text("tracking"),
    _text("site"),
    sa.Column("forwarded_to", sa.Text, nullable=True),
    sa.Index("request_state", "state", "submitted_at"),
    sa.Index("request_newest", "submitted_at", "id"),
    sa.Index("request_of_agency", "agency_id", "submitted_at", "id"),
    sa.Index("request_tracking", "tracking"),
)
request_change = sa.Table(
    "request_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, index=True),
    _moment("at"),
    _text("actor"),
    _text("changes"),
)
request_draft = sa.Table(
    "request_draft",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("person.id"), nullable=False, index=True),
    _text("body"),
    _moment("saved_at"),
)
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, index=True),
    _text("kind"),
    _text("body"),
    _moment("created_at"),
    _moment("sent_at", nullable=True),
)
message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _moment("created_at"),
    _text("event"),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, index=True),
    _text("channel"),
    sa.Column("person_id", sa.ForeignKey("person.id"), nullable=True),
    _text("address"),
    _text("language"),
    _text("facts"),
    _text("state"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _moment("next_at"),
    _moment("sent_at", nullable=True),
    _text("error"),
    sa.Index("message_due", "state", "channel", "next_at"),
)
breach = sa.Table(
    "breach",
    metadata,
    sa.Column("request_id", sa.ForeignKey("request.id"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("started_at", Micros, primary_key=True),
    _text("reason"),
    _text("actor"),
    _moment("at"),
)
displacement = sa.Table(
    "displacement",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, index=True),
    sa.Column("room_id", sa.ForeignKey("room.id"), nullable=False),
    sa.Column("operator_id", sa.ForeignKey("operator.id"), nullable=False),
    _text("state"),
    _text("body"),
    _text("reason"),
    sa.Column("proposed_by", sa.ForeignKey("person.id"), nullable=False),
    _moment("proposed_at"),
    sa.Column("decided_by", sa.ForeignKey("person.id"), nullable=True),
    _moment("decided_at", nullable=True),
)
delegation = sa.Table(
    "delegation",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("holder_id", sa.ForeignKey("person.id"), nullable=False),
    sa.Column("acting_id", sa.ForeignKey("person.id"), nullable=False, index=True),
    _moment("starts"),
    _moment("ends"),
    _text("letter"),
    _text("made_by"),
    _moment("made_at"),
    _moment("ended_at", nullable=True),
    sa.CheckConstraint("starts < ends", name="delegation_in_order"),
)
request_key = sa.Table(
    "request_key",
    metadata,
    sa.Column("person_id", sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False),
)
request_move = sa.Table(
    "request_move",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, index=True),
    _moment("at"),
    sa.Column("event", sa.Text, nullable=True),
    _text("state"),
    _text("actor"),
    _text("reason"),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("request_id", sa.ForeignKey("request.id"), nullable=False, unique=True),
    sa.Column("room_id", sa.ForeignKey("room.id"), nullable=False),
    sa.Column("operator_id", sa.ForeignKey("operator.id"), nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    _text("status"),
    _text("title"),
    _text("agency"),
    _text("leader"),
    _moment("starts"),
    _moment("ends"),
    _moment("prepare_at"),
    sa.Column("setup_s", sa.Float, nullable=False),
    sa.Column("teardown_s", sa.Float, nullable=False),
    _flag("recording"),
    _text("letter"),
    _text("platform"),
    sa.Index("session_room", "room_id", "starts"),
    sa.Index("session_time", "starts"),
    sa.Index("session_operator", "operator_id", "starts"),
)
session_left = sa.Table(
    "session_left",
    metadata,
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id"), primary_key=True),
    _moment("until"),
    sa.Index("session_left_until", "room_id", "until"),
)
alloc = sa.Table(
    "alloc",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("session.id"), nullable=True, index=True),
    sa.Column("unit_kind", sa.Text, nullable=False),
    sa.Column("unit_id", sa.Text, nullable=False),
    _moment("starts"),
    _moment("ends"),
    _flag("live"),
    sa.CheckConstraint("starts < ends", name="alloc_in_order"),
    sa.Index(
        "alloc_live_unit",
        "unit_kind",
        "unit_id",
        "starts",
        "ends",
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    ),
    sa.Index(
        "alloc_live_time",
        "starts",
        "ends",
        "unit_kind",
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    ),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room_id", sa.ForeignKey("room.id"), nullable=False),
    _text("cause"),
    _moment("created_at"),
    _moment("sent_at", nullable=True),
    sa.Index("outbox_due", "sent_at", "id"),
)
room_revision = sa.Table(
    "room_revision",
    metadata,
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    sa.Column("rev", sa.Integer, nullable=False),
    _text("digest"),
)

journal_entry = sa.Table(
    "journal_entry",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _moment("at"),
    sa.Column("session_id", sa.Text, nullable=True, index=True),
    _text("body"),
    _moment("received_at"),
    _text("hash_before"),
    _text("hash"),
)
journal_fault = sa.Table(
    "journal_fault",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("what", sa.Text, primary_key=True),
    _moment("found_at"),
)
stream_position = sa.Table(
    "stream_position",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("upto", sa.Integer, nullable=False),
    _text("head"),
)
room_presence = sa.Table(
    "room_presence",
    metadata,
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    _text("boot"),
    sa.Column("conn", sa.Integer, nullable=False),
    _text("body"),
    _moment("seen_at"),
)
room_state = sa.Table(
    "room_state",
    metadata,
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    _text("body"),
    _moment("at"),
    _moment("seen_at"),
)
room_alert = sa.Table(
    "room_alert",
    metadata,
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    sa.Column("alert", sa.Text, primary_key=True),
    _text("body"),
)
command_reply = sa.Table(
    "command_reply",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.ForeignKey("room.id"), nullable=False),
    sa.Column("command", sa.Text, nullable=False, index=True),
    _text("status"),
    _text("body"),
)
room_command = sa.Table(
    "room_command",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("room_id", sa.ForeignKey("room.id"), primary_key=True),
    _text("kind"),
    _text("body"),
    _text("by_login"),
    _text("by_name"),
    _moment("issued_at"),
    _moment("expires_at"),
    _text("status"),
    _text("reply"),
    _moment("replied_at", nullable=True),
    sa.Index("room_command_newest", "room_id", "issued_at"),
)
report = sa.Table(
    "report",
    metadata,
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("report_rev", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("room_id", sa.Text, nullable=False),
    _text("title"),
    _text("agency"),
    _moment("planned_start"),
    _flag("carried_out"),
    _text("body"),
    _moment("received_at"),
    sa.Index("report_newest", "received_at"),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _moment("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("detail"),
)
audit_seal = sa.Table(
    "audit_seal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("audit_id", sa.Integer, nullable=False, unique=True),
    _text("hash"),
)
