"""Signing calls: from a target and arguments to the bytes that are submitted."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lianheng import _native
from lianheng.members._identity import Identity
from lianheng.model import (
    CallTarget,
    ChainName,
    Gas,
    Hash32,
    HeaderHash,
    Milliseconds,
    Payload,
    SignedTransaction,
    SourceHash,
    UsageError,
    limits,
    native_errors,
)

Signers: TypeAlias = Identity | Sequence[Identity]
"""The sender, or the sender followed by those who sign with it."""


def _random() -> bytes:
    return secrets.token_bytes(limits.TRANSACTION_RANDOM_BYTES)


@dataclass(frozen=True, slots=True)
class CallSigner:
    """Signs calls for one chain. Clock and randomness are given to it, so tests can fix them."""

    chain: ChainName
    genesis: HeaderHash
    now_ms: Callable[[], int]
    random: Callable[[], bytes] = field(default=_random)

    def sign(
        self,
        signers: Signers,
        target: str,
        arguments: Mapping[str, Any],
        *,
        gas: int = limits.DEFAULT_GAS,
        expires_in_ms: int = limits.DEFAULT_EXPIRY_MS,
        code: SourceHash | None = None,
        application: str | None = None,
        attachments: Sequence[Hash32] = (),
    ) -> SignedTransaction:
        """One signed call. Raise `InvalidValue` where it cannot be written in the format."""
        identities = _sequence(signers)
        payload = Payload(
            chain=self.chain,
            sender=identities[0].member,
            signers=tuple(identity.key_id for identity in identities),
            target=CallTarget.parse(target),
            arguments=arguments,
            expires=Milliseconds(self.now_ms() + expires_in_ms),
            random=self.random(),
            gas=Gas(gas),
            code=code,
            application=application,
            attachments=tuple(attachments),
        )
        seeds = [identity.seed for identity in identities]
        with native_errors():
            signed = _native.cose_sign(seeds, payload.to_bytes(), self.genesis)
        return SignedTransaction(signed)

    def sign_many(
        self,
        signer: Identity,
        calls: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        gas: int = limits.DEFAULT_GAS,
        expires_in_ms: int = limits.DEFAULT_EXPIRY_MS,
    ) -> list[SignedTransaction]:
        """Many calls by one signer, signed on all cores."""
        expires = Milliseconds(self.now_ms() + expires_in_ms)
        payloads = [
            Payload(
                chain=self.chain,
                sender=signer.member,
                signers=(signer.key_id,),
                target=CallTarget.parse(target),
                arguments=arguments,
                expires=expires,
                random=self.random(),
                gas=Gas(gas),
            ).to_bytes()
            for target, arguments in calls
        ]
        with native_errors():
            signed = _native.sign_many([signer.seed] * len(payloads), payloads, self.genesis)
        return [SignedTransaction(item) for item in signed]


def _sequence(signers: Signers) -> Sequence[Identity]:
    identities = [signers] if isinstance(signers, Identity) else list(signers)
    if not identities:
        raise UsageError("usage.no_signer", "a transaction needs a signer", "pass an Identity")
    return identities
