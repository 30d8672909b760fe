//! Blocks that are applied and not yet in the backing store, and reads across both.

pub(crate) mod layer;
pub(crate) mod merge;
pub(crate) mod table;
