"""Simulated network mixers.

    python -m drivers.mixer.sim --model x32 --listen 127.0.0.1:0 --fault slow=100

Written from the makers' documents, with bytes of their own: nothing here knows the driver's codecs.
"""

from drivers.mixer.sim.program import main

__all__ = ["main"]
