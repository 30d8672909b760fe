//! Which transactions of a block run, and when: first those within their organisation's share, then as many of the others as there
//! is room for, in turn (docs/adr/0017-fair-shares.md).

use std::collections::HashMap;
use std::sync::Arc;

use crate::execute::{Execution, Verdict};
use crate::fair::{Amounts, Division};
use crate::formats::result::Refusal;
use crate::members::Member;
use crate::overlay::Changes;
use crate::prepare::{replayed, Drop, Prepared, Transaction};
use crate::{closing, deploy, limits, Error};

/// Place of each resource in [`Amounts`].
const GAS: usize = 0;
const BYTES: usize = 1;
const TRANSACTIONS: usize = 2;

/// A transaction that waits for what is left.
struct Aside<'p> {
    batch: usize,
    at: usize,
    transaction: &'p Transaction,
    signers: Vec<Arc<Member>>,
}

/// Organisations of a block, and what each gets of it.
struct Sharing {
    division: Division,
    parties: HashMap<Arc<str>, usize>,
    names: Vec<Arc<str>>,
}

impl Execution<'_> {
    /// Executes transactions; gives a verdict for each. Call once. An error means that the store failed, not a transaction.
    pub fn run(&mut self, batches: &[Prepared]) -> Result<Vec<Vec<Verdict>>, Error> {
        let mut verdicts: Vec<Vec<Verdict>> = batches
            .iter()
            .map(|prepared| Vec::with_capacity(prepared.len()))
            .collect();
        let mut sharing = self.sharing();
        let mut asides = Vec::new();
        for (batch, prepared) in batches.iter().enumerate() {
            for (at, item) in prepared.items.iter().enumerate() {
                let verdict = match item {
                    Err((_, drop)) => Verdict::Dropped(drop.clone()),
                    Ok(transaction) => match self.admit(transaction)? {
                        Err(drop) => Verdict::Dropped(drop),
                        Ok(signers) => {
                            let party = self.party(&mut sharing, &signers);
                            let most = most(transaction);
                            let place = asides.len();
                            if sharing.division.runs_at_once(party, place, &most) {
                                self.take(&mut sharing, party, transaction, &signers)?
                            } else {
                                asides.push(Aside {
                                    batch,
                                    at,
                                    transaction,
                                    signers,
                                });
                                // Until its turn comes.
                                Verdict::Entry(usize::MAX)
                            }
                        }
                    },
                };
                verdicts[batch].push(verdict);
            }
        }
        self.lend(&mut sharing, &asides, &mut verdicts)?;
        Ok(verdicts)
    }

    /// What the block has for transactions, after its timers.
    fn sharing(&self) -> Sharing {
        let (parameters, directory) = (self.base.parameters, self.base.directory);
        let capacity = [
            parameters.block_gas.saturating_sub(self.gas),
            parameters.block_bytes,
            parameters.block_transactions,
            (limits::BLOCK_ENTRY_BYTES as u64).saturating_sub(self.entry_bytes as u64),
            (limits::BLOCK_WRITE_BYTES as u64).saturating_sub(self.state.written_bytes() as u64),
        ];
        let total = directory.shares().total(directory.organisations());
        Sharing {
            division: Division::new(capacity, total),
            parties: HashMap::new(),
            names: Vec::new(),
        }
    }

    /// The number of the sender's organisation in this block.
    fn party(&self, sharing: &mut Sharing, signers: &[Arc<Member>]) -> usize {
        let name = signers
            .first()
            .map_or("", |sender| sender.organisation.as_str());
        if let Some(party) = sharing.parties.get(name) {
            return *party;
        }
        let weight = self.base.directory.shares().weight(name);
        let party = sharing.division.add(weight);
        let name: Arc<str> = Arc::from(name);
        sharing.names.push(Arc::clone(&name));
        sharing.parties.insert(name, party);
        party
    }

    /// Runs a transaction whose turn it is, where the block has room for it.
    fn take(
        &mut self,
        sharing: &mut Sharing,
        party: usize,
        transaction: &Transaction,
        signers: &[Arc<Member>],
    ) -> Result<Verdict, Error> {
        if let Some(full) = self.full(transaction.bytes.len() as u64) {
            return Ok(Verdict::Dropped(no_room(sharing, party, &full)));
        }
        let (gas, entries, written) = (self.gas, self.entry_bytes, self.state.written_bytes());
        self.state.write_for(Arc::clone(&sharing.names[party]));
        let verdict = self.order(transaction, signers)?;
        let used = [
            self.gas.saturating_sub(gas),
            transaction.bytes.len() as u64,
            1,
            self.entry_bytes.saturating_sub(entries) as u64,
            self.state.written_bytes().saturating_sub(written) as u64,
        ];
        sharing.division.book(party, &used);
        Ok(verdict)
    }

    /// Runs what was put aside, as far as there is room: the next one is of the organisation that has least for its weight.
    fn lend(
        &mut self,
        sharing: &mut Sharing,
        asides: &[Aside<'_>],
        verdicts: &mut [Vec<Verdict>],
    ) -> Result<(), Error> {
        sharing.division.lend();
        while let Some((party, place)) = sharing.division.next() {
            let aside = &asides[place];
            let verdict = if self.closed {
                Verdict::Dropped(closing::dropped(self.base.height))
            } else if self.is_replay(aside.transaction)? {
                // Another copy of it ran meanwhile.
                Verdict::Dropped(replayed(&aside.transaction.id))
            } else {
                self.take(sharing, party, aside.transaction, &aside.signers)?
            };
            let full =
                matches!(&verdict, Verdict::Dropped(drop) if drop.code != "dropped.replayed");
            if full {
                // Nothing overtakes it within its organisation: what follows may build on it.
                for later in sharing.division.rest(party) {
                    let Aside { batch, at, .. } = asides[later];
                    verdicts[batch][at] = verdict.clone();
                }
            }
            verdicts[aside.batch][aside.at] = verdict;
            sharing.division.wait(party);
        }
        Ok(())
    }

    /// Books gas that was used on the organisation whose call, or timer, runs.
    pub(crate) fn spend(&mut self, gas: u64) -> Result<(), Error> {
        self.gas = self.gas.saturating_add(gas);
        self.books
            .burn(self.base.view, self.state.organisation(), gas)
    }

    /// Books bytes of rows on the organisation whose call, or timer, runs.
    pub(crate) fn grow(&mut self, by: i64) -> Result<(), Error> {
        self.books
            .grow(self.base.view, self.state.organisation(), by)
    }

    /// Takes over what a call wrote.
    pub(crate) fn absorb(&mut self, changes: Changes) -> Result<(), Error> {
        let grown = self.state.growth_of(&changes)?;
        self.grow(grown)?;
        self.state.absorb(changes);
        Ok(())
    }

    /// Writes a row of the system for the organisation whose call, or timer, runs.
    pub(crate) fn keep(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        let grown = self.state.growth(&key, Some(&value))?;
        self.grow(grown)?;
        self.state.put(key, value);
        Ok(())
    }

    /// Deletes a row of the system for the organisation whose call, or timer, runs.
    pub(crate) fn remove(&mut self, key: Vec<u8>) -> Result<(), Error> {
        let grown = self.state.growth(&key, None)?;
        self.grow(grown)?;
        self.state.delete(key);
        Ok(())
    }

    /// Why rows cannot grow by so much. Calls of the system are never refused: whoever is at its limit must still be governed.
    pub(crate) fn over_storage(
        &mut self,
        contract: &str,
        by: i64,
    ) -> Result<Option<Refusal>, Error> {
        if by <= 0 || deploy::SYSTEM.contains(&contract) {
            return Ok(None);
        }
        let shares = self.base.directory.shares();
        self.books
            .check(self.base.view, shares, self.state.organisation(), by)
    }
}

/// The most that a transaction takes of a block, as far as that is known before it runs.
fn most(transaction: &Transaction) -> Amounts {
    // A call that writes, or returns, anything at all finds no room where nothing is left.
    [
        transaction.payload.gas,
        transaction.bytes.len() as u64,
        1,
        1,
        1,
    ]
}

fn no_room(sharing: &Sharing, party: usize, full: &str) -> Drop {
    let hint = "send it again: its id is free";
    let (used, share) = sharing.division.figures(party);
    let name = &sharing.names[party];
    let alone = sharing.division.is_all(party);
    if alone || used.iter().zip(share).all(|(used, share)| used < share) {
        return Drop::new("dropped.no_room", full, hint);
    }
    let message = format!(
        "{full}, and {name} had its share: {} of {} gas, {} of {} bytes, {} of {} transactions",
        used[GAS], share[GAS], used[BYTES], share[BYTES], used[TRANSACTIONS], share[TRANSACTIONS]
    );
    Drop::new("dropped.over_share", message, hint)
}
