"""Evidence that is too large for the broker: pictures, sent to central over HTTP.

A piece is addressed by the SHA-256 of its bytes and sent in parts, with the room's
credentials (HTTP Basic, RFC 7617). `HEAD` answers 204 and in `Upload-Offset` how much central holds;
`PATCH` with `Upload-Offset` and `Upload-Length` adds a part and answers the same. A piece that is whole answers 200
to `HEAD`, whoever asks how often; one whose bytes do not match its address is thrown away.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from contract.base import Moment, Part, Text, Word

OFFSET: Final = "Upload-Offset"
LENGTH: Final = "Upload-Length"
PART_BYTES: Final = 65_536
MOST_BYTES: Final = 2_000_000
"""No picture is larger."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def evidence_path(room: str, sha256: str) -> str:
    """Return where at central a piece of evidence of a room is."""
    return f"/api/v1/rooms/{room}/evidence/{sha256}"


class Picture(Part):
    """What was on air at a moment of a session."""

    at: Moment
    moment: Word
    """`start` or `end` of the session."""
    device: Word
    scene: Text
    sha256: Digest
    size_bytes: int = Field(ge=1, le=MOST_BYTES)
