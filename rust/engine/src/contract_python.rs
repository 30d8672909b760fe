//! Contract Python behind the engine's traits.

use std::sync::Arc;

use codec::cbor::Value;

use crate::runtime::{Complaint, Contract, Runtime};
use crate::Error;

/// The runtime of contract Python.
pub struct ContractPython;

impl Runtime for ContractPython {
    fn compile(&self, _source: &str, _file: &str) -> Result<Vec<u8>, Vec<Complaint>> {
        Err(Vec::new())
    }

    fn load(&self, _code: &[u8]) -> Result<Arc<dyn Contract>, Error> {
        Err(Error::new("contract.unavailable", "no virtual machine"))
    }
}

/// The compiler's complaints about a source, as maps.
pub fn check_source(_source: &str, _file: &str) -> Vec<Value> {
    Vec::new()
}

/// The declaration of a source that compiles.
pub fn source_interface(_source: &str, _file: &str) -> Result<Value, Error> {
    Err(Error::new("contract.unavailable", "no virtual machine"))
}
