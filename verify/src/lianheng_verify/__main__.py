"""Start of the command `lianheng-verify`."""

from __future__ import annotations

import os
import sys

from lianheng_verify._cli import main


def run() -> None:
    """Runs the command and exits with its code."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    run()
