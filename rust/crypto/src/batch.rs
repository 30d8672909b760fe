//! Many signatures by one equation (ZIP-215, batch verification).
//!
//! For signatures (R, s) by keys A over messages with challenges k, and coefficients z that the
//! signers cannot choose: `8 (-sum(z s) B + sum(z R) + sum(z k A)) = 0`. The cofactor 8 makes it
//! agree with the single check of ZIP-215 also where points have a torsion component. If it holds,
//! every signature is valid; if not, halves are tried, and what is left is checked one by one:
//! nothing is refused but by the single check, or because it does not decode.
//!
//! Signatures are put in order of their keys, so that each key's terms become one, and who sends
//! bad signatures spoils the batches of their own key first.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use rayon::prelude::*;
use sha2::{Digest, Sha256, Sha512};

use crate::limits::{BATCH_SIGNATURES, LEAST_BATCH_SIGNATURES, SINGLE_SIGNATURES, SPLIT_ROUNDS};
use crate::suite::{Check, PreparedCheck, Suite};
use crate::PreparedKey;

/// Verdicts on checks whose keys are not prepared.
pub(crate) fn verify_many(suite: Suite, checks: &[Check<'_>]) -> Vec<bool> {
    let order = sorted_by(checks, |check| check.key);
    let mut keys: Vec<&[u8; 32]> = order.iter().map(|&index| checks[index].key).collect();
    keys.dedup();
    let prepared: Vec<Option<PreparedKey>> = keys
        .par_iter()
        .with_min_len(32)
        .map(|key| PreparedKey::new(key).ok())
        .collect();
    let mut sorted = Vec::with_capacity(order.len());
    let mut at = 0;
    for &index in &order {
        let Check {
            key,
            message,
            signature,
        } = checks[index];
        at += usize::from(keys[at] != key);
        if let Some(key) = &prepared[at] {
            sorted.push((
                index,
                PreparedCheck {
                    key,
                    message,
                    signature,
                },
            ));
        }
    }
    verdicts(suite, checks.len(), &sorted)
}

/// Verdicts on checks with prepared keys.
pub(crate) fn verify_many_prepared(suite: Suite, checks: &[PreparedCheck<'_>]) -> Vec<bool> {
    let order = sorted_by(checks, |check| check.key.public());
    let sorted: Vec<_> = order
        .into_iter()
        .map(|index| (index, checks[index]))
        .collect();
    verdicts(suite, checks.len(), &sorted)
}

fn sorted_by<T>(checks: &[T], key: impl Fn(&T) -> &[u8; 32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..checks.len()).collect();
    order.sort_unstable_by_key(|&index| key(&checks[index]));
    order
}

/// Verdicts by original index; what is not in `sorted` is refused.
fn verdicts(suite: Suite, count: usize, sorted: &[(usize, PreparedCheck<'_>)]) -> Vec<bool> {
    let length = batch_length(sorted.len(), rayon::current_num_threads());
    let valid: Vec<Vec<usize>> = sorted
        .par_chunks(length)
        .map(|part| Batch::verify(suite, part))
        .collect();
    let mut verdicts = vec![false; count];
    for index in valid.into_iter().flatten() {
        verdicts[index] = true;
    }
    verdicts
}

/// Length of batches so that the threads get as many each, of about the same size.
fn batch_length(checks: usize, threads: usize) -> usize {
    let batches = checks
        .div_ceil(BATCH_SIGNATURES)
        .next_multiple_of(threads.max(1));
    checks.div_ceil(batches.max(1)).max(LEAST_BATCH_SIGNATURES)
}

/// One signature with all that the equation needs of it.
struct Term<'a> {
    index: usize,
    check: PreparedCheck<'a>,
    r: EdwardsPoint,
    s: Scalar,
    k: Scalar,
    z: Scalar,
}

impl<'a> Term<'a> {
    /// `None` if the signature does not decode.
    fn new(index: usize, check: PreparedCheck<'a>) -> Option<Self> {
        let (r_bytes, s_bytes) = check.signature.split_first_chunk::<32>()?;
        let s = Scalar::from_canonical_bytes(s_bytes.try_into().ok()?).into_option()?;
        let r = CompressedEdwardsY(*r_bytes).decompress()?;
        let hasher = Sha512::new_with_prefix(r_bytes)
            .chain_update(check.key.public())
            .chain_update(check.message);
        let k = Scalar::from_bytes_mod_order_wide(&hasher.finalize().into());
        Some(Term {
            index,
            check,
            r,
            s,
            k,
            z: Scalar::ZERO,
        })
    }
}

struct Batch<'a> {
    suite: Suite,
    /// Signatures that may still be put through equations after the first one failed.
    budget: usize,
    /// Original indexes of the valid signatures.
    valid: Vec<usize>,
    terms: Vec<Term<'a>>,
}

impl<'a> Batch<'a> {
    /// Original indexes of the valid ones among `checks`.
    fn verify(suite: Suite, checks: &[(usize, PreparedCheck<'a>)]) -> Vec<usize> {
        let mut terms: Vec<Term<'a>> = checks
            .iter()
            .filter_map(|&(index, check)| Term::new(index, check))
            .collect();
        draw_coefficients(&mut terms);
        let (budget, valid) = (terms.len() * SPLIT_ROUNDS, Vec::with_capacity(terms.len()));
        let mut batch = Batch {
            suite,
            budget,
            valid,
            terms,
        };
        batch.settle(0, batch.terms.len());
        batch.valid
    }

    /// Decides about the terms from `start` to `end`.
    fn settle(&mut self, start: usize, end: usize) {
        if end - start > SINGLE_SIGNATURES && equation_holds(&self.terms[start..end]) {
            return self.accept(start, end);
        }
        self.split(start, end);
    }

    /// Decides about terms whose equation does not hold, or that are few.
    fn split(&mut self, start: usize, end: usize) {
        let count = end - start;
        if count <= SINGLE_SIGNATURES || self.budget < count {
            return self.check_singly(start, end);
        }
        self.budget -= count;
        let middle = start + count / 2;
        if equation_holds(&self.terms[start..middle]) {
            // The whole did not hold, so the other half does not either.
            self.accept(start, middle);
            self.split(middle, end);
        } else {
            self.split(start, middle);
            self.settle(middle, end);
        }
    }

    fn accept(&mut self, start: usize, end: usize) {
        self.valid
            .extend(self.terms[start..end].iter().map(|term| term.index));
    }

    fn check_singly(&mut self, start: usize, end: usize) {
        for term in &self.terms[start..end] {
            let PreparedCheck {
                key,
                message,
                signature,
            } = term.check;
            if self.suite.verify(key.public(), message, signature).is_ok() {
                self.valid.push(term.index);
            }
        }
    }
}

fn equation_holds(terms: &[Term<'_>]) -> bool {
    let mut scalars = Vec::with_capacity(2 * terms.len() + 1);
    let mut points = Vec::with_capacity(2 * terms.len() + 1);
    let mut base = Scalar::ZERO;
    for of_one_key in terms.chunk_by(|a, b| a.check.key == b.check.key) {
        let mut key = Scalar::ZERO;
        for term in of_one_key {
            base -= term.z * term.s;
            key += term.z * term.k;
            scalars.push(term.z);
            points.push(term.r);
        }
        scalars.push(key);
        points.push(of_one_key[0].check.key.point);
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).is_small_order()
}

/// Gives each term a coefficient of 128 bits, derived from all that the batch checks (k commits to
/// R, the key and the message): to make a bad batch pass, its signers would have to try about
/// 2^128 batches, and every node draws the same coefficients.
fn draw_coefficients(terms: &mut [Term<'_>]) {
    let mut seed = Sha256::new();
    for term in &*terms {
        seed.update(term.k.as_bytes());
        seed.update(term.s.as_bytes());
    }
    let seed = seed.finalize();
    for (counter, pair) in (0_u64..).zip(terms.chunks_mut(2)) {
        let block = Sha256::new_with_prefix(seed)
            .chain_update(counter.to_be_bytes())
            .finalize();
        for (term, coefficient) in pair.iter_mut().zip(block.chunks_exact(16)) {
            let bytes = coefficient
                .try_into()
                .expect("chunks of 16 bytes have 16 bytes");
            term.z = Scalar::from(u128::from_le_bytes(bytes));
        }
    }
}
