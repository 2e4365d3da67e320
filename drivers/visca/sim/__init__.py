"""Simulated VISCA cameras on real sockets and serial lines, for people, tests and the demo.

Written from the makers' documents, not from our codec, so that the two do not share a mistake. They
move at a camera's speed and look at one message per picture (V period).

    python -m drivers.visca.sim --listen 127.0.0.1:0 --on --fault loss=0.1
    python -m drivers.visca.sim --listen pty --chain 3 --model evi-d70
"""

from __future__ import annotations

from drivers.visca.sim.bus import SimulatedChain
from drivers.visca.sim.camera import SimulatedCamera
from drivers.visca.sim.cli import main, run
from drivers.visca.sim.faults import FAULTS
from drivers.visca.sim.models import MEMORIES, MODELS
from drivers.visca.sim.service import CARRIERS, serve

__all__ = ["CARRIERS", "FAULTS", "MEMORIES", "MODELS", "SimulatedCamera", "SimulatedChain", "main", "run", "serve"]
