//! Hashes, commitments that are opened later, and signatures made outside of a transaction.

use codec::cbor::Encoder;
use crypto::Suite;
use sm3::{Digest, Sm3};

use super::Builtin;
use crate::error::{malformed, raise, value_error, Exc, R};
use crate::gas;
use crate::interp::Vm;
use crate::limits;
use crate::value::Value;

/// Keeps the hash of a commitment apart from every other hash.
const COMMITMENT_DOMAIN: &str = "lianheng.commitment.v1";

/// Keeps what a member signed for contracts of one chain apart from everything else that a key
/// signs.
const MEMBER_DOMAIN: &str = "lianheng.member-message.v1";

/// Keeps a signed message apart from everything else that a key signs.
const MESSAGE_DOMAIN: &str = "lianheng.message.v1";

impl Vm<'_, '_> {
    pub(super) fn hashing(&mut self, builtin: Builtin, given: &[Value]) -> R<Value> {
        match (builtin, given) {
            (Builtin::Sha256, [data]) => {
                let data = self.library_bytes("sha256", "data", data)?;
                let hash = self.sha256(data)?;
                self.new_bytes(hash)
            }
            (Builtin::Sm3, [data]) => {
                let data = self.library_bytes("sm3", "data", data)?;
                self.spend(gas::HASH + data.len() as u64 / gas::SM3_BYTES_PER_UNIT)?;
                let hash = Sm3::digest(data).to_vec();
                self.new_bytes(hash)
            }
            (Builtin::Commit, [value, salt]) => {
                let hash = self.commitment("commit", value, salt)?;
                self.new_bytes(hash)
            }
            (Builtin::Opens, [commitment, value, salt]) => {
                let commitment = self.library_bytes("opens", "commitment", commitment)?;
                let hash = self.commitment("opens", value, salt)?;
                Ok(Value::Bool(hash == commitment))
            }
            (_, [message, signature, public_key]) => {
                let message = self.library_bytes("is_signed", "message", message)?;
                let signature = self.library_bytes("is_signed", "signature", signature)?;
                let public_key = self.library_bytes("is_signed", "public_key", public_key)?;
                self.is_signed(message, signature, public_key)
            }
            _ => Err(malformed()),
        }
    }

    fn sha256(&mut self, data: &[u8]) -> R<Vec<u8>> {
        self.spend(gas::HASH + data.len() as u64 / gas::SHA256_BYTES_PER_UNIT)?;
        Ok(Suite::One.hash(data).as_bytes().to_vec())
    }

    /// SHA-256 over the canonical bytes of the domain, the salt and the value.
    fn commitment(&mut self, function: &str, value: &Value, salt: &Value) -> R<Vec<u8>> {
        let salt = self.library_bytes(function, "salt", salt)?;
        if salt.len() < limits::SALT_BYTES {
            return Err(value_error(format!(
                "{function}() argument 'salt' has {} bytes, fewer than {}",
                salt.len(),
                limits::SALT_BYTES
            )));
        }
        let value = self.encode_value(value)?;
        self.spend(gas::bytes(value.len() + salt.len()))?;
        let mut encoder = Encoder::with_capacity(value.len() + salt.len() + 40);
        encoder
            .array(3)
            .text(COMMITMENT_DOMAIN)
            .bytes(salt)
            .raw(&value);
        self.sha256(&encoder.into_bytes())
    }

    fn is_signed(&mut self, message: &[u8], signature: &[u8], public_key: &[u8]) -> R<Value> {
        let hashed = message.len() as u64 / gas::SM3_BYTES_PER_UNIT;
        self.spend(gas::SIGNATURE + hashed)?;
        let Ok(public_key) = public_key.try_into() else {
            return Ok(Value::Bool(false));
        };
        crate::memory::check(message.len())?;
        let mut encoder = Encoder::with_capacity(message.len() + 40);
        encoder.array(2).text(MESSAGE_DOMAIN).bytes(message);
        let signed = encoder.into_bytes();
        let suite = Suite::One;
        let good = suite.check_public_key(public_key).is_ok()
            && suite.verify(public_key, &signed, signature).is_ok();
        Ok(Value::Bool(good))
    }

    /// Whether any key in force of a member signed a message for this chain.
    pub(super) fn signed_by(&mut self, given: &[Value]) -> R<Value> {
        let [member, message, signature] = given else {
            return Err(malformed());
        };
        let member = self.library_str("signed_by", "member", member)?;
        let message = self.library_bytes("signed_by", "message", message)?;
        let signature = self.library_bytes("signed_by", "signature", signature)?;
        if !member.contains('@') {
            let shown = self.quoted(member)?;
            let message = format!("signed_by() takes a member such as 'ann@north', not {shown}");
            return Err(value_error(message));
        }
        self.spend(gas::PARTY + gas::bytes(member.len() + message.len()))?;
        let Some(known) = self.host.keys_of(member) else {
            let message =
                "signed_by() has no ledger: call the contract through the `ledger` fixture";
            return Err(raise(Exc::RuntimeError, message));
        };
        crate::memory::check(message.len())?;
        let mut encoder = Encoder::with_capacity(message.len() + member.len() + 80);
        encoder
            .array(4)
            .text(MEMBER_DOMAIN)
            .bytes(&known.genesis)
            .text(member)
            .bytes(message);
        let signed = encoder.into_bytes();
        for key in known.keys {
            self.spend(gas::SIGNATURE + message.len() as u64 / gas::SM3_BYTES_PER_UNIT)?;
            if Suite::One.verify(&key, &signed, signature).is_ok() {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }
}
