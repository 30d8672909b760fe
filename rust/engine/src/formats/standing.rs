//! The part of a receipt that shows who stood behind it: rows of members, each as it was in force.

use std::sync::Arc;

use codec::cbor::Encoder;
use crypto::Hash32;

use crate::formats::evidence::{hashes, links, seal, steps, Link};

/// A row under a state root, or its absence.
pub struct Proved {
    /// The row's bytes; none: it is absent.
    pub value: Option<Arc<[u8]>>,
    /// The path in the state tree.
    pub proof: tree::Proof,
}

impl Proved {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.array(3);
        match &self.value {
            Some(value) => encoder.bytes(value),
            None => encoder.null(),
        };
        hashes(encoder, &self.proof.siblings);
        match &self.proof.other {
            Some(other) => encoder.array(2).bytes(&other.key.0).bytes(&other.value.0),
            None => encoder.null(),
        };
    }
}

/// The version of a subject that was in force, and the next one, which is absent or came later.
pub struct InForce {
    /// Its version.
    pub version: u64,
    /// Its row.
    pub row: Proved,
    /// The next version's.
    pub next: Proved,
}

fn versions(encoder: &mut Encoder, name: &str, versions: &[InForce]) {
    encoder.text(name).array(versions.len());
    for one in versions {
        encoder.array(3).uint(one.version);
        one.row.encode(encoder);
        one.next.encode(encoder);
    }
}

/// A later header, under whose state root the rows are proved.
pub struct Later<'a> {
    /// Its bytes.
    pub header: &'a [u8],
    /// Its seal, encoded; none: it has not come yet.
    pub seal: Option<&'a [u8]>,
    /// Links to other heights.
    pub links: &'a [Link],
    /// Quorum seals that lead to the sealing set.
    pub steps: &'a [&'a [u8]],
    /// Inclusion path of the receipt's own header in its history.
    pub path: &'a [Hash32],
}

impl Later<'_> {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.map(4 + usize::from(!self.steps.is_empty()));
        encoder.text("path");
        hashes(encoder, self.path);
        seal(encoder, self.seal);
        links(encoder, self.links);
        steps(encoder, self.steps);
        encoder.text("header").bytes(self.header);
    }
}

/// What names the members.
pub enum Named {
    /// Keys of the signers, in their order.
    Keys(Vec<InForce>),
    /// The proposal that ran, and the votes for it of members in force.
    Approvals(Proved, Vec<Proved>),
}

/// Who stood behind a call or a run.
pub struct Members<'a> {
    /// None: the rows are proved under the receipt's own header.
    pub later: Option<Later<'a>>,
    /// What names them.
    pub named: &'a Named,
    /// Each member that is named, once, in the order in which it is first named.
    pub members: &'a [InForce],
    /// Each of their organisations, likewise.
    pub organisations: &'a [InForce],
}

impl Members<'_> {
    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        let named = match self.named {
            Named::Keys(_) => 1,
            Named::Approvals(..) => 2,
        };
        encoder.map(2 + named + usize::from(self.later.is_some()));
        if let Some(later) = &self.later {
            encoder.text("at");
            later.encode(encoder);
        }
        match self.named {
            Named::Keys(keys) => versions(encoder, "keys", keys),
            Named::Approvals(_, votes) => {
                encoder.text("votes").array(votes.len());
                for vote in votes {
                    vote.encode(encoder);
                }
            }
        }
        versions(encoder, "members", self.members);
        if let Named::Approvals(proposal, _) = self.named {
            encoder.text("proposal");
            proposal.encode(encoder);
        }
        versions(encoder, "organisations", self.organisations);
    }
}
