//! The call `contracts.deploy`: source in, compiled code and both hashes into the state.

use codec::cbor::{Decoder, Encoder, MapReader, Value};
use codec::key;
use crypto::{Hash32, Suite};

use crate::formats::genesis::Contract as GenesisContract;
use crate::formats::names;
use crate::formats::result::Refusal;
use crate::imports::{gather, Lookup, Stopped};
use crate::members::{row, versioned, NewRow};
use crate::policy::Policy;
use crate::runtime::{Complaint, Contracts, Deployed, Imports, Order, Runtime, Status};
use crate::Error;

/// Contract name under which contracts live in the state.
pub const CONTRACT: &str = "contracts";

/// Who may deploy contracts and decide about their lives, unless the chain sets another policy.
pub const POLICY: &str = "MAJORITY role:admin";

/// Names that no deployed contract may have.
pub const RESERVED: [&str; 6] = [
    "chain",
    "contracts",
    "governance",
    "members",
    "policies",
    "shares",
];

/// Of them, the contracts that a genesis brings along, in contract Python.
pub const SYSTEM: [&str; 4] = ["governance", "members", "policies", "shares"];

/// Calls of `contracts`.
pub(crate) const METHODS: [&str; 5] = ["deploy", "upgrade", "freeze", "thaw", "retire"];

/// Gas of a deployment, for each byte of source: parsing and compiling cost about a microsecond a byte at worst.
pub const GAS_PER_SOURCE_BYTE: u64 = 20;

/// Longest file name, in bytes.
const FILE_BYTES: usize = 100;

/// A deployment that may be written.
pub(crate) struct Done {
    pub name: String,
    pub deployed: Deployed,
    pub rows: Vec<NewRow>,
    pub value: Vec<u8>,
    pub gas: u64,
}

/// Checks and compiles; writes nothing. A refusal comes with the gas it costs.
pub(crate) fn deploy(
    order: &Order<'_>,
    height: u64,
    tools: &Tools<'_>,
    lookup: &mut Lookup<'_>,
) -> Result<Done, Stopped> {
    let free = |refusal| Stopped::Refused(0, refusal);
    let contracts = tools.contracts;
    let arguments = Arguments::decode(order.arguments).map_err(free)?;
    check_name(arguments.name, contracts).map_err(free)?;
    let (imports, gas) = gather(arguments.source, tools.runtime, lookup, order.gas)?;
    build(&arguments, tools, &imports, height, gas)
        .map_err(|refusal| Stopped::Refused(gas, refusal))
}

/// Refuses a call that `contracts` does not have.
pub(crate) fn unknown_method(method: &str) -> Refusal {
    let shown: String = method.escape_debug().take(80).collect();
    Refusal::new(
        "call.unknown_method",
        format!("contracts has no method {shown}"),
    )
    .in_field("method")
    .hint(format!("it has: {}", METHODS.join(", ")))
}

/// What a deployment is checked and compiled with.
pub(crate) struct Tools<'a> {
    pub suite: Suite,
    pub runtime: &'a dyn Runtime,
    pub contracts: &'a Contracts,
}

/// Deploys a contract of the genesis document.
pub(crate) fn deploy_at_genesis(
    contract: &GenesisContract,
    tools: &Tools<'_>,
    lookup: &mut Lookup<'_>,
) -> Result<Done, Error> {
    let arguments = Arguments {
        name: &contract.name,
        file: &contract.file,
        source: &contract.source,
    };
    let refused = |refusal: Refusal| {
        let place = refusal
            .line
            .map(|line| format!("{}:{line}: ", contract.file))
            .unwrap_or_default();
        Error::new(
            "genesis.bad_contract",
            format!("{place}{} ({})", refusal.message, refusal.code),
        )
        .in_field("contracts")
    };
    check_file(arguments.file).map_err(refused)?;
    if !SYSTEM.contains(&arguments.name) {
        check_name(arguments.name, tools.contracts).map_err(refused)?;
    }
    let gathered = gather(arguments.source, tools.runtime, lookup, u64::MAX);
    let (imports, _) = gathered.map_err(|stopped| match stopped {
        Stopped::Refused(_, refusal) => refused(refusal),
        Stopped::Failed(error) => error,
    })?;
    build(&arguments, tools, &imports, 0, 0).map_err(refused)
}

pub(crate) struct Arguments<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'a str,
    pub(crate) source: &'a str,
}

impl<'a> Arguments<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let bad = |field: &str, why: String| {
            Refusal::new("call.bad_arguments", why)
                .in_field(field)
                .hint("give name, file and source as texts")
        };
        let (mut name, mut file, mut source, mut unknown) = (None, None, None, None);
        let mut decoder = Decoder::new(bytes);
        let mut read = || -> Result<(), codec::Error> {
            let mut map = MapReader::open(&mut decoder)?;
            while let Some(key) = map.text_key(&mut decoder)? {
                match key {
                    "name" => name = Some(decoder.text()?),
                    "file" => file = Some(decoder.text()?),
                    "source" => source = Some(decoder.text()?),
                    other => {
                        unknown = Some(other);
                        decoder.skip()?;
                    }
                }
            }
            decoder.finish()
        };
        read().map_err(|error| bad("arguments", error.message))?;
        if let Some(field) = unknown {
            let field = field.escape_debug().to_string();
            return Err(bad(
                &field,
                format!("this call takes no argument '{field}'"),
            ));
        }
        let missing = |field: &str| bad(field, format!("{field} is missing"));
        let arguments = Arguments {
            name: name.ok_or_else(|| missing("name"))?,
            file: file.ok_or_else(|| missing("file"))?,
            source: source.ok_or_else(|| missing("source"))?,
        };
        check_file(arguments.file)?;
        Ok(arguments)
    }
}

pub(crate) fn check_file(file: &str) -> Result<(), Refusal> {
    let good = !file.is_empty()
        && file.len() <= FILE_BYTES
        && file
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if good {
        return Ok(());
    }
    Err(Refusal::new(
        "call.bad_arguments",
        "the file name is empty, too long, or has other characters",
    )
    .in_field("file")
    .hint("use at most 100 of letters, digits, dot, - and _, without folders"))
}

fn check_name(name: &str, contracts: &Contracts) -> Result<(), Refusal> {
    if let Err(error) = names::check_contract("name", name) {
        return Err(Refusal::new("call.bad_arguments", error.message)
            .in_field("name")
            .hint(error.hint.unwrap_or_default()));
    }
    if RESERVED.contains(&name) {
        return Err(Refusal::new(
            "contract.reserved",
            format!("the name {name} belongs to the system"),
        )
        .in_field("name")
        .hint("choose another name"));
    }
    if let Some(deployed) = contracts.get(name) {
        let message = format!("{name} is deployed already, source {}", deployed.source);
        return Err(Refusal::new("contract.exists", message)
            .in_field("name")
            .hint("deploy under another name"));
    }
    Ok(())
}

pub(crate) fn build(
    arguments: &Arguments<'_>,
    tools: &Tools<'_>,
    imports: &Imports,
    height: u64,
    gas: u64,
) -> Result<Done, Refusal> {
    let Tools { suite, runtime, .. } = *tools;
    let code = runtime
        .compile_with(arguments.source, arguments.file, imports)
        .map_err(|complaints| invalid(arguments.file, &complaints))?;
    let broken = |error: Error| Refusal::new("contract.invalid", error.message);
    let loaded = runtime.load(&code).map_err(broken)?;
    for name in loaded.methods() {
        let (policy, _) = loaded.method(&name).unwrap_or(("ANY", true));
        Policy::parse(policy).map_err(|why| {
            Refusal::new("contract.invalid", format!("the policy of {name}: {why}")).in_field("by")
        })?;
    }
    loaded.check_uses(arguments.name, tools.contracts)?;
    let source = suite.hash(arguments.source.as_bytes());
    let code_hash = suite.hash(&code);
    let rows = rows(arguments, &code, source, code_hash, height).map_err(broken)?;
    let deployed = Deployed {
        source,
        file: arguments.file.to_owned(),
        code: loaded,
        version: 0,
        sources_before: 0,
        status: Status::Active,
    };
    let mut value = Encoder::new();
    value
        .map(2)
        .text("name")
        .text(arguments.name)
        .text("source")
        .bytes(&source.0);
    Ok(Done {
        name: arguments.name.to_owned(),
        deployed,
        rows,
        value: value.into_bytes(),
        gas,
    })
}

pub(crate) fn rows(
    arguments: &Arguments<'_>,
    code: &[u8],
    source: Hash32,
    code_hash: Hash32,
    height: u64,
) -> Result<Vec<NewRow>, Error> {
    let hash = |hash: Hash32| Value::bytes(hash.0.to_vec());
    let version = row(&[
        ("code", hash(code_hash)),
        ("file", Value::text(arguments.file)),
        (
            "since",
            Value::Int(i64::try_from(height).unwrap_or(i64::MAX)),
        ),
        ("source", hash(source)),
        ("status", Value::text("active")),
    ])?;
    let name = key::Part::Text(arguments.name.to_owned());
    let mut text = Encoder::with_capacity(arguments.source.len() + 8);
    text.text(arguments.source);
    let mut bytes = Encoder::with_capacity(code.len() + 8);
    bytes.bytes(code);
    Ok(vec![
        (versioned(CONTRACT, "versions", &name, 0), version),
        (by_hash("sources", source), text.into_bytes()),
        (by_hash("code", code_hash), bytes.into_bytes()),
    ])
}

/// Flat key of a source or of code.
pub(crate) fn by_hash(table: &str, hash: Hash32) -> Vec<u8> {
    let mut flat = key::prefix(CONTRACT, table);
    key::push_bytes(&mut flat, &hash.0);
    flat
}

fn invalid(file: &str, complaints: &[Complaint]) -> Refusal {
    let Some(first) = complaints.first() else {
        return Refusal::new("contract.invalid", "the source does not compile");
    };
    let more = match complaints.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let mut refusal = Refusal::new("contract.invalid", format!("{}{more}", first.message));
    refusal.reason = Some(first.code.clone());
    refusal.file = Some(file.to_owned());
    refusal.line = Some(u64::from(first.line));
    let hint = first.hint.clone().unwrap_or_default();
    refusal.hint(
        format!("{hint} (run `lianheng contract check {file}` for all of it)")
            .trim_start()
            .to_owned(),
    )
}
