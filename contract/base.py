"""What all messages have in common.

Messages are frozen. Unknown fields are ignored, so that an older side can read a newer
one; naive times are refused, so that nobody guesses a zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from contract.ids import new_id

PROTOCOL_MAJOR = 1
"""The major version; it stands in every topic. A change that breaks readers is a new major."""

MAX_PACKET_BYTES = 262_144
"""Nothing larger crosses the broker; larger evidence goes over HTTPS."""

RoomId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Text = Annotated[str, Field(max_length=2000)]
JsonScalar = bool | int | float | str | None


def _whole_seconds_or_finer(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[AwareDatetime, PlainSerializer(_whole_seconds_or_finer, when_used="json")]
"""An aware moment; on the wire RFC 3339 in UTC."""


class MessageError(ValueError):
    """Bytes that are not the message their topic promises."""


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Part):
    """One whole message.

    `VERSION` rises by one with every change of fields; readers of an older version ignore
    what they do not know, so only optional fields may be added.
    """

    VERSION: ClassVar[int] = 1

    v: int = 0
    id: str = Field(default_factory=new_id, max_length=64)
    at: Moment = Field(default_factory=lambda: datetime.now(UTC))

    def model_post_init(self, _context: object) -> None:
        """Stamp the version of a message made here; one that was read keeps its sender's."""
        if self.v == 0:
            object.__setattr__(self, "v", self.VERSION)

    def encode(self) -> bytes:
        """Return the message as it crosses the wire: JSON in UTF-8."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Return the message that `payload` holds.

        Raises:
            MessageError: too large, not JSON, or fields that are missing or wrong; all are named.
        """
        if len(payload) > MAX_PACKET_BYTES:
            raise MessageError(f"{cls.__name__}: at most {MAX_PACKET_BYTES} bytes, got {len(payload)}")
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'message'}: {e['msg']}" for e in error.errors())
            raise MessageError(f"{cls.__name__}: {found}") from error


def _known(value: object) -> object:
    return str(value) if value is not None else value


Word = Annotated[str, BeforeValidator(_known), Field(max_length=64)]
"""A word of an open list: readers show one they do not know as it is."""
