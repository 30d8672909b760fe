"""Every limit of the Python side in one place, with its unit in the name and the reason.

Limits that decide what a chain accepts are parameters of its genesis; these only bound queues,
frames and files of one process, and may differ between nodes.
"""

# One value may nest this deep (docs/protocol/formats.md); the core refuses deeper input as well.
VALUE_DEPTH_LEVELS = 32

# A call without its own figures gets these. Ten million gas is a hundred times what a plain
# transfer spends; two minutes let a busy queue drain without leaving ids live for long.
DEFAULT_GAS = 10_000_000
DEFAULT_EXPIRY_MS = 120_000
VIEW_GAS = 50_000_000

TRANSACTION_RANDOM_BYTES = 16
APPLICATION_CHARACTERS = 128
ATTACHMENTS = 16

# Genesis parameters of a new chain. Ten minutes of replay horizon is what the ids of a full
# chain (15,000 a second) fit into a few hundred MB for. A block of 4 MB is written and synced in
# about 10 ms on an ordinary disk, and ten thousand transactions execute well under a second.
REPLAY_HORIZON_MS = 600_000
BLOCK_BYTES = 4_194_304
BLOCK_TRANSACTIONS = 10_000
BLOCK_GAS = 1_000_000_000
# A block runs timers with a quarter of its gas; five of the largest fit, and a thousand small ones.
BLOCK_TIMERS = 1_000
TIMER_GAS = 50_000_000
TRANSACTION_BYTES = 131_072
TRANSACTION_GAS = 100_000_000
TRANSACTION_SIGNERS = 16

# A node whose last block is older than this first follows until it is even with the others, without
# its key: it may have been put back from a copy. Where too few of them answer, it waits as long.
GUARD_FRESH_MS = 10_000
GUARD_WAIT_SECONDS = 30.0
# A start looks for this node's last vote in as many seals: what is older was signed long before.
GUARD_SEALS = 100

# The sequencer's queue: about four seconds of work at full speed; more waiting than that only
# makes every caller's answer late, so the next one is told to come back.
QUEUE_TRANSACTIONS = 60_000
QUEUE_BYTES = 67_108_864
# Where one organisation has filled the queue, another one that has at most an eighth of it waiting
# finds room in a quarter more.
QUEUE_LITTLE = 8
QUEUE_SPARE = 4
# While one organisation has more than this waiting, and another one submitted less within so many
# seconds, a batch and a block are this small: thousands hold up nobody else's next call for long,
# and some throughput is the price.
CONTENDED_SECONDS = 2.0
CONTENDED_TRANSACTIONS = 512
# One prepared batch: large enough that a signature batch fills both cores, small enough that the
# block before it is not held up.
BATCH_TRANSACTIONS = 4_000
BATCH_BYTES = 2_097_152
# Prepared batches that wait for execution: one in work, one ready.
PREPARED_BATCHES = 2

# A wall clock that leaves the monotonic clock by more than this has been set, not disciplined.
CLOCK_TOLERANCE_MS = 2_000

# A wait for a timer is looked at anew this often: a machine may sleep meanwhile, or its clock be
# set right. Where no block may be made at the moment, it is tried again sooner.
TIMER_WAIT_SECONDS = 60.0
TIMER_RETRY_SECONDS = 1.0
# A tick that has led to no block by then is sent again: CometBFT may have lost it.
TICK_AGAIN_MS = 1_000

# Pages of a range read; a caller who wants more asks for the next page.
PAGE_ROWS = 1_000
BLOCKS_PAGE = 64
# Blocks in one exported file (docs/protocol/formats.md, "Export").
EXPORT_BLOCKS_PER_FILE = 1_000

# Abbreviated ids, as in git: shorter ones would be ambiguous after a day.
ABBREVIATION_HEX_DIGITS = 4
ABBREVIATION_CANDIDATES = 8

# An identity file holds one key in PEM; anything larger is not one.
IDENTITY_FILE_BYTES = 65_536
PASSPHRASE_BYTES = 1_024

# A file that organisations pass around to begin a chain: sources of contracts and each other's
# members. Each organisation runs a validator, and CometBFT takes as many peers as PEERS says.
CEREMONY_FILE_BYTES = 16_777_216
CEREMONY_ORGANISATIONS = 256
CEREMONY_MEMBERS = 1_000

# Local socket. A frame holds at least one full block and every receipt; 16 MiB also bounds what a
# stranger with access to the socket can make the node allocate.
FRAME_BYTES = 16_777_216
# Pages of blocks sent in one frame stay well below it.
PAGE_BYTES = 8_388_608
CONNECTIONS = 128
CONNECTION_REQUESTS = 256
# A client that does not read its answers for this long is cut off; it holds memory of the node.
CLIENT_STALL_SECONDS = 30.0
# sun_path is 108 bytes on Linux and 104 on other systems, the closing zero byte included.
SOCKET_PATH_BYTES = 100
CONNECT_SECONDS = 5.0
START_SECONDS = 120.0
STOP_SECONDS = 60.0

# A set of validators: each signs every block and stands in every seal (docs/protocol/formats.md).
VALIDATORS = 1_000
VALIDATOR_POWER = 2**40

# ABCI, between CometBFT and us on one machine. CometBFT takes no block above 100 MiB: one that a
# lying proposer makes that large must still be read to be voted against.
ABCI_MESSAGE_BYTES = 134_217_728
# Transactions, votes or updates in one message; a proposal with more is voted against unread.
ABCI_ITEMS = 100_000
# CometBFT makes four connections; a few more while old ones are dying.
ABCI_CONNECTIONS = 16
# What is read at once, and how many bytes of answers may wait for more input before they leave.
ABCI_READ_BYTES = 262_144
ABCI_ANSWER_BYTES = 1_048_576
# How long stopping waits for a call of the application that is under way.
ABCI_STOP_SECONDS = 30.0

# lianheng.toml names a chain, a key and some peers; anything larger is not one.
SETTINGS_FILE_BYTES = 65_536
PEERS = 256
# Envelopes that wait in one node's mempool: about seven blocks; more only makes every answer late.
# At least two of the largest transactions fit; more than a gigabyte is memory that a node needs.
MEMPOOL_BYTES = 33_554_432
MEMPOOL_BYTES_LEAST = 16_777_216
MEMPOOL_BYTES_MOST = 1_073_741_824
MEMPOOL_ENVELOPES = 2_000
# Memory of a ledger at rest, MB: rows, the state's tree, blocks and what is not on disk in order
# yet. By default a million keys stay at hand; nodes that share a machine get less.
CACHE_MB = 640
CACHE_MB_LEAST = 16
CACHE_MB_MOST = 65_536
CACHE_MB_SHARED = 64
# One envelope, or the largest lone transaction that a genesis can allow, with its head.
CONSENSUS_TRANSACTION_BYTES = 5_242_880
# A node that keeps fewer blocks could not help another that was down for a minute.
RETAIN_BLOCKS_LEAST = 1_000
RETAIN_BLOCKS_MOST = 2**40

# CometBFT's log: one file in use and one old one, enough for the hours before a failure.
COMET_LOG_BYTES = 16_777_216
COMET_LOG_LINE_BYTES = 65_536
# Its last lines, kept for the message of an error.
COMET_LAST_LINES = 20
# Restarts: a child that fails this often within the time is not going to run.
COMET_FAILURES = 5
COMET_FAILURE_WINDOW_SECONDS = 60.0
COMET_RESTART_FIRST_SECONDS = 0.25
COMET_RESTART_LONGEST_SECONDS = 8.0
# Closing its databases takes about a second; one that needs longer hangs.
COMET_STOP_SECONDS = 10.0
# An old child that lost its parent ends at once; its lock is free soon after.
COMET_LOCK_WAIT_SECONDS = 20.0

# CometBFT's RPC on this machine. A request bears one envelope in base64, an answer one block.
RPC_BODY_BYTES = 10_000_000
RPC_ANSWER_BYTES = 209_715_200
RPC_CONNECT_SECONDS = 2.0
RPC_SECONDS = 15.0
RPC_CONNECTIONS = 16
RPC_PAGE = 100
# A full mempool has room again after about a block.
MEMPOOL_RETRY_MS = 200
CATCHING_UP_RETRY_MS = 1_000

# Seals: asked for directly after a block, then ever less often; taken in portions at start-up.
SEAL_FIRST_SECONDS = 0.005
# Where it cannot be there yet: CometBFT starts, or the block after it is not decided.
SEAL_POLL_SECONDS = 0.05
SEAL_LONGEST_SECONDS = 2.0
# One that is bad or gone for good; it does not hold up the others.
SEAL_ASIDE_SECONDS = 300.0
SEAL_PORTION = 64
# Nodes of a network on one machine: each is two processes of some 200 MB together.
LOCAL_NODES = 16

# Envelopes (docs/protocol/formats.md). What a node gathers leaves room for the head and for five
# bytes of length a transaction; the head has at most 340 bytes.
ENVELOPE_BYTES = 262_144
ENVELOPE_TRANSACTIONS = 2_000
ENVELOPE_HEAD_BYTES = 512
ENVELOPE_TRANSACTION_OVERHEAD_BYTES = 5
# Opened envelopes that a node remembers: twice the mempool, so that what was checked there is not
# opened again for a proposal or its block. Decoded they take about three times as much memory.
POOL_BYTES = 67_108_864
# Hashes of envelopes decided lately: more than CometBFT's mempool cache (10,000) remembers.
DECIDED_ENVELOPES = 16_384
# Transactions that can never be ordered cost their receivers a signature check each. A node that
# gathers honestly drops them before it signs, so this many in a minute (40 ms of one core) leave
# room for two versions that differ, not for a flood.
BAD_TRANSACTIONS = 1_000
BAD_WINDOW_MS = 60_000
# Envelopes of ours under way: enough to fill a block while the next one is gathered, and far less
# than an organisation's share of the mempool.
FLIGHT_ENVELOPES = 32
FLIGHT_BYTES = 4_194_304
# While envelopes are under way the next one waits for company about half a block, within bounds.
GATHER_SHORTEST_MS = 2
GATHER_LONGEST_MS = 250
# An envelope that nobody saw in a block for this long is sent again: CometBFT may have restarted
# with an empty mempool. Ten times what a full block takes.
REBROADCAST_MS = 5_000
BROADCAST_FIRST_RETRY_MS = 50
BROADCAST_LONGEST_RETRY_MS = 2_000
# Without any block this long after its expiry the outcome of an envelope is called unknown: the
# network does not decide, and its caller should not wait for ever.
OUTCOME_GRACE_MS = 30_000
# Closing waits this long for what is under way.
FLIGHT_CLOSE_SECONDS = 10.0
# Block time is the median of the votes before, so it is old after a rest (design.md section 6).
STALE_BLOCK_TIME_MS = 2_000
# Blocks that the estimate of gas per transaction rests on, and results read of each batch for it.
GAS_MEAN_BLOCKS = 16
GAS_SAMPLES = 16
# How long a receipt waits for its seal: the next block, which takes less than a second.
SEAL_WAIT_SECONDS = 5.0
# How long a starting node waits for others before it says who is missing. CometBFT spreads its
# first calls to peers over three seconds.
PEERS_SECONDS = 6.0
# Blocks over which votes are counted for people.
VOTES_BLOCKS = 100
