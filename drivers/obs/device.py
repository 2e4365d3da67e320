"""OBS Studio over obs-websocket 5, behind the `Switcher` port: `obs+ws://host:4455`.

OBS's success means "asked", not "done": a recording whose folder is gone is answered with
success and never starts. So no verb here returns before the state was read back.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from drivers.address import DeviceAddress
from drivers.errors import AddressError, DeviceUnreachable, DriverError
from drivers.obs import model
from drivers.obs.inputs import Inputs
from drivers.obs.inspection import Inspection, asked_of
from drivers.obs.model import Call, read
from drivers.obs.outputs import Outputs
from drivers.obs.process import Warden, stands_silent
from drivers.obs.recording import RecordWatch, name_of, restored
from drivers.obs.scenes import Scenes
from drivers.obs.setups import Setups
from drivers.obs.splitting import KIND, MODE, Split, can_split, split_of
from drivers.obs.supervisor import Standing, State
from drivers.outcomes import Health, Reason, Result, judge
from drivers.ports import Device, Programme, ShowWanted

DEFAULT_PORT = 4455
_FILE_NAME = ("Output", "FilenameFormatting")
HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def connect(name: str, address: DeviceAddress, password: str | None) -> Device:
    """Return the unopened OBS `name`.

    Raises:
        AddressError: no host, an unknown option, or a canvas or a rate that is none.
    """
    address.allow("canvas", "fps", "collection", "profile", "process", "split")
    host, port = address.endpoint(DEFAULT_PORT)
    split = split_of(address)
    obs = ObsStudio(name, host, port, password, replace(asked_of(address), split=split is not None))
    obs.split = split
    asked = _asked_of_process(address)
    obs.watches_process = asked is not None
    obs.warden = Warden() if asked == "restart" else None
    return obs


def _asked_of_process(address: DeviceAddress) -> str | None:
    """Return whether OBS's process is looked for when nobody answers (`watch`), and ended once (`restart`).

    Raises:
        AddressError: another word, or an OBS on another machine.
    """
    asked = address.options.get("process")
    if asked not in {None, "watch", "restart"} or (asked and address.host not in HERE):
        raise AddressError(f"{address}: process may be watch or restart, and only of an OBS on this machine")
    return asked


class ObsStudio(Scenes, Inputs, Outputs, Setups, Inspection):
    """One OBS Studio with all its verbs."""

    def __init__(self, name: str, host: str, port: int, password: str | None, asked: ShowWanted | None = None) -> None:
        super().__init__(name, host, port, password)
        self.asked = asked or ShowWanted()
        self.record_as = ""
        self.split: Split | None = None
        """When a session's recording goes on in another file."""
        self.on_recorded: Callable[[str, float | None], None] | None = None
        self.is_local = host in HERE
        self.watches_process = False
        self.warden: Warden | None = None
        self._put_out = False
        """Whether it recorded or streamed when it was last heard."""
        self._watch = RecordWatch()
        self._looked: model.Stats | None = None

    async def open(self) -> None:
        """Connect and identify, in place of any link before.

        Raises:
            DeviceUnreachable: OBS does not run, or does not answer in time.
            DeviceRefused: the password is wrong.
            ProtocolViolation: something else than OBS listens there.
        """
        self._looked = None
        try:
            await super().open()
        except DeviceUnreachable as error:
            silent = await asyncio.to_thread(self._look_at_process)
            if silent is None:
                raise
            raise DeviceUnreachable(silent) from error
        if self.warden is not None:
            self.warden.answered()

    def _look_at_process(self) -> Reason | None:
        """Return what is to be said of an OBS that does not answer; the warden may end it."""
        if self.warden is not None:
            return self.warden.silent(puts_out=self._put_out)
        return stands_silent() if self.watches_process else None

    async def close(self) -> None:
        """Let go of the link; what was measured over it is forgotten too."""
        self._looked = None
        self.forget()
        await super().close()

    async def scene(self, name: str) -> Result:
        """Put a scene on air, and remember that it was us."""
        self._ask_for(name)
        return await super().scene(name)

    async def take(self) -> Result:
        """Put on air what is in the preview."""
        self._ask_for("")
        return await super().take()

    async def hotkey(self, name: str) -> Result:
        """Press a hotkey once; it may well switch the scene."""
        self._ask_for("")
        return await super().hotkey(name)

    async def record(self, on: bool) -> Result:
        """Start or stop the recording; a start is named after what `record_as` says."""
        if not on or not self.record_as or (self.studio is not None and self.studio.record.active):
            return await super().record(on)
        before: dict[tuple[str, str], str] = {}
        with contextlib.suppress(DriverError):  # a recording without its name is better than none
            await self._set_up(_FILE_NAME, name_of(self.record_as), before)
            before[_FILE_NAME] = restored(before[_FILE_NAME])
            for setting, value in await self._splitting():
                await self._set_up(setting, value, before)
        try:
            return await super().record(on)
        finally:
            with contextlib.suppress(DriverError):  # the next start knows what was left behind by its mark
                for setting, value in before.items():
                    await self._set_up(setting, value, {})

    async def _splitting(self) -> Iterable[tuple[tuple[str, str], str]]:
        """Return what has OBS split its next recording; nothing where it cannot."""
        if self.split is None or not can_split(await self._parameter(*MODE), await self._parameter(*KIND)):
            return ()
        return self.split.settings.items()

    async def _set_up(self, setting: tuple[str, str], value: str, before: dict[tuple[str, str], str]) -> None:
        """Set a parameter of OBS's profile, and keep what it was."""
        where = dict(zip(("parameterCategory", "parameterName"), setting, strict=True))
        found = await self.ask(model.ProfileParameter, Call("GetProfileParameter", where))
        before[setting] = found.parameter_value or ""
        await self.tell(setting[1], Call("SetProfileParameter", {**where, "parameterValue": value}))

    def _stood(self, standing: Standing) -> None:
        super()._stood(standing)
        self._see(standing)
        if standing.state is State.READY and standing.studio is not None:
            self._put_out = standing.studio.record.active or standing.studio.stream.active
        closed = self._watch.see(standing.studio, time.monotonic())
        if closed is not None and self.on_recorded is not None:
            self.on_recorded(closed.path, closed.lasted_s)

    async def check(self) -> Health:
        """Ask OBS how it is.

        Raises:
            DeviceUnreachable: no link or no answer in time.
            ProtocolViolation: an answer that makes no sense.
        """
        await self.calm()
        began = time.monotonic()
        record = read(model.OutputStatus, await self.link.ask("GetRecordStatus"))
        rtt_ms = 1000 * (time.monotonic() - began)
        version, stats, video, scenes = await self.ask_all("GetVersion", "GetStats", "GetVideoSettings", "GetSceneList")
        look = model.Look(
            read(model.Version, version),
            read(model.Stats, stats),
            read(model.VideoSettings, video),
            read(model.SceneList, scenes),
            record,
            rtt_ms,
        )
        before, self._looked = self._looked, look.stats
        return judge((*model.measures(before, look), *self.inspected))

    @property
    def on_air(self) -> str | None:
        """The scene on air, as events told; none while OBS does not answer."""
        ready = self.standing.state is State.READY and self.studio is not None
        return self.studio.programme if ready and self.studio else None

    async def state(self) -> Programme:
        """Ask what is on air, what runs and what is muted."""
        await self.calm()
        return (await self._supervisor.look()).as_programme()
