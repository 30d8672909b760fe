//! One contract's call of another: what passes between them, and the callee's run.

use crate::bind::Bound;
use crate::error::fatal;
use crate::instance::instance;
use crate::interp::Vm;
use crate::observers::Notices;
use crate::program::Program;
use crate::run::{failed_before, stopped};
use crate::{CallContext, EmittedEvent, Failed, Host, HostError, Outcome};

/// What a caller had spent, which its callee goes on with and gives back.
#[derive(Debug)]
pub struct Meters {
    pub(crate) gas_limit: u64,
    pub(crate) gas_left: u64,
    pub(crate) events: Vec<EmittedEvent>,
    pub(crate) notices: Notices,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Calls that may still be active at once, and those of them through native code.
    pub(crate) frames: usize,
    pub(crate) native: usize,
}

/// A contract's call of a contract that it uses, as the host gets it.
#[derive(Debug)]
pub struct ContractCall<'a> {
    /// The calling program.
    pub caller: &'a Program,
    /// Which of its used contracts is called.
    pub used: usize,
    /// Which method of that contract's interface.
    pub method: usize,
    /// Name of the called method.
    pub name: &'a str,
    /// Name of the called contract.
    pub contract: &'a str,
    /// The only source that may answer, where one is declared.
    pub source: Option<[u8; 32]>,
    /// Whether the interface declares a view.
    pub view: bool,
    /// Canonical map of the arguments.
    pub arguments: &'a [u8],
    /// What surrounds the calling contract.
    pub context: &'a CallContext<'a>,
    /// What was spent so far.
    pub meters: Meters,
}

/// How a call of another contract ended.
#[derive(Debug)]
pub enum Nested {
    /// It ended well.
    Returned {
        /// Canonical bytes of the result.
        value: Vec<u8>,
        /// What was spent so far.
        meters: Meters,
    },
    /// The host did not let it begin: the whole transaction is refused, at the caller's line.
    Refused {
        /// Stable code: `call.reentered`, `policy.denied`, ...
        code: &'static str,
        /// One sentence.
        message: String,
    },
    /// The callee failed: the whole transaction is refused, at the callee's line.
    Failed(Box<Failed>),
    /// The host failed.
    Faulted(HostError),
}

/// Runs the called method of `callee`, deployed as `call.contract`, for the host of a caller.
///
/// The host MUST have decided that the call may be made: policy, status, re-entrancy and depth.
pub fn run_nested(
    callee: &Program,
    bound: &Bound,
    call: ContractCall<'_>,
    host: &mut dyn Host,
) -> Nested {
    let meters = call.meters;
    let context = CallContext {
        contract: call.contract,
        via: Some(call.context.contract),
        read_only: call.context.read_only || call.view,
        ..call.context.clone()
    };
    let spent = meters.gas_limit.saturating_sub(meters.gas_left);
    let instance = match instance(callee, call.contract) {
        Ok(instance) => instance,
        Err(trap) => return failed(failed_before(*trap), callee, spent),
    };
    let Some(entry) = bound.entries.get(call.method) else {
        let trap = fatal("program.malformed", "the interface has no such method");
        return failed(failed_before(*trap), callee, spent);
    };
    let mut vm = Vm::new(callee, instance, &context, host, meters.gas_limit);
    vm.gas_left = meters.gas_left;
    vm.events = meters.events;
    vm.notices = meters.notices;
    (vm.reads, vm.writes) = (meters.reads, meters.writes);
    vm.frame_limits = (meters.frames, meters.native);
    let result = vm.enter(usize::from(*entry), call.arguments);
    let nested = match result {
        Ok(value) => Nested::Returned {
            value,
            meters: Meters {
                gas_limit: vm.gas_limit,
                gas_left: vm.gas_left,
                events: std::mem::take(&mut vm.events),
                notices: std::mem::take(&mut vm.notices),
                reads: vm.reads,
                writes: vm.writes,
                frames: 0,
                native: 0,
            },
        },
        Err(trap) => {
            let outcome = stopped(&mut vm, *trap);
            failed(outcome, callee, spent)
        }
    };
    vm.finish();
    nested
}

fn failed(outcome: Outcome, callee: &Program, spent: u64) -> Nested {
    match outcome {
        Outcome::Failed(mut failed) => {
            failed.gas = failed.gas.max(spent);
            if failed.file.is_none() {
                failed.file = Some(callee.source_file().to_string());
            }
            Nested::Failed(Box::new(failed))
        }
        Outcome::Faulted(error) => Nested::Faulted(error),
        // A run that stopped has not finished.
        Outcome::Finished(_) => Nested::Refused {
            code: "program.malformed",
            message: "a call that stopped gave a result".to_string(),
        },
    }
}
