//! The bodies of the fuzz targets; see README.md.

pub mod cbor_decode;
pub mod cose_parse;
pub mod envelope_parts;
pub mod key_decode;
pub mod quorum_seal;
