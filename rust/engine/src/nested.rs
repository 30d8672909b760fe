//! Calls between contracts of this runtime: who may be called, and the one chain of them.
//!
//! A callee runs on the same writes and meters as its caller. Whatever it refuses, refuses the
//! whole transaction: nothing here is undone in part.

use std::sync::{Arc, RwLock};

use crypto::Hash32;
use vm::{Bound, ContractCall, Nested};

use crate::authority::{own_rule, subject, Asking, Target};
use crate::chain_answers;
use crate::contract_python::{python_of, PythonContract, StateHost};
use crate::deploy;
use crate::formats::result::Refusal;
use crate::runtime::{Contracts, Deployed, Status, Step};

/// What the comparison of an interface with a callee gave: the callee's source decides it.
type Compared = (Hash32, Result<Arc<Bound>, String>);

/// The last comparison of each used contract: made again when another source is in force there.
pub(crate) struct Bindings {
    last: Vec<RwLock<Option<Compared>>>,
}

impl Bindings {
    pub fn new(uses: usize) -> Self {
        Bindings {
            last: (0..uses).map(|_| RwLock::new(None)).collect(),
        }
    }

    /// What the interface of used contract `used` means in the contract that is in force.
    fn get(
        &self,
        used: usize,
        caller: &PythonContract,
        deployed: &Deployed,
    ) -> Result<Arc<Bound>, String> {
        let Some(slot) = self.last.get(used) else {
            return Err("the program uses no such contract".to_owned());
        };
        // A poisoned slot only means that it is compared once more.
        if let Ok(last) = slot.read() {
            if let Some((_, bound)) = last
                .as_ref()
                .filter(|(source, _)| *source == deployed.source)
            {
                return bound.clone();
            }
        }
        let bound = match python_of(deployed.code.as_ref()) {
            Some(callee) => vm::bind(&caller.program, used, &callee.program).map(Arc::new),
            None => Err("it is a contract of another kind".to_owned()),
        };
        if let Ok(mut last) = slot.write() {
            *last = Some((deployed.source, bound.clone()));
        }
        bound
    }
}

pub(crate) fn source_differs(contract: &str, meant: [u8; 32], runs: Hash32) -> Option<String> {
    let meant = Hash32(meant);
    (meant != runs)
        .then(|| format!("the contract uses source {meant} of {contract}, which runs {runs}"))
}

/// Refuses a deployment whose used contracts do not offer what its interfaces say.
pub(crate) fn check_uses(
    own: &str,
    contract: &PythonContract,
    contracts: &Contracts,
) -> Result<(), Refusal> {
    let refuse = |code: &str, message: String| {
        let hint = "deploy the other contract first, and compare the interface with \
                    `lianheng contract interface`";
        Err(Refusal::new(code, message).in_field("source").hint(hint))
    };
    for (number, used) in contract.program.interface().uses.iter().enumerate() {
        let name = &used.contract;
        if name == chain_answers::CONTRACT && deploy::SYSTEM.contains(&own) {
            continue;
        }
        if name == own {
            let message = format!("{own} uses itself: call its method through self");
            return refuse("contract.interface", message);
        }
        let Some(deployed) = contracts.get(name) else {
            let message = format!("it uses {name}, and no contract {name} is deployed");
            return refuse("contract.interface", message);
        };
        if deployed.status == Status::Retired {
            let message = format!("it uses {name}, which is retired");
            return refuse("contract.retired", message);
        }
        if let Some(message) = used
            .source
            .and_then(|meant| source_differs(name, meant, deployed.source))
        {
            return refuse("code.mismatch", message);
        }
        if let Err(why) = contract.bindings.get(number, contract, deployed) {
            let message = format!("{} is not what {name} offers: {why}", used.interface);
            return refuse("contract.interface", message);
        }
    }
    Ok(())
}

/// Why a call of another contract does not begin.
type Refused = (&'static str, String);

impl<'c> StateHost<'_, '_, '_, '_, 'c> {
    /// Runs a contract's call of another, where it may be made.
    pub(crate) fn nested(&mut self, call: ContractCall<'_>) -> Nested {
        if call.contract == chain_answers::CONTRACT {
            return chain_answers::answer(self.call, call);
        }
        let (deployed, callee, bound) = match self.admitted(&call) {
            Ok(admitted) => admitted,
            Err((code, message)) => return Nested::Refused { code, message },
        };
        let (contract, from) = (call.contract.to_owned(), call.context.contract.to_owned());
        let caller = std::mem::replace(&mut self.running, callee);
        self.note(|| Step::Contract(contract.clone(), deployed.file.clone()));
        self.forget_file();
        self.active.push(contract);
        let nested = vm::run_nested(&callee.program, &bound, call, self);
        self.active.pop();
        self.running = caller;
        self.forget_file();
        let file = caller.program.source_file();
        self.note(|| Step::Contract(from, file.to_owned()));
        nested
    }

    fn admitted(
        &self,
        call: &ContractCall<'_>,
    ) -> Result<(&'c Deployed, &'c PythonContract, Arc<Bound>), Refused> {
        let name = call.contract;
        let target = format_args!("{name}.{}", call.name);
        if name == self.call.contract || self.active.iter().any(|active| active == name) {
            let message = format!("{target} is called while {name} is at work: it cannot be entered again, not even a view of it");
            return Err(("call.reentered", message));
        }
        if self.active.len() + 1 >= vm::limits::CONTRACTS_DEEP {
            let most = vm::limits::CONTRACTS_DEEP;
            let message = format!(
                "{target} would be contract {} in a chain of calls: at most {most} call each other",
                most + 1
            );
            return Err(("limit.depth", message));
        }
        let Some(deployed) = self.call.contracts.get(name) else {
            let message = format!("no contract {name} is deployed");
            return Err(("call.unknown_contract", message));
        };
        match deployed.status {
            Status::Retired => {
                let message = format!("{name} is retired: it is never called again");
                return Err(("contract.retired", message));
            }
            Status::Frozen if !call.view => {
                let message =
                    format!("{name} is frozen: it takes no calls, its views still answer");
                return Err(("contract.frozen", message));
            }
            Status::Frozen | Status::Active => {}
        }
        if let Some(message) = call
            .source
            .and_then(|meant| source_differs(name, meant, deployed.source))
        {
            return Err(("code.mismatch", message));
        }
        let bound = self.running.bindings.get(call.used, self.running, deployed);
        let unfit = |why: String| {
            let message = format!("{name} does not offer what its caller's interface says: {why}");
            ("contract.interface", message)
        };
        let bound = bound.map_err(unfit)?;
        let Some(callee) = python_of(deployed.code.as_ref()) else {
            return Err(unfit("it is a contract of another kind".to_owned()));
        };
        self.check_policy(callee, call)?;
        Ok((deployed, callee, bound))
    }

    /// The callee's policy, met by the transaction's signers and by the contract that calls.
    fn check_policy(
        &self,
        callee: &PythonContract,
        call: &ContractCall<'_>,
    ) -> Result<(), Refused> {
        if call.view {
            return Ok(());
        }
        let (contract, method) = (call.contract, call.name);
        let own = own_rule(callee, contract, method)
            .map_err(|refusal| ("policy.malformed", refusal.message))?;
        let asking = Asking {
            directory: self.call.directory,
            members: self.call.signers,
            via: Some(call.context.contract),
        };
        let denied = asking.denial(&Target {
            contract,
            method,
            own: &own,
            subject: subject(callee, method, call.arguments),
        });
        denied.map_or(Ok(()), |message| Err(("policy.denied", message)))
    }
}
