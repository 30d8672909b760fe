//! The fuzz targets of this crate, for about a second each.

mod comet;

use codec::cbor::{self, Encoder};
use comet::{Network, SUITE};
use crypto::SigningKey;
use engine::EnvelopeHead;

#[path = "../../../fuzz/src/envelope_parts.rs"]
mod envelope_parts;
#[path = "../../../fuzz/src/quorum_seal.rs"]
mod quorum_seal;
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[test]
fn seals_decode() {
    let network = Network::of(&[2, 1]);
    let seals = [[2, 2], [2, 3], [2, 1]].map(|flags| cbor::encode(&network.seal(&flags)));
    let seeds = seals
        .into_iter()
        .map(|seal| seal.expect("the seeds encode"));
    short_run::fuzz(4, seeds.collect(), quorum_seal::run);
}

#[test]
fn envelopes_are_taken_apart() {
    let envelope = |count: u64| {
        let mut list = Encoder::new();
        list.array(count as usize);
        for number in 0..count {
            list.bytes(&number.to_be_bytes());
        }
        let head = EnvelopeHead {
            node: "node-1@north".to_owned(),
            number: 7,
            expires: 1_700_000_000_000,
            gas: 1_000,
            count,
            transactions_hash: SUITE.hash(list.as_slice()),
        };
        let key = SigningKey::from_seed(&[7; 32]);
        let signed = crypto::cose::sign(SUITE, &[&key], &head.encode(), b"").expect("signed");
        let mut envelope = Encoder::new();
        envelope.array(2).bytes(&signed).bytes(list.as_slice());
        envelope.into_bytes()
    };
    short_run::fuzz(5, (1..=3).map(envelope).collect(), envelope_parts::run);
}
