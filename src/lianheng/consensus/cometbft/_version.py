"""Which CometBFT belongs to this version: written once, read by `make cometbft`, doctor and node.

Standard library only: tools/cometbft.py runs this file without the package.
"""

import re
import shutil
import subprocess
from pathlib import Path

MODULE = "github.com/cometbft/cometbft"
PROGRAM = f"{MODULE}/cmd/cometbft"
VERSION = "v0.40.0"
# The version that `cometbft version` prints: its authors did not raise it for this release.
PRINTED_VERSION = "0.39.0"
# The oldest Go that builds it, from its go.mod.
GO_VERSION = (1, 25)

_GO_SECONDS = 30.0
# Go writes into each program what it was built from; without Go we look for it ourselves.
_BUILT_FROM = re.compile(
    rb"path\t"
    + re.escape(PROGRAM.encode())
    + rb"\nmod\t"
    + re.escape(MODULE.encode())
    + rb"\t(\S+)"
)


def built_version(program: Path) -> str | None:
    """The version of CometBFT from which this program was built, by what Go wrote into it.

    Asks `go version -m` where Go is there, else reads the same lines from the file. None where the
    program is not CometBFT, or its version is not known (a build of a changed checkout). Raises
    OSError where the file cannot be read.
    """
    go = shutil.which("go")
    if go is None:
        text = program.read_bytes()
    else:
        asked = subprocess.run(
            [go, "version", "-m", str(program)],
            capture_output=True,
            check=False,
            timeout=_GO_SECONDS,
        )
        text = asked.stdout.replace(b"\n\t", b"\n")
    found = _BUILT_FROM.search(text)
    return None if found is None else found[1].decode("ascii", "replace")
