"""A simulated OBS Studio: its obs-websocket 5 on a real socket, at the real one's speed.

Written from obs-websocket's protocol documentation and from what a real OBS 29 was seen to
do; shares nothing with the driver.
"""

from __future__ import annotations

from drivers.obs.sim.app import main
from drivers.obs.sim.clock import HeldClock
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import Faults, Studio

__all__ = ["Faults", "HeldClock", "ObsSimulator", "Studio", "main"]
