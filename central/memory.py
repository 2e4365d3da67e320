"""Python's collector in a process that answers people."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Have the collector pass over what is there now, while inside.

    Modules, tables and templates live as long as the process. Going through all of them each
    time that an answer made many objects took 100 ms, in the middle of that answer.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
