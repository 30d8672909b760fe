"""A ceremony: organisations that trust no one of them begin a chain together.

One file goes from one to the next: the terms, then each organisation's part, signed by its admin,
then each admin's signature under the whole. It holds no secret, and the document that comes out is
the same whoever joined first. docs/protocol/formats.md says what is written and signed.
"""

from lianheng.members.ceremony._file import AGREEMENT_NAME, CEREMONY_NAME, Ceremony, two_parts
from lianheng.members.ceremony._part import ADMIN, PART_NAME, NodePlace, Part, admin_of
from lianheng.members.ceremony._rehearsal import rehearse
from lianheng.members.ceremony._terms import TERMS_NAME, Terms
from lianheng.members.ceremony._words import WORDS, Fingerprint

__all__ = [
    "ADMIN",
    "AGREEMENT_NAME",
    "CEREMONY_NAME",
    "PART_NAME",
    "TERMS_NAME",
    "WORDS",
    "Ceremony",
    "Fingerprint",
    "NodePlace",
    "Part",
    "Terms",
    "admin_of",
    "rehearse",
    "two_parts",
]
