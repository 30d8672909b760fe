//! Signed messages: COSE (RFC 9052) in exactly one profile.
//!
//! One signer: `[protected, {}, payload, signature]` (COSE_Sign1). Several signers:
//! `[h'', {}, payload, [[protected, {}, signature], ...]]` (COSE_Sign). Untagged, deterministic
//! encoding, `protected` exactly `{1: algorithm, 4: key id}` with the suite's algorithm and the
//! signer's key thumbprint (RFC 9679), no key id twice. Each number of signers MUST use its form.
//! What the payload says and whose keys these are is not decided here.

mod header;

use codec::cbor::{Decoder, Encoder, Kind};

use crate::limits::SIGNATURE_BYTES;
use crate::{Error, Hash32, SigningKey, Suite};

/// A parsed message. Its signatures are not verified yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed<'a> {
    /// What was signed.
    pub payload: &'a [u8],
    /// The signatures, at least one, in the order of the message.
    pub signatures: Vec<Signature<'a>>,
}

/// One signature of a message.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Signature<'a> {
    /// Thumbprint of the key that signed.
    pub key_id: Hash32,
    /// The protected header, encoded.
    pub protected: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// Parses a message of at most `max_signers` signers.
pub fn parse(suite: Suite, bytes: &[u8], max_signers: usize) -> Result<Signed<'_>, Error> {
    let mut decoder = Decoder::new(bytes);
    open(&mut decoder, 4, "a message")?;
    let at = decoder.position();
    let protected = decoder.bytes()?;
    unprotected(&mut decoder)?;
    let payload = payload(&mut decoder)?;
    let form = decoder.position();
    let signatures = match decoder.peek()? {
        Kind::Bytes => {
            let key_id = header::key_id(suite, protected, at)?;
            vec![Signature {
                key_id,
                protected,
                signature: decoder.bytes_ref()?,
            }]
        }
        Kind::Array if protected.is_empty() => several(suite, &mut decoder, max_signers)?,
        Kind::Array => {
            let message = "with several signers the message's own protected header is empty";
            return Err(Error::at(at, "cose.header", message));
        }
        _ => {
            let message = "one signature or an array of signatures belongs here";
            return Err(Error::at(form, "cose.form", message));
        }
    };
    decoder.finish()?;
    if signatures.len() > max_signers {
        return Err(too_many(decoder.position(), signatures.len(), max_signers));
    }
    Ok(Signed {
        payload,
        signatures,
    })
}

/// The bytes that the signature with this index covers (RFC 9052 section 4.4).
///
/// # Panics
/// If `index` is not below the number of signatures.
pub fn signing_input(signed: &Signed<'_>, index: usize, external_aad: &[u8]) -> Vec<u8> {
    let protected = signed.signatures[index].protected;
    sig_structure(
        signed.signatures.len(),
        protected,
        signed.payload,
        external_aad,
    )
}

/// The bytes that a signer among `signers` signs, for who signs elsewhere; see [`assemble`].
pub fn to_sign(
    suite: Suite,
    key_id: &Hash32,
    signers: usize,
    payload: &[u8],
    external_aad: &[u8],
) -> Vec<u8> {
    sig_structure(
        signers,
        &header::encode(suite, key_id),
        payload,
        external_aad,
    )
}

/// Signs `payload` with all keys, in this order. Refuses no key and a key twice.
pub fn sign(
    suite: Suite,
    keys: &[&SigningKey],
    payload: &[u8],
    external_aad: &[u8],
) -> Result<Vec<u8>, Error> {
    let sign_one = |key: &&SigningKey| {
        let key_id = suite.key_id(key.public());
        let signature = key.sign(&to_sign(suite, &key_id, keys.len(), payload, external_aad));
        (key_id, signature)
    };
    let signatures: Vec<_> = keys.iter().map(sign_one).collect();
    assemble(suite, payload, &signatures)
}

/// Puts a message together from signatures over [`to_sign`], in this order.
pub fn assemble(
    suite: Suite,
    payload: &[u8],
    signatures: &[(Hash32, [u8; SIGNATURE_BYTES])],
) -> Result<Vec<u8>, Error> {
    let ids: Vec<Hash32> = signatures.iter().map(|(key_id, _)| *key_id).collect();
    refuse_duplicates(&ids, None)?;
    let mut encoder = Encoder::with_capacity(payload.len() + 16 + signatures.len() * 110);
    encoder.array(4);
    match signatures {
        [] => {
            return Err(Error::new(
                "cose.no_signer",
                "a message needs at least one signer",
            ))
        }
        [(key_id, signature)] => {
            encoder
                .bytes(&header::encode(suite, key_id))
                .map(0)
                .bytes(payload)
                .bytes(signature);
        }
        _ => {
            encoder
                .bytes(&[])
                .map(0)
                .bytes(payload)
                .array(signatures.len());
            for (key_id, signature) in signatures {
                let protected = header::encode(suite, key_id);
                encoder.array(3).bytes(&protected).map(0).bytes(signature);
            }
        }
    }
    Ok(encoder.into_bytes())
}

/// Checks every signature of a message with the keys that `key_of` knows.
pub fn verify(
    suite: Suite,
    signed: &Signed<'_>,
    external_aad: &[u8],
    key_of: impl Fn(&Hash32) -> Option<[u8; 32]>,
) -> Result<(), Error> {
    for (index, signature) in signed.signatures.iter().enumerate() {
        let key = key_of(&signature.key_id).ok_or_else(|| {
            Error::new(
                "cose.unknown_key",
                format!("no key with the id {} is known", signature.key_id),
            )
        })?;
        suite.verify(
            &key,
            &signing_input(signed, index, external_aad),
            signature.signature,
        )?;
    }
    Ok(())
}

fn sig_structure(signers: usize, protected: &[u8], payload: &[u8], external_aad: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(payload.len() + external_aad.len() + 72);
    if signers == 1 {
        encoder.array(4).text("Signature1").bytes(protected);
    } else {
        encoder
            .array(5)
            .text("Signature")
            .bytes(&[])
            .bytes(protected);
    }
    encoder.bytes(external_aad).bytes(payload);
    encoder.into_bytes()
}

fn several<'a>(
    suite: Suite,
    decoder: &mut Decoder<'a>,
    max_signers: usize,
) -> Result<Vec<Signature<'a>>, Error> {
    let start = decoder.position();
    let count = decoder.array()?;
    match count {
        0 => {
            return Err(Error::at(
                start,
                "cose.no_signer",
                "a message needs at least one signer",
            ))
        }
        1 => {
            return Err(Error::at(
                start,
                "cose.form",
                "a message of one signer is a COSE_Sign1",
            ))
        }
        _ if count > max_signers => return Err(too_many(start, count, max_signers)),
        _ => {}
    }
    let mut signatures = Vec::with_capacity(count);
    for _ in 0..count {
        open(decoder, 3, "a signature")?;
        let at = decoder.position();
        let protected = decoder.bytes()?;
        let key_id = header::key_id(suite, protected, at)?;
        unprotected(decoder)?;
        signatures.push(Signature {
            key_id,
            protected,
            signature: decoder.bytes_ref()?,
        });
    }
    let ids: Vec<Hash32> = signatures
        .iter()
        .map(|signature| signature.key_id)
        .collect();
    refuse_duplicates(&ids, Some(start))?;
    Ok(signatures)
}

fn open(decoder: &mut Decoder<'_>, fields: usize, what: &str) -> Result<(), Error> {
    let start = decoder.position();
    if decoder.peek()? != Kind::Array {
        return Err(Error::at(
            start,
            "cose.form",
            format!("{what} is an array, untagged"),
        ));
    }
    match decoder.array()? {
        count if count == fields => Ok(()),
        count => Err(Error::at(
            start,
            "cose.form",
            format!("{what} has {fields} fields, not {count}"),
        )),
    }
}

fn unprotected(decoder: &mut Decoder<'_>) -> Result<(), Error> {
    let start = decoder.position();
    match decoder.map()? {
        0 => Ok(()),
        _ => Err(Error::at(
            start,
            "cose.unprotected",
            "the unprotected header must be empty",
        )),
    }
}

fn payload<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], Error> {
    let start = decoder.position();
    if decoder.peek()? == Kind::Null {
        return Err(Error::at(
            start,
            "cose.payload",
            "the payload must be in the message",
        ));
    }
    Ok(decoder.bytes()?)
}

fn refuse_duplicates(ids: &[Hash32], at: Option<usize>) -> Result<(), Error> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error {
            code: "cose.duplicate_signer",
            message: format!("the key {} signs twice", pair[0]),
            offset: at,
        }),
    }
}

#[cold]
fn too_many(at: usize, found: usize, most: usize) -> Error {
    Error::at(
        at,
        "cose.too_many_signers",
        format!("{found} signers are above the limit of {most}"),
    )
}
