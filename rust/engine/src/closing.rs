//! The end of a chain: the row that `governance.close` writes, after which no block follows (docs/adr/0020-closing-and-continuing.md).

use std::sync::Arc;

use codec::key;
use store::{Keyspace, View};

use crate::enact;
use crate::engine::Engine;
use crate::execute::Execution;
use crate::prepare::Drop;
use crate::Error;

/// Table of the contract `governance` that holds the one row.
const TABLE: &str = "closings";

/// The row that says when, by whom and why the chain was closed, as the state keeps it.
pub(crate) type Row = Arc<[u8]>;

/// Flat key of the row of this chain.
pub(crate) fn row_key(chain: &str) -> Vec<u8> {
    let mut flat = key::prefix(enact::CONTRACT, TABLE);
    key::push_text(&mut flat, chain);
    flat
}

/// The row of a chain that is closed.
pub(crate) fn stored(view: &View, chain: &str) -> Result<Option<Row>, Error> {
    Ok(view.get(Keyspace::State, &row_key(chain))?)
}

/// Why a transaction of a closed chain gets no entry.
pub(crate) fn dropped(height: u64) -> Drop {
    Drop::new(
        "dropped.chain_closed",
        format!("the chain was closed by block {height}, its last one"),
        "nothing follows on this chain; what it holds can be read and proved",
    )
}

impl Execution<'_> {
    /// Sees whether what just ran closed the chain: nothing runs behind it.
    pub(crate) fn note_closing(&mut self) {
        self.closed = self.closed || self.state.writes(&self.closing);
    }
}

impl Engine {
    /// The row that closed the chain, encoded; none where it is open.
    pub fn closed(&self) -> Option<Arc<[u8]>> {
        self.head().closed.clone()
    }
}
