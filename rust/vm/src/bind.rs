//! Whether a deployed contract offers what another one's interface says of it.
//!
//! Arguments must be readable by the callee's types, the result by the caller's: so a callee may
//! take more than the interface knows, and give less. Bounded by [`limits::INTERFACE_STEPS`].

use std::collections::BTreeSet;

use crate::limits;
use crate::program::uses::Method;
use crate::program::{ClassKind, Entry, Program};
use crate::types::Type;

/// Classes inside of each other that a comparison follows.
const LEVELS: usize = 64;

/// The methods of a callee that an interface means, found once for both programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bound {
    /// Number of the callee's entry for each method of the interface.
    pub(crate) entries: Vec<u16>,
}

/// Compares what `caller` declares of its used contract number `used` with that contract.
///
/// The error is a sentence about the first method that is missing or has other types.
pub fn bind(caller: &Program, used: usize, callee: &Program) -> Result<Bound, String> {
    let declared = caller.parts.uses.get(used);
    let declared =
        declared.and_then(|used| caller.parts.interfaces.get(usize::from(used.interface)));
    let Some(declared) = declared else {
        return Err("the program uses no such contract".to_string());
    };
    let mut entries = Vec::with_capacity(declared.methods.len());
    for method in &declared.methods {
        entries.push(entry_of(caller, method, callee)?);
    }
    Ok(Bound { entries })
}

/// The methods of used contract number `used` that the callee does not offer as declared, each with
/// a sentence that says why. None of them: [`bind`] takes it.
pub fn misfits(caller: &Program, used: usize, callee: &Program) -> Vec<(String, String)> {
    let declared = caller.parts.uses.get(used);
    let declared =
        declared.and_then(|used| caller.parts.interfaces.get(usize::from(used.interface)));
    let methods = declared.map_or(&[][..], |declared| &declared.methods);
    let failed = methods.iter().filter_map(|method| {
        let why = entry_of(caller, method, callee).err()?;
        Some((caller.name(method.name).to_owned(), why))
    });
    failed.collect()
}

/// The number of the callee's entry that a declared method means.
fn entry_of(caller: &Program, method: &Method, callee: &Program) -> Result<u16, String> {
    let name = caller.name(method.name);
    let all = &callee.parts.entries;
    let Some(number) = all.iter().position(|entry| callee.name(entry.name) == name) else {
        return Err(format!("it has no method {name}"));
    };
    check_method(caller, method, callee, &all[number]).map_err(|why| format!("{name}: {why}"))?;
    Ok(number as u16)
}

fn check_method(
    caller: &Program,
    method: &Method,
    callee: &Program,
    entry: &Entry,
) -> Result<(), String> {
    if method.view != entry.view {
        let kind = |view: bool| if view { "a view" } else { "a call" };
        return Err(format!(
            "it is {}, the interface says {}",
            kind(entry.view),
            kind(method.view)
        ));
    }
    let function = &callee.parts.functions[usize::from(entry.function)];
    let params = function.params.get(1..).unwrap_or_default();
    for (name, ty) in &method.params {
        let name = caller.name(*name);
        let mut known = params.iter().zip(&entry.types);
        let Some((_, taken)) = known.find(|(param, _)| callee.name(param.name) == name) else {
            return Err(format!("it has no parameter {name}"));
        };
        if !Reader::new(caller, callee).reads(ty, taken) {
            return Err(format!("{name} is {taken}, the interface says {ty}"));
        }
    }
    for param in params.iter().filter(|param| param.default.is_none()) {
        let name = callee.name(param.name);
        let mut sent = method.params.iter();
        if !sent.any(|(known, _)| caller.name(*known) == name) {
            return Err(format!("it needs {name}, which the interface lacks"));
        }
    }
    if !Reader::new(callee, caller).reads(&entry.returns, &method.returns) {
        return Err(format!(
            "it gives {}, the interface says {}",
            entry.returns, method.returns
        ));
    }
    Ok(())
}

/// Whether what one program writes can be read by another.
struct Reader<'p> {
    writer: &'p Program,
    reader: &'p Program,
    /// Pairs of classes that are being compared, or were.
    seen: BTreeSet<(u16, u16)>,
    level: usize,
    steps: usize,
}

impl<'p> Reader<'p> {
    fn new(writer: &'p Program, reader: &'p Program) -> Self {
        Reader {
            writer,
            reader,
            seen: BTreeSet::new(),
            level: 0,
            steps: 0,
        }
    }

    fn reads(&mut self, written: &Type, read: &Type) -> bool {
        self.steps += 1;
        if self.steps > limits::INTERFACE_STEPS {
            return false;
        }
        match (written, read) {
            (_, Type::Any) => true,
            (Type::Union(choices), _) => choices.iter().all(|choice| self.reads(choice, read)),
            (_, Type::Union(choices)) => choices.iter().any(|choice| self.reads(written, choice)),
            (Type::List(written), Type::List(read))
            | (Type::TupleOf(written), Type::TupleOf(read)) => self.reads(written, read),
            (Type::Tuple(written), Type::Tuple(read)) => {
                let both = written.iter().zip(read);
                written.len() == read.len()
                    && both
                        .into_iter()
                        .all(|(written, read)| self.reads(written, read))
            }
            (Type::Dict(key, value), Type::Dict(read_key, read)) => {
                self.reads(key, read_key) && self.reads(value, read)
            }
            (Type::Class(written, _), Type::Class(read, _)) => self.classes(*written, *read),
            (written, read) => written == read,
        }
    }

    fn classes(&mut self, written: u16, read: u16) -> bool {
        let (writer, reader) = (self.writer, self.reader);
        let (before, after) = (writer.class(written), reader.class(read));
        match (before.kind, after.kind) {
            (ClassKind::Enum, ClassKind::Enum) => {
                self.steps += before.members.len() * after.members.len().max(1);
                before.members.iter().all(|(_, value)| {
                    let mut members = after.members.iter();
                    members.any(|(_, known)| known == value)
                })
            }
            (ClassKind::Record, ClassKind::Record) | (ClassKind::Event, ClassKind::Event) => {
                self.records(written, read)
            }
            _ => false,
        }
    }

    fn records(&mut self, written: u16, read: u16) -> bool {
        if !self.seen.insert((written, read)) {
            return true;
        }
        let (writer, reader) = (self.writer, self.reader);
        let (before, after) = (writer.class(written), reader.class(read));
        self.steps += before.fields.len() * after.fields.len().max(1);
        if self.level >= LEVELS {
            return false;
        }
        self.level += 1;
        let known = before.fields.iter().all(|field| {
            let name = writer.name(field.name);
            let mut fields = after.fields.iter();
            fields
                .find(|read| reader.name(read.name) == name)
                .is_some_and(|read| self.reads(&field.ty, &read.ty))
        });
        self.level -= 1;
        known
            && after.fields.iter().all(|field| {
                let name = reader.name(field.name);
                let mut fields = before.fields.iter();
                field.default.is_some() || fields.any(|known| writer.name(known.name) == name)
            })
    }
}
