"""Says once, in the log, that a driver was written to documents and never met the real device."""

from __future__ import annotations

import logging
from functools import cache

log = logging.getLogger(__name__)


@cache
def tell_untried(what: str) -> None:
    """Log, once in this process, that `what` was never tried on the real thing."""
    log.warning("never tried on a real device: %s", what, extra={"action": "untried", "driver": what})
