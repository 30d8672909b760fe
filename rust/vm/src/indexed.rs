//! Index entries of a row that was not written by a call: one that came with the state of another chain.

use crate::error::{malformed, Stop, R};
use crate::instance::instance;
use crate::interp::Vm;
use crate::memory;
use crate::program::Program;
use crate::run::{CallContext, NoState};
use crate::value::Value;

/// The entries of a row in the indexes of its table, where `contract` is the name that the program
/// is deployed under; none where the key is of no table. Tells in words where the row fits no table.
pub fn index_entries(
    program: &Program,
    contract: &str,
    flat: &[u8],
    row: &[u8],
) -> Result<Vec<Vec<u8>>, String> {
    if program
        .parts
        .tables
        .iter()
        .all(|table| table.indexes.is_empty())
    {
        return Ok(Vec::new());
    }
    memory::reset();
    let context = CallContext::of_nobody(contract);
    let mut host = NoState;
    let found = instance(program, contract).and_then(|instance| {
        let mut vm = Vm::new(program, instance, &context, &mut host, u64::MAX);
        let found = vm.entries_of(flat, row);
        vm.finish();
        found
    });
    found.map_err(|trap| match *trap {
        Stop::Fatal { message, .. } => message,
        Stop::Host(error) => error.message,
        _ => "a row fits no table of its contract".to_owned(),
    })
}

impl Vm<'_, '_> {
    fn entries_of(&mut self, flat: &[u8], bytes: &[u8]) -> R<Vec<Vec<u8>>> {
        let mut prefixes = self.instance.prefixes.iter();
        let Some(table) = prefixes.position(|prefix| flat.starts_with(prefix)) else {
            return Ok(Vec::new());
        };
        let count = self.program.parts.tables[table].indexes.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let number = u16::try_from(table).map_err(|_| malformed())?;
        let Value::Record(row) = self.decode_row(number, bytes)? else {
            return Err(malformed());
        };
        let mut entries = Vec::with_capacity(count);
        for index in 0..count {
            entries.extend(self.index_entry(number, index, &row, flat)?);
        }
        Ok(entries)
    }
}
