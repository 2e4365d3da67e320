"""Make `requirements.lock`, or prove that it still fits `pyproject.toml`.

The one lock file has two parts: what runs, and below `MARK` what only tests and checks
need on top. `make demo` installs the first part, `make test` both. Hashes are in both,
addresses in neither: each site has its own index.

    python .ci/lock.py            resolve anew (needs `uv` and an index)
    python .ci/lock.py --check    offline: every declared requirement is locked
    python .ci/lock.py --part run print the part a machine that only runs Siaga needs
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
MARK = "# --- only tests and checks need what follows ---\n"
UV = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
PLAIN = ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"]


def resolve(extra: str, *constraints: Path) -> str:
    """Return the locked requirements of `extra`, kept to `constraints`."""
    held = [word for path in constraints for word in ("--constraint", str(path))]
    command = [*UV, *PLAIN, "pyproject.toml", "--extra", extra, *held]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600).stdout


def blocks(text: str) -> list[str]:
    """Split a lock into one piece per pinned requirement, its hashes included."""
    return re.findall(r"^[a-z0-9][^\n]*(?:\n[ ]+[^\n]*)*\n", text, flags=re.MULTILINE)


def make() -> None:
    """Write the lock file, run part first."""
    with tempfile.TemporaryDirectory() as folder:
        run = resolve("demo")
        held = Path(folder) / "run.txt"
        held.write_text(run)
        known = set(blocks(run))
        rest = [block for block in blocks(resolve("test", held)) if block not in known]
    head = "# Made by `make lock`. Pinned with hashes; no index address on purpose.\n"
    LOCK.write_text(head + "".join(blocks(run)) + MARK + "".join(rest))


def missing() -> list[str]:
    """Return the requirements that `pyproject.toml` names and the lock does not hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *(r for rs in project["optional-dependencies"].values() for r in rs)]
    names = {re.split(r"[^A-Za-z0-9._-]", r)[0].lower().replace("_", "-") for r in declared}
    locked = {block.split("==")[0].replace("_", "-") for block in blocks(LOCK.read_text())}
    return sorted(name.replace(".", "-") for name in names if name.replace(".", "-") not in locked | {"siaga"})


def main(arguments: list[str]) -> int:
    """Run one of the three forms; 1 when the lock does not fit."""
    if arguments == ["--check"]:
        absent = missing()
        print(f"requirements.lock lacks: {', '.join(absent)}; run `make lock`" if absent else "requirements.lock fits")
        return 1 if absent else 0
    if arguments == ["--part", "run"]:
        print(LOCK.read_text().split(MARK)[0], end="")
        return 0
    make()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
