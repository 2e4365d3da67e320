"""OBS Studio over obs-websocket 5, behind the `Switcher` port: `obs+ws://host:4455`.

OBS's success means "asked", not "done": a recording whose folder is gone is answered with
success and never starts. So no verb here returns before the state was read back.
"""

from __future__ import annotations

import time

from drivers.address import DeviceAddress
from drivers.obs import model
from drivers.obs.inputs import Inputs
from drivers.obs.model import read
from drivers.obs.outputs import Outputs
from drivers.obs.scenes import Scenes
from drivers.obs.setups import Setups
from drivers.outcomes import Health, judge
from drivers.ports import Device, Programme

DEFAULT_PORT = 4455


def connect(name: str, address: DeviceAddress, password: str | None) -> Device:
    """Return the unopened OBS `name`.

    Raises:
        AddressError: no host, or an option; there are none.
    """
    address.allow()
    host, port = address.endpoint(DEFAULT_PORT)
    return ObsStudio(name, host, port, password)


class ObsStudio(Scenes, Inputs, Outputs, Setups):
    """One OBS Studio with all its verbs."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        super().__init__(name, host, port, password)
        self._looked: model.Stats | None = None

    async def open(self) -> None:
        """Connect and identify, in place of any link before.

        Raises:
            DeviceUnreachable: OBS does not run, or does not answer in time.
            DeviceRefused: the password is wrong.
            ProtocolViolation: something else than OBS listens there.
        """
        self._looked = None
        await super().open()

    async def close(self) -> None:
        """Let go of the link; what was measured over it is forgotten too."""
        self._looked = None
        await super().close()

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
        return judge(model.measures(before, look))

    async def state(self) -> Programme:
        """Ask what is on air, what runs and what is muted."""
        await self.calm()
        return (await self._supervisor.look()).as_programme()
