//! Deployed sources that a source to be compiled imports: found by the first bytes of their hashes.

use codec::cbor::Decoder;
use codec::key;
use crypto::Hash32;

use crate::deploy::{CONTRACT, GAS_PER_SOURCE_BYTE};
use crate::formats::result::Refusal;
use crate::overlay::{BlockState, Span, TransactionState};
use crate::runtime::{Imports, Runtime};
use crate::Error;

/// Bytes of a hash that a module's name has.
const NAME_BYTES: usize = 8;

/// Sources that share the start of their hash: two are enough to be ambiguous.
const SAME: usize = 2;

/// Sources that a compilation may look at: what comments mention counts, too.
const LOOKED_AT: usize = 64;

/// A deployed source: hash and text.
pub(crate) type Found = (Hash32, String);

/// Finds sources by the first digits of their hashes, at most [`SAME`].
pub(crate) type Lookup<'a> = dyn FnMut(&str) -> Result<Vec<Found>, Error> + 'a;

/// What stopped the gathering of imports.
pub(crate) enum Stopped {
    /// The transaction is refused, and costs this gas.
    Refused(u64, Refusal),
    /// The store failed.
    Failed(Error),
}

/// All that a source imports, and the gas for compiling it with them; `most` is the gas limit.
pub(crate) fn gather(
    source: &str,
    runtime: &dyn Runtime,
    lookup: &mut Lookup<'_>,
    most: u64,
) -> Result<(Imports, u64), Stopped> {
    let cost = |bytes: usize| GAS_PER_SOURCE_BYTE.saturating_mul(bytes as u64);
    let mut bytes = source.len();
    let mut imports = Imports::new();
    let mut waiting = runtime.imports(source);
    while let Some(digits) = waiting.pop() {
        if imports.contains_key(&digits) || imports.len() >= LOOKED_AT {
            continue;
        }
        let found = lookup(&digits).map_err(Stopped::Failed)?;
        for (_, text) in &found {
            bytes = bytes.saturating_add(text.len());
            waiting.extend(runtime.imports(text));
        }
        if cost(bytes) > most {
            break;
        }
        imports.insert(digits, found);
    }
    if cost(bytes) > most {
        let message = format!(
            "compiling {bytes} bytes, imported ones included, costs {} gas, the limit is {most}",
            cost(bytes)
        );
        let refusal =
            Refusal::new("gas.exhausted", message).hint("sign it with a higher gas limit");
        return Err(Stopped::Refused(most, refusal));
    }
    Ok((imports, cost(bytes)))
}

/// The flat keys of sources whose hash begins with these digits; none where they are no digits.
pub(crate) fn span_of(digits: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut start = Vec::with_capacity(NAME_BYTES);
    for at in (0..digits.len()).step_by(2) {
        start.push(u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?);
    }
    if start.len() != NAME_BYTES {
        return None;
    }
    let mut from = key::prefix(CONTRACT, "sources");
    key::push_bytes(&mut from, &start);
    // Without the byte that ends the text: longer ones begin so.
    from.pop();
    let to = key::prefix_end(&from)?;
    Some((from, to))
}

/// A row of `contracts.sources`.
pub(crate) fn source_of(flat: &[u8], value: &[u8]) -> Result<Found, Error> {
    let (_, _, rest) = key::split(flat)?;
    let hash = match key::Reader::new(rest).next_part()? {
        Some(key::Part::Bytes(bytes)) => bytes.as_slice().try_into().ok().map(Hash32),
        _ => None,
    };
    let hash = hash.ok_or_else(|| crate::open::damaged("a source lies under no hash"))?;
    let mut decoder = Decoder::new(value);
    Ok((hash, decoder.text()?.to_owned()))
}

/// Sources in the state of a block by the first digits of their hashes.
pub(crate) fn in_block(block: &BlockState<'_>, digits: &str) -> Result<Vec<Found>, Error> {
    let Some((from, to)) = span_of(digits) else {
        return Ok(Vec::new());
    };
    let span = Span {
        from,
        to: Some(to),
        limit: SAME,
        reverse: false,
    };
    let rows = TransactionState::new(block).scan(&span)?;
    let rows = rows.iter().map(|(key, value)| source_of(key, value));
    rows.collect()
}

/// Sources among the rows of a genesis by the first digits of their hashes.
pub(crate) fn in_rows(rows: &[(Vec<u8>, Vec<u8>)], digits: &str) -> Result<Vec<Found>, Error> {
    let Some((from, to)) = span_of(digits) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<Found> = Vec::new();
    for (key, value) in rows.iter().filter(|(key, _)| *key >= from && *key < to) {
        let one = source_of(key, value)?;
        if !found.contains(&one) {
            found.push(one);
        }
    }
    Ok(found)
}
