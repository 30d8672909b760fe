"""A detached node: `python -m lianheng.node HOME DESCRIPTOR`, started by `start_detached`.

The passphrase comes on standard input, which is empty for development keys. Readiness or failure is
written to the descriptor, everything else to the log.
"""

import os
import sys
import threading
from pathlib import Path

from lianheng.ledger import Ledger
from lianheng.model import LianhengError
from lianheng.node._detached import report_failure, report_ready
from lianheng.node._log import detached_log
from lianheng.node._run import run


def main(arguments: list[str]) -> int:
    """Run until stopped; 0 after a clean stop, 1 where the node could not start."""
    folder, descriptor = Path(arguments[0]), int(arguments[1])
    secret = sys.stdin.buffer.read()
    log = detached_log()
    reported = False

    def ready(ledger: Ledger, missing: str) -> None:
        nonlocal reported
        reported = True
        report_ready(descriptor, ledger.height, missing)

    try:
        run(folder, passphrase=secret or None, log=log, on_ready=ready)
    except LianhengError as failure:
        log.error("node failed", code=failure.code, reason=failure.message)  # noqa: TRY400
        if not reported:
            report_failure(descriptor, failure)
        return 1
    return 0


def leave(code: int) -> None:
    """End this process, even where a thread is still in long work of the core.

    The ledger is closed by now, so there is nothing to wait for; the interpreter would wait.
    """
    left = [thread.name for thread in threading.enumerate() if not thread.daemon]
    if len(left) > 1:
        detached_log().warning("left without waiting", threads=left)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
