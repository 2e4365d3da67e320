"""A stand-in for the few COM interfaces of Windows' Core Audio that are used, with the shapes that pycaw gives them.

It is a machine's devices, volumes and defaults. It is no witness for Windows: it shows what
we ask and what we make of the answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import pytest

ACTIVE, UNPLUGGED = 1, 8


class ComError(Exception):
    """What comtypes raises; no `OSError`."""


class EndpointVolume:
    """`IAudioEndpointVolume`."""

    def __init__(self) -> None:
        self.muted = 0
        self.db = 0.0
        self.listeners: list[VolumeCallback] = []

    def GetMute(self) -> int:  # noqa: N802  Microsoft's names
        return self.muted

    def SetMute(self, on: int, _context: None) -> None:  # noqa: N802
        assert isinstance(on, int)
        self.muted = on
        self._tell()

    def GetMasterVolumeLevel(self) -> float:  # noqa: N802
        return self.db

    def SetMasterVolumeLevel(self, db: float, _context: None) -> None:  # noqa: N802
        low, high, _ = self.GetVolumeRange()
        if not low <= db <= high:
            raise ComError("E_INVALIDARG")
        self.db = db
        self._tell()

    def GetVolumeRange(self) -> tuple[float, float, float]:  # noqa: N802
        return (-65.25, 0.0, 0.03125)

    def RegisterControlChangeNotify(self, listener: VolumeCallback) -> None:  # noqa: N802
        self.listeners.append(listener)

    def _tell(self) -> None:
        for listener in self.listeners:
            listener.OnNotify(object())


@dataclass
class Endpoint:
    """An `IMMDevice`, and pycaw's `AudioDevice` around it."""

    id: str
    FriendlyName: str
    flow: int
    state: int = ACTIVE
    EndpointVolume: EndpointVolume = field(default_factory=EndpointVolume)


@dataclass
class Machine:
    """What is plugged in."""

    endpoints: list[Endpoint] = field(default_factory=list)
    defaults: dict[tuple[int, int], str] = field(default_factory=dict)
    """By flow and role."""
    clients: list[DevicesCallback] = field(default_factory=list)
    entered: int = 0
    broken: bool = False

    def plug(self, name: str, flow: int) -> Endpoint:
        endpoint = Endpoint(f"{{0.0.{flow}}}.{len(self.endpoints)}", name, flow)
        self.endpoints.append(endpoint)
        self._tell(lambda client: client.OnDeviceAdded(endpoint.id))
        return endpoint

    def pull(self, endpoint: Endpoint) -> None:
        endpoint.state = UNPLUGGED
        self._tell(lambda client: client.OnDeviceStateChanged(endpoint.id, UNPLUGGED))

    def make_default(self, device: str, roles: tuple[int, ...] = (0, 1, 2)) -> None:
        (endpoint,) = (endpoint for endpoint in self.endpoints if endpoint.id == device)
        for role in roles:
            self.defaults[endpoint.flow, role] = device
            for client in self.clients:
                client.OnDefaultDeviceChanged(endpoint.flow, role, device)

    def _tell(self, what: Callable[[DevicesCallback], None]) -> None:
        for client in self.clients:
            what(client)


class Collection:
    """`IMMDeviceCollection`."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._endpoints = endpoints

    def GetCount(self) -> int:  # noqa: N802
        return len(self._endpoints)

    def Item(self, index: int) -> Endpoint:  # noqa: N802
        return self._endpoints[index]


class Enumerator:
    """`IMMDeviceEnumerator`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def EnumAudioEndpoints(self, flow: int, states: int) -> Collection:  # noqa: N802
        if self._machine.broken:
            raise ComError("AUDCLNT_E_SERVICE_NOT_RUNNING")
        return Collection([one for one in self._machine.endpoints if one.flow == flow and one.state & states])

    def GetDefaultAudioEndpoint(self, flow: int, role: int) -> Endpoint:  # noqa: N802
        default = self._machine.defaults.get((flow, role))
        if default is None:
            raise ComError("E_NOTFOUND")
        return next(endpoint for endpoint in self._machine.endpoints if endpoint.id == default)

    def RegisterEndpointNotificationCallback(self, client: DevicesCallback) -> None:  # noqa: N802
        self._machine.clients.append(client)


class DevicesCallback:
    """pycaw's `MMNotificationClient`: turns what Windows calls into methods to override."""

    def OnDefaultDeviceChanged(self, flow: int, role: int, device: str) -> None:  # noqa: N802
        self.on_default_device_changed("flow", flow, "role", role, device)

    def OnDeviceAdded(self, device: str) -> None:  # noqa: N802
        self.on_device_added(device)

    def OnDeviceStateChanged(self, device: str, state: int) -> None:  # noqa: N802
        self.on_device_state_changed(device, "state", state)

    def on_default_device_changed(self, *_: object) -> None: ...
    def on_device_added(self, *_: object) -> None: ...
    def on_device_state_changed(self, *_: object) -> None: ...


class VolumeCallback:
    """pycaw's `AudioEndpointVolumeCallback`."""

    def OnNotify(self, _data: object) -> None:  # noqa: N802
        self.on_notify(0.5, 0, None, 1, [0.5])

    def on_notify(self, *_: object) -> None:
        raise NotImplementedError


def install(machine: Machine, patch: pytest.MonkeyPatch) -> None:
    """Let `comtypes` and `pycaw` be imported, with `machine` behind them."""

    class AudioUtilities:
        GetDeviceEnumerator = staticmethod(lambda: Enumerator(machine))
        CreateDevice = staticmethod(lambda endpoint: endpoint)
        SetDefaultDevice = staticmethod(machine.make_default)

    def enter(_flags: int) -> None:
        machine.entered += 1

    modules: dict[str, dict[str, object]] = {
        "comtypes": {"COMError": ComError, "CoInitializeEx": enter},
        "pycaw": {},
        "pycaw.utils": {"AudioUtilities": AudioUtilities},
        "pycaw.callbacks": {"MMNotificationClient": DevicesCallback, "AudioEndpointVolumeCallback": VolumeCallback},
    }
    for name, members in modules.items():
        module = ModuleType(name)
        vars(module).update(members)
        patch.setitem(sys.modules, name, module)
    for name in ("utils", "callbacks"):
        vars(sys.modules["pycaw"])[name] = sys.modules[f"pycaw.{name}"]
    patch.setattr(sys, "coinit_flags", None, raising=False)
