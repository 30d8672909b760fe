//! Rows of a listing, fetched from the host page by page.

use crate::error::R;
use crate::gas;
use crate::interp::Vm;
use crate::state::{host, PAGE};
use crate::value::Value;

impl Vm<'_, '_> {
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
