//! Values to and from canonical CBOR, by the types of annotations.

mod conform;
mod decode;
mod encode;

pub(crate) use conform::const_conforms;
pub(crate) use decode::Undecodable;
