//! What a write of a row needs beside the row: signatures, unique values, index entries, notices.

use crate::error::R;
use crate::gas;
use crate::interp::Vm;
use crate::value::{RecordObj, Value};

impl Vm<'_, '_> {
    /// What a write needs that is not the row itself: signatures, unique values, index entries,
    /// notices to observers.
    pub(crate) fn before_write(
        &mut self,
        table: u16,
        flat: &[u8],
        new: Option<(&RecordObj, &[u8])>,
    ) -> R<()> {
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let class = program.class(info.class);
        let signed = !class.signatories.is_empty();
        let observed = !class.observers.is_empty() || self.notices.follows(flat);
        // The indexes of a contract that migrates are made when its migration is done.
        let indexed = !info.indexes.is_empty() && !self.migrating;
        if !indexed && !signed && !observed {
            return Ok(());
        }
        let found = self.read(flat)?;
        let old = match &found {
            Some(bytes) => Some(self.decode_row(table, bytes)?),
            None => None,
        };
        let old = match &old {
            Some(Value::Record(row)) => Some(&**row),
            _ => None,
        };
        let record = new.map(|(record, _)| record);
        if signed {
            self.check_parties(old, record)?;
        }
        let watched = match observed {
            true => Some(self.observers_of_write(flat, old, record)?),
            false => None,
        };
        if indexed {
            if let Some(record) = record {
                self.check_unique(table, flat, old, record)?;
            }
            self.update_indexes(table, flat, old, record)?;
        }
        match watched {
            Some(write) => self.follow(flat, write, found, new.map(|(_, bytes)| bytes)),
            None => Ok(()),
        }
    }

    fn update_indexes(
        &mut self,
        table: u16,
        flat: &[u8],
        old: Option<&RecordObj>,
        new: Option<&RecordObj>,
    ) -> R<()> {
        let count = self.program.parts.tables[usize::from(table)].indexes.len();
        for index in 0..count {
            let before = match old {
                Some(row) => self.index_entry(table, index, row, flat)?,
                None => None,
            };
            let after = match new {
                Some(row) => self.index_entry(table, index, row, flat)?,
                None => None,
            };
            if before == after {
                continue;
            }
            if let Some(entry) = before {
                self.spend(gas::INDEX_WRITE)?;
                self.host.index_delete(&entry);
            }
            if let Some(entry) = after {
                self.spend(gas::INDEX_WRITE)?;
                self.host.index_put(&entry);
            }
        }
        Ok(())
    }
}
