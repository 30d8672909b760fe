//! Who may sign: members and keys in memory, and the rows of the state they come from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use codec::cbor::{self, Value};
use codec::key;
use crypto::{Hash32, Suite};

use crate::policy::Policy;
use crate::sealing::Validators;
use crate::shards::Shards;
use crate::shares::{self, Shares};
use crate::Error;

/// Contract name under which members live in the state.
pub const CONTRACT: &str = "members";

/// The contracts whose rows say what is in force.
pub(crate) const KEPT: [&str; 3] = [CONTRACT, POLICIES, shares::CONTRACT];

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
        let is_active = standing == Standing::Active;
        let was_active = self.all.insert(name, standing) == Some(Standing::Active);
        self.active = self.active + usize::from(is_active) - usize::from(was_active);
    }
}

/// Members, keys, organisations and the chain's own policies in force after the last block. Cloned only when it changes;
/// copies share what did not.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    organisations: Arc<Organisations>,
    members: Shards<String, (Arc<Member>, Standing)>,
    keys: Shards<Hash32, (Key, Standing)>,
    /// Ids of each member's keys, in force or not, in their order.
    keys_of: Shards<String, Vec<Hash32>>,
    validators: Arc<Validators>,
    /// By contract and method.
    policies: Arc<HashMap<String, HashMap<String, Arc<Rule>>>>,
    shares: Arc<Shares>,
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
    /// One member with one key, for benches and tests.
    pub(crate) fn of_member(
        id: &str,
        organisation: &str,
        public: [u8; 32],
        suite: Suite,
    ) -> Result<Self, Error> {
        let mut directory = Directory::default();
        let fields = |own: &[(&str, Value)]| {
            let mut all = vec![("since", Value::Int(0)), ("status", Value::text("active"))];
            all.extend_from_slice(own);
            row(&all)
        };
        let subject = |text: &str| key::Part::Text(text.to_owned());
        let rows = [
            (
                versioned(CONTRACT, "organisations", &subject(organisation), 0),
                fields(&[("title", Value::text(organisation))])?,
            ),
            (
                versioned(CONTRACT, "members", &subject(id), 0),
                fields(&[
                    ("kind", Value::text("person")),
                    ("roles", Value::Array(Vec::new())),
                    ("organisation", Value::text(organisation)),
                ])?,
            ),
            (
                versioned(CONTRACT, "keys", &key::Part::Bytes(vec![0]), 0),
                fields(&[
                    ("custodial", Value::Bool(false)),
                    ("member", Value::text(id)),
                    ("public", Value::bytes(public.to_vec())),
                ])?,
            ),
        ];
        for (flat, value) in rows {
            directory.take_row(&flat, &value, suite)?;
        }
        Ok(directory)
    }

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

    /// Whether a name is a member or an organisation in force.
    pub fn is_party(&self, name: &str) -> bool {
        self.member(name).is_some() || self.organisations.is_active(name)
    }

    /// The public keys in force of a member in force, in the order of their ids.
    pub fn keys_of(&self, member: &str) -> Vec<[u8; 32]> {
        let ids = self.member(member).and_then(|_| self.keys_of.get(member));
        let ids = ids.into_iter().flatten();
        let keys = ids.filter_map(|id| self.key(id));
        keys.filter(|key| key.member == member)
            .map(|key| key.public)
            .collect()
    }

    /// How many members are known.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.members.len() == 0
    }

    /// The organisations.
    pub fn organisations(&self) -> &Organisations {
        &self.organisations
    }

    /// What organisations may have of the chain.
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// The nodes that vote on blocks.
    pub fn validators(&self) -> &Validators {
        &self.validators
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
        let kept = KEPT.map(key::contract_prefix);
        let mut after = Arc::clone(before);
        for (flat, value) in rows {
            let own = kept.iter().any(|prefix| flat.starts_with(prefix));
            match value {
                Some(value) if own => Arc::make_mut(&mut after).take_row(flat, value, suite)?,
                None if own => Arc::make_mut(&mut after).lose_row(flat)?,
                _ => {}
            }
        }
        if !Arc::ptr_eq(&after, before) {
            Arc::make_mut(&mut after).settle(suite);
        }
        Ok(after)
    }

    /// To be called when rows were taken: what is put together of several.
    pub fn settle(&mut self, suite: Suite) {
        Arc::make_mut(&mut self.validators).settle(suite);
    }

    /// Takes in a row of the contract `members`, `policies` or `shares`; versions of one subject MUST come in ascending order.
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
                Arc::make_mut(&mut self.organisations).take(name, standing);
                Ok(())
            }
            (CONTRACT, "votes", Some(key::Part::Text(_))) => {
                let row = cbor::decode(value)?;
                let member = text(&row, "member")?.to_owned();
                Arc::make_mut(&mut self.validators).take(member, Some(&row))
            }
            (POLICIES, "rules", Some(key::Part::Text(target))) => {
                self.take_rule(&target, &cbor::decode(value)?)
            }
            (shares::CONTRACT, table, Some(key::Part::Text(name))) => {
                Arc::make_mut(&mut self.shares).take(table, name, value)
            }
            _ => Ok(()),
        }
    }

    /// A row is gone. Of those that are kept here only votes ever go.
    fn lose_row(&mut self, flat_key: &[u8]) -> Result<(), Error> {
        let (contract, table, rest) = key::split(flat_key)?;
        if (contract.as_str(), table.as_str()) == (CONTRACT, "votes") {
            let mut parts = key::Reader::new(rest);
            if let (Some(_), Some(key::Part::Text(id))) = (parts.next_part()?, parts.next_part()?) {
                Arc::make_mut(&mut self.validators).take(id, None)?;
            }
        }
        Ok(())
    }

    fn take_rule(&mut self, target: &str, row: &Value) -> Result<(), Error> {
        let (contract, method) = target.split_once('.').ok_or_else(|| damaged("target"))?;
        let text = text(row, "policy")?;
        let policies = Arc::make_mut(&mut self.policies);
        let methods = policies.entry(contract.to_owned()).or_default();
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
        let id = suite.key_id(&public);
        let member = text(row, "member")?.to_owned();
        let ids = self.keys_of.entry(&member);
        if let Err(place) = ids.binary_search(&id) {
            ids.insert(place, id);
        }
        self.keys
            .insert(id, (Key { public, member }, Standing::of(row)?));
        Ok(())
    }
}

fn text<'a>(row: &'a Value, field: &str) -> Result<&'a str, Error> {
    match row.get(field) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(damaged(field)),
    }
}

pub(crate) fn damaged(field: &str) -> Error {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: Suite = Suite::One;

    fn take(directory: &mut Directory, key: u8, member: &str, status: &str) {
        let fields = [
            ("since", Value::Int(0)),
            ("status", Value::text(status)),
            ("custodial", Value::Bool(false)),
            ("member", Value::text(member)),
            ("public", Value::bytes(vec![key; 32])),
        ];
        let flat = versioned(CONTRACT, "keys", &key::Part::Bytes(vec![key]), 0);
        let value = row(&fields).expect("a row of tests");
        directory.take_row(&flat, &value, SUITE).expect("taken");
    }

    fn sorted(keys: &[u8]) -> Vec<[u8; 32]> {
        let mut keys: Vec<[u8; 32]> = keys.iter().map(|key| [*key; 32]).collect();
        keys.sort_by_key(|key| SUITE.key_id(key));
        keys
    }

    #[test]
    fn keys_of_a_member_follow_the_rows() {
        let mut directory =
            Directory::of_member("ann@north", "north", [1; 32], SUITE).expect("made");
        assert_eq!(directory.keys_of("ann@north"), [[1; 32]]);
        for key in 2..6 {
            take(&mut directory, key, "ann@north", "active");
            take(&mut directory, key, "ann@north", "active");
        }
        assert_eq!(directory.keys_of("ann@north"), sorted(&[1, 2, 3, 4, 5]));
        take(&mut directory, 3, "ann@north", "removed");
        take(&mut directory, 9, "ann@north", "removed");
        take(&mut directory, 4, "bob@north", "active");
        assert_eq!(directory.keys_of("ann@north"), sorted(&[1, 2, 5]));
        // Bob's key is there, but he is no member.
        assert_eq!(directory.keys_of("bob@north"), [] as [[u8; 32]; 0]);
        for key in [1, 2, 5] {
            take(&mut directory, key, "ann@north", "removed");
        }
        assert_eq!(directory.keys_of("ann@north"), [] as [[u8; 32]; 0]);
    }

    #[test]
    fn parties_are_members_and_organisations_in_force() {
        let mut directory =
            Directory::of_member("ann@north", "north", [1; 32], SUITE).expect("made");
        for (name, known) in [
            ("ann@north", true),
            ("north", true),
            ("ann", false),
            ("", false),
        ] {
            assert_eq!(directory.is_party(name), known, "{name}");
        }
        let gone = row(&[
            ("since", Value::Int(3)),
            ("status", Value::text("removed")),
            ("title", Value::text("")),
        ]);
        let north = key::Part::Text("north".to_owned());
        let flat = versioned(CONTRACT, "organisations", &north, 1);
        let gone = gone.expect("a row of tests");
        directory.take_row(&flat, &gone, SUITE).expect("taken");
        assert!(!directory.is_party("north"));
    }
}
