"""Every limit of the verifier, with its unit and its reason. Beyond a limit input is refused."""

from typing import Final

DEPTH_LEVELS: Final = 32
"""Nested arrays and maps, in levels: fixed by the formats."""

INTEGER_BYTES: Final = 512
"""Magnitude of an integer, in bytes: contracts cap integers at 4,096 bits."""

CONTAINER_ITEMS: Final = 1 << 20
"""Items of one array or map: far above the entries of a block."""

RECEIPT_BYTES: Final = 16 * 1024 * 1024
"""A receipt, in bytes: one transaction and its result, far above what a chain takes in."""

PROOF_BYTES: Final = 16 * 1024 * 1024
"""A state proof, in bytes: one row."""

GENESIS_BYTES: Final = 64 * 1024 * 1024
"""A genesis file, in bytes: 100,000 members with a key each fit twice."""

STATE_VALUE_BYTES: Final = 64 * 1024 * 1024
"""One key or value of a state file, in bytes: the most that a store holds."""

SOURCE_BYTES: Final = 1024 * 1024
"""The file given with --source, in bytes: a contract's source is at most 64 kB."""

HEADER_ITEM_BYTES: Final = 1024 * 1024
"""One item of headers.cbors, in bytes: a quorum seal by 1,000 validators has about 160 kB."""

BLOCK_ITEM_BYTES: Final = 64 * 1024 * 1024
"""One item of a blocks file, in bytes: the core's own limit for a block."""

READ_BYTES: Final = 1024 * 1024
"""Bytes read at once from an export."""

SIGNERS: Final = 256
"""Signers of one transaction: keeps the slow signature check below a few seconds."""

VOTES: Final = 1000
"""Votes of one proposal: the contract `governance` takes no more."""

LINKS: Final = 16
"""Links of one receipt: height 0, one for an older anchor, one for a newer one, and room."""

STEPS: Final = 256
"""Steps of one receipt: halving the way between two heights needs far fewer."""

VALIDATORS: Final = 1000
"""Keys of one set: fixed by the formats."""

VALIDATOR_POWER: Final = 1 << 40
"""Power of one key: fixed by the formats; so all power of a set fits 64 bits."""

COMET_HEIGHT: Final = (1 << 63) - 1
"""Greatest CometBFT height: it counts in signed 64 bits."""

COMET_ROUND: Final = (1 << 31) - 1
"""Greatest CometBFT round: it counts in signed 32 bits."""

COMET_PARTS: Final = (1 << 32) - 1
"""Greatest number of parts of a CometBFT block: unsigned 32 bits."""

COMET_SECONDS: Final = (-62_135_596_800, 253_402_300_799)
"""First and last second since 1970 that CometBFT can encode: years 1 to 9999."""

TRUSTING_PERIOD_MS: Final = 14 * 24 * 60 * 60 * 1000
"""For how long signatures prove what they say, in ms: fixed by the formats."""

HISTORY_PATH: Final = 64
"""Hashes of a path in a history or entries tree: leaves are counted in 64 bits."""

SIBLINGS: Final = 256
"""Siblings of a state proof: bits of a key hash."""

KEY_PARTS: Final = 64
"""Parts of a row's key: far above any table's."""

SHOWN_TEXT: Final = 200
"""Characters of one text or byte string that are printed."""

SHOWN_VALUE: Final = 1200
"""Characters of one value that are printed."""
