//! Who stood behind a call or a run: rows of members in force at its block, proved under the state after the last one.
//!
//! Versions are never changed or removed, so any later state proves them: one that holds from a height not above the block's
//! is there, and the next one is absent, or holds from a height above it.

use std::ops::Bound;
use std::sync::Arc;

use codec::cbor::{self, Value};
use codec::key::{self, Part};
use crypto::Suite;
use store::Keyspace;

use crate::enact;
use crate::engine::Engine;
use crate::evidence::history_path;
use crate::formats::evidence::{Link, Subject};
use crate::formats::result::result_status;
use crate::formats::standing::{InForce, Later, Members, Named, Proved};
use crate::head::{Buckets, Head};
use crate::members::{damaged, versioned, CONTRACT};
use crate::timers::TIMER_RUN;
use crate::Error;

/// The row of a version, decoded, and whether the genesis wrote it and nothing followed.
struct Version {
    row: Value,
    number: i64,
    first_and_last: bool,
}

/// Rows that name members, with what they lead to.
pub(crate) struct Standing {
    named: Named,
    members: Vec<InForce>,
    organisations: Vec<InForce>,
}

/// What [`Standing`] is put into a receipt with: a later header's links, path, seal and the steps to it.
pub(crate) struct Place {
    links: Vec<Link>,
    path: Vec<crypto::Hash32>,
    seal: Option<Arc<[u8]>>,
    steps: Vec<Arc<[u8]>>,
}

impl Place {
    /// The steps to its seal.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &[u8]> {
        self.steps.iter().map(AsRef::as_ref)
    }
}

impl Standing {
    /// Who stood behind what a receipt at `height` is about.
    ///
    /// None where nobody is named; and, unless `always`, where the genesis wrote all these rows and none of them changed since:
    /// then the genesis tells as much.
    pub(crate) fn find(
        head: &Head,
        height: u64,
        subject: &Subject<'_>,
        result: &[u8],
        always: bool,
    ) -> Result<Option<Self>, Error> {
        let suite = head.tree.suite();
        match subject {
            Subject::Transaction(_, keys) => {
                let keys = keys.iter().map(|key| suite.key_id(key).0.to_vec());
                Self::of_signers(head, height, keys.map(Part::Bytes), always)
            }
            Subject::Run(kind, cause) if *kind == TIMER_RUN && result_status(result)? == 0 => {
                Self::of_proposal(head, height, cause)
            }
            Subject::Run(..) => Ok(None),
        }
    }

    fn of_signers(
        head: &Head,
        height: u64,
        keys: impl Iterator<Item = Part>,
        always: bool,
    ) -> Result<Option<Self>, Error> {
        let rows = Rows { head, height };
        let mut needed = always;
        let (mut names, mut proved) = (Vec::new(), Vec::new());
        for part in keys {
            let key = rows.known("keys", &part)?;
            needed |= !key.first_and_last;
            names.push(text(&key.row, "member")?.to_owned());
            proved.push((part, key.number));
        }
        let (members, organisations) = rows.of_members(names)?;
        let mut all = members.iter().chain(&organisations);
        needed |= all.any(|(_, version)| !version.first_and_last);
        if !needed {
            return Ok(None);
        }
        let keys = proved
            .iter()
            .map(|(part, version)| rows.in_force("keys", part, *version));
        let named = Named::Keys(keys.collect::<Result<_, _>>()?);
        Ok(Some(rows.standing(named, &members, &organisations)?))
    }

    /// Who agreed to the proposal that a timer of governance ran; none where the rows tell of another run.
    fn of_proposal(head: &Head, height: u64, cause: &[u8]) -> Result<Option<Self>, Error> {
        let Some((timer, number)) = proposal_of(&cbor::decode(cause)?) else {
            return Ok(None);
        };
        let rows = Rows { head, height };
        let proposal = governance("proposals", number);
        let Some(value) = crate::reads::get_row(&head.view, &proposal)? else {
            return Ok(None);
        };
        let row = cbor::decode(&value)?;
        let ran = row.get("run") == Some(&Value::Int(timer));
        if !ran || row.get("status") != Some(&Value::text("done")) {
            return Ok(None);
        }
        let (names, votes) = rows.votes(number)?;
        if names.is_empty() {
            return Ok(None);
        }
        let (members, organisations) = rows.of_members(names)?;
        let named = Named::Approvals(rows.prove(&proposal)?, votes);
        Ok(Some(rows.standing(named, &members, &organisations)?))
    }

    /// The part of the receipt.
    pub(crate) fn members<'a>(
        &'a self,
        head: &'a Head,
        place: Option<&'a Place>,
        steps: &'a [&'a [u8]],
    ) -> Members<'a> {
        Members {
            later: place.map(|place| Later {
                header: &head.header_bytes,
                seal: place.seal.as_deref(),
                links: &place.links,
                steps,
                path: &place.path,
            }),
            named: &self.named,
            members: &self.members,
            organisations: &self.organisations,
        }
    }
}

impl Engine {
    /// Binds the last header, whose state proves rows, to the receipt's at `height`; none where it is the same.
    pub(crate) fn place_of_proofs(
        &self,
        head: &Head,
        height: u64,
        anchor: Option<&[u8]>,
        seal: impl FnOnce(&Self, u64) -> Result<Option<Arc<[u8]>>, Error>,
    ) -> Result<Option<Place>, Error> {
        let last = head.height();
        if last == height {
            return Ok(None);
        }
        let seal = seal(self, last)?;
        Ok(Some(Place {
            links: self.links(head, last, anchor)?,
            path: history_path(head, height, last)?,
            steps: self.steps(head, last, seal.as_deref(), anchor)?,
            seal,
        }))
    }
}

/// The number of the timer, and of the proposal, of a cause that is one of governance's.
fn proposal_of(cause: &Value) -> Option<(i64, i64)> {
    let Value::Array(parts) = cause else {
        return None;
    };
    let [contract, Value::Int(timer), _, method, arguments] = parts.as_slice() else {
        return None;
    };
    let own = *contract == Value::text(enact::CONTRACT) && *method == Value::text(enact::METHOD);
    match arguments.get("number") {
        Some(Value::Int(number)) if own => Some((*timer, *number)),
        _ => None,
    }
}

/// What keys of a proposal's rows begin with.
fn governance(table: &str, number: i64) -> Vec<u8> {
    let mut flat = key::prefix(enact::CONTRACT, table);
    key::push_int(&mut flat, number);
    flat
}

/// A subject's name and its version in force.
type Found = Vec<(Part, Version)>;

/// The rows that were in force for the block at a height, as the last state has them.
struct Rows<'a> {
    head: &'a Head,
    height: u64,
}

impl Rows<'_> {
    fn suite(&self) -> Suite {
        self.head.tree.suite()
    }

    /// The last version that holds from a height not above the block's.
    fn version(&self, table: &str, subject: &Part) -> Result<Option<Version>, Error> {
        let mut from = key::prefix(CONTRACT, table);
        key::push(&mut from, subject);
        let to = key::prefix_end(&from);
        let end = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let start = Bound::Included(from.as_slice());
        let mut last = true;
        for found in self.head.view.range(Keyspace::State, start, end, true) {
            let row = cbor::decode(&found?.1)?;
            let (since, number) = (int(&row, "since")?, int(&row, "version")?);
            if u64::try_from(since).is_ok_and(|since| since <= self.height) {
                let first_and_last = last && since == 0 && number == 0;
                return Ok(Some(Version {
                    row,
                    number,
                    first_and_last,
                }));
            }
            last = false;
        }
        Ok(None)
    }

    /// The same of a subject that a transaction or a row names.
    fn known(&self, table: &str, subject: &Part) -> Result<Version, Error> {
        let found = self.version(table, subject)?;
        found.ok_or_else(|| damaged("since"))
    }

    /// The versions in force of these members and of their organisations, each once.
    fn of_members(&self, names: Vec<String>) -> Result<(Found, Found), Error> {
        let (mut members, mut organisations): (Found, Found) = (Vec::new(), Vec::new());
        for name in names {
            let part = Part::Text(name);
            if members.iter().any(|(known, _)| *known == part) {
                continue;
            }
            let member = self.known("members", &part)?;
            let of = Part::Text(text(&member.row, "organisation")?.to_owned());
            if organisations.iter().all(|(known, _)| *known != of) {
                let organisation = self.known("organisations", &of)?;
                organisations.push((of, organisation));
            }
            members.push((part, member));
        }
        Ok((members, organisations))
    }

    /// Members in force who agreed to a proposal, in their order, and their votes.
    fn votes(&self, number: i64) -> Result<(Vec<String>, Vec<Proved>), Error> {
        let from = governance("votes", number);
        let to = key::prefix_end(&from);
        let end = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let start = Bound::Included(from.as_slice());
        let (mut names, mut votes) = (Vec::new(), Vec::new());
        for found in self.head.view.range(Keyspace::State, start, end, false) {
            let (flat, value) = found?;
            let row = cbor::decode(&value)?;
            let agrees = row.get("agrees") == Some(&Value::Bool(true));
            match row.get("member") {
                Some(Value::Text(member)) if agrees && self.is_in_force(member)? => {
                    names.push(member.clone());
                    votes.push(self.prove(&flat)?);
                }
                _ => {}
            }
        }
        Ok((names, votes))
    }

    fn is_in_force(&self, member: &str) -> Result<bool, Error> {
        let active = |version: &Version| version.row.get("status") == Some(&Value::text("active"));
        let member = self.version("members", &Part::Text(member.to_owned()))?;
        let Some(member) = member.filter(active) else {
            return Ok(false);
        };
        let organisation = Part::Text(text(&member.row, "organisation")?.to_owned());
        let organisation = self.version("organisations", &organisation)?;
        Ok(organisation.is_some_and(|version| active(&version)))
    }

    fn prove(&self, flat: &[u8]) -> Result<Proved, Error> {
        let value = crate::reads::get_row(&self.head.view, flat)?;
        let buckets = Buckets(&self.head.view);
        let proof = self.head.tree.prove(&buckets, self.suite().hash(flat))?;
        Ok(Proved { value, proof })
    }

    fn in_force(&self, table: &str, subject: &Part, version: i64) -> Result<InForce, Error> {
        let next = version.checked_add(1).ok_or_else(|| damaged("version"))?;
        Ok(InForce {
            version: u64::try_from(version).map_err(|_| damaged("version"))?,
            row: self.prove(&versioned(CONTRACT, table, subject, version))?,
            next: self.prove(&versioned(CONTRACT, table, subject, next))?,
        })
    }

    fn standing(
        &self,
        named: Named,
        members: &Found,
        organisations: &Found,
    ) -> Result<Standing, Error> {
        let all = |table: &str, found: &Found| {
            let found = found.iter();
            found
                .map(|(part, version)| self.in_force(table, part, version.number))
                .collect::<Result<_, _>>()
        };
        Ok(Standing {
            named,
            members: all("members", members)?,
            organisations: all("organisations", organisations)?,
        })
    }
}

fn text<'a>(row: &'a Value, field: &str) -> Result<&'a str, Error> {
    match row.get(field) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(damaged(field)),
    }
}

fn int(row: &Value, field: &str) -> Result<i64, Error> {
    match row.get(field) {
        Some(Value::Int(int)) => Ok(*int),
        _ => Err(damaged(field)),
    }
}
