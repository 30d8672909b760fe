"""From a set that is trusted to the one that sealed, as CometBFT's light client goes.

A step is believed if its set is the one that the header before it named as next, or if members with
more than one third of the power trusted so far signed it: then at least one honest member did.
A step's own commit is checked by `_quorum`; here only its place behind what is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lianheng_verify._comet import Time
from lianheng_verify._errors import VerificationError
from lianheng_verify._quorum import QuorumSeal, verify_commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianheng_verify._sealers import Sealers


@dataclass(frozen=True, slots=True)
class Trusted:
    """A set that is trusted at a CometBFT height, and the validators hash of the next one.

    The genesis counts as height 0; block 1 carries its time, every later one a later time.
    """

    sealers: Sealers
    height: int
    time: Time
    next_validators: bytes

    @classmethod
    def of_genesis(cls, sealers: Sealers, milliseconds: int) -> Trusted:
        """The genesis set, which is that of CometBFT height 1."""
        return cls(sealers, 0, Time.of_milliseconds(milliseconds), sealers.validators_hash)

    @classmethod
    def of_seal(cls, seal: QuorumSeal) -> Trusted:
        """The set of a seal that was checked."""
        header = seal.header
        return cls(seal.sealers, header.height, header.time, header.next_validators)

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"CometBFT header {self.height}" if self.height else "the genesis"


def advance(trusted: Trusted, seal: QuorumSeal) -> Trusted:
    """Trusts the set of a good seal because of the one before. Raises `steps.*`."""
    header = seal.header
    if header.height <= trusted.height:
        raise VerificationError("steps.order", f"{seal.title} does not come behind {trusted.title}")
    starts = trusted.height == 0 and header.height == 1
    if header.time < trusted.time or (header.time == trusted.time and not starts):
        raise VerificationError(
            "steps.time",
            f"{seal.title} is of {header.time}, not after {trusted.title}, {trusted.time}",
        )
    if header.height == trusted.height + 1:
        if header.validators != trusted.next_validators:
            raise VerificationError(
                "steps.not_next",
                f"{trusted.title} names {trusted.next_validators.hex()[:8]}… as next validators, "
                f"{seal.title} is by {header.validators.hex()[:8]}…",
            )
    else:
        _check_third(trusted, seal)
    return Trusted.of_seal(seal)


def _check_third(trusted: Trusted, seal: QuorumSeal) -> None:
    signed = [one.power for one in trusted.sealers.members if one.public in seal.signers]
    total = trusted.sealers.power
    if sum(signed) * 3 <= total:
        raise VerificationError(
            "steps.no_third",
            f"{seal.title}: members with {sum(signed)} of {total} power of the set trusted at "
            f"{trusted.title} signed it: not more than one third",
            "more steps are needed between them: have the file made anew",
        )


def verify_steps(
    trusted: Trusted, steps: Sequence[QuorumSeal], seal: QuorumSeal, chain: str
) -> None:
    """That the steps lead from the trusted set to that of `seal`, whose commit was checked.

    Raises VerificationError (`steps.*`, and `seal.*` for the commit of a step).
    """
    if steps and seal.sealers.hash == trusted.sealers.hash:
        raise VerificationError(
            "steps.unneeded", f"{len(steps)} steps lead to the set that is trusted already"
        )
    for number, step in enumerate(steps, 1):
        # The cheap check first: signatures of a set that nobody trusts are not worth a look.
        after = advance(trusted, step)
        try:
            verify_commit(step, chain)
        except VerificationError as error:
            raise VerificationError(error.code, f"step {number}: {error.message}") from error
        trusted = after
    advance(trusted, seal)
