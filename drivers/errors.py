"""What drivers raise, split by what the caller should do.

    DriverError
    ├── DeviceUnreachable     no link: try again, the keeper does
    ├── OutcomeUnknown        sent, no answer in time: read the state back before trying again
    ├── DeviceRefused         ask differently
    ├── CommandCancelled      somebody took it back
    ├── CommandSuperseded     a newer command took its place
    └── ProtocolViolation     bytes that the protocol does not allow: report it

A wrong argument is `ValueError` before a byte is sent; a wrong address is `AddressError`.
"""

from __future__ import annotations

from drivers.outcomes import Outcome, Reason


class DriverError(Exception):
    """The wanted state was not reached.

    The message names the device, what was wanted and what was found; `reason` says the
    same as a code for screens in other languages.
    """

    outcome: Outcome = Outcome.UNKNOWN

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class DeviceUnreachable(DriverError):
    """There is no link to the device, or it broke before the command was sent."""

    outcome = Outcome.DISCONNECTED


class OutcomeUnknown(DriverError):
    """The command was sent and nobody knows whether it ran."""

    outcome = Outcome.UNKNOWN


class DeviceRefused(DriverError):
    """The device declined the command."""

    outcome = Outcome.REFUSED


class CommandCancelled(DriverError):
    """The command was taken back while it ran."""

    outcome = Outcome.CANCELLED


class CommandSuperseded(DriverError):
    """A newer command for the same axis took its place before it was sent."""

    outcome = Outcome.SUPERSEDED


class ProtocolViolation(DriverError):
    """The device sent what its protocol does not allow."""

    outcome = Outcome.UNKNOWN


class AddressError(ValueError):
    """A device address that cannot be used; says which part and what is allowed."""
