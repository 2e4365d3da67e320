"""Runs a simulated mixer until it is told to stop."""

import sys

from drivers.mixer.sim import main

sys.exit(main(sys.argv[1:]))
