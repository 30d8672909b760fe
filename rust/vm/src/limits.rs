//! Limits of the language and of a running call, each with its unit and its reason.

/// Longest contract source, in bytes. A pack's largest contract has a tenth of this.
pub const SOURCE_BYTES: usize = 64 * 1024;

/// Brackets open at once. The parser recurses once or more per bracket.
pub const OPEN_BRACKETS: usize = 64;

/// Indented blocks inside of each other.
pub const INDENT_LEVELS: usize = 24;

/// Operators (binary, unary, comparison, attribute, call, subscript, `if`, `lambda`) in one
/// logical line or one bracket: left-associative chains make a tree as deep as they are long.
pub const CHAIN_OPERATORS: usize = 200;

/// Clauses of one `if`: the tree of a long chain is flat, the code that we make of it is not.
pub const ELIF_CLAUSES: usize = 200;

/// Stack of the thread that parses, checks and compiles, in bytes. The token pass bounds the tree
/// to a few hundred levels; each takes a few kilobytes in the parser's deepest path.
pub const PARSE_STACK_BYTES: usize = 32 * 1024 * 1024;

/// Diagnostics given in one run: after that, more help nobody.
pub const DIAGNOSTICS: usize = 50;

/// Registers of one function: locals and intermediate values.
pub const REGISTERS: usize = 1_000;

/// Instructions of one function: jump targets are 16 bits wide.
pub const INSTRUCTIONS: usize = 60_000;

/// Functions, classes, tables, names, constants and call shapes of a program, each.
pub const ITEMS: usize = 8_000;

/// Instructions of a whole program: copies of `finally` blocks can multiply the source.
pub const PROGRAM_INSTRUCTIONS: usize = 200_000;

/// Encoded program, in bytes: the source limit and the code that it can make.
pub const PROGRAM_BYTES: usize = 8 * 1024 * 1024;

/// Fields of a record or event.
pub const FIELDS: usize = 200;

/// Interfaces of other contracts that a program declares, and contracts that it uses, each.
pub const INTERFACES: usize = 64;

/// Contracts that a program uses.
pub const USES: usize = 64;

/// Deployed sources that one source imports, directly or not.
pub const IMPORTS: usize = 16;

/// Longest name of a contract, in bytes.
pub const CONTRACT_NAME: usize = 63;

/// Longest default, in bytes of its encoding, that an interface shows: one constant may be the default of
/// thousands of fields.
pub const DEFAULT_BYTES: usize = 1_024;

/// Steps of comparing an interface with a contract: types nest, and unions multiply.
pub const INTERFACE_STEPS: usize = 200_000;

/// Contracts active in one chain of calls: each has an interpreter of its own on the host's stack.
pub const CONTRACTS_DEEP: usize = 4;

/// Nested types in an annotation, in levels.
pub const TYPE_LEVELS: usize = 12;

/// Longest type in quotes, in bytes: the token pass does not look into texts.
pub const TYPE_BYTES: usize = 200;

/// Nested constants, in levels.
pub const CONST_LEVELS: usize = 16;

/// Calls active at once, in frames.
pub const CALL_FRAMES: usize = 64;

/// Calls active at once in a script, in frames: CPython's own limit.
pub const SCRIPT_FRAMES: usize = 1_000;

/// Calls through native code active at once in a script: it runs on a thread of its own.
pub const SCRIPT_NATIVE_FRAMES: usize = 100;

/// Calls through native code (a `key` of `sorted`, a function given to `map`) active at once:
/// each takes a few kilobytes of the host's stack.
pub const NATIVE_FRAMES: usize = 16;

/// Nested containers that comparing, hashing, formatting, checking or encoding goes into.
pub const VALUE_LEVELS: usize = 60;

/// Nested containers in a value that leaves the VM (row, result, event), in levels: the codec's
/// limit, less one for the map that carries it.
pub const ENCODED_LEVELS: usize = codec::limits::DEPTH_LEVELS - 2;

/// Iterators inside of each other (`enumerate(zip(...))`).
pub const ITERATOR_LEVELS: usize = 16;

/// Magnitude of an integer, in bits.
pub const INTEGER_BITS: u64 = codec::limits::INTEGER_BITS;

/// Live memory of one call as the VM counts it, in bytes.
pub const MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// Longest string or byte string, in bytes.
pub const STRING_BYTES: usize = 16 * 1024 * 1024;

/// Longest encoded row, result or event, in bytes.
pub const ENCODED_BYTES: usize = 1024 * 1024;

/// Rows that one listing may return: a call reads a bounded part of the state.
pub const SCAN_ROWS: i64 = 1_000;

/// Latest moment of a timer, ms since 1970: the end of the year 9999, as of dates.
pub const TIMER_MOMENT_MS: u64 = 253_402_300_799_999;

/// Arguments of a timer, in bytes: they wait in the state and stand in the entry of its run.
pub const TIMER_ARGUMENT_BYTES: usize = 16 * 1024;

/// Characters of a name that a diagnostic repeats.
pub const NAME_SHOWN: usize = 64;

/// Characters of a member's or organisation's name that a refusal repeats.
pub const PARTY_SHOWN: usize = 100;

/// Events of one call, notices to observers among them.
pub const EVENTS: usize = 1_000;

/// What a script may print, in bytes.
pub const OUTPUT_BYTES: usize = 1024 * 1024;

/// Gas that evaluating the module's constants may take when a contract is compiled.
pub const CONSTANTS_GAS: u64 = 1_000_000;

/// Text of another failure that a refusal repeats, in characters: it is read by people.
pub const SHOWN: usize = 1_000;

/// Longest code of a `Rejected`, in characters.
pub const REJECTED_CODE: usize = 64;

/// Largest scale of a decimal, in decimal places: enough for every unit in use.
pub const DECIMAL_SCALE: i64 = 30;

/// Longest text of a decimal, in characters: the largest integer has 1,234 digits.
pub const DECIMAL_CHARACTERS: usize = 1_300;

/// Weights of one allocation: each takes a few integers while it runs.
pub const WEIGHTS: usize = 10_000;

/// Shortest salt of a commitment, in bytes: with less, values from a short list can be guessed.
pub const SALT_BYTES: usize = 16;
