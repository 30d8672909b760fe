//! Encoding, hashing and signing for Python.

use std::collections::HashMap;

use codec::cbor;
use crypto::{Check, Hash32, SigningKey, Suite};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;

use crate::error::{raise, raise_codec, raise_crypto};
use crate::value;

const SUITE: Suite = Suite::One;

/// Exactly 32 bytes, or an error that says so.
pub fn bytes32(name: &str, bytes: &[u8]) -> PyResult<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| PyValueError::new_err(format!("{name} has {} bytes, not 32", bytes.len())))
}

/// The canonical encoding of a value.
#[pyfunction]
pub fn cbor_encode<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let value = value::from_python(value, 0)?;
    let mut encoder = cbor::Encoder::new();
    encoder.value(&value).map_err(raise_codec)?;
    Ok(PyBytes::new(py, encoder.as_slice()))
}

/// The value of canonical bytes; everything else is refused.
#[pyfunction]
pub fn cbor_decode<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    value::to_python(py, &cbor::decode(data).map_err(raise_codec)?)
}

/// The suite's hash.
#[pyfunction]
pub fn hash_bytes<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &SUITE.hash(data).0)
}

/// The key id of a public key.
#[pyfunction]
pub fn key_id<'py>(py: Python<'py>, public: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(
        py,
        &SUITE.key_id(&bytes32("the public key", public)?).0,
    ))
}

/// The public key of a seed.
#[pyfunction]
pub fn public_key<'py>(py: Python<'py>, seed: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(
        py,
        SigningKey::from_seed(&bytes32("the seed", seed)?).public(),
    ))
}

/// Refuses a public key that may not be registered.
#[pyfunction]
pub fn check_public_key(public: &[u8]) -> PyResult<()> {
    SUITE
        .check_public_key(&bytes32("the public key", public)?)
        .map_err(raise_crypto)
}

fn signing_keys(seeds: &[Vec<u8>]) -> PyResult<Vec<SigningKey>> {
    seeds
        .iter()
        .map(|seed| Ok(SigningKey::from_seed(&bytes32("a seed", seed)?)))
        .collect()
}

/// A COSE message: one seed makes COSE_Sign1, several COSE_Sign.
#[pyfunction]
pub fn cose_sign<'py>(
    py: Python<'py>,
    seeds: Vec<Vec<u8>>,
    payload: &[u8],
    external_aad: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let keys = signing_keys(&seeds)?;
    let keys: Vec<&SigningKey> = keys.iter().collect();
    let signed = crypto::cose::sign(SUITE, &keys, payload, external_aad).map_err(raise_crypto)?;
    Ok(PyBytes::new(py, &signed))
}

/// Checks a COSE message whose signers are these keys, in this order; gives its payload.
#[pyfunction]
pub fn cose_verify<'py>(
    py: Python<'py>,
    signed: &[u8],
    public_keys: Vec<Vec<u8>>,
    external_aad: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let parsed = crypto::cose::parse(SUITE, signed, public_keys.len()).map_err(raise_crypto)?;
    if parsed.signatures.len() != public_keys.len() {
        let message = format!(
            "{} signatures, {} keys",
            parsed.signatures.len(),
            public_keys.len()
        );
        return Err(raise(engine::Error::new("cose.signers", message)));
    }
    for (index, (signature, key)) in parsed.signatures.iter().zip(&public_keys).enumerate() {
        let key = bytes32("a public key", key)?;
        if signature.key_id != SUITE.key_id(&key) {
            let message = format!("signature {index} is by key {}", signature.key_id);
            return Err(raise(engine::Error::new("cose.signers", message)));
        }
        let input = crypto::cose::signing_input(&parsed, index, external_aad);
        SUITE
            .verify(&key, &input, signature.signature)
            .map_err(raise_crypto)?;
    }
    Ok(PyBytes::new(py, parsed.payload))
}

/// The id of a transaction with this payload.
#[pyfunction]
pub fn transaction_id<'py>(
    py: Python<'py>,
    payload: &[u8],
    genesis_hash: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let genesis = Hash32(bytes32("the genesis hash", genesis_hash)?);
    Ok(PyBytes::new(
        py,
        &engine::formats::transaction::transaction_id(SUITE, genesis, payload).0,
    ))
}

/// Signs payload after payload, each by the seed at its place, on all cores.
#[pyfunction]
pub fn sign_many<'py>(
    py: Python<'py>,
    seeds: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    genesis_hash: &[u8],
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    if seeds.len() != payloads.len() {
        return Err(PyValueError::new_err(format!(
            "{} seeds, {} payloads",
            seeds.len(),
            payloads.len()
        )));
    }
    let mut keys = HashMap::new();
    for seed in &seeds {
        if !keys.contains_key(seed) {
            keys.insert(
                seed.clone(),
                SigningKey::from_seed(&bytes32("a seed", seed)?),
            );
        }
    }
    let aad = genesis_hash.to_vec();
    let signed: Result<Vec<Vec<u8>>, crypto::Error> = py.detach(|| {
        seeds
            .par_iter()
            .zip(&payloads)
            .map(|(seed, payload)| crypto::cose::sign(SUITE, &[&keys[seed]], payload, &aad))
            .collect()
    });
    Ok(signed
        .map_err(raise_crypto)?
        .iter()
        .map(|bytes| PyBytes::new(py, bytes))
        .collect())
}

/// Verifies `count` signatures by 1,000 keys over 300-byte messages on `threads` threads; gives the seconds.
#[pyfunction]
pub fn bench_signatures(py: Python<'_>, count: usize, threads: usize) -> PyResult<f64> {
    py.detach(|| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .build();
        let pool = pool.map_err(|error| engine::Error::new("bench.threads", error.to_string()))?;
        let keys: Vec<SigningKey> = (0..1_000_u64).map(bench_key).collect();
        let signed: Vec<_> = pool.install(|| {
            (0..count)
                .into_par_iter()
                .map(|at| {
                    let key = &keys[at % keys.len()];
                    let message = vec![(at % 251) as u8; 300];
                    (*key.public(), key.sign(&message), message)
                })
                .collect()
        });
        let checks: Vec<Check<'_>> = signed
            .iter()
            .map(|(key, signature, message)| Check {
                key,
                message,
                signature,
            })
            .collect();
        let started = std::time::Instant::now();
        let verdicts = pool.install(|| SUITE.verify_many(&checks));
        let seconds = started.elapsed().as_secs_f64();
        if verdicts.len() != count || verdicts.contains(&false) {
            return Err(engine::Error::new(
                "bench.signatures",
                "a good signature was refused",
            ));
        }
        Ok(seconds)
    })
    .map_err(raise)
}

fn bench_key(number: u64) -> SigningKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SigningKey::from_seed(&seed)
}
