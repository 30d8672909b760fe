//! The genesis document: who starts the chain, with which parameters, sealed by whom.

use std::collections::BTreeSet;
use std::path::PathBuf;

use codec::cbor::{self, Encoder, Value};
use crypto::{Hash32, Suite};

use super::continued::Continued;
pub(crate) use super::fields::Fields;
use super::header::Sealers;
use super::names;
use crate::policy::Policy;
use crate::{limits, Error};

/// What a chain may choose. All are written into the document; an unknown or missing one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How far `expires` may lie ahead of block time, ms.
    pub replay_horizon_ms: u64,
    /// Most bytes of transactions in a block.
    pub block_bytes: u64,
    /// Most transactions in a block.
    pub block_transactions: u64,
    /// Most gas used by a block.
    pub block_gas: u64,
    /// Most timers that a block runs.
    pub block_timers: u64,
    /// Most gas of one timer.
    pub timer_gas: u64,
    /// Longest transaction, bytes.
    pub transaction_bytes: u64,
    /// Most gas of one transaction.
    pub transaction_gas: u64,
    /// Most signers of one transaction.
    pub transaction_signers: u64,
}

impl Parameters {
    /// Names and values, in the order of their names.
    pub fn rows(&self) -> [(&'static str, u64); 9] {
        [
            ("block_bytes", self.block_bytes),
            ("block_gas", self.block_gas),
            ("block_timers", self.block_timers),
            ("block_transactions", self.block_transactions),
            ("replay_horizon_ms", self.replay_horizon_ms),
            ("timer_gas", self.timer_gas),
            ("transaction_bytes", self.transaction_bytes),
            ("transaction_gas", self.transaction_gas),
            ("transaction_signers", self.transaction_signers),
        ]
    }

    fn from_value(value: &Value) -> Result<Self, Error> {
        let map = Fields::of("parameters", value)?;
        map.exactly(&[
            "block_bytes",
            "block_gas",
            "block_timers",
            "block_transactions",
            "replay_horizon_ms",
            "timer_gas",
            "transaction_bytes",
            "transaction_gas",
            "transaction_signers",
        ])?;
        let parameters = Parameters {
            replay_horizon_ms: map.within("replay_horizon_ms", 1_000, 24 * 3_600_000)?,
            block_bytes: map.within("block_bytes", 4_096, 48 << 20)?,
            block_transactions: map.within("block_transactions", 1, 100_000)?,
            block_gas: map.within("block_gas", 1, 1 << 50)?,
            block_timers: map.within("block_timers", 1, 10_000)?,
            timer_gas: map.within("timer_gas", 1, 1 << 40)?,
            transaction_bytes: map.within("transaction_bytes", 1_024, 4 << 20)?,
            transaction_gas: map.within("transaction_gas", 1, 1 << 40)?,
            transaction_signers: map.within("transaction_signers", 1, 64)?,
        };
        if parameters.transaction_bytes > parameters.block_bytes {
            let (one, all) = (parameters.transaction_bytes, parameters.block_bytes);
            return Err(map.bad(
                "transaction_bytes",
                &format!("{one} do not fit a block of {all}"),
            ));
        }
        Ok(parameters)
    }
}

/// An organisation of the document.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Its name in ids.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Its Unified Social Credit Code, or nothing.
    pub uscc: String,
    /// Its Legal Entity Identifier, or nothing.
    pub lei: String,
}

/// A role of the chain's catalogue.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Who gives it: `organisation` to its own members, or `chain`.
    pub given: String,
}

/// A member of the document.
#[derive(Clone, Debug)]
pub struct Member {
    /// `name@organisation`.
    pub id: String,
    /// person, service, device or node.
    pub kind: String,
    /// Roles, in the order given.
    pub roles: Vec<String>,
    /// Public keys, each with whether another party keeps it.
    pub keys: Vec<([u8; 32], bool)>,
}

/// A contract deployed by the document.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// Its file's name.
    pub file: String,
    /// Its source.
    pub source: String,
}

/// A genesis document that was checked, possession proofs included.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The document's bytes.
    pub document: Vec<u8>,
    /// Name of the chain.
    pub chain: String,
    /// Suite of hashes and signatures.
    pub suite: Suite,
    /// Version of the rules.
    pub rules: u64,
    /// Time of the genesis, ms.
    pub time: u64,
    /// The set that seals.
    pub sealers: Sealers,
    /// What the chain chose.
    pub parameters: Parameters,
    /// Organisations.
    pub organisations: Vec<Organisation>,
    /// The catalogue of roles.
    pub roles: Vec<Role>,
    /// Members.
    pub members: Vec<Member>,
    /// Policies in place of those that contracts declare, by `contract.method`.
    pub policies: Vec<(String, String)>,
    /// Contracts.
    pub contracts: Vec<Contract>,
    /// The chain that this one continues, where it does.
    pub continues: Option<Continued>,
    /// Where this process has the state that is carried over.
    pub(crate) carried: Option<PathBuf>,
}

/// The version of the rules that this engine follows.
pub const RULES: u64 = 1;

/// Fields of a document.
const FIELDS: [&str; 13] = [
    "format",
    "chain",
    "suite",
    "rules",
    "time",
    "sealers",
    "parameters",
    "organisations",
    "roles",
    "members",
    "policies",
    "contracts",
    "continues",
];

impl Genesis {
    /// Decodes and checks a document. Errors name the field.
    pub fn decode(document: &[u8]) -> Result<Self, Error> {
        if document.len() > limits::GENESIS_BYTES {
            return Err(Error::new(
                "genesis.too_large",
                format!("{} bytes", document.len()),
            ));
        }
        let value = cbor::decode(document)?;
        let map = Fields::of("genesis", &value)?;
        map.exactly(&FIELDS)?;
        if map.text("format")? != "lianheng.genesis.1" {
            return Err(map.bad("format", "it is not lianheng.genesis.1"));
        }
        let suite = Suite::from_number(map.uint("suite")?)
            .map_err(|_| map.bad("suite", "only suite 1 is known"))?;
        let rules = map.uint("rules")?;
        if rules != RULES {
            return Err(map.bad(
                "rules",
                &format!("version {rules}; this program follows version {RULES}"),
            ));
        }
        let chain = map.text("chain")?.to_owned();
        names::check_organisation("chain", &chain)?;
        let organisations = organisations(map.array("organisations")?)?;
        let roles = roles(map.array("roles")?)?;
        let members = members(map.array("members")?, &organisations, suite, &chain)?;
        check_roles(&members, &roles)?;
        let sealers = Sealers::decode(&cbor::encode(map.get("sealers")?)?)?;
        for (key, _) in &sealers.members {
            suite
                .check_public_key(key)
                .map_err(|error| Error::from(error).in_field("sealers"))?;
        }
        check_validators(&sealers, &members)?;
        let time = map.uint("time")?;
        let continues = Continued::of_document(&map, suite, (&chain, time, &organisations))?;
        Ok(Genesis {
            document: document.to_vec(),
            suite,
            rules,
            time,
            sealers,
            continues,
            carried: None,
            parameters: Parameters::from_value(map.get("parameters")?)?,
            contracts: contracts(map.array("contracts")?)?,
            policies: policies(map.get("policies")?)?,
            chain,
            organisations,
            roles,
            members,
        })
    }
}

/// Each validator's key is also the one key of a node, where its possession is proved.
fn check_validators(sealers: &Sealers, members: &[Member]) -> Result<(), Error> {
    if sealers.kind != "cometbft" {
        return Ok(());
    }
    let nodes: BTreeSet<&[u8; 32]> = members
        .iter()
        .filter(|member| member.kind == "node")
        .flat_map(|member| member.keys.iter().map(|(public, _)| public))
        .collect();
    match sealers.members.iter().find(|(key, _)| !nodes.contains(key)) {
        None => check_one_key(sealers, members),
        Some((key, _)) => {
            let message = format!(
                "validator key {} is no key of a member of kind node",
                Hash32(*key)
            );
            Err(Error::new("genesis.bad_sealers", message)
                .in_field("sealers")
                .hint("list the key, with its proof of possession, under the node's member"))
        }
    }
}

/// Which key a validator votes with is never a question.
fn check_one_key(sealers: &Sealers, members: &[Member]) -> Result<(), Error> {
    let voting: BTreeSet<&[u8; 32]> = sealers.members.iter().map(|(key, _)| key).collect();
    let mut several = members.iter().filter(|member| member.keys.len() > 1);
    match several.find(|member| member.keys.iter().any(|(key, _)| voting.contains(key))) {
        None => Ok(()),
        Some(member) => {
            let message = format!("{} votes and has {} keys", member.id, member.keys.len());
            Err(Error::new("genesis.bad_sealers", message).in_field("sealers"))
        }
    }
}

fn organisations(values: &[Value]) -> Result<Vec<Organisation>, Error> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        let map = Fields::of("organisations", value)?;
        map.exactly(&["name", "title", "uscc", "lei"])?;
        let (name, title) = (map.text("name")?.to_owned(), map.text("title")?.to_owned());
        let (uscc, lei) = (map.text("uscc")?.to_owned(), map.text("lei")?.to_owned());
        if !uscc.is_empty() && !vm::is_valid_uscc(&uscc) {
            return Err(map.bad("uscc", "it is no Unified Social Credit Code (GB 32100)"));
        }
        if !lei.is_empty() && !vm::is_valid_lei(&lei) {
            return Err(map.bad("lei", "it is no Legal Entity Identifier (ISO 17442)"));
        }
        names::check_organisation("organisations.name", &name)?;
        if title.len() > 200 || title.chars().any(char::is_control) {
            return Err(map.bad("title", "longer than 200 bytes, or with control characters"));
        }
        if !seen.insert(name.clone()) {
            return Err(map.bad("name", &format!("{name} stands twice")));
        }
        list.push(Organisation {
            name,
            title,
            uscc,
            lei,
        });
    }
    if list.is_empty() {
        return Err(Error::new(
            "genesis.bad_field",
            "a chain needs at least one organisation",
        )
        .in_field("organisations"));
    }
    Ok(list)
}

fn roles(values: &[Value]) -> Result<Vec<Role>, Error> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        let map = Fields::of("roles", value)?;
        map.exactly(&["name", "given"])?;
        let (name, given) = (map.text("name")?.to_owned(), map.text("given")?.to_owned());
        names::check_contract("roles.name", &name)?;
        if !["organisation", "chain"].contains(&given.as_str()) {
            return Err(map.bad("given", "a role is given by organisation or by chain"));
        }
        if !seen.insert(name.clone()) {
            return Err(map.bad("name", &format!("{name} stands twice")));
        }
        list.push(Role { name, given });
    }
    Ok(list)
}

/// Each member's roles stand in the catalogue, each once.
fn check_roles(members: &[Member], roles: &[Role]) -> Result<(), Error> {
    let known: BTreeSet<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    for member in members {
        let mut seen = BTreeSet::new();
        for role in &member.roles {
            let why = match known.contains(role.as_str()) {
                false => format!("{}: the catalogue has no role {role}", member.id),
                true if !seen.insert(role) => format!("{}: {role} stands twice", member.id),
                true => continue,
            };
            return Err(Error::new("genesis.bad_field", why).in_field("members.roles"));
        }
    }
    Ok(())
}

fn policies(value: &Value) -> Result<Vec<(String, String)>, Error> {
    let bad = |why: String| Error::new("genesis.bad_policy", why).in_field("policies");
    let Value::Map(entries) = value else {
        return Err(bad("it is not a map".to_owned()));
    };
    let mut list = Vec::with_capacity(entries.len());
    for entry in entries {
        let (Value::Text(target), Value::Text(text)) = entry else {
            return Err(bad("it is not a map of texts".to_owned()));
        };
        let (contract, method) = target.split_once('.').unwrap_or((target, ""));
        names::check_contract("policies", contract)?;
        names::check_contract("policies", method)?;
        Policy::parse(text).map_err(|why| bad(format!("{target}: {why}")))?;
        list.push((target.clone(), text.clone()));
    }
    Ok(list)
}

fn members(
    values: &[Value],
    organisations: &[Organisation],
    suite: Suite,
    chain: &str,
) -> Result<Vec<Member>, Error> {
    let known: BTreeSet<&str> = organisations
        .iter()
        .map(|organisation| organisation.name.as_str())
        .collect();
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        let member = member(value, suite, chain, &mut keys)?;
        let organisation = names::organisation_of(&member.id);
        if !known.contains(organisation) {
            return Err(Error::new(
                "genesis.bad_field",
                format!("{}: no organisation {organisation}", member.id),
            )
            .in_field("members.id"));
        }
        if !ids.insert(member.id.clone()) {
            return Err(
                Error::new("genesis.bad_field", format!("{} stands twice", member.id))
                    .in_field("members.id"),
            );
        }
        list.push(member);
    }
    Ok(list)
}

fn member(
    value: &Value,
    suite: Suite,
    chain: &str,
    seen: &mut BTreeSet<[u8; 32]>,
) -> Result<Member, Error> {
    let map = Fields::of("members", value)?;
    map.exactly(&["id", "kind", "roles", "keys"])?;
    let id = map.text("id")?.to_owned();
    names::check_member("members.id", &id)?;
    let kind = map.text("kind")?.to_owned();
    if !["person", "service", "device", "node"].contains(&kind.as_str()) {
        return Err(map.bad(
            "kind",
            &format!(
                "'{}' is not person, service, device or node",
                kind.escape_debug()
            ),
        ));
    }
    let mut roles = Vec::new();
    for role in map.array("roles")? {
        let Value::Text(role) = role else {
            return Err(map.bad("roles", "a role is a text"));
        };
        names::check_contract("members.roles", role)?;
        roles.push(role.clone());
    }
    let mut keys = Vec::new();
    for value in map.array("keys")? {
        let (key, custodial) = key(value, suite, chain, &id)?;
        if !seen.insert(key) {
            return Err(map.bad("keys", "one key stands twice"));
        }
        keys.push((key, custodial));
    }
    if keys.is_empty() {
        return Err(map.bad("keys", &format!("{id} has no key")));
    }
    if keys.len() > limits::MEMBER_KEYS {
        let (count, most) = (keys.len(), limits::MEMBER_KEYS);
        return Err(map.bad("keys", &format!("{id} has {count} keys, at most {most}")));
    }
    Ok(Member {
        id,
        kind,
        roles,
        keys,
    })
}

fn key(value: &Value, suite: Suite, chain: &str, member: &str) -> Result<([u8; 32], bool), Error> {
    let map = Fields::of("members.keys", value)?;
    map.exactly(&["public", "custodial", "possession"])?;
    let public: [u8; 32] = map
        .bytes("public")?
        .try_into()
        .map_err(|_| map.bad("public", "an Ed25519 key has 32 bytes"))?;
    let Value::Bool(custodial) = map.get("custodial")? else {
        return Err(map.bad("custodial", "not true or false"));
    };
    suite
        .check_public_key(&public)
        .map_err(|error| Error::from(error).in_field("members.keys.public"))?;
    check_possession(suite, chain, member, &public, map.bytes("possession")?)?;
    Ok((public, *custodial))
}

/// What the holder of a key signs to prove possession.
pub fn possession_payload(chain: &str, member: &str, key_id: Hash32) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder
        .array(4)
        .text("lianheng.possession.1")
        .text(chain)
        .text(member)
        .bytes(&key_id.0);
    encoder.into_bytes()
}

fn check_possession(
    suite: Suite,
    chain: &str,
    member: &str,
    key: &[u8; 32],
    proof: &[u8],
) -> Result<(), Error> {
    let bad = |why: &str| {
        Error::new("genesis.bad_possession", format!("{member}: {why}"))
            .in_field("members.keys.possession")
            .hint("let the holder of the key sign the proof for this chain and this member")
    };
    let parsed = crypto::cose::parse(suite, proof, 1)?;
    if parsed.payload != possession_payload(chain, member, suite.key_id(key)) {
        return Err(bad("the proof is for another chain, member or key"));
    }
    let signature = &parsed.signatures[0];
    if signature.key_id != suite.key_id(key) {
        return Err(bad("the proof is signed by another key"));
    }
    let input = crypto::cose::signing_input(&parsed, 0, &[]);
    suite
        .verify(key, &input, signature.signature)
        .map_err(|_| bad("its signature does not verify"))
}

fn contracts(values: &[Value]) -> Result<Vec<Contract>, Error> {
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        let map = Fields::of("contracts", value)?;
        map.exactly(&["name", "file", "source"])?;
        let contract = Contract {
            name: map.text("name")?.to_owned(),
            file: map.text("file")?.to_owned(),
            source: map.text("source")?.to_owned(),
        };
        names::check_contract("contracts.name", &contract.name)?;
        if !seen.insert(contract.name.clone()) {
            return Err(map.bad("name", &format!("{} stands twice", contract.name)));
        }
        list.push(contract);
    }
    Ok(list)
}
