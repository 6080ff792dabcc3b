"""Write docs/reference.md from the program's own ``--help``; a test compares the two.

Run it as ``make docs``, or ``python docs/make_reference.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("reference.md")
INTRODUCTION = """# Reference of the command line

Made by `make docs` from the program's `--help`; a test fails when the two differ.

Data goes to stdout, everything else to stderr. `NO_COLOR` is respected. Exit codes:

| code | when |
|---|---|
| 0 | done; `ok`, `short` and `partial` videos alone keep it 0 |
| 1 | a bug of ours: the hint names the file that holds the traceback |
| 2 | usage or mismatch: a bad value, an empty input, things that do not belong together |
| 3 | finished, some videos failed |
| 4 | damage: a truncated or altered store, codes file or model |
| 5 | storage: not writable, full, vanished |
| 10 | there is no such store, model or codes file, or the file is not one |
| 11 | locked by a live process |
| 130, 143 | interrupted, or `--time-limit` reached; what was done is kept |
"""


def help_of(*verb: str) -> str:
    """Return one verb's help as a terminal of 80 columns without colour shows it."""
    environment = os.environ | {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }
    environment["PYTHONIOENCODING"] = "utf-8"
    command = [sys.executable, "-m", "chainpipe", *verb, "--help"]
    shown = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=PAGE.parents[1]
    )
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


def verbs(*group: str) -> list[str]:
    """Return the verbs that the program, or a group of verbs, lists."""
    return re.findall(r"^│ ([a-z]+)  ", help_of(*group), flags=re.MULTILINE)


def block(*verb: str) -> str:
    """Return the page's section of one verb."""
    name = " ".join(["chainpipe", *verb])
    return f"## {name}\n\n```console\n$ {name} --help\n{help_of(*verb)}\n```\n"


def page() -> str:
    """Return the whole page."""
    blocks = [block()]
    for verb in verbs():
        blocks += [block(verb), *(block(verb, inner) for inner in verbs(verb))]
    return "\n".join([INTRODUCTION, *blocks])


if __name__ == "__main__":
    PAGE.write_text(page())
