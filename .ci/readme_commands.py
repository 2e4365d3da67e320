"""Hold README to what is run: every `make` target it shows exists and CI runs the two that matter.

    python3 .ci/readme_commands.py

README's code blocks may use `git clone`, `cd`, `make` and `siaga`; a command that nobody
runs here rots unseen, so anything else is refused.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ALLOWED = {"git", "cd", "make", "siaga", ".venv/bin/siaga"}


def commands() -> list[list[str]]:
    """Return the commands of README's shell blocks as words."""
    blocks = FENCE.findall((ROOT / "README.md").read_text())
    lines = [line.split("#")[0].strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line.split() for line in lines if line]


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    found = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    return set(found)


def siaga_knows(words: list[str]) -> bool:
    """Tell whether `siaga VERB --help` works for the verb README shows."""
    run = [str(ROOT / ".venv/bin/siaga"), words[1], "--help"]
    return subprocess.run(run, capture_output=True, timeout=60, check=False).returncode == 0


def mistakes() -> list[str]:
    """Return what README shows and nobody can run."""
    shown, wrong = commands(), []
    for words in shown:
        if words[0] not in ALLOWED:
            wrong.append(f"README shows {words[0]!r}, which nothing here runs")
        elif words[0] == "make" and words[1] not in targets():
            wrong.append(f"README shows `make {words[1]}`, which the Makefile does not have")
        elif words[0].endswith("siaga") and not siaga_knows(words):
            wrong.append(f"README shows `siaga {words[1]}`, which is no command")
    script = (ROOT / ".ci" / "run").read_text()
    for line in ("make demo", "make test"):
        if line.split() not in shown:
            wrong.append(f"README does not show `{line}`")
        if line not in script:
            wrong.append(f".ci/run does not run `{line}`")
    return wrong


if __name__ == "__main__":
    found = mistakes()
    print("\n".join(found) if found else "README shows what is run")
    sys.exit(1 if found else 0)
