//! Proposals whose time has come: the engine makes the call, signed by the members who agreed.

use std::sync::Arc;

use codec::cbor::{self, Value};
use crypto::Hash32;

use crate::authority::text_argument;
use crate::deploy;
use crate::execute::{refused, Execution};
use crate::formats::result::{Refusal, TransactionResult};
use crate::members::Member;
use crate::runtime::{Call, Contract, Deployed, Order};
use crate::Error;

/// The contract that keeps proposals.
pub(crate) const CONTRACT: &str = "governance";

/// Its timer that gives what to run.
pub(crate) const METHOD: &str = "run";

/// What a proposal asks for.
struct Wanted {
    contract: String,
    method: String,
    arguments: Vec<u8>,
    source: Option<Hash32>,
    members: Vec<String>,
}

impl Wanted {
    /// Reads what `governance.run` gave.
    fn decode(value: &[u8]) -> Option<Self> {
        let row = cbor::decode(value).ok()?;
        let text = |field: &str| match row.get(field) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let bytes = |field: &str| match row.get(field) {
            Some(Value::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        };
        let Some(Value::Array(members)) = row.get("members") else {
            return None;
        };
        let members = members.iter().map(|member| match member {
            Value::Text(id) => Some(id.clone()),
            _ => None,
        });
        let source = bytes("source")?;
        Some(Wanted {
            contract: text("contract")?,
            method: text("method")?,
            arguments: bytes("arguments")?,
            source: match source.is_empty() {
                true => None,
                false => Some(Hash32(source.as_slice().try_into().ok()?)),
            },
            members: members.collect::<Option<_>>()?,
        })
    }

    /// Whether the source in force is the one that was agreed to.
    fn is_stale(&self, found: Option<Hash32>) -> Option<Refusal> {
        if found == self.source {
            return None;
        }
        let shown = |hash: Option<Hash32>| hash.map_or("none".to_owned(), |hash| hash.to_string());
        let message = format!(
            "agreed was {}.{} with source {}, in force is {}",
            self.contract,
            self.method,
            shown(self.source),
            shown(found)
        );
        Some(Refusal::new("approval.stale", message).hint("propose it again"))
    }
}

impl Execution<'_> {
    /// Runs a proposal: what governance keeps of it, and the call that was agreed to, or nothing.
    pub(crate) fn enact(
        &mut self,
        deployed: &Deployed,
        call: &Call<'_>,
    ) -> Result<TransactionResult, Error> {
        let (booked, changes) = self.try_method(deployed, call, <dyn Contract>::timer)?;
        let (value, events) = match booked.outcome {
            Err(refusal) => return Ok(refused(booked.gas, Some(deployed.source), refusal)),
            Ok(done) => done,
        };
        let Some(wanted) = Wanted::decode(&value) else {
            let refusal = Refusal::new("engine.fault", "governance gave no call to run");
            return Ok(refused(booked.gas, Some(deployed.source), refusal));
        };
        let mut result = self.enact_call(&wanted, call, booked.gas)?;
        result.gas = result.gas.saturating_add(booked.gas);
        if let Ok(success) = &mut result.outcome {
            self.absorb(changes)?;
            success.events.extend(self.number_events(events)?);
        }
        Ok(result)
    }

    fn enact_call(
        &mut self,
        wanted: &Wanted,
        call: &Call<'_>,
        spent: u64,
    ) -> Result<TransactionResult, Error> {
        if let Err(error) = cbor::check(&wanted.arguments) {
            let refusal = Refusal::new("call.bad_arguments", error.message);
            return Ok(refused(0, None, refusal.in_field("arguments")));
        }
        let name = match wanted.contract.as_str() {
            deploy::CONTRACT => text_argument(&wanted.arguments, "name").unwrap_or_default(),
            other => other,
        };
        let found = self.contracts.get(name).map(|deployed| deployed.source);
        if let Some(refusal) = wanted.is_stale(found) {
            return Ok(refused(0, found, refusal));
        }
        let directory = self.base.directory;
        let members = wanted.members.iter();
        let members: Vec<Arc<Member>> = members
            .filter_map(|id| directory.member(id).cloned())
            .collect();
        self.call(&Order {
            contract: &wanted.contract,
            method: &wanted.method,
            arguments: &wanted.arguments,
            code: None,
            signers: &members,
            key_ids: &[],
            id: Hash32(call.transaction_id),
            application: None,
            attachments: &[],
            gas: call.gas.saturating_sub(spent),
        })
    }
}
