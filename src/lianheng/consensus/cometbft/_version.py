"""Which CometBFT belongs to this version: written once, read by `make cometbft`, doctor and node.

No imports: tools/cometbft.py reads this file before anything is installed.
"""

MODULE = "github.com/cometbft/cometbft"
PROGRAM = "github.com/cometbft/cometbft/cmd/cometbft"
VERSION = "v0.40.0"
# The version that `cometbft version` prints: its authors did not raise it for this release.
PRINTED_VERSION = "0.39.0"
# The oldest Go that builds it, from its go.mod.
GO_VERSION = (1, 25)
