//! The fuzz target of this crate, for about a second.

use crypto::{cose, SigningKey, Suite};

#[path = "../../../fuzz/src/cose_parse.rs"]
mod cose_parse;
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[test]
fn signed_messages_parse() {
    let keys: Vec<SigningKey> = (1..=3)
        .map(|seed| SigningKey::from_seed(&[seed; 32]))
        .collect();
    let sign = |signers: usize| {
        let chosen: Vec<&SigningKey> = keys.iter().take(signers).collect();
        cose::sign(Suite::One, &chosen, b"payload", b"").expect("the seeds are signed")
    };
    short_run::fuzz(3, (1..=3).map(sign).collect(), cose_parse::run);
}
