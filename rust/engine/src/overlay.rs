//! What a transaction sees of the state: its own writes over the block's over the store's.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use store::{Keyspace, View};

use crate::formats::result::Refusal;
use crate::{limits, Error};

type Bytes = Arc<[u8]>;
type Writes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// Rows in key order, each a key and a value.
pub type Rows = Vec<(Vec<u8>, Bytes)>;

/// A span of keys to read.
#[derive(Clone, Debug)]
pub struct Span {
    /// First key.
    pub from: Vec<u8>,
    /// End of the span, not included; none: to the end.
    pub to: Option<Vec<u8>>,
    /// Most rows.
    pub limit: usize,
    /// From the end backwards.
    pub reverse: bool,
}

/// Writes of the block that is being executed, over the store.
pub struct BlockState<'a> {
    view: &'a View,
    state: Writes,
    index: Writes,
    written: usize,
    organisation: Arc<str>,
}

impl<'a> BlockState<'a> {
    /// No writes yet.
    pub fn new(view: &'a View) -> Self {
        BlockState {
            view,
            state: Writes::new(),
            index: Writes::new(),
            written: 0,
            organisation: Arc::from(""),
        }
    }

    /// Whose the rows are that calls write from here on; empty: nobody's.
    pub(crate) fn write_for(&mut self, organisation: Arc<str>) {
        self.organisation = organisation;
    }

    /// Whose the rows are that a call writes.
    pub(crate) fn organisation(&self) -> &Arc<str> {
        &self.organisation
    }

    /// Bytes by which a row grows, key and value.
    pub(crate) fn growth(&self, key: &[u8], value: Option<&[u8]>) -> Result<i64, Error> {
        let size = |value: &[u8]| i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX);
        let before = self.get(key)?.as_deref().map_or(0, size);
        Ok(value.map_or(0, size).saturating_sub(before))
    }

    /// Bytes by which the rows of a call grow together.
    pub(crate) fn growth_of(&self, changes: &Changes) -> Result<i64, Error> {
        changes.state.iter().try_fold(0_i64, |sum, (key, value)| {
            Ok(sum.saturating_add(self.growth(key, value.as_deref())?))
        })
    }

    /// Bytes written so far, keys and values.
    pub fn written_bytes(&self) -> usize {
        self.written
    }

    /// A row, as the next transaction would see it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        match self.state.get(key) {
            Some(value) => Ok(value.clone()),
            None => Ok(self.view.get(Keyspace::State, key)?),
        }
    }

    /// Whether the block wrote this row.
    pub(crate) fn writes(&self, key: &[u8]) -> bool {
        matches!(self.state.get(key), Some(Some(_)))
    }

    /// Writes a row outside a transaction: system tables.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.written = self.written.saturating_add(key.len() + value.len());
        self.state.insert(key, Some(value.into()));
    }

    /// Deletes a row outside a transaction.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.written = self.written.saturating_add(key.len());
        self.state.insert(key, None);
    }

    /// Deletes an index entry outside a transaction.
    pub(crate) fn delete_index(&mut self, key: Vec<u8>) {
        self.written = self.written.saturating_add(key.len());
        self.index.insert(key, None);
    }

    /// Takes over what a transaction wrote.
    pub fn absorb(&mut self, changes: Changes) {
        self.written = self.written.saturating_add(changes.written);
        self.state.extend(changes.state);
        self.index.extend(changes.index);
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.state.is_empty()
    }

    /// All writes: state and index.
    pub fn into_writes(self) -> (Writes, Writes) {
        (self.state, self.index)
    }
}

/// What one transaction wrote.
#[derive(Default)]
pub struct Changes {
    state: Writes,
    index: Writes,
    written: usize,
}

impl Changes {
    /// Rows and index entries that are written or deleted.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.state.len(), self.index.len())
    }
}

/// A limit of the engine that a call passed. The call is refused, whatever its contract makes of it.
#[derive(Clone, Copy, Debug)]
enum Exceeded {
    /// A key of so many bytes was read or written.
    Key(usize),
    /// More was written than one call may.
    Writes,
}

/// A transaction's view. Dropped as a whole when the transaction is refused.
pub struct TransactionState<'a, 'b> {
    block: &'b BlockState<'a>,
    changes: Changes,
    failure: Option<Error>,
    exceeded: Cell<Option<Exceeded>>,
    passed: Cell<u64>,
}

impl<'a, 'b> TransactionState<'a, 'b> {
    /// A view without writes of its own.
    pub fn new(block: &'b BlockState<'a>) -> Self {
        TransactionState {
            block,
            changes: Changes::default(),
            failure: None,
            exceeded: Cell::new(None),
            passed: Cell::new(0),
        }
    }

    /// Keeps a failure of the store: it stops the block, whatever the contract makes of it.
    pub fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// The failure that was kept, if any.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Why the call is refused although its contract may think that it went well.
    pub fn refusal(&self) -> Option<Refusal> {
        Some(match self.exceeded.get()? {
            Exceeded::Key(bytes) => {
                let most = limits::KEY_BYTES;
                let message =
                    format!("a key of {bytes} bytes; a row's or index entry's has at most {most}");
                Refusal::new("limit.key", message).hint("use a shorter id, or its hash")
            }
            Exceeded::Writes => {
                let most = limits::CALL_WRITE_BYTES >> 20;
                let message = format!("the call writes more than {most} MB");
                Refusal::new("limit.writes", message).hint("work in smaller parts")
            }
        })
    }

    /// Whether the store can hold this key. Where it cannot, there is nothing to read, and the call is refused in the end.
    fn fits(&self, key: &[u8], most: usize) -> bool {
        if key.len() > most && self.exceeded.get().is_none() {
            self.exceeded.set(Some(Exceeded::Key(key.len())));
        }
        key.len() <= most
    }

    /// Counts a write; false where it is not to be kept, because the call will be refused.
    fn may_write(&mut self, key: &[u8], value: usize) -> bool {
        self.changes.written = self.changes.written.saturating_add(key.len() + value);
        if self.changes.written > limits::CALL_WRITE_BYTES && self.exceeded.get().is_none() {
            self.exceeded.set(Some(Exceeded::Writes));
        }
        self.fits(key, limits::KEY_BYTES) && self.changes.written <= limits::CALL_WRITE_BYTES
    }

    /// Whose the rows are that are written.
    pub(crate) fn organisation(&self) -> &str {
        &self.block.organisation
    }

    /// What was written.
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// A row.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        if !self.fits(key, limits::KEY_BYTES) {
            return Ok(None);
        }
        match self.changes.state.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.block.get(key),
        }
    }

    /// Writes or deletes a row.
    pub fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        if !self.may_write(key, value.as_ref().map_or(0, Vec::len)) {
            return;
        }
        self.changes
            .state
            .insert(key.to_vec(), value.map(Bytes::from));
    }

    /// Writes or deletes an index entry.
    pub fn set_index(&mut self, key: &[u8], present: bool) {
        if !self.may_write(key, 0) {
            return;
        }
        self.changes
            .index
            .insert(key.to_vec(), present.then(|| Bytes::from([].as_slice())));
    }

    /// Rows of a span.
    pub fn scan(&self, span: &Span) -> Result<Rows, Error> {
        self.merged(
            Keyspace::State,
            span,
            &self.block.state,
            &self.changes.state,
        )
    }

    /// Index entries of a span.
    pub fn scan_index(&self, span: &Span) -> Result<Rows, Error> {
        self.merged(
            Keyspace::Index,
            span,
            &self.block.index,
            &self.changes.index,
        )
    }

    fn merged(
        &self,
        keyspace: Keyspace,
        span: &Span,
        block: &Writes,
        own: &Writes,
    ) -> Result<Rows, Error> {
        // A cursor is a key and one byte more.
        let most = limits::KEY_BYTES + 1;
        let fits =
            self.fits(&span.from, most) && self.fits(span.to.as_deref().unwrap_or_default(), most);
        if !fits || span.is_empty() {
            return Ok(Vec::new());
        }
        let mut over = Layers::new(block, own, span);
        if over.peek().is_none() {
            return scan_view(self.block.view, keyspace, span);
        }
        let rows = merge(self.block.view, keyspace, span, &mut over);
        self.passed
            .set(self.passed.get().saturating_add(over.deleted));
        rows
    }

    /// How many deleted entries the scans since the last question went past.
    pub fn take_passed(&self) -> u64 {
        self.passed.take()
    }
}

type Write<'w> = (&'w [u8], &'w Option<Bytes>);
type InOrder<'w> = Peekable<Box<dyn Iterator<Item = Write<'w>> + 'w>>;

/// Writes of a span in the order of a scan: those of a call hide the block's. Takes no more of
/// them than are asked for.
struct Layers<'w> {
    block: InOrder<'w>,
    own: InOrder<'w>,
    reverse: bool,
    /// Deletions that were given.
    deleted: u64,
}

impl<'w> Layers<'w> {
    fn new(block: &'w Writes, own: &'w Writes, span: &Span) -> Self {
        Layers {
            block: in_order(block, span),
            own: in_order(own, span),
            reverse: span.reverse,
            deleted: 0,
        }
    }

    /// Which layer's next write comes first; with the same key both do.
    fn order(&mut self) -> Option<Ordering> {
        Some(match (self.block.peek(), self.own.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((block, _)), Some((own, _))) if self.reverse => own.cmp(block),
            (Some((block, _)), Some((own, _))) => block.cmp(own),
        })
    }

    fn peek(&mut self) -> Option<&[u8]> {
        let first = match self.order()? {
            Ordering::Less => self.block.peek(),
            _ => self.own.peek(),
        };
        first.map(|(key, _)| *key)
    }

    fn next(&mut self) -> Option<Write<'w>> {
        let order = self.order()?;
        let of_block = (order != Ordering::Greater)
            .then(|| self.block.next())
            .flatten();
        let found = match order {
            Ordering::Less => of_block,
            _ => self.own.next(),
        };
        self.deleted += u64::from(found.is_some_and(|(_, value)| value.is_none()));
        found
    }
}

fn in_order<'w>(writes: &'w Writes, span: &Span) -> InOrder<'w> {
    let found = writes
        .range::<[u8], _>(span.bounds())
        .map(|(key, value)| (key.as_slice(), value));
    let boxed: Box<dyn Iterator<Item = Write<'w>> + 'w> = if span.reverse {
        Box::new(found.rev())
    } else {
        Box::new(found)
    };
    boxed.peekable()
}

impl Span {
    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(self.from.as_slice()), to)
    }
}

/// Rows of a span in a view of the store alone.
pub fn scan_view(view: &View, keyspace: Keyspace, span: &Span) -> Result<Rows, Error> {
    // No stored key is longer than the limit: with one byte more than it, a bound cuts at the same place. The store takes no longer ones.
    let cut = |bound: &[u8]| bound[..bound.len().min(limits::KEY_BYTES + 1)].to_vec();
    let span = Span {
        from: cut(&span.from),
        to: span.to.as_deref().map(cut),
        ..*span
    };
    if span.is_empty() {
        return Ok(Rows::new());
    }
    let (from, to) = span.bounds();
    view.range(keyspace, from, to, span.reverse)
        .take(span.limit)
        .map(|row| {
            row.map(|(key, value)| (key.to_vec(), value))
                .map_err(Error::from)
        })
        .collect()
}

/// Stored rows and writes in one order; a write hides the stored row of its key.
fn merge(
    view: &View,
    keyspace: Keyspace,
    span: &Span,
    over: &mut Layers<'_>,
) -> Result<Rows, Error> {
    let (from, to) = span.bounds();
    let mut stored = view.range(keyspace, from, to, span.reverse).peekable();
    let mut rows = Rows::new();
    while rows.len() < span.limit {
        let order = match (stored.peek(), over.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Err(_)), _) => Ordering::Less,
            (Some(Ok((key, _))), Some(written)) if span.reverse => written.cmp(key),
            (Some(Ok((key, _))), Some(written)) => key.as_ref().cmp(written),
        };
        if order != Ordering::Greater {
            if let Some(row) = stored.next() {
                let (key, value) = row?;
                if order == Ordering::Less {
                    rows.push((key.to_vec(), value));
                }
            }
        }
        if order != Ordering::Less {
            if let Some((key, Some(value))) = over.next() {
                rows.push((key.to_vec(), Bytes::clone(value)));
            }
        }
    }
    Ok(rows)
}
