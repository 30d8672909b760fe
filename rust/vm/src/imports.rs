//! Deployed sources that a source imports, by the first digits of their hashes.

use std::collections::BTreeMap;

/// What a module of deployed code is called before its label.
pub(crate) const MODULE: &str = "lianheng.chain.";

/// Hexadecimal digits of a source's hash in a module's name.
pub(crate) const DIGITS: usize = 16;

/// Deployed sources by the digits in their modules' names: hash and text of each that begins so.
pub type Imports = BTreeMap<String, Vec<([u8; 32], String)>>;

/// The digits of every module `lianheng.chain.label_digits` that a text mentions, each once.
///
/// Finds more than is imported (comments, strings), never less: what is not imported is not used.
pub fn mentioned_imports(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("chain.") {
        let rest = &source[at + "chain.".len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let digits = split_name(&rest[..end]).map(|(_, digits)| digits.to_string());
        found.extend(digits.filter(|digits| !found.contains(digits)));
    }
    found
}

/// Label and digits of the last part of a module's name.
pub(crate) fn split_name(name: &str) -> Option<(&str, &str)> {
    let (label, digits) = name.rsplit_once('_')?;
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let good = digits.len() == DIGITS && digits.chars().all(is_hex);
    (good && crate::program::uses::is_contract_name(label)).then_some((label, digits))
}
