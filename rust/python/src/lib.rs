//! The binding: the only crate that knows Python. It converts, releases the GIL, and calls the core.

mod bench_functions;
mod block_classes;
mod contract_functions;
mod crypto_functions;
mod engine_class;
mod envelope_class;
mod error;
mod figures;
mod policy_functions;
mod progress;
mod replay_class;
mod rows;
mod script;
mod steps;
mod value;

use pyo3::prelude::*;

// The core allocates many small things on several threads: this allocator takes 10 to 20 % off a block's time (ADR 0001).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Rust core of Lianheng.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("NativeError", module.py().get_type::<error::NativeError>())?;
    module.add_class::<engine_class::Engine>()?;
    module.add_class::<block_classes::Prepared>()?;
    module.add_class::<block_classes::Pending>()?;
    module.add_class::<block_classes::Outcome>()?;
    module.add_class::<envelope_class::Envelope>()?;
    module.add_class::<envelope_class::Gathered>()?;
    module.add_class::<replay_class::Replay>()?;
    module.add_function(wrap_pyfunction!(replay_class::replay_open, module)?)?;
    module.add_function(wrap_pyfunction!(replay_class::check_state, module)?)?;
    module.add_function(wrap_pyfunction!(replay_class::check_document, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::cbor_encode, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::cbor_decode, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::hash_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::key_id, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::public_key, module)?)?;
    module.add_function(wrap_pyfunction!(
        crypto_functions::check_public_key,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::cose_sign, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::cose_verify, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::transaction_id, module)?)?;
    module.add_function(wrap_pyfunction!(crypto_functions::sign_many, module)?)?;
    module.add_function(wrap_pyfunction!(
        crypto_functions::bench_signatures,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::check_contract,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::check_contract_types,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::contract_interface,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::contract_callers,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::contract_changes,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(policy_functions::explain_call, module)?)?;
    module.add_function(wrap_pyfunction!(policy_functions::bench_policy, module)?)?;
    module.add_function(wrap_pyfunction!(policy_functions::policy_text, module)?)?;
    module.add_function(wrap_pyfunction!(policy_functions::policy_names, module)?)?;
    module.add_function(wrap_pyfunction!(policy_functions::policy_admits, module)?)?;
    module.add_function(wrap_pyfunction!(policy_functions::policy_missing, module)?)?;
    module.add_function(wrap_pyfunction!(script::run_script, module)?)?;
    module.add_function(wrap_pyfunction!(bench_functions::bench_state, module)?)?;
    module.add_function(wrap_pyfunction!(bench_functions::bench_contract, module)?)?;
    module.add_function(wrap_pyfunction!(bench_functions::bench_upgrade, module)?)?;
    module.add_function(wrap_pyfunction!(bench_functions::bench_execute, module)?)?;
    module.add_function(wrap_pyfunction!(
        contract_functions::contract_operations,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(envelope_class::fault_point, module)?)?;
    Ok(())
}
