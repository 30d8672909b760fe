//! Many signatures by one equation (ZIP-215, batch verification).

use rayon::prelude::*;

use ed25519_zebra::batch::{Item, Verifier};
use ed25519_zebra::{Signature, VerificationKeyBytes};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::limits::{BATCH_SIGNATURES, SINGLE_SIGNATURES};
use crate::{Check, Suite};

pub(crate) fn verify_many(suite: Suite, checks: &[Check<'_>]) -> Vec<bool> {
    let _ = (suite, SINGLE_SIGNATURES);
    checks.par_chunks(BATCH_SIGNATURES).flat_map_iter(verify_batch).collect()
}

fn verify_batch(checks: &[Check<'_>]) -> Vec<bool> {
    let items: Vec<Item> = checks.iter().map(item).collect();
    let mut verifier = Verifier::new();
    items.iter().for_each(|item| verifier.queue(item.clone()));
    if verifier.verify(Coefficients::of(checks)).is_ok() {
        return vec![true; checks.len()];
    }
    items.into_iter().map(|item| item.verify_single().is_ok()).collect()
}

fn item(check: &Check<'_>) -> Item {
    let key = VerificationKeyBytes::from(*check.key);
    Item::from((key, Signature::from_bytes(check.signature), check.message))
}

/// The random coefficients of a batch, derived from all that it checks: who chose the signatures
/// cannot choose the coefficients, and every node draws the same ones.
struct Coefficients {
    seed: [u8; 32],
    counter: u64,
}

impl Coefficients {
    fn of(checks: &[Check<'_>]) -> Self {
        let mut hasher = Sha256::new();
        for check in checks {
            hasher.update(check.key);
            hasher.update(check.signature);
            hasher.update((check.message.len() as u64).to_be_bytes());
            hasher.update(check.message);
        }
        Coefficients { seed: hasher.finalize().into(), counter: 0 }
    }
}

impl TryRng for Coefficients {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::new_with_prefix(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.counter += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Coefficients {}
