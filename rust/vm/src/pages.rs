//! Rows and index entries, fetched from the host page by page: no more of them than a little gas and
//! memory ahead.

use std::sync::Arc;

use codec::key;

use crate::error::R;
use crate::gas;
use crate::interp::Vm;
use crate::state::{host, PAGE};
use crate::value::Value;

/// The way through everything between two keys, for what an upgrade does with all of it.
pub(crate) struct Way {
    from: Vec<u8>,
    end: Vec<u8>,
    over: bool,
}

impl Way {
    /// Through all that begins with `prefix`.
    pub(crate) fn below(prefix: Vec<u8>) -> Self {
        Way {
            end: key::prefix_end(&prefix).unwrap_or_default(),
            from: prefix,
            over: false,
        }
    }

    /// A page of so many was read, whose last key this is: the next one begins right after it.
    fn passed(&mut self, length: usize, last: Option<&[u8]>) {
        self.over = length < PAGE;
        if let Some(last) = last {
            self.from = [last, &[0]].concat();
        }
    }
}

/// Rows with their keys.
pub(crate) type RowPage = Vec<(Vec<u8>, Arc<[u8]>)>;

impl Vm<'_, '_> {
    /// The next rows on a way; none when it is over. Rows of pages before may be gone.
    pub(crate) fn next_rows(&mut self, way: &mut Way) -> R<Option<RowPage>> {
        if way.over {
            return Ok(None);
        }
        self.spend(gas::SCAN)?;
        let page = host(self.host.scan(&way.from, &way.end, PAGE, false))?;
        self.pay_passed()?;
        way.passed(page.len(), page.last().map(|(flat, _)| flat.as_slice()));
        Ok(Some(page))
    }

    /// The next index entries on a way; none when it is over.
    pub(crate) fn next_entries(&mut self, way: &mut Way) -> R<Option<Vec<Vec<u8>>>> {
        if way.over {
            return Ok(None);
        }
        self.spend(gas::SCAN)?;
        let page = host(self.host.index_scan(&way.from, &way.end, PAGE, false))?;
        self.pay_passed()?;
        way.passed(page.len(), page.last().map(Vec::as_slice));
        Ok(Some(page))
    }

    /// At most `limit` rows between two keys, decoded.
    pub(crate) fn fetched_rows(
        &mut self,
        table: u16,
        mut from: Vec<u8>,
        mut to: Vec<u8>,
        limit: usize,
        reverse: bool,
    ) -> R<Vec<Value>> {
        let mut rows = Vec::new();
        while rows.len() < limit {
            // Rows may be large: no more of them are fetched than a little gas and memory ahead.
            let asked = (limit - rows.len()).min(PAGE);
            let page = host(self.host.scan(&from, &to, asked, reverse))?;
            self.pay_passed()?;
            let last = page.len() < asked;
            for (flat, bytes) in page {
                self.spend(gas::SCAN_ROW + gas::state_bytes(bytes.len()))?;
                self.reads += 1;
                rows.push(self.decode_row(table, &bytes)?);
                if reverse {
                    to = flat;
                } else {
                    from = flat;
                    from.push(0);
                }
            }
            if last {
                break;
            }
        }
        Ok(rows)
    }

    /// Pays for the deleted entries that a scan went past.
    pub(crate) fn pay_passed(&mut self) -> R<()> {
        let passed = self.host.passed();
        self.spend(gas::PASSED.saturating_mul(passed))
    }
}
