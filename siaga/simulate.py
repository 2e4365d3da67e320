"""`siaga simulate KIND`: which simulator serves which kind.

Each simulator is a program of its own beside its driver (`python -m drivers.visca.sim`);
this only finds it by the kind's everyday name.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import cast

SIMULATORS = {
    "camera": "drivers.visca.sim",
    "obs": "drivers.obs.sim",
    "sound": "drivers.audio.sim",
    "display": "drivers.pjlink.sim",
    "mixer": "drivers.mixer.sim",
    "power": "drivers.shelly.sim",
}
"""Kind to the module whose `main(argv)` runs it until it is told to stop."""


CANNOT = 1
"""The exit code when the address cannot be used."""


def run(kind: str, arguments: list[str]) -> int:
    """Run the simulator of `kind` until SIGTERM or Ctrl-C; returns its exit code."""
    try:
        return cast("int", import_module(SIMULATORS[kind]).main(arguments))
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"siaga simulate {kind}: wanted an address of this machine that is free, found: {error}\n")
        return CANNOT
