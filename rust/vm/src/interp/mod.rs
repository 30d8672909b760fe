//! The interpreter: one call of one program, metered.

mod access;
pub(crate) mod arith;
mod attributes;
pub(crate) mod calls;
pub(crate) mod compare;
mod construct;
mod contract_calls;
mod exec;
pub(crate) mod format;
mod frames;
pub(crate) mod helpers;
mod instructions;
pub(crate) mod iterate;
mod percent;
mod power;
mod slices;
mod spec;
mod unpack;

use std::rc::{Rc, Weak};

use crate::error::{fatal, Trap, R};
use crate::program::Program;
use crate::value::{CellObj, DictObj, ListObj, Value};
use crate::{gas, limits, CallContext, EmittedEvent, Host};

/// The part of the call's context that an attribute of `self` names.
pub(crate) fn context_part(name: &str) -> Option<u16> {
    [
        "caller",
        "signers",
        "now",
        "height",
        "transaction_id",
        "application",
        "attachments",
        "via",
        "contract",
        "chain",
    ]
    .iter()
    .position(|part| *part == name)
    .map(|part| part as u16)
}

/// Whether a text can be the code of a `Rejected`.
pub(crate) fn is_reject_code(code: &str) -> bool {
    let mut chars = code.chars();
    let first = chars.next().is_some_and(|first| first.is_ascii_lowercase());
    let rest = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    first && rest && code.len() <= limits::REJECTED_CODE
}

/// A caller's place while a callee runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) function: u16,
    pub(crate) pc: u32,
    pub(crate) base: u32,
    /// Register of the caller that takes the result.
    pub(crate) result: u32,
}

/// A container that may be part of a reference cycle.
enum Tracked {
    List(Weak<ListObj>),
    Dict(Weak<DictObj>),
    Cell(Weak<CellObj>),
}

/// What a thread keeps of a program between calls.
pub(crate) struct Instance {
    pub(crate) serial: u64,
    pub(crate) contract: String,
    pub(crate) consts: Vec<Value>,
    /// Texts of one ASCII character.
    pub(crate) chars: Vec<Value>,
    /// Start of the keys of each table.
    pub(crate) prefixes: Vec<Vec<u8>>,
    /// Start of the keys of each index of each table.
    pub(crate) index_prefixes: Vec<Vec<Vec<u8>>>,
    /// Key of each cell.
    pub(crate) cells: Vec<Vec<u8>>,
}

/// One running call.
pub(crate) struct Vm<'p, 'h> {
    pub(crate) program: &'p Program,
    pub(crate) instance: Rc<Instance>,
    pub(crate) context: &'h CallContext<'h>,
    pub(crate) host: &'h mut dyn Host,
    pub(crate) gas_left: u64,
    pub(crate) gas_limit: u64,
    pub(crate) frames: Vec<Frame>,
    pub(crate) native: usize,
    /// Calls that may be active at once, and those of them through native code.
    pub(crate) frame_limits: (usize, usize),
    pub(crate) spare: Vec<Vec<Value>>,
    pub(crate) events: Vec<EmittedEvent>,
    /// Rows that were written and that somebody observes.
    pub(crate) notices: crate::observers::Notices,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Reused for keys and rows.
    pub(crate) key: Vec<u8>,
    pub(crate) tracing: bool,
    /// The call is the migration of an upgrade.
    pub(crate) migrating: bool,
    /// Signatories of the rows that the migration took out and has not written again.
    pub(crate) released: crate::state::Released,
    pub(crate) traced_line: u32,
    /// Type whose method is called, for messages.
    pub(crate) receiver: &'static str,
    /// Line of a failure that is no exception.
    pub(crate) failed_line: u32,
    /// Variables of a script's module.
    pub(crate) globals: Vec<Value>,
    /// What a script printed.
    pub(crate) output: String,
    /// Frames that the exception now on its way has left: function and line, innermost first.
    pub(crate) left: Vec<(u16, u32)>,
    /// Names of `**keywords` of the calls now being made that the program never writes.
    pub(crate) keywords: Vec<Rc<crate::value::StrObj>>,
    tracked: Vec<Tracked>,
    caller: Option<Value>,
    signers: Option<Value>,
}

impl<'p, 'h> Vm<'p, 'h> {
    pub(crate) fn new(
        program: &'p Program,
        instance: Rc<Instance>,
        context: &'h CallContext<'h>,
        host: &'h mut dyn Host,
        gas_limit: u64,
    ) -> Self {
        let tracing = host.tracing();
        Vm {
            program,
            instance,
            context,
            host,
            gas_left: gas_limit,
            gas_limit,
            frames: Vec::new(),
            native: 0,
            frame_limits: match program.parts.main {
                Some(_) => (limits::SCRIPT_FRAMES, limits::SCRIPT_NATIVE_FRAMES),
                None => (limits::CALL_FRAMES, limits::NATIVE_FRAMES),
            },
            spare: Vec::new(),
            events: Vec::new(),
            notices: crate::observers::Notices::default(),
            reads: 0,
            writes: 0,
            key: Vec::new(),
            tracing,
            migrating: false,
            released: crate::state::Released::default(),
            traced_line: 0,
            receiver: "",
            failed_line: 0,
            globals: vec![Value::Unset; program.parts.globals.len()],
            output: String::new(),
            left: Vec::new(),
            keywords: Vec::new(),
            tracked: Vec::new(),
            caller: None,
            signers: None,
        }
    }

    /// Charges gas; fails where it does not suffice, with nothing left.
    #[inline]
    pub(crate) fn spend(&mut self, gas: u64) -> R<()> {
        match self.gas_left.checked_sub(gas) {
            Some(left) => {
                self.gas_left = left;
                Ok(())
            }
            None => {
                self.gas_left = 0;
                Err(self.out_of_gas())
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn out_of_gas(&mut self) -> Trap {
        fatal(
            "gas.exhausted",
            format!(
                "the call needs more than its {} gas: give more, or do less in one call",
                self.gas_limit
            ),
        )
    }

    pub(crate) fn gas_used(&self) -> u64 {
        self.gas_limit - self.gas_left
    }

    /// New text, charged by its length.
    pub(crate) fn new_str(&mut self, text: String) -> R<Value> {
        self.spend(gas::OBJECT + gas::bytes(text.len()))?;
        if text.len() == 1 {
            if let Some(value) = self.instance.chars.get(usize::from(text.as_bytes()[0])) {
                return Ok(value.clone());
            }
        }
        if text.len() > limits::STRING_BYTES {
            return Err(too_long());
        }
        Value::str(text)
    }

    /// Charges for text or bytes of this length before they are made.
    pub(crate) fn plan_bytes(&mut self, length: usize) -> R<()> {
        if length > limits::STRING_BYTES {
            return Err(too_long());
        }
        crate::memory::check(length)?;
        self.spend(gas::OBJECT + gas::bytes(length))
    }

    /// Charges for a container of this length before it is made.
    pub(crate) fn plan_elements(&mut self, length: usize) -> R<()> {
        crate::memory::check(length.saturating_mul(crate::value::ELEMENT_BYTES))?;
        self.spend(gas::OBJECT + gas::elements(length))
    }

    pub(crate) fn new_bytes(&mut self, bytes: Vec<u8>) -> R<Value> {
        self.spend(gas::OBJECT + gas::bytes(bytes.len()))?;
        if bytes.len() > limits::STRING_BYTES {
            return Err(too_long());
        }
        Value::bytes(bytes)
    }

    pub(crate) fn new_list(&mut self, items: Vec<Value>) -> R<Value> {
        self.spend(gas::OBJECT + gas::elements(items.len()))?;
        Value::list(items)
    }

    pub(crate) fn new_tuple(&mut self, items: Vec<Value>) -> R<Value> {
        self.spend(gas::OBJECT + gas::elements(items.len()))?;
        Value::tuple(items)
    }

    /// Notes a list that got an element which may lead back to it.
    #[inline]
    pub(crate) fn track_list(&mut self, list: &Rc<ListObj>, element: &Value) {
        if element.holds_values() && !list.flags.tracked.replace(true) {
            self.track(Tracked::List(Rc::downgrade(list)));
        }
    }

    #[inline]
    pub(crate) fn track_dict(&mut self, dict: &Rc<DictObj>, element: &Value) {
        if element.holds_values() && !dict.flags.tracked.replace(true) {
            self.track(Tracked::Dict(Rc::downgrade(dict)));
        }
    }

    pub(crate) fn track_cell(&mut self, cell: &Rc<CellObj>, element: &Value) {
        if element.holds_values() && !cell.tracked.replace(true) {
            self.track(Tracked::Cell(Rc::downgrade(cell)));
        }
    }

    fn track(&mut self, tracked: Tracked) {
        if self.tracked.len() >= 1024 && self.tracked.len() == self.tracked.capacity() {
            self.tracked.retain(|known| match known {
                Tracked::List(weak) => weak.strong_count() > 0,
                Tracked::Dict(weak) => weak.strong_count() > 0,
                Tracked::Cell(weak) => weak.strong_count() > 0,
            });
        }
        self.tracked.push(tracked);
    }

    /// Breaks reference cycles, so that a call leaves no memory behind.
    pub(crate) fn finish(&mut self) {
        for tracked in std::mem::take(&mut self.tracked) {
            match tracked {
                Tracked::List(weak) => {
                    if let Some(list) = weak.upgrade() {
                        let items = list
                            .items
                            .try_borrow_mut()
                            .map(|mut items| std::mem::take(&mut *items));
                        crate::memory::drop_items(items.unwrap_or_default());
                    }
                }
                Tracked::Dict(weak) => {
                    if let Some(dict) = weak.upgrade() {
                        let items = dict.table.try_borrow_mut().map(|mut table| table.clear());
                        crate::memory::drop_items(items.unwrap_or_default());
                    }
                }
                Tracked::Cell(weak) => {
                    if let Some(cell) = weak.upgrade() {
                        let item = cell
                            .value
                            .try_borrow_mut()
                            .map(|mut value| std::mem::take(&mut *value));
                        crate::memory::drop_items(vec![item.unwrap_or_default()]);
                    }
                }
            }
        }
        crate::memory::drop_items(std::mem::take(&mut self.globals));
        self.caller = None;
        self.signers = None;
    }

    /// A part of the call's context.
    pub(crate) fn context_value(&mut self, part: u16) -> R<Value> {
        match part {
            0 => {
                if self.caller.is_none() {
                    let context = self.context;
                    self.caller =
                        Some(self.signer(context.member, context.organisation, context.roles)?);
                }
                Ok(self.caller.clone().unwrap_or_default())
            }
            1 => {
                if self.signers.is_none() {
                    let context = self.context;
                    let signers = context.signers.iter().map(|signer| {
                        self.signer(&signer.member, &signer.organisation, &signer.roles)
                    });
                    let signers = signers.collect::<R<Vec<Value>>>()?;
                    self.signers = Some(self.new_tuple(signers)?);
                }
                Ok(self.signers.clone().unwrap_or_default())
            }
            2 => Ok(arith::unsigned(self.context.now_ms)),
            3 => Ok(arith::unsigned(self.context.height)),
            4 => self.new_bytes(self.context.transaction_id.to_vec()),
            5 => match self.context.application {
                Some(text) => self.new_str(text.to_string()),
                None => Ok(Value::None),
            },
            6 => {
                let hashes = self.context.attachments.iter();
                let hashes = hashes.map(|hash| self.new_bytes(hash.to_vec()));
                let hashes = hashes.collect::<R<Vec<Value>>>()?;
                self.new_tuple(hashes)
            }
            7 => match self.context.via {
                Some(name) => self.new_str(name.to_string()),
                None => Ok(Value::None),
            },
            8 => self.new_str(self.context.contract.to_string()),
            9 => self.new_str(self.context.chain.to_string()),
            _ => Err(crate::error::malformed()),
        }
    }

    fn signer(&mut self, member: &str, organisation: &str, roles: &[String]) -> R<Value> {
        let roles = roles
            .iter()
            .map(|role| self.new_str(role.clone()))
            .collect::<R<Vec<Value>>>()?;
        let fields = vec![
            self.new_str(member.to_string())?,
            self.new_str(organisation.to_string())?,
            self.new_tuple(roles)?,
        ];
        Value::record(crate::program::CALLER, fields)
    }
}

#[cold]
#[inline(never)]
pub(crate) fn too_long() -> Trap {
    let megabytes = limits::STRING_BYTES >> 20;
    fatal(
        "limit.memory",
        format!("a string has at most {megabytes} MB: work in smaller parts"),
    )
}
