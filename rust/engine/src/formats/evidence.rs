//! Files that leave the ledger: genesis file, header file, receipt, state proof.

use codec::cbor::{Decoder, Encoder, MapReader, Value};
use crypto::Hash32;

use crate::formats::standing::Members;
use crate::Error;

/// Shows that the header at `height` is a leaf of a newer header's history tree.
#[derive(Clone, Debug)]
pub struct Link {
    /// The newer header's bytes; none: the header that the evidence carries.
    pub newer: Option<Vec<u8>>,
    /// Height of the older header.
    pub height: u64,
    /// Inclusion path.
    pub path: Vec<Hash32>,
}

pub(crate) fn hashes(encoder: &mut Encoder, hashes: &[Hash32]) {
    encoder.array(hashes.len());
    for hash in hashes {
        encoder.bytes(&hash.0);
    }
}

pub(crate) fn links(encoder: &mut Encoder, links: &[Link]) {
    encoder.text("links").array(links.len());
    for link in links {
        encoder.map(3).text("path");
        hashes(encoder, &link.path);
        encoder.text("newer");
        match &link.newer {
            Some(header) => encoder.bytes(header),
            None => encoder.null(),
        };
        encoder.text("height").uint(link.height);
    }
}

/// The field `steps`, which is left out where there is none.
pub(crate) fn steps(encoder: &mut Encoder, steps: &[&[u8]]) {
    if steps.is_empty() {
        return;
    }
    encoder.text("steps").array(steps.len());
    for step in steps {
        encoder.raw(step);
    }
}

pub(crate) fn seal(encoder: &mut Encoder, seal: Option<&[u8]>) {
    encoder.text("seal");
    match seal {
        Some(seal) => encoder.raw(seal),
        None => encoder.null(),
    };
}

/// The genesis file: document and header 0.
pub fn genesis_file(document: &[u8], header: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(document.len() + header.len() + 80);
    encoder
        .map(3)
        .text("format")
        .text("lianheng.genesis-file.1");
    encoder
        .text("header")
        .bytes(header)
        .text("document")
        .bytes(document);
    encoder.into_bytes()
}

/// Document and header bytes of a genesis file.
pub fn split_genesis_file(file: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut decoder = Decoder::new(file);
    let mut map = MapReader::open(&mut decoder)?;
    let (mut format, mut document, mut header) = (None, None, None);
    while let Some(key) = map.text_key(&mut decoder)? {
        match key {
            "format" => format = Some(decoder.text()?),
            "document" => document = Some(decoder.bytes()?.to_vec()),
            "header" => header = Some(decoder.bytes()?.to_vec()),
            other => {
                let message = format!("unknown field '{}'", other.escape_debug());
                return Err(Error::new("genesis.bad_field", message));
            }
        }
    }
    decoder.finish()?;
    if format != Some("lianheng.genesis-file.1") {
        return Err(Error::new("format.unknown", "this is no genesis file").in_field("format"));
    }
    document.zip(header).ok_or_else(|| {
        Error::new(
            "genesis.bad_field",
            "the file lacks its document or its header",
        )
    })
}

/// A header as trust anchor: with its seal, the set that seals, and the path of the genesis hash in its history.
pub fn header_file(
    header: &[u8],
    sealed: Option<&[u8]>,
    sealers: &[u8],
    genesis: Hash32,
    path: &[Hash32],
) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(header.len() + 640);
    encoder.map(6).text("path");
    hashes(&mut encoder, path);
    seal(&mut encoder, sealed);
    encoder.text("format").text("lianheng.header-file.1");
    encoder
        .text("header")
        .bytes(header)
        .text("genesis")
        .bytes(&genesis.0);
    encoder.text("sealers").raw(sealers);
    encoder.into_bytes()
}

/// The header's bytes of a trust anchor: a genesis file or a header file.
pub fn anchor_header(file: &[u8]) -> Result<Vec<u8>, Error> {
    let value = codec::cbor::decode(file)?;
    match (value.get("format"), value.get("header")) {
        (Some(Value::Text(format)), Some(Value::Bytes(header)))
            if ["lianheng.genesis-file.1", "lianheng.header-file.1"].contains(&format.as_str()) =>
        {
            Ok(header.clone())
        }
        _ => Err(Error::new(
            "format.unknown",
            "an anchor is a genesis file or a header file",
        )
        .hint("give genesis.cbor, or a file that `lianheng block HEIGHT -o FILE` wrote")),
    }
}

/// What a receipt is about.
pub enum Subject<'a> {
    /// A transaction's full signed bytes, and the public keys in the order of signers.
    Transaction(&'a [u8], Vec<[u8; 32]>),
    /// A run of the chain's own: its kind, and its cause, encoded.
    Run(u64, &'a [u8]),
}

/// What a receipt is made of.
pub struct Receipt<'a> {
    /// Genesis hash.
    pub genesis: Hash32,
    /// What was called, or run.
    pub subject: &'a Subject<'a>,
    /// Encoded result.
    pub result: &'a [u8],
    /// Entry's index, number of entries, path.
    pub entry: (u64, u64, &'a [Hash32]),
    /// Header's bytes.
    pub header: &'a [u8],
    /// Seal, encoded.
    pub seal: Option<&'a [u8]>,
    /// Links to other heights.
    pub links: &'a [Link],
    /// Quorum seals that lead from the anchor's set to the sealing one; none where the sets are the same.
    pub steps: &'a [&'a [u8]],
    /// Who stood behind it, where that is shown.
    pub members: Option<Members<'a>>,
}

impl Receipt<'_> {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let optional = [!self.steps.is_empty(), self.members.is_some()];
        let given = optional.into_iter().map(usize::from).sum::<usize>();
        let mut encoder = Encoder::with_capacity(2_048 + self.result.len());
        match self.subject {
            Subject::Transaction(_, keys) => {
                encoder.map(9 + given).text("keys").array(keys.len());
                for key in keys {
                    encoder.bytes(key);
                }
            }
            Subject::Run(kind, cause) => {
                let mut run = Encoder::with_capacity(cause.len() + 16);
                run.array(2).uint(*kind).raw(cause);
                encoder.map(8 + given).text("run").bytes(run.as_slice());
            }
        }
        seal(&mut encoder, self.seal);
        let (index, count, path) = self.entry;
        encoder.text("entry").map(3).text("path");
        hashes(&mut encoder, path);
        encoder.text("count").uint(count).text("index").uint(index);
        links(&mut encoder, self.links);
        steps(&mut encoder, self.steps);
        encoder.text("format").text("lianheng.receipt.1");
        encoder.text("header").bytes(self.header);
        encoder.text("result").bytes(self.result);
        encoder.text("genesis").bytes(&self.genesis.0);
        if let Some(members) = &self.members {
            encoder.text("members");
            members.encode(&mut encoder);
        }
        if let Subject::Transaction(transaction, _) = self.subject {
            encoder.text("transaction").bytes(transaction);
        }
        encoder.into_bytes()
    }
}

/// What a state proof is made of.
pub struct StateProof<'a> {
    /// Genesis hash.
    pub genesis: Hash32,
    /// Contract and table.
    pub place: (&'a str, &'a str),
    /// Key parts, encoded one by one.
    pub key: &'a [Vec<u8>],
    /// The row's bytes, or none where it is absent.
    pub value: Option<&'a [u8]>,
    /// The path in the state tree.
    pub proof: &'a tree::Proof,
    /// Header's bytes.
    pub header: &'a [u8],
    /// Seal, encoded; none at height 0.
    pub seal: Option<&'a [u8]>,
    /// Links to other heights.
    pub links: &'a [Link],
    /// Quorum seals that lead from the anchor's set to the sealing one; none where the sets are the same.
    pub steps: &'a [&'a [u8]],
}

impl StateProof<'_> {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(2_048);
        let optional = [self.proof.other.is_some(), !self.steps.is_empty()];
        encoder.map(10 + optional.into_iter().map(usize::from).sum::<usize>());
        encoder.text("key").array(self.key.len());
        for part in self.key {
            encoder.raw(part);
        }
        seal(&mut encoder, self.seal);
        links(&mut encoder, self.links);
        if let Some(other) = &self.proof.other {
            encoder
                .text("other")
                .array(2)
                .bytes(&other.key.0)
                .bytes(&other.value.0);
        }
        steps(&mut encoder, self.steps);
        encoder.text("table").text(self.place.1);
        encoder.text("value");
        match self.value {
            Some(value) => encoder.bytes(value),
            None => encoder.null(),
        };
        encoder.text("format").text("lianheng.proof.1");
        encoder.text("header").bytes(self.header);
        encoder.text("genesis").bytes(&self.genesis.0);
        encoder.text("contract").text(self.place.0);
        encoder.text("siblings");
        hashes(&mut encoder, &self.proof.siblings);
        encoder.into_bytes()
    }
}
