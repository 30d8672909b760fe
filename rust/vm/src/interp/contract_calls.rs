//! Calls of other contracts: values go out and come back as canonical bytes.

use codec::cbor::{Decoder, Encoder};

use super::Vm;
use crate::error::{fatal, malformed, type_error, Stop, R};
use crate::gas;
use crate::nested::{ContractCall, Meters, Nested};
use crate::program::uses::{Method, Use};
use crate::rows::Undecodable;
use crate::value::Value;

impl Vm<'_, '_> {
    /// How many arguments a method of a used contract takes.
    pub(super) fn contract_arguments(&self, used: u16, method: u16) -> usize {
        let parts = &self.program.parts;
        let used = parts.uses.get(usize::from(used));
        let declared = used.and_then(|used| parts.interfaces.get(usize::from(used.interface)));
        let method = declared.and_then(|known| known.methods.get(usize::from(method)));
        method.map_or(0, |method| method.params.len())
    }

    /// `self.stock.put(...)`: method number `method` of the used contract number `used`.
    pub(super) fn call_contract(
        &mut self,
        used: u16,
        method: u16,
        arguments: &[Value],
    ) -> R<Value> {
        let program = self.program;
        let number = used;
        let used = program
            .parts
            .uses
            .get(usize::from(used))
            .ok_or_else(malformed)?;
        let declared = &program.parts.interfaces[usize::from(used.interface)];
        let known = declared
            .methods
            .get(usize::from(method))
            .ok_or_else(malformed)?;
        self.may_call(used, known)?;
        self.spend(gas::CONTRACT_CALL)?;
        let bytes = self.encode_arguments(&declared.name, known, arguments)?;
        let call = ContractCall {
            caller: program,
            used: usize::from(number),
            method: usize::from(method),
            name: program.name(known.name),
            contract: &used.contract,
            source: used.source,
            view: known.view,
            arguments: &bytes,
            context: self.context,
            meters: self.lend_meters(),
        };
        match self.host.call_contract(call) {
            Nested::Returned { value, meters } => {
                self.take_back(meters);
                self.decode_result(&value, used, known)
            }
            Nested::Refused { code, message } => Err(fatal(code, message)),
            Nested::Failed(failed) => {
                // The gas that the callee used counts on.
                self.gas_left = self.gas_limit.saturating_sub(failed.gas);
                Err(Box::new(Stop::Failed(failed)))
            }
            Nested::Faulted(error) => Err(Box::new(Stop::Host(error))),
        }
    }

    fn may_call(&self, used: &Use, method: &Method) -> R<()> {
        let (contract, name) = (&used.contract, self.program.name(method.name));
        if self.migrating {
            let message = format!("a migration calls no other contract, not {contract}.{name}");
            return Err(fatal("language.refused", message));
        }
        if self.context.read_only && !method.view {
            let message = format!(
                "a view only reads: it may call views of other contracts, {contract}.{name} is a call"
            );
            return Err(fatal("view.write", message));
        }
        Ok(())
    }

    /// What the caller spent so far, for the callee to go on with.
    fn lend_meters(&mut self) -> Meters {
        Meters {
            gas_limit: self.gas_limit,
            gas_left: self.gas_left,
            events: std::mem::take(&mut self.events),
            notices: std::mem::take(&mut self.notices),
            reads: self.reads,
            writes: self.writes,
            frames: self.frame_limits.0.saturating_sub(self.frames.len()),
            native: self.frame_limits.1.saturating_sub(self.native),
        }
    }

    fn take_back(&mut self, meters: Meters) {
        self.gas_left = meters.gas_left;
        self.events = meters.events;
        self.notices = meters.notices;
        self.reads = meters.reads;
        self.writes = meters.writes;
        // The next line to be traced lies in another file than the last one.
        self.traced_line = 0;
    }

    /// A canonical map of all parameters, checked by the interface's types.
    fn encode_arguments(
        &mut self,
        interface: &str,
        method: &Method,
        arguments: &[Value],
    ) -> R<Vec<u8>> {
        let program = self.program;
        let mut entries = Vec::with_capacity(method.params.len());
        for ((name, ty), value) in method.params.iter().zip(arguments) {
            let name = program.name(*name);
            if !self.conforms(value, ty, 0)? {
                let (given, method) = (self.type_name(value), program.name(method.name));
                return Err(type_error(format!(
                    "{interface}.{method}() argument '{name}' must be {ty}, not {given}"
                )));
            }
            self.spend(gas::state_bytes(name.len()))?;
            let mut key = Encoder::with_capacity(name.len() + 2);
            key.text(name);
            entries.push((key.into_bytes(), self.encode_value(value)?));
        }
        entries.sort();
        let size = entries.iter().map(|(key, value)| key.len() + value.len());
        let mut all = Encoder::with_capacity(size.sum::<usize>() + 4);
        all.map(entries.len());
        for (key, value) in entries {
            all.raw(&key).raw(&value);
        }
        Ok(all.into_bytes())
    }

    fn decode_result(&mut self, bytes: &[u8], used: &Use, method: &Method) -> R<Value> {
        self.spend(gas::state_bytes(bytes.len()))?;
        match self.decode_typed(&mut Decoder::new(bytes), &method.returns, 0) {
            Ok(value) => Ok(value),
            Err(Undecodable::Trap(trap)) => Err(trap),
            Err(Undecodable::Mismatch(found)) => {
                let message = format!(
                    "what {}.{} gave is no {}{}: {}",
                    used.contract,
                    self.program.name(method.name),
                    method.returns,
                    found.path,
                    found.message
                );
                Err(fatal("call.bad_result", message))
            }
        }
    }
}
