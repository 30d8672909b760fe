"""A process of its own: our ABCI server with the no-op application, until standard input ends.

python -m lianheng.cli.benches.noop_node SOCKET
"""

import os
import sys
from pathlib import Path

FAILED = 1


def main(path: str) -> None:
    """Says `ready` once CometBFT may connect. A failure ends the process."""
    from lianheng.cli.benches.envelopes import quiet_log
    from lianheng.consensus.cometbft.noop import NoopApplication
    from lianheng.consensus.cometbft.server import AbciServer

    server = AbciServer(
        Path(path),
        NoopApplication(),
        on_failure=lambda _: os._exit(FAILED),  # it is logged; the main thread waits elsewhere
        log=quiet_log(),
    )
    server.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
