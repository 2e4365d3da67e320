"""Why a room does not do what somebody asks of it."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.outcomes import Reason, Scalar


class Declined(Exception):
    """The room will not do that now."""

    def __init__(self, code: str, detail: str, values: Mapping[str, Scalar] | None = None) -> None:
        super().__init__(detail)
        self.reason = Reason(code, detail, values or {})
