//! Who may sign: members and keys in memory, and the rows of the state they come from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use codec::cbor::{self, Value};
use codec::key;
use crypto::{Hash32, Suite};

use crate::formats::genesis::Genesis;
use crate::formats::names;
use crate::policy::Policy;
use crate::Error;

/// Contract name under which members live in the state.
pub const CONTRACT: &str = "members";

/// Contract name under which the chain's own policies live.
pub const POLICIES: &str = "policies";

/// A member in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `name@organisation`.
    pub id: String,
    /// Its organisation.
    pub organisation: String,
    /// person, service, device or node.
    pub kind: String,
    /// Its roles.
    pub roles: Vec<String>,
}

/// A key in force.
#[derive(Clone, Debug)]
pub struct Key {
    /// The public key.
    pub public: [u8; 32],
    /// The member it belongs to.
    pub member: String,
}

/// Whether a subject of the contract `members` takes part, and since which height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Active,
    /// It was suspended: it may come back.
    Suspended(u64),
    /// It was removed, or revoked, for ever.
    Removed(u64),
}

impl Standing {
    fn of(row: &Value) -> Result<Self, Error> {
        let since = match row.get("since") {
            Some(Value::Int(since)) => u64::try_from(*since).map_err(|_| damaged("since"))?,
            _ => return Err(damaged("since")),
        };
        match text(row, "status")? {
            "active" => Ok(Standing::Active),
            "suspended" => Ok(Standing::Suspended(since)),
            "removed" | "revoked" => Ok(Standing::Removed(since)),
            _ => Err(damaged("status")),
        }
    }

    fn words(self) -> Option<String> {
        match self {
            Standing::Active => None,
            Standing::Suspended(since) => Some(format!("suspended since height {since}")),
            Standing::Removed(since) => Some(format!("removed since height {since}")),
        }
    }
}

/// Organisations of the chain, by name.
#[derive(Clone, Debug, Default)]
pub struct Organisations {
    all: BTreeMap<String, Standing>,
    active: usize,
}

impl Organisations {
    /// How many are in force.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Whether this one is in force.
    pub fn is_active(&self, name: &str) -> bool {
        self.all.get(name) == Some(&Standing::Active)
    }

    /// Names of those in force, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let active = self
            .all
            .iter()
            .filter(|(_, standing)| **standing == Standing::Active);
        active.map(|(name, _)| name.as_str())
    }

    /// Puts one in force, or out of it.
    pub fn take(&mut self, name: String, standing: Standing) {
        self.all.insert(name, standing);
        let active = self
            .all
            .values()
            .filter(|standing| **standing == Standing::Active);
        self.active = active.count();
    }
}

/// Members, keys, organisations and the chain's own policies in force after the last block. Cloned only when it changes.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    organisations: Organisations,
    members: HashMap<String, (Arc<Member>, Standing)>,
    keys: HashMap<Hash32, (Key, Standing)>,
    /// By contract and method.
    policies: HashMap<String, HashMap<String, Arc<Rule>>>,
}

/// A policy that the chain set in place of a contract's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its text.
    pub text: String,
    /// Its form.
    pub policy: Policy,
}

impl Directory {
    /// The key with this id, where it is in force; whether its member is, is another question.
    pub fn key(&self, id: &Hash32) -> Option<&Key> {
        let found = self
            .keys
            .get(id)
            .filter(|(_, standing)| *standing == Standing::Active);
        found.map(|(key, _)| key)
    }

    /// The member with this id, where it and its organisation are in force.
    pub fn member(&self, id: &str) -> Option<&Arc<Member>> {
        let (member, standing) = self.members.get(id)?;
        let active =
            *standing == Standing::Active && self.organisations.is_active(&member.organisation);
        active.then_some(member)
    }

    /// How many members are known.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The organisations.
    pub fn organisations(&self) -> &Organisations {
        &self.organisations
    }

    /// The policy that the chain set for a method, where it did.
    pub fn policy(&self, contract: &str, method: &str) -> Option<&Arc<Rule>> {
        self.policies.get(contract)?.get(method)
    }

    /// Why a key cannot sign, in words.
    pub fn why_not(&self, id: &Hash32) -> String {
        let Some((key, standing)) = self.keys.get(id) else {
            return format!("key {id} belongs to no member of this chain");
        };
        let member = &key.member;
        if let Some(words) = standing.words() {
            return format!("key {id} of {member} is {words}");
        }
        let Some((known, standing)) = self.members.get(member) else {
            return format!("key {id} belongs to no member of this chain");
        };
        if let Some(words) = standing.words() {
            return format!("{member} is {words}");
        }
        let organisation = &known.organisation;
        match self
            .organisations
            .all
            .get(organisation)
            .and_then(|standing| standing.words())
        {
            Some(words) => format!("{organisation}, the organisation of {member}, is {words}"),
            None => format!("key {id} of {member} is in force"),
        }
    }

    /// The directory after a block that wrote these rows; the same one where none of them is its own.
    pub fn after<'r>(
        before: &Arc<Self>,
        rows: impl Iterator<Item = (&'r [u8], Option<&'r [u8]>)>,
        suite: Suite,
    ) -> Result<Arc<Self>, Error> {
        let kept = [CONTRACT, POLICIES].map(key::contract_prefix);
        let mut after = Arc::clone(before);
        for (flat, value) in rows {
            let own = kept.iter().any(|prefix| flat.starts_with(prefix));
            if let Some(value) = value.filter(|_| own) {
                Arc::make_mut(&mut after).take_row(flat, value, suite)?;
            }
        }
        Ok(after)
    }

    /// Takes in a row of the contract `members` or `policies`; versions of one subject MUST come in ascending order.
    pub fn take_row(&mut self, flat_key: &[u8], value: &[u8], suite: Suite) -> Result<(), Error> {
        let (contract, table, rest) = key::split(flat_key)?;
        let subject = key::Reader::new(rest).next_part()?;
        match (contract.as_str(), table.as_str(), subject) {
            (CONTRACT, "members", Some(key::Part::Text(id))) => {
                self.take_member(id, &cbor::decode(value)?)
            }
            (CONTRACT, "keys", Some(key::Part::Bytes(_))) => {
                self.take_key(&cbor::decode(value)?, suite)
            }
            (CONTRACT, "organisations", Some(key::Part::Text(name))) => {
                let standing = Standing::of(&cbor::decode(value)?)?;
                self.organisations.take(name, standing);
                Ok(())
            }
            (POLICIES, "rules", Some(key::Part::Text(target))) => {
                self.take_rule(&target, &cbor::decode(value)?)
            }
            _ => Ok(()),
        }
    }

    fn take_rule(&mut self, target: &str, row: &Value) -> Result<(), Error> {
        let (contract, method) = target.split_once('.').ok_or_else(|| damaged("target"))?;
        let text = text(row, "policy")?;
        let methods = self.policies.entry(contract.to_owned()).or_default();
        if text.is_empty() {
            methods.remove(method);
            return Ok(());
        }
        let policy = Policy::parse(text).map_err(|_| damaged("policy"))?;
        let text = text.to_owned();
        methods.insert(method.to_owned(), Arc::new(Rule { text, policy }));
        Ok(())
    }

    fn take_member(&mut self, id: String, row: &Value) -> Result<(), Error> {
        let roles = match row.get("roles") {
            Some(Value::Array(roles)) => roles
                .iter()
                .map(|role| match role {
                    Value::Text(role) => Ok(role.clone()),
                    _ => Err(damaged("roles")),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(damaged("roles")),
        };
        let organisation = text(row, "organisation")?.to_owned();
        let kind = text(row, "kind")?.to_owned();
        let member = Member {
            id: id.clone(),
            organisation,
            kind,
            roles,
        };
        self.members
            .insert(id, (Arc::new(member), Standing::of(row)?));
        Ok(())
    }

    fn take_key(&mut self, row: &Value, suite: Suite) -> Result<(), Error> {
        let Some(Value::Bytes(public)) = row.get("public") else {
            return Err(damaged("public"));
        };
        let public: [u8; 32] = public
            .as_slice()
            .try_into()
            .map_err(|_| damaged("public"))?;
        let member = text(row, "member")?.to_owned();
        self.keys.insert(
            suite.key_id(&public),
            (Key { public, member }, Standing::of(row)?),
        );
        Ok(())
    }
}

fn text<'a>(row: &'a Value, field: &str) -> Result<&'a str, Error> {
    match row.get(field) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(damaged(field)),
    }
}

fn damaged(field: &str) -> Error {
    Error::new(
        "state.damaged",
        "a row of the contract members has not the form that the rules give it",
    )
    .in_field(field)
    .hint("run `lianheng fsck`")
}

/// A row to be written: flat key and value.
pub(crate) type NewRow = (Vec<u8>, Vec<u8>);

/// A row as the state keeps it: a map with text keys.
pub(crate) fn row(fields: &[(&str, Value)]) -> Result<Vec<u8>, Error> {
    let entries = fields
        .iter()
        .map(|(name, value)| (Value::text(*name), value.clone()))
        .collect();
    Ok(cbor::encode(&Value::Map(entries))?)
}

/// Flat key of version `version` of a subject.
pub(crate) fn versioned(contract: &str, table: &str, subject: &key::Part, version: i64) -> Vec<u8> {
    let mut flat = key::prefix(contract, table);
    key::push(&mut flat, subject);
    key::push_int(&mut flat, version);
    flat
}

/// The rows that a genesis document makes in the contract `members`.
pub(crate) fn genesis_rows(genesis: &Genesis) -> Result<Vec<NewRow>, Error> {
    let active = || ("status", Value::text("active"));
    let since = || ("since", Value::Int(0));
    let subject = |text: &str| key::Part::Text(text.to_owned());
    let mut rows = Vec::new();
    for organisation in &genesis.organisations {
        let flat = versioned(CONTRACT, "organisations", &subject(&organisation.name), 0);
        rows.push((
            flat,
            row(&[
                since(),
                active(),
                ("title", Value::text(organisation.title.as_str())),
            ])?,
        ));
    }
    for member in &genesis.members {
        let roles = Value::Array(
            member
                .roles
                .iter()
                .map(|role| Value::text(role.as_str()))
                .collect(),
        );
        let organisation = Value::text(names::organisation_of(&member.id));
        let kind = ("kind", Value::text(member.kind.as_str()));
        let flat = versioned(CONTRACT, "members", &subject(&member.id), 0);
        rows.push((
            flat,
            row(&[
                since(),
                active(),
                kind,
                ("roles", roles),
                ("organisation", organisation),
            ])?,
        ));
        for (public, custodial) in &member.keys {
            let id = key::Part::Bytes(genesis.suite.key_id(public).0.to_vec());
            let fields = [
                since(),
                active(),
                ("custodial", Value::Bool(*custodial)),
                ("member", Value::text(member.id.as_str())),
                ("public", Value::bytes(public.to_vec())),
            ];
            rows.push((versioned(CONTRACT, "keys", &id, 0), row(&fields)?));
        }
    }
    Ok(rows)
}
