"""`python -m drivers.obs.sim`."""

from __future__ import annotations

import sys

from drivers.obs.sim.app import main

sys.exit(main(sys.argv[1:]))
