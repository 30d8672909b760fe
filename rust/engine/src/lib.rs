//! One chain's ledger: decode, verify, order or drop, execute in order, roots, commit, prove.
//!
//! What this crate does: [`Engine`] takes signed transactions and gives durable, provable results. The life of a call:
//! [`Engine::prepare`] decodes and verifies (any thread), [`Engine::execute`] runs a block in order and computes its header,
//! the caller seals the header, [`Engine::commit`] makes it durable, and evidence is read from the last block at any time.
//!
//! What it does not do: it reads no clock, draws no randomness, holds no private key, decides no order, and knows no Python.
//!
//! Rules it keeps
//! - Everything between the bytes of a block and its header is a pure function of the last head: nodes cannot differ.
//! - Nothing is confirmed before the log's fsync; an executed block that is not committed leaves no trace.
//! - A transaction is dropped (no entry, id free) or ordered (entry, id burnt); a refused one changes no row.
//! - A panic inside one call is caught there and becomes the refusal `engine.fault`.

mod audit;
mod authority;
pub mod bench;
mod callers;
mod carry;
mod chain_answers;
mod checkpoint;
mod closing;
mod contract_python;
mod declaration;
mod deploy;
mod enact;
mod engine;
pub mod envelope;
mod error;
mod evidence;
mod execute;
mod explain;
mod fair;
mod first_members;
mod first_policies;
pub mod formats;
mod head;
mod imports;
mod lifecycle;
pub mod limits;
mod members;
mod nested;
mod open;
mod opening;
mod overlay;
mod policy;
mod pool;
mod prepare;
mod reads;
mod replay;
mod resume;
mod roots;
pub mod runtime;
mod sealing;
mod seals;
mod shards;
mod shares;
mod standing;
mod state_file;
mod status;
mod steps;
mod timers;
mod turns;

pub use audit::{Checked, Progress, Replay};
pub use callers::BrokenCaller;
pub use carry::{check_document, check_state};
pub use contract_python::ContractPython;
pub use declaration::{
    check_source, check_types, source_callers, source_changes, source_interface, NamedSource,
};
pub use deploy::{GAS_PER_SOURCE_BYTE, POLICY as DEPLOY_POLICY, RESERVED as RESERVED_NAMES};
pub use engine::{Engine, Outcome, Pending};
pub use envelope::{Envelope, EnvelopeHead, Gathered};
pub use error::Error;
pub use evidence::{decode_parts, decode_value, encode_parts, key_part, part_value, Asked};
pub use execute::{Verdict, EVENTS_TABLE};
pub use explain::Explained;
pub use lifecycle::{Rehearsal, GAS_STATUS};
pub use members::{Directory, Member, Organisations, Rule, Standing};
pub use opening::{Opening, Recovery};
pub use overlay::{BlockState, Changes, Rows, Span, TransactionState};
pub use policy::{Agreement, Need, Policy};
pub use prepare::{Drop, Prepared, Transaction};
pub use reads::Range;
pub use replay::Digests;
pub use sealing::{Set, Validator, Validators};
pub use shares::{Part, Shares};
pub use state_file::{FORMAT as STATE_FORMAT, NAME as STATE_NAME};
pub use status::Status;
pub use store::fault::point as fault_point;
pub use timers::{timer_run_id, TIMER_RUN};
