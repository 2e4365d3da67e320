"""The fields of a request, checked as obs-websocket checks them and refused in its words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

Fields = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """Status and fields of one answer."""

    code: int = 100
    comment: str = ""
    fields: Fields | None = field(default=None)


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, comment: str = "") -> None:
        super().__init__(comment)
        self.answer = Answer(code, comment)


class Given:
    """What came with a request."""

    def __init__(self, body: object) -> None:
        self._body = body

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return isinstance(self._body, dict) and self._body.get(name) is not None

    def value(self, name: str) -> object:
        """Return a field that must be there.

        Raises:
            Refused: there are no fields, or not this one.
        """
        if not isinstance(self._body, dict):
            raise Refused(301, "Your request data is missing or invalid (non-object)")
        if self._body.get(name) is None:
            raise Refused(300, f"Your request is missing the `{name}` field.")
        return cast("object", self._body[name])

    def text(self, name: str, *, may_be_empty: bool = False) -> str:
        """Return a text.

        Raises:
            Refused: it is missing, none, or empty.
        """
        value = self.value(name)
        if not isinstance(value, str):
            raise Refused(401, f"The field value of `{name}` must be a string.")
        if not value and not may_be_empty:
            raise Refused(403, f"The field value of `{name}` must not be empty.")
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value.

        Raises:
            Refused: it is missing or none.
        """
        value = self.value(name)
        if not isinstance(value, bool):
            raise Refused(401, f"The field value of `{name}` must be boolean.")
        return value

    def number(self, name: str, lowest: float | None = None, highest: float | None = None) -> float:
        """Return a number.

        Raises:
            Refused: it is missing, none, or out of its range.
        """
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(401, f"The field value of `{name}` must be a number.")
        if lowest is not None and value < lowest:
            raise Refused(402, f"The field value of `{name}` is below the minimum of `{lowest:f}`")
        if highest is not None and value > highest:
            raise Refused(402, f"The field value of `{name}` is above the maximum of `{highest:f}`")
        return value

    def object(self, name: str, *, may_be_empty: bool = False) -> Fields:
        """Return an object.

        Raises:
            Refused: it is missing, none, or empty.
        """
        value = self.value(name)
        if not isinstance(value, dict):
            raise Refused(401, f"The field value of `{name}` must be an object.")
        if not value and not may_be_empty:
            raise Refused(403, f"The field value of `{name}` must not be empty.")
        return value
