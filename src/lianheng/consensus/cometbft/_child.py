"""Becomes the program named on the command line, and dies with the process that started it.

python -I -S _child.py PARENT PROGRAM ARGUMENTS...

A program of its own because running code between fork and exec is not safe where threads run.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NO_PARENT = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel for the signal, then replace this process."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != int(arguments[0]):
        # It ended before the kernel knew whom to watch.
        sys.exit(_NO_PARENT)
    # Python ignores it, and what is ignored stays so in the next program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(arguments[1], arguments[1:])  # noqa: S606 - never a shell


if __name__ == "__main__":
    main(sys.argv[1:])
