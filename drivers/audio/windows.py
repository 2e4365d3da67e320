"""Windows' mixer through pycaw: ports, mute, gain in dB, defaults, and changes as they happen.

Written to Microsoft's Core Audio documents (`IMMDeviceEnumerator`, `IAudioEndpointVolume`,
`IMMNotificationClient`) and to pycaw's source; **never tried on a Windows machine**. What is
tested is what we ask of these interfaces and what we make of the answers, on a stand-in for
the few of their methods that are used. Imported by the sound worker alone, and on Windows alone.

* A device has the name that Windows shows. Two of one name are told apart by nobody, so they
  count as missing rather than one being guessed.
* Only active devices are present: Windows goes on listing what is unplugged or switched off.
* Setting the default uses `IPolicyConfig`, which Microsoft never documented and its own
  control panel uses; pycaw has it from there.
* WASAPI takes a stream at the device's own rate only. `auto_convert` (sounddevice from 0.4.7)
  has Windows convert, or a device at 44.1 kHz would refuse our 48. A capture whose device
  goes is not moved elsewhere: it ends, and its silence is noticed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from drivers.audio.model import MICROPHONE, SILENCE_DBFS, SPEAKER
from drivers.audio.system import SoundTrouble
from drivers.ports import SoundPort

RENDER, CAPTURE = 0, 1
"""`EDataFlow`."""
ROLES = (0, 1, 2)
"""`ERole`: console, multimedia, communications; a default is one only when it is all three."""
ACTIVE = 1
"""`DEVICE_STATE_ACTIVE`."""
WASAPI = "Windows WASAPI"
"""What PortAudio calls it."""

_FLOWS = {MICROPHONE: CAPTURE, SPEAKER: RENDER}


class WindowsMixer:
    """The machine's endpoints; may be used by several threads, each of which enters COM by itself."""

    def __init__(self) -> None:
        self._entered = threading.local()

    def port(self, name: str, device: str) -> SoundPort:
        """Ask about one port; an absent one is an answer.

        Raises:
            SoundTrouble: Windows does not answer, or `name` is no port.
        """
        with self._library() as pycaw:
            is_default = self._is_default(pycaw, _flow(name), device)
            found = _found(pycaw, _flow(name), device)
            if found is None:
                return SoundPort(name, device, False, False, 0.0, is_default)
            volume = found.EndpointVolume
            return SoundPort(name, device, True, bool(volume.GetMute()), _gain_db(volume), is_default)

    def mute(self, port: str, device: str, on: bool) -> bool:
        """Mute or open a port and return what Windows then says of it.

        Raises:
            SoundTrouble: no such device, or Windows does not do it.
        """
        with self._library() as pycaw:
            volume = _wanted(pycaw, _flow(port), device).EndpointVolume
            volume.SetMute(int(on), None)
            return bool(volume.GetMute())

    def gain(self, port: str, device: str, db: float) -> float:
        """Set a port's gain and return what Windows then says of it.

        Raises:
            SoundTrouble: no such device, or the device's range ends before `db`.
        """
        with self._library() as pycaw:
            volume = _wanted(pycaw, _flow(port), device).EndpointVolume
            low, high, _step = volume.GetVolumeRange()
            if not low <= db <= high:
                detail = f"{port}: {device} can be set from {low:.1f} to {high:.1f} dB, wanted {db:g}"
                raise SoundTrouble("sound.gain_range", detail, low_db=round(low, 1), high_db=round(high, 1))
            volume.SetMasterVolumeLevel(db, None)
            return _gain_db(volume)

    def make_default(self, port: str, device: str) -> str:
        """Let programs that name no device use this one, and return the name of the default after that.

        Raises:
            SoundTrouble: no such device, or Windows does not do it.
        """
        with self._library() as pycaw:
            pycaw.AudioUtilities.SetDefaultDevice(_wanted(pycaw, _flow(port), device).id)
            return device if self._is_default(pycaw, _flow(port), device) else ""

    def suspended(self, _port: str, _device: str) -> bool:
        """Return false: Windows holds no open capture back."""
        return False

    def captured_by(self, _pid: int) -> str:
        """Return nothing: Windows moves no capture, so there is nothing to ask."""
        return ""

    def _is_default(self, pycaw: Any, flow: int, device: str) -> bool:
        enumerator = pycaw.AudioUtilities.GetDeviceEnumerator()
        names = []
        for role in ROLES:
            try:
                endpoint = enumerator.GetDefaultAudioEndpoint(flow, role)
            except pycaw.ERRORS:  # there is none
                return False
            names.append(pycaw.AudioUtilities.CreateDevice(endpoint).FriendlyName)
        return all(name == device for name in names)

    @contextmanager
    def _library(self) -> Iterator[Any]:
        """Lend pycaw to this thread.

        Raises:
            SoundTrouble: it is not installed, or a call failed.
        """
        try:
            pycaw = _pycaw(self._entered)
        except ImportError as error:
            raise SoundTrouble("sound.no_server", f"pycaw is wanted on Windows: {error}") from error
        try:
            yield pycaw
        except pycaw.ERRORS as error:
            raise SoundTrouble("sound.no_server", f"Windows' sound system: {error}") from error


def prepare(_speaker: str, _microphone: str) -> None:
    """Do nothing: PortAudio finds Windows' devices by itself."""


def watch(devices: Mapping[str, str], changed: Callable[[], None]) -> object:
    """Call `changed` whenever a device comes, goes, is set or becomes the default; returns what must be kept alive.

    Windows calls on a thread of its own, in which nothing may be asked: `changed` only queues.
    """
    pycaw = _pycaw(threading.local())
    callbacks = pycaw.callbacks

    class Devices(callbacks.MMNotificationClient):  # type: ignore[name-defined, misc]  # pycaw is Windows' alone
        def on_default_device_changed(self, *_: object) -> None:
            changed()

        def on_device_added(self, *_: object) -> None:
            changed()

        def on_device_removed(self, *_: object) -> None:
            changed()

        def on_device_state_changed(self, *_: object) -> None:
            changed()

    class Volume(callbacks.AudioEndpointVolumeCallback):  # type: ignore[name-defined, misc]
        def on_notify(self, *_: object) -> None:
            changed()

    enumerator, listeners = pycaw.AudioUtilities.GetDeviceEnumerator(), [Devices()]
    enumerator.RegisterEndpointNotificationCallback(listeners[0])
    kept: list[object] = [enumerator, listeners]
    for port, device in devices.items():
        if (found := _found(pycaw, _flow(port), device)) is not None:
            volume, listener = found.EndpointVolume, Volume()
            volume.RegisterControlChangeNotify(listener)
            kept += [volume, listener]
    changed()
    return kept


def stream_options(library: Any, port: str, device: str) -> dict[str, object]:
    """Return what PortAudio needs to open the device of that name.

    The same device stands once under each of Windows' four interfaces, so an index is
    looked up among those of WASAPI and used at once.

    Raises:
        SoundTrouble: WASAPI has no such device.
    """
    channels = "max_input_channels" if port == MICROPHONE else "max_output_channels"
    apis = library.query_hostapis()
    for index, entry in enumerate(library.query_devices()):
        is_wasapi = apis[entry["hostapi"]]["name"] == WASAPI
        if is_wasapi and entry["name"] == device and entry[channels] > 0:
            return {"device": index, "extra_settings": library.WasapiSettings(auto_convert=True)}
    raise SoundTrouble("sound.device_missing", f"{port}: WASAPI lists no {device}", device=device)


def _pycaw(entered: threading.local) -> Any:
    """Return pycaw, entering COM on this thread first.

    In the multi-threaded apartment: callbacks come without a message loop.
    """
    sys.coinit_flags = 0  # type: ignore[attr-defined]  # comtypes reads it when it is imported
    import comtypes
    from pycaw import callbacks, utils

    if not getattr(entered, "yes", False):
        comtypes.CoInitializeEx(0)
        entered.yes = True
    return SimpleNamespace(
        AudioUtilities=utils.AudioUtilities, callbacks=callbacks, ERRORS=(OSError, comtypes.COMError)
    )


def _flow(port: str) -> int:
    if port not in _FLOWS:
        raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {port!r}")
    return _FLOWS[port]


def _found(pycaw: Any, flow: int, device: str) -> Any:
    """Return the one active device of exactly that name, or None."""
    collection = pycaw.AudioUtilities.GetDeviceEnumerator().EnumAudioEndpoints(flow, ACTIVE)
    all_devices = [pycaw.AudioUtilities.CreateDevice(collection.Item(i)) for i in range(collection.GetCount())]
    named = [entry for entry in all_devices if entry.FriendlyName == device]
    return named[0] if len(named) == 1 else None


def _wanted(pycaw: Any, flow: int, device: str) -> Any:
    if (found := _found(pycaw, flow, device)) is None:
        raise SoundTrouble("sound.device_missing", f"{device} is not there, or is there twice", device=device)
    return found


def _gain_db(volume: Any) -> float:
    return max(SILENCE_DBFS, float(volume.GetMasterVolumeLevel()))
