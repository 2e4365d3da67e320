"""A folder that one program works with at a time: central, a restore, a back-up, whoever erases."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from central.errors import Unfit

FILES: Final = "files.lock"


@contextmanager
def locked(folder: Path, name: str, busy: Unfit) -> Iterator[None]:
    """Hold the lock `name` of a folder while inside; the system gives it back whatever happens.

    Raises:
        Unfit: somebody else holds it, in the words of `busy`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise busy from error
        yield


@contextmanager
def files_still(folder: Path) -> Iterator[None]:
    """Be the only one who copies or erases letters and pictures, while inside.

    Raises:
        Unfit: somebody else does.
    """
    text = f"letters and pictures in {folder} are being copied or erased by another program: try again when it is done"
    with locked(folder, FILES, Unfit("data.files_in_use", text)):
        yield
