"""Typed ids, names and amounts, so that no bare int, text or bytes crosses a room's door."""

import re
from typing import ClassVar, NamedTuple, NewType, Self

from lianheng.model.errors import InvalidValue

Height = NewType("Height", int)
"""Number of a block; 0 is the genesis."""
Gas = NewType("Gas", int)
"""Metered work."""
Milliseconds = NewType("Milliseconds", int)
"""Since 1970-01-01T00:00:00Z, or a span."""

_HASH_BYTES = 32


class Hash32(bytes):
    """A hash of the chain's suite: exactly 32 bytes, shown as hexadecimal text."""

    __slots__ = ()

    def __new__(cls, value: bytes) -> Self:
        """Raise `InvalidValue` unless these are 32 bytes."""
        if len(value) != _HASH_BYTES:
            raise InvalidValue(
                "id.length",
                f"{cls.__name__} has {len(value)} bytes, not {_HASH_BYTES}",
                "pass the full id, or look an abbreviation up with find()",
            )
        return super().__new__(cls, value)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read 64 hexadecimal digits."""
        try:
            value = bytes.fromhex(text)
        except ValueError as failure:
            raise InvalidValue(
                "id.not_hexadecimal",
                f"{text[:80]!r} is not hexadecimal",
                "an id is 64 digits from 0-9 and a-f",
            ) from failure
        return cls(value)

    @property
    def short(self) -> str:
        """First and last four digits, for people: `9c41…e07a`."""
        text = self.hex()
        return f"{text[:4]}…{text[-4:]}"

    def __str__(self) -> str:
        """All 64 digits."""
        return self.hex()

    def __repr__(self) -> str:
        """Type and digits."""
        return f"{type(self).__name__}({self.hex()})"


class TransactionId(Hash32):
    """Hash of what was signed; does not depend on the signatures."""

    __slots__ = ()


class SignedHash(Hash32):
    """Hash of the full signed bytes of a transaction."""

    __slots__ = ()


class HeaderHash(Hash32):
    """Hash of an encoded header; that of height 0 is the genesis hash."""

    __slots__ = ()


class KeyId(Hash32):
    """COSE key thumbprint (RFC 9679)."""

    __slots__ = ()


class SourceHash(Hash32):
    """Hash of a contract's source text."""

    __slots__ = ()


class _Name(str):
    """A text that fits the pattern which docs/protocol/formats.cddl gives for it."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    kind: ClassVar[str]
    example: ClassVar[str]

    def __new__(cls, value: str) -> Self:
        # Decoded bytes may hold anything here, whatever the annotation says.
        if cls.pattern.fullmatch(str(value)) is None:
            raise InvalidValue(
                "name.malformed",
                f"{str(value)[:80]!r} is not the name of {cls.kind}",
                f"like {cls.example}: {cls.pattern.pattern}",
            )
        return super().__new__(cls, value)


_WITH_DASHES = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_WITH_UNDERSCORES = re.compile(r"[a-z][a-z0-9_]{0,62}")


class ChainName(_Name):
    """Name of a chain."""

    __slots__ = ()
    pattern = _WITH_DASHES
    kind = "a chain"
    example = "trade"


class OrganisationName(_Name):
    """Name of an organisation."""

    __slots__ = ()
    pattern = _WITH_DASHES
    kind = "an organisation"
    example = "bank-a"


class MemberId(_Name):
    """A member and its organisation."""

    __slots__ = ()
    pattern = re.compile(r"[a-z]([a-z0-9.-]{0,61}[a-z0-9])?@[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
    kind = "a member"
    example = "alice@bank-a"

    @property
    def organisation(self) -> OrganisationName:
        """The part after the @."""
        return OrganisationName(self.partition("@")[2])


class RoleName(_Name):
    """Name of a role."""

    __slots__ = ()
    pattern = _WITH_UNDERSCORES
    kind = "a role"
    example = "operator"


class ContractName(_Name):
    """Name under which a contract is deployed."""

    __slots__ = ()
    pattern = _WITH_UNDERSCORES
    kind = "a contract"
    example = "toolshed"


class MethodName(_Name):
    """Name of a call or a view."""

    __slots__ = ()
    pattern = _WITH_UNDERSCORES
    kind = "a method"
    example = "lend"


class CallTarget(NamedTuple):
    """What a transaction calls."""

    contract: ContractName
    method: MethodName

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `contract.method`."""
        contract, dot, method = text.partition(".")
        if not dot:
            raise InvalidValue(
                "name.malformed", f"{text[:80]!r} names no method", "write contract.method"
            )
        return cls(ContractName(contract), MethodName(method))

    def __str__(self) -> str:
        """As it is written: `contract.method`."""
        return f"{self.contract}.{self.method}"
