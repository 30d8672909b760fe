"""COSE_Sign1 and COSE_Sign (RFC 9052), in the one profile that the formats allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._ed25519 import verify_signature

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

_ED25519: Final = -19  # RFC 9864
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: the id of its key, its protected header as bytes, the signature."""

    key_id: bytes
    protected: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed payload: COSE_Sign1 when one signed, COSE_Sign when several did."""

    payload: bytes
    signatures: tuple[Signature, ...]
    single: bool

    def signed_bytes(self, index: int, external_aad: bytes) -> bytes:
        """What signature `index` signs: the Sig_structure (RFC 9052, section 4.4)."""
        protected = self.signatures[index].protected
        if self.single:
            return _cbor.encode(["Signature1", protected, external_aad, self.payload])
        return _cbor.encode(["Signature", b"", protected, external_aad, self.payload])

    def verify(self, index: int, public: bytes, external_aad: bytes) -> None:
        """Raises VerificationError (`signature.bad`) unless the key made signature `index`."""
        verify_signature(
            public, self.signed_bytes(index, external_aad), self.signatures[index].signature
        )


def parse_signed(value: Value, where: str) -> Signed:
    """One signer's or several signers' form. Raises UnreadableError."""
    parts = _shape.row(value, where, 4)
    if isinstance(parts[3], bytes):
        return _parse_single(parts, where)
    _shape.octets(parts[0], f"{where}: protected header of the body", 0)
    _empty_map(parts[1], where)
    payload = _shape.octets(parts[2], f"{where}: payload")
    rows = _shape.array(parts[3], f"{where}: signatures", 2, limits.SIGNERS)
    signatures = []
    for item in rows:
        protected, unprotected, signature = _shape.row(item, f"{where}: a signature", 3)
        _empty_map(unprotected, where)
        signatures.append(_signature(protected, signature, where))
    return Signed(payload, tuple(signatures), single=False)


def parse_sign1(data: bytes, where: str) -> Signed:
    """Bytes that MUST hold one signer's form. Raises UnreadableError."""
    signed = parse_signed(_cbor.decode(data, where), where)
    if not signed.single:
        raise _shape.refuse(where, "several signatures where one belongs")
    return signed


def _parse_single(parts: list[Value], where: str) -> Signed:
    _empty_map(parts[1], where)
    payload = _shape.octets(parts[2], f"{where}: payload")
    return Signed(payload, (_signature(parts[0], parts[3], where),), single=True)


def _signature(protected: Value, signature: Value, where: str) -> Signature:
    raw, header = _shape.embedded(protected, f"{where}: protected header")
    content = _shape.fields(header, f"{where}: protected header", (1, 4))
    _shape.constant(content[1], _ED25519, f"{where}: algorithm")
    key = _shape.digest(content[4], f"{where}: key id")
    return Signature(key, raw, _shape.octets(signature, f"{where}: signature", _SIGNATURE_BYTES))


def _empty_map(value: Value, where: str) -> None:
    if value != {} or not isinstance(value, dict):
        raise _shape.refuse(where, "the unprotected header is not empty")
