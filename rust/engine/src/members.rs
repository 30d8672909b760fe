//! Who may sign: members and keys in memory, and the rows of the state they come from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use codec::cbor::{self, Value};
use codec::key;
use crypto::{Hash32, Suite};

use crate::formats::genesis::Genesis;
use crate::formats::names;
use crate::Error;

/// Contract name under which members live in the state.
pub const CONTRACT: &str = "members";

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

/// Organisations, members and keys in force at the last block. Cloned only when it changes.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    organisations: HashSet<String>,
    members: HashMap<String, Arc<Member>>,
    keys: HashMap<Hash32, Key>,
    /// Ids of the keys in force of each member, in their order.
    keys_of: HashMap<String, Vec<Hash32>>,
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

    /// The key with this id.
    pub fn key(&self, id: &Hash32) -> Option<&Key> {
        self.keys.get(id)
    }

    /// The member with this id.
    pub fn member(&self, id: &str) -> Option<&Arc<Member>> {
        self.members.get(id)
    }

    /// Whether a name is a member or an organisation in force.
    pub fn is_party(&self, name: &str) -> bool {
        self.members.contains_key(name) || self.organisations.contains(name)
    }

    /// The public keys in force of a member in force, in the order of their ids.
    pub fn keys_of(&self, member: &str) -> Vec<[u8; 32]> {
        if !self.members.contains_key(member) {
            return Vec::new();
        }
        let ids = self.keys_of.get(member).into_iter().flatten();
        ids.filter_map(|id| self.keys.get(id).map(|key| key.public))
            .collect()
    }

    /// How many members are in force.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Takes in a row of the contract `members`; versions of one subject MUST come in ascending order.
    pub fn take_row(&mut self, flat_key: &[u8], value: &[u8], suite: Suite) -> Result<(), Error> {
        let (_, table, rest) = key::split(flat_key)?;
        let subject = key::Reader::new(rest).next_part()?;
        let row = cbor::decode(value)?;
        match (table.as_str(), subject) {
            ("organisations", Some(key::Part::Text(name))) => {
                if text(&row, "status")? == "active" {
                    self.organisations.insert(name);
                } else {
                    self.organisations.remove(&name);
                }
                Ok(())
            }
            ("members", Some(key::Part::Text(id))) => self.take_member(id, &row),
            ("keys", Some(key::Part::Bytes(_))) => self.take_key(&row, suite),
            _ => Ok(()),
        }
    }

    fn take_member(&mut self, id: String, row: &Value) -> Result<(), Error> {
        if text(row, "status")? != "active" {
            self.members.remove(&id);
            return Ok(());
        }
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
        self.members.insert(
            id.clone(),
            Arc::new(Member {
                id,
                organisation,
                kind,
                roles,
            }),
        );
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
        let active = text(row, "status")? == "active";
        let member = text(row, "member")?;
        let before = if active {
            let key = Key {
                public,
                member: member.to_owned(),
            };
            self.keys.insert(id, key)
        } else {
            self.keys.remove(&id)
        };
        if let Some(before) = before {
            self.forget_key(&before.member, id);
        }
        if active {
            let ids = self.keys_of.entry(member.to_owned()).or_default();
            if let Err(place) = ids.binary_search(&id) {
                ids.insert(place, id);
            }
        }
        Ok(())
    }

    fn forget_key(&mut self, member: &str, id: Hash32) {
        let Some(ids) = self.keys_of.get_mut(member) else {
            return;
        };
        ids.retain(|known| *known != id);
        if ids.is_empty() {
            self.keys_of.remove(member);
        }
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
        assert!(!directory.keys_of.contains_key("ann@north"));
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
