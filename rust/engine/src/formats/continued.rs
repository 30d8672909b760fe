//! What a genesis document says of the chain that it continues: its last sealed header, and who is left out.

use std::path::Path;

use codec::cbor::{Decoder, MapReader, Value};
use crypto::{Hash32, Suite};

use super::fields::Fields;
use super::genesis::{Genesis, Organisation, RULES};
use super::header::{check_seal, Header, Sealers};
use super::names;
use crate::Error;

/// The chain that a genesis continues: where it ended, and who of it takes no part any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continued {
    /// The last header that counts, as a header file: with its seal and the path of its genesis.
    pub last: Vec<u8>,
    /// That header.
    pub header: Header,
    /// The genesis hash of the chain that is continued.
    pub genesis: Hash32,
    /// Organisations in force there that are left out here, ascending.
    pub without: Vec<String>,
}

impl Genesis {
    /// The same, with the file of the state that is carried over.
    pub(crate) fn carrying(mut self, file: Option<&Path>) -> Self {
        self.carried = file.map(Path::to_path_buf);
        self
    }
}

fn bad(why: impl Into<String>) -> Error {
    Error::new("genesis.bad_continuation", why).in_field("continues")
}

impl Continued {
    /// The field of a document, where it has one, checked against its chain, time and organisations.
    pub(crate) fn of_document(
        document: &Fields<'_>,
        suite: Suite,
        (chain, time, organisations): (&str, u64, &[Organisation]),
    ) -> Result<Option<Self>, Error> {
        let Some(value) = document.find("continues") else {
            return Ok(None);
        };
        let continued = Self::from_value(value, suite)?;
        continued.check(chain, time, organisations)?;
        Ok(Some(continued))
    }

    /// Decodes and checks: the header has the seal of the set that it names, and its history begins with the genesis.
    fn from_value(value: &Value, suite: Suite) -> Result<Self, Error> {
        let map = Fields::of("continues", value)?;
        map.exactly(&["last", "without"])?;
        let last = map.bytes("last")?.to_vec();
        let (header, genesis) = read_header_file(&last, suite)?;
        if header.rules != RULES {
            let rules = header.rules;
            return Err(bad(format!(
                "its rules are version {rules}; this program follows version {RULES}"
            )));
        }
        let mut without = Vec::new();
        for name in map.array("without")? {
            let Value::Text(name) = name else {
                return Err(bad("who is left out is told by names"));
            };
            names::check_organisation("continues.without", name)?;
            without.push(name.clone());
        }
        if !without
            .iter()
            .zip(without.iter().skip(1))
            .all(|(a, b)| a < b)
        {
            return Err(bad(
                "those who are left out do not stand in order, each once",
            ));
        }
        Ok(Continued {
            last,
            header,
            genesis,
            without,
        })
    }

    /// Whether a chain of this name, time and these organisations can be the continuation.
    fn check(&self, chain: &str, time: u64, organisations: &[Organisation]) -> Result<(), Error> {
        if self.header.chain == chain {
            return Err(
                bad(format!("it is named {chain} like the one it continues"))
                    .hint("name it otherwise, so that nobody takes one for the other"),
            );
        }
        if time < self.header.time {
            let last = self.header.time;
            return Err(bad(format!(
                "it begins at {time}, the last block is of {last} (ms)"
            ))
            .hint("check the clock"));
        }
        let both = |name: &&String| organisations.iter().any(|own| own.name == **name);
        match self.without.iter().find(both) {
            Some(name) => Err(bad(format!("{name} takes part, and is left out"))),
            None => Ok(()),
        }
    }
}

/// The header of a header file whose seal and path are good, and the genesis hash.
pub(crate) fn read_header_file(file: &[u8], suite: Suite) -> Result<(Header, Hash32), Error> {
    let mut decoder = Decoder::new(file);
    let mut map = MapReader::open(&mut decoder)?;
    let (mut format, mut header, mut genesis, mut path) = (None, None, None, None);
    let (mut seal, mut sealers) = (None, None);
    while let Some(key) = map.text_key(&mut decoder)? {
        match key {
            "format" => format = Some(decoder.text()?),
            "header" => header = Some(decoder.bytes()?),
            "genesis" => genesis = Some(Hash32(decoder.bytes_exact()?)),
            "seal" => seal = Some(decoder.skip()?),
            "sealers" => sealers = Some(Sealers::decode(decoder.skip()?)?),
            "path" => {
                let count = decoder.array()?;
                let hashes = (0..count).map(|_| decoder.bytes_exact().map(Hash32));
                path = Some(hashes.collect::<Result<Vec<_>, _>>()?);
            }
            other => return Err(bad(format!("unknown field '{}'", other.escape_debug()))),
        }
    }
    decoder.finish()?;
    if format != Some("lianheng.header-file.1") {
        return Err(bad("its last header is no header file"));
    }
    let (Some(bytes), Some(genesis), Some(path), Some(seal), Some(sealers)) =
        (header, genesis, path, seal, sealers)
    else {
        return Err(bad("the file of its last header lacks a field"));
    };
    let header = Header::decode(bytes)?;
    if header.height == 0 {
        return Err(bad("a chain without a block has nothing to continue"));
    }
    let hash = suite.hash(bytes);
    let named = suite.hash(&sealers.encode());
    if named != header.sealers_hash {
        let wanted = header.sealers_hash;
        return Err(bad(format!(
            "the last header names the sealers {wanted}, beside it stand {named}"
        )));
    }
    let leaf = tree::log::leaf_hash(suite, &genesis.0);
    tree::log::verify_inclusion(suite, header.history_root, leaf, 0, header.height, &path)
        .map_err(|error| {
            bad(format!(
                "its genesis is not in its history: {}",
                error.message
            ))
        })?;
    check_seal(suite, &sealers, genesis, &header, hash, seal).map_err(|error| Error {
        code: "genesis.bad_continuation".to_owned(),
        message: format!("the last header's seal: {}", error.message),
        ..error
    })?;
    Ok((header, genesis))
}
