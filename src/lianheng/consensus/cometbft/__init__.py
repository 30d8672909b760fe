"""Four or more validators on CometBFT: it orders, we execute; see docs/protocol/formats.md.

CometBFT runs as a child of the node and reaches us over ABCI 2.0 on a Unix socket (`server`, in
the wire format of `_protobuf`, `_schema` and `_messages`). It decides the order of envelopes and
block times and nothing else; it keeps the blocks that a lagging application replays. Rules:

- What the application answers to a proposal or a decided block depends on that block and on the
  state before it only: no clock, no configuration, no chance.
- Nothing is final before CometBFT decided and stored the block, and our commit returned.
- A failure of the application stops the node loudly; it never answers half.
"""

from lianheng.consensus.cometbft._version import GO_VERSION, VERSION

__all__ = ["GO_VERSION", "VERSION"]
