"""`python -m drivers.visca stop-all ADDRESS ...`: stop cameras whose agent is gone.

No event loop, no configuration, and an end within three seconds whether or not the cameras
answer. Prints one line a camera; the exit code is 0 only if every one said that it has
stopped. `siaga halt` does the same for the cameras of a room file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from drivers.address import DeviceAddress
from drivers.halt import halt

USAGE = "usage: python -m drivers.visca stop-all ADDRESS ..."


def main(argv: Sequence[str]) -> int:
    """Run from the command line; 2 for words that cannot be used."""
    try:
        command, *rest = argv
        addresses = [DeviceAddress.parse(text) for text in dict.fromkeys(rest)]
    except ValueError as error:
        print(error if argv else USAGE, file=sys.stderr)
        return 2
    if command != "stop-all" or not addresses:
        print(USAGE, file=sys.stderr)
        return 2
    endings = halt(addresses)
    print("\n".join(str(ending) for ending in endings), flush=True)
    return 0 if all(ending.outcome.good for ending in endings) else 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a thread that still waits for a camera must not hold systemd up
