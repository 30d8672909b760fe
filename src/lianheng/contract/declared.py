"""The declared types of fields and arguments, for rooms that make values of them.

`lianheng.testing.strategies` is one: it draws values from what a contract declares.
"""

from lianheng.contract._records import RecordType
from lianheng.contract._types import (
    Anything,
    Choice,
    Dict,
    Fixed,
    Items,
    Member,
    Scalar,
    Scaled,
    Type,
)

__all__ = [
    "Anything",
    "Choice",
    "Dict",
    "Fixed",
    "Items",
    "Member",
    "RecordType",
    "Scalar",
    "Scaled",
    "Type",
]
