"""Start the command ``chainpipe``, after checking that ``import chainpipe`` finds our package.

The name ``chainpipe`` on the package index belongs to another distribution. Installed beside ours,
it lies over our files or before them on the path. This module has the name of our distribution, so
it is still ours then.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    if sys.platform == "win32":
        _fail("chainpipe does not run on Windows", "run it in WSL 2, as on Linux", 2)
    # Until a verb runs there is nothing to clean up, so Ctrl-C ends the process at once.
    signal.signal(signal.SIGINT, _interrupted)
    _check_package()
    from chainpipe.command import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _check_package() -> None:
    """End with an error if another distribution's package is imported in place of ours."""
    try:
        package = importlib.import_module("chainpipe")
        ours = vars(package).get("DISTRIBUTION") == "chainpipe-video"
    except ImportError:
        ours = False
    if not ours:
        found = getattr(sys.modules.get("chainpipe"), "__file__", None)
        _fail(
            f"`import chainpipe` finds another package than ours: `{found}`",
            "pip uninstall chainpipe; then install chainpipe-video again with --force-reinstall",
            2,
        )


def _fail(message: str, hint: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    sys.exit(code)


def _interrupted(signum: int, _frame: object) -> NoReturn:
    os.write(2, b"error: interrupted\n")
    os._exit(128 + signum)


if __name__ == "__main__":
    main()
