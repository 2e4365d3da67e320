"""Runs a simulated camera until it is told to end."""

from __future__ import annotations

import sys

from drivers.visca.sim.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
