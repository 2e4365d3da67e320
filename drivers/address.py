"""Device addresses: `KIND+CARRIER://host:port/path?option=value`.

`visca+udp://192.0.2.21:52381?profile=auto`, `obs+ws://127.0.0.1:4455`, `audio+pulse:///?speaker=NAME`.
A password never stands in an address: logs and screens show addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from drivers.errors import AddressError


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """One parsed device address."""

    scheme: str
    host: str = ""
    port: int | None = None
    path: str = ""
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> DeviceAddress:
        """Return the address that `text` writes.

        Raises:
            AddressError: no scheme, a password, a port that is none, an option twice.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise AddressError(f"device address {text!r}: {error}") from error
        if not parts.scheme or "://" not in text:
            raise AddressError(f"device address must look like visca+udp://HOST:PORT, got {text!r}")
        if parts.username is not None or parts.password is not None:
            raise AddressError("a device address holds no user or password: use password_env or a secrets file")
        return cls(parts.scheme, parts.hostname or "", port, parts.path, _options(parts.query))

    def endpoint(self, default_port: int) -> tuple[str, int]:
        """Return host and port.

        Raises:
            AddressError: the address names no host.
        """
        if not self.host:
            raise AddressError(f"{self}: a host is wanted, as in {self.scheme}://192.0.2.21")
        return self.host, self.port or default_port

    def allow(self, *names: str) -> None:
        """Refuse options that the driver does not know.

        Raises:
            AddressError: names the unknown option and the known ones.
        """
        for name in self.options:
            if name not in names:
                raise AddressError(f"{self}: unknown option {name!r}; known: {', '.join(names) or 'none'}")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        query = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.scheme}://{host}{port}{self.path}{'?' + query if query else ''}"


def _options(query: str) -> dict[str, str]:
    """Return the options of `query`.

    Raises:
        AddressError: an option stands twice.
    """
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in options:
            raise AddressError(f"option {name!r} stands twice in a device address")
        options[name] = value
    return options
