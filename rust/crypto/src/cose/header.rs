//! The protected header, of which the profile knows one per key.

use codec::cbor::{Decoder, MapReader};

use crate::{Error, Hash32, Suite};

/// `{1: -19, 4: key id}` in deterministic encoding, up to the bytes of the key id.
const PROTECTED_START: [u8; 6] = [0xa2, 0x01, 0x32, 0x04, 0x58, 0x20];

const PROTECTED_BYTES: usize = PROTECTED_START.len() + 32;

/// The header of a signer.
pub(super) fn encode(suite: Suite, key_id: &Hash32) -> [u8; PROTECTED_BYTES] {
    let Suite::One = suite;
    let mut header = [0; PROTECTED_BYTES];
    header[..PROTECTED_START.len()].copy_from_slice(&PROTECTED_START);
    header[PROTECTED_START.len()..].copy_from_slice(&key_id.0);
    header
}

/// The key id of a protected header that lies `at` this byte of the message.
#[inline]
pub(super) fn key_id(suite: Suite, protected: &[u8], at: usize) -> Result<Hash32, Error> {
    let Suite::One = suite;
    match protected
        .strip_prefix(&PROTECTED_START)
        .map(<[u8; 32]>::try_from)
    {
        Some(Ok(key_id)) => Ok(Hash32(key_id)),
        _ => Err(refused(suite, protected, at)),
    }
}

/// Says what is wrong with a protected header that is not the only one allowed.
#[cold]
#[inline(never)]
fn refused(suite: Suite, protected: &[u8], at: usize) -> Error {
    match read(suite, protected, at) {
        Err(error) => error,
        Ok(()) => Error::at(
            at,
            "cose.header",
            "the protected header must be {1: algorithm, 4: key id}",
        ),
    }
}

fn read(suite: Suite, protected: &[u8], at: usize) -> Result<(), Error> {
    let mut decoder = Decoder::new(protected);
    let inner = |error: codec::Error| {
        Error::at(
            at,
            error.code,
            format!("protected header: {}", error.message),
        )
    };
    let mut fields = MapReader::open(&mut decoder).map_err(inner)?;
    let mut seen = 0;
    while let Some(field) = fields.int_key(&mut decoder).map_err(inner)? {
        seen += 1;
        match field {
            1 => check_algorithm(suite, decoder.int().map_err(inner)?, at)?,
            4 => check_key_id(decoder.bytes().map_err(inner)?, at)?,
            _ => {
                let message = format!("header field {field} is not allowed, only 1 and 4 are");
                return Err(Error::at(at, "cose.header", message));
            }
        }
    }
    decoder.finish().map_err(inner)?;
    if seen < 2 {
        let message = "the protected header needs field 1 (algorithm) and field 4 (key id)";
        return Err(Error::at(at, "cose.header", message));
    }
    Ok(())
}

fn check_algorithm(suite: Suite, algorithm: i64, at: usize) -> Result<(), Error> {
    if algorithm == suite.algorithm() {
        return Ok(());
    }
    let message = format!(
        "algorithm {algorithm} is not the suite's, which is {}",
        suite.algorithm()
    );
    Err(Error::at(at, "cose.algorithm", message))
}

fn check_key_id(key_id: &[u8], at: usize) -> Result<(), Error> {
    if key_id.len() == 32 {
        return Ok(());
    }
    let message = format!(
        "a key id is a thumbprint of 32 bytes, this has {}",
        key_id.len()
    );
    Err(Error::at(at, "cose.key_id", message))
}
