//! Limits of the engine, each with its unit and its reason. What a chain may choose stands in its genesis parameters.

/// Longest names of chains, organisations, contracts, tables and methods, in bytes: they are keys of the state.
pub const NAME_BYTES: usize = 63;

/// Longest member id, in bytes: two names and the sign between them.
pub const MEMBER_ID_BYTES: usize = 2 * NAME_BYTES + 1;

/// Most keys of a member: a check of its signature outside of a transaction may try each.
pub const MEMBER_KEYS: usize = 16;

/// Longest `application` of a transaction, in bytes: a reference for the sender's own books.
pub const APPLICATION_BYTES: usize = 128;

/// Most attachments of a transaction.
pub const ATTACHMENTS: usize = 16;

/// Longest genesis file, in bytes: 100,000 members with a key each fit twice.
pub const GENESIS_BYTES: usize = 64 * 1024 * 1024;

/// Most validators of a set: CometBFT's votes of more do not fit a block in time.
pub const SEALERS: usize = 1_000;

/// Most power of a validator: sums of a whole set stay far below CometBFT's 2^60.
pub const SEALER_POWER: u64 = 1 << 40;

/// Most steps of a receipt from its anchor's set to the sealing one: a verifier checks a commit for each.
pub const STEPS: usize = 256;

/// Longest envelope with more than one transaction, in bytes: consensus gossips it as one piece.
pub const ENVELOPE_BYTES: usize = 262_144;

/// Most transactions of an envelope: what a hostile node can make others decode for one signature.
pub const ENVELOPE_TRANSACTIONS: usize = 2_000;

/// Longest head of an envelope, in bytes: twice what the longest member id makes it.
pub const ENVELOPE_HEAD_BYTES: usize = 1_024;

/// Longest flat key of a row or an index entry, in bytes: far above any id, and well below what the store can hold (65,535).
pub const KEY_BYTES: usize = 16 * 1024;

/// Most that one call may write, keys and values, in bytes: held in memory until the block is stored.
pub const CALL_WRITE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes written in a block after which it takes no further call.
pub const BLOCK_WRITE_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes of one call's return value and events: its receipt must stay a file that people pass on.
pub const RESULT_BYTES: usize = 1024 * 1024;

/// Bytes of entries in a block after which it takes no further call: with its transactions it fits the log and one frame of a node.
pub const BLOCK_ENTRY_BYTES: usize = 8 * 1024 * 1024;

/// Longest policy of a call, in bytes: each call reads it before any gas is spent.
pub const POLICY_BYTES: usize = 1_024;

/// One replay segment, in milliseconds.
pub const REPLAY_SEGMENT_MS: u64 = 60_000;

/// Longest text of a refusal's message, in bytes: it stands in the block for ever.
pub const MESSAGE_BYTES: usize = 1_024;

/// Changed buckets after which the inner levels of the tree are checkpointed: reading this many back at start takes about a second.
pub const CHECKPOINT_BUCKETS: usize = 100_000;

/// Bytes of seals that wait in memory for a block above which no further ones are asked for: thousands of seals of a small network.
pub const SEALS_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of late seals that one block writes at most: little beside the block itself.
pub const SEALS_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of seals that a rebuild of the store carries over, in memory for as long as it takes: some hundred thousands of seals of a
/// small network; the others are fetched again.
pub const SEALS_REBUILD_BYTES: usize = 512 * 1024 * 1024;

/// Ranges of heights without seal that the books hold one by one: each block writes them anew. There are more only where seals
/// were added in no order.
pub const UNSEALED_RANGES: usize = 1_000;

/// Rows that one read through the engine's interface returns at most.
pub const SCAN_ROWS: usize = 10_000;

/// Timers have one part in so many of a block: its gas, its entries, its writes. The rest is for transactions.
pub const TIMER_SHARE: u64 = 4;

/// Blocks of which the gas of each organisation is remembered, for people who watch: some minutes of a busy chain.
pub const USAGE_BLOCKS: usize = 100;

/// Buckets of the tree kept in memory, in bytes: about 140 a key, so a million keys stay at hand.
pub const TREE_CACHE_BYTES: usize = 256 * 1024 * 1024;

/// Memory at rest of a ledger that is opened, in bytes: the store's and the tree's.
pub const CACHE_BYTES: u64 = store::limits::MEMORY_BYTES + TREE_CACHE_BYTES as u64;

/// Least of it: below this, each block reads back what the last one wrote.
pub const CACHE_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Most steps that a trace records: more than anybody reads, and a few hundred megabytes at worst.
pub const TRACE_STEPS: usize = 1_000_000;

/// Longest key or value of a state file, in bytes: what the store holds at most.
pub const STATE_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of carried rows that are put into a new store at once.
pub const PRELOAD_BYTES: usize = 16 * 1024 * 1024;

/// Carried rows that are put into a new store at once.
pub const PRELOAD_ROWS: usize = 50_000;
