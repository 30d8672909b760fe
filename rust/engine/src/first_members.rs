//! The members, keys, roles and policies that a genesis document begins with, as rows.

use codec::cbor::Value;
use codec::key;

use crate::formats::genesis::{self, Genesis};
use crate::formats::names;
use crate::members::{damaged, row, versioned, NewRow, CONTRACT, POLICIES};
use crate::Error;

/// The role of those who run an organisation and, together, the chain.
const ADMIN: &str = "admin";

/// The rows that a genesis document makes in the contracts `members` and `policies`.
pub(crate) fn genesis_rows(genesis: &Genesis) -> Result<Vec<NewRow>, Error> {
    let mut rows = Vec::new();
    for organisation in &genesis.organisations {
        organisation_rows(organisation, &mut rows)?;
    }
    for role in &genesis.roles {
        let given = [
            ("name", Value::text(role.name.as_str())),
            ("given", Value::text(role.given.as_str())),
        ];
        rows.push(first("roles", &role.name, &given)?);
    }
    for member in &genesis.members {
        member_rows(genesis, member, &mut rows)?;
    }
    validator_rows(genesis, &mut rows)?;
    for (target, text) in &genesis.policies {
        let flat = versioned(POLICIES, "rules", &key::Part::Text(target.clone()), 0);
        let fields = [
            ("target", Value::text(target.as_str())),
            ("policy", Value::text(text.as_str())),
            ("since", Value::Int(0)),
            ("version", Value::Int(0)),
        ];
        rows.push((flat, row(&fields)?));
    }
    Ok(rows)
}

/// The first version of a subject, in force from the genesis on.
fn first(table: &str, subject: &str, fields: &[(&str, Value)]) -> Result<NewRow, Error> {
    let subject = key::Part::Text(subject.to_owned());
    Ok((versioned(CONTRACT, table, &subject, 0), active(fields)?))
}

fn active(fields: &[(&str, Value)]) -> Result<Vec<u8>, Error> {
    let mut all = fields.to_vec();
    all.push(("since", Value::Int(0)));
    all.push(("version", Value::Int(0)));
    all.push(("status", Value::text("active")));
    row(&all)
}

/// A row whose fields are its key: something holds while it stands.
fn holds(table: &str, parts: &[(&str, Value)]) -> Result<NewRow, Error> {
    let mut flat = key::prefix(CONTRACT, table);
    for (_, value) in parts {
        match value {
            Value::Text(text) => key::push_text(&mut flat, text),
            Value::Bytes(bytes) => key::push_bytes(&mut flat, bytes),
            _ => return Err(damaged("key")),
        }
    }
    Ok((flat, row(parts)?))
}

fn organisation_rows(
    organisation: &genesis::Organisation,
    rows: &mut Vec<NewRow>,
) -> Result<(), Error> {
    let name = organisation.name.as_str();
    let fields = [
        ("name", Value::text(name)),
        ("title", Value::text(organisation.title.as_str())),
        ("uscc", Value::text(organisation.uscc.as_str())),
        ("lei", Value::text(organisation.lei.as_str())),
    ];
    rows.push(first("organisations", name, &fields)?);
    rows.push(holds("seats", &[("organisation", Value::text(name))])?);
    Ok(())
}

/// Who votes, or whose key seals where nobody does.
fn validator_rows(genesis: &Genesis, rows: &mut Vec<NewRow>) -> Result<(), Error> {
    let solo = genesis.sealers.kind == "solo";
    for member in &genesis.members {
        let own = |(key, _): &&([u8; 32], u64)| member.keys.iter().any(|(own, _)| own == key);
        let Some((public, power)) = genesis.sealers.members.iter().find(own) else {
            continue;
        };
        let id = || Value::text(member.id.as_str());
        if solo {
            rows.push(holds("sequencers", &[("member", id())])?);
            continue;
        }
        let power = || Value::Int(i64::try_from(*power).unwrap_or(i64::MAX));
        let fields = [
            ("member", id()),
            ("key", Value::bytes(genesis.suite.key_id(public).0.to_vec())),
            ("power", power()),
        ];
        rows.push(first("validators", &member.id, &fields)?);
        let organisation = Value::text(names::organisation_of(&member.id));
        let parts = [("organisation", organisation), ("member", id())];
        let (flat, _) = holds("votes", &parts)?;
        let [organisation, member] = parts;
        let voice = [
            ("public", Value::bytes(public.to_vec())),
            ("power", power()),
        ];
        rows.push((
            flat,
            row(&[&[organisation, member], voice.as_slice()].concat())?,
        ));
    }
    Ok(())
}

fn member_rows(
    genesis: &Genesis,
    member: &genesis::Member,
    rows: &mut Vec<NewRow>,
) -> Result<(), Error> {
    let id = || Value::text(member.id.as_str());
    let organisation = || Value::text(names::organisation_of(&member.id));
    let roles = member.roles.iter().map(|role| Value::text(role.as_str()));
    let fields = [
        ("id", id()),
        ("organisation", organisation()),
        ("kind", Value::text(member.kind.as_str())),
        ("roles", Value::Array(roles.collect())),
    ];
    rows.push(first("members", &member.id, &fields)?);
    if member.roles.iter().any(|role| role == ADMIN) {
        let parts = [("organisation", organisation()), ("member", id())];
        rows.push(holds("admins", &parts)?);
    }
    for (public, custodial) in &member.keys {
        let key_id = || Value::bytes(genesis.suite.key_id(public).0.to_vec());
        let fields = [
            ("id", key_id()),
            ("custodial", Value::Bool(*custodial)),
            ("member", id()),
            ("public", Value::bytes(public.to_vec())),
        ];
        let part = key::Part::Bytes(genesis.suite.key_id(public).0.to_vec());
        let flat = versioned(CONTRACT, "keys", &part, 0);
        rows.push((flat, active(&fields)?));
        rows.push(holds("held", &[("member", id()), ("key", key_id())])?);
    }
    Ok(())
}
