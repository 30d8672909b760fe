"""What a policy means and how a refusal puts it, for rooms that explain policies to people.

The engine decides (docs/protocol/policies.md); the words here are the ones that it uses.
"""

from lianheng.contract._policy import (
    Judgement,
    Question,
    Signer,
    canonical,
    denial,
    missing,
    names_in,
    subject_of,
)

__all__ = [
    "Judgement",
    "Question",
    "Signer",
    "canonical",
    "denial",
    "missing",
    "names_in",
    "subject_of",
]
