"""Ids may be abbreviated as in git: unique, or an error that names the candidates."""

from lianheng.ledger._backend import Backend
from lianheng.model import Ambiguous, InvalidValue, NotFound, TransactionId, limits

_FULL_DIGITS = 64
_HEX_DIGITS = frozenset("0123456789abcdef")


def find_transaction(backend: Backend, text: str) -> TransactionId:
    """The id that begins with these digits.

    Raise `InvalidValue` where it is too short or not hexadecimal, `NotFound`, or `Ambiguous`.
    """
    digits = text.strip().lower().rstrip("…")
    if not limits.ABBREVIATION_HEX_DIGITS <= len(digits) <= _FULL_DIGITS:
        raise InvalidValue(
            "id.length",
            f"{text[:80]!r} has {len(digits)} digits",
            f"give {limits.ABBREVIATION_HEX_DIGITS} to {_FULL_DIGITS} hexadecimal digits",
        )
    # Checked here: `bytes.fromhex` skips spaces, and `int` reads the digits of every script.
    if not set(digits) <= _HEX_DIGITS:
        raise InvalidValue(
            "id.not_hexadecimal", f"{text[:80]!r} is not hexadecimal", "digits are 0-9 and a-f"
        )
    even = len(digits) - len(digits) % 2
    prefix = bytes.fromhex(digits[:even])
    nibble = int(digits[even], 16) if even < len(digits) else None
    found = backend.find(prefix, nibble, limits.ABBREVIATION_CANDIDATES)
    if not found:
        raise NotFound(
            "id.not_found",
            f"no transaction on this chain begins with {digits}",
            "dropped transactions are not recorded; refused ones are",
        )
    if len(found) > 1:
        candidates = [bytes(item).hex() for item in found]
        shown = ", ".join(item[: len(digits) + 6] for item in candidates)
        raise Ambiguous(
            "id.ambiguous",
            f"{digits} fits several transactions: {shown}",
            "give more digits",
            candidates=candidates,
        )
    return TransactionId(found[0])
