//! Who could make a call at the last block, and what is missing, without making it.

use std::sync::Arc;

use crate::authority::{asked_of, Asking};
use crate::engine::Engine;
use crate::formats::result::Refusal;
use crate::members::Member;

/// What is known of a call before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The policy in force.
    pub policy: String,
    /// Whether the chain set it in place of the contract's own.
    pub by_chain: bool,
    /// What is missing and from whom; none where these members may make the call.
    pub missing: Option<String>,
    /// The sentence of the refusal that they would get.
    pub denial: Option<String>,
}

impl Engine {
    /// What members lack to make a call with these arguments, signed by all of them, or approved.
    ///
    /// Names that are not in force count as nobody. Refused where there is no such call.
    pub fn explain(
        &self,
        contract: &str,
        method: &str,
        arguments: &[u8],
        members: &[String],
    ) -> Result<Explained, Refusal> {
        let head = self.head();
        let known = members.iter().filter_map(|id| head.directory.member(id));
        let members: Vec<Arc<Member>> = known.cloned().collect();
        let asking = Asking {
            directory: &head.directory,
            members: &members,
            via: None,
        };
        asked_of(&head.contracts, (contract, method, arguments), |target| {
            let (rule, by_chain) = asking.rule(target);
            Explained {
                policy: rule.text.clone(),
                by_chain,
                missing: asking.missing(target),
                denial: asking.denial(target),
            }
        })
    }
}
