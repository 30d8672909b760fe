"""What is to be said about a contract's source before it is deployed: errors and warnings.

Errors are what deployment would refuse, and what the types of a body show to fail whenever it runs
or to break an annotation; the chain itself refuses the first kind only. Warnings are about what may
go wrong: a None that nobody asked for, names that look like personal data, roles that look misspelt
or that a chain does not have.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from lianheng import _native
from lianheng.contract._policy import canonical, names_in
from lianheng.contract.imports import by_digits

ERROR, WARNING = "error", "warning"

PERSONAL_WORDS = frozenset(
    {
        "address",
        "birth",
        "birthday",
        "birthdate",
        "birthplace",
        "dob",
        "email",
        "ethnicity",
        "fingerprints",
        "firstname",
        "forename",
        "fullname",
        "gender",
        "homeaddress",
        "idcard",
        "idnumber",
        "iris",
        "lastname",
        "maiden",
        "mobile",
        "nationality",
        "nickname",
        "passport",
        "patient",
        "phone",
        "postcode",
        "religion",
        "salary",
        "sex",
        "ssn",
        "street",
        "surname",
        "telephone",
        "wechat",
        "weixin",
        "zipcode",
        "chushengriqi",
        "dianhua",
        "dizhi",
        "iban",
        "passenger",
        "shenfenzheng",
        "sfz",
        "shouji",
        "shoujihao",
        "xingming",
        "youxiang",
    }
)
"""Words that name data about a person, as parts of a name."""

PERSONAL_NAMES = frozenset(
    {
        "bank_account",
        "date_of_birth",
        "driver_license",
        "driving_license",
        "family_name",
        "first_name",
        "full_name",
        "given_name",
        "health_card",
        "home_address",
        "id_card",
        "id_number",
        "identity_card",
        "identity_number",
        "ip_address",
        "last_name",
        "middle_name",
        "national_id",
        "person_name",
        "personal_id",
        "place_of_birth",
        "real_name",
        "social_security",
        "tax_number",
        "user_name",
        "beneficiary_name",
        "card_number",
        "credit_card",
        "customer_name",
        "holder_name",
        "license_plate",
        "number_plate",
        "owner_name",
        "patient_name",
        "recipient_name",
        "sender_name",
        "tax_id",
        "hu_zhao",
        "shen_fen_zheng",
        "shou_ji",
        "xing_ming",
    }
)
"""Names that mean a person only as a whole."""

HIDDEN_WORDS = frozenset(
    {
        "hash",
        "digest",
        "commitment",
        "fingerprint",
        "root",
        "proof",
        "count",
    }
)
"""Words that say that a name holds no data itself."""

DOUBTS = frozenset({"type.none", "type.may_not_return"})
"""Findings of the type pass about what only some runs do."""

_SIMILAR_NAMES = 0.8  # of 1; `bnak` and `bank` have 0.75 by letters in order, 1 by letters


@dataclass(frozen=True)
class Diagnostic:
    """One finding: rule, place (from 1; width in characters), why, and what to write instead."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    width: int
    source: str
    message: str
    help: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def check(
    source: str,
    file: str,
    *,
    roles: Collection[str] | None = None,
    organisations: Collection[str] | None = None,
) -> list[Diagnostic]:
    """Everything found, in the order of the source; `roles` and `organisations` of a chain.

    Without them only names that look like another of the same file are told.
    """
    found = [
        _from_core(item, source) for item in _native.check_contract(source, file, by_digits(source))
    ]
    # What the compiler said of a line explains it better than what follows from it.
    told = {item.line for item in found}
    found += [item for item in type_findings(source, file) if item.line not in told]
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    finder = _Finder(source.splitlines(), file, tree)
    warnings = [
        *finder.personal(),
        *finder.policies(roles=roles, organisations=organisations),
    ]
    errors = [*(item for item in found if item.code != "policy.malformed"), *finder.malformed()]
    return sorted([*errors, *warnings], key=lambda d: (d.line, d.column, d.severity))


def type_findings(source: str, file: str) -> list[Diagnostic]:
    """What the types of the bodies say against a source: advice that no chain enforces."""
    return [_from_core(item, source) for item in _native.check_contract_types(source, file)]


def looks_personal(name: str) -> bool:
    """Whether a name looks like that of data about a person."""
    words = [word.lower() for word in re.split(r"_|(?<=[a-z])(?=[A-Z])", name) if word]
    if not HIDDEN_WORDS.isdisjoint(words):
        return False
    whole = "_".join(words)
    by_name = any(f"_{known}_" in f"_{whole}_" for known in PERSONAL_NAMES)
    return by_name or not PERSONAL_WORDS.isdisjoint(words)


def _from_core(item: Mapping[str, Any], source: str) -> Diagnostic:
    lines, row = source.splitlines(), int(item.get("line") or 1)
    code = str(item.get("code") or "contract.refused")
    return Diagnostic(
        code=code,
        severity=WARNING if code in DOUBTS else ERROR,
        file=str(item.get("file") or ""),
        line=row,
        column=int(item.get("column") or 1),
        width=max(1, int(item.get("width") or 1)),
        source=lines[row - 1] if 0 < row <= len(lines) else "",
        message=str(item["message"]),
        help=str(item.get("help") or ""),
    )


class _Finder:
    """Looks through the tree of a source."""

    def __init__(self, lines: Sequence[str], file: str, tree: ast.Module) -> None:
        self.lines = lines
        self.file = file
        self.classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        self.calls = [
            (method, keyword.value)
            for owner in self.classes
            for method in owner.body
            if isinstance(method, ast.FunctionDef)
            for decorator in method.decorator_list
            if isinstance(decorator, ast.Call)
            for keyword in decorator.keywords
            if keyword.arg == "by"
        ]

    def personal(self) -> Iterator[Diagnostic]:
        """Arguments of calls and fields of records and events that look personal."""
        why = "looks like personal data: every member of the chain reads it, for ever"
        hint = "put a salted hash or a commitment on the chain and keep the data with its owner"
        # Arguments of views stay with the node that answers: they are in no block.
        for method, _ in self.calls:
            arguments = [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]
            for argument in arguments:
                if looks_personal(argument.arg):
                    text = f"the argument `{argument.arg}` of {method.name} {why}"
                    width = len(argument.arg)
                    yield self.warning("privacy.argument", argument, width, text, hint)
        for owner in self.classes:
            kind = next((b.id for b in owner.bases if isinstance(b, ast.Name)), "")
            if kind in ("Contract", "Enum"):
                continue
            for field in owner.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    name = field.target.id
                    if looks_personal(name):
                        text = f"the field `{name}` of {owner.name} {why}"
                        yield self.warning("privacy.field", field, len(name), text, hint)

    def policies(
        self, *, roles: Collection[str] | None, organisations: Collection[str] | None
    ) -> Iterator[Diagnostic]:
        """Names in policies that the chain does not have, or that look misspelt."""
        used = Counter(name for _, text in self.calls for name in _names(text))
        known = {"role": roles, "org": organisations}
        for _, text in self.calls:
            for kind, name in _names(text):
                there = known[kind]
                word = "role" if kind == "role" else "organisation"
                if there is not None and name not in there:
                    near = _nearest(name, there)
                    hint = f"did you mean {kind}:{near}?" if near else f"it has: {_listed(there)}"
                    yield self.name_warning(
                        "policy.unknown", text, f"the chain has no {word} {name}", hint, name
                    )
                    continue
                others = [n for k, n in used if k == kind and used[k, n] > used[kind, name]]
                if there is None and (near := _nearest(name, others)):
                    message = f"the {word} `{name}` is used once, `{near}` more often"
                    hint = f"did you mean {kind}:{near}?"
                    if used[kind, name] == 1:
                        yield self.name_warning("policy.similar", text, message, hint, name)

    def malformed(self) -> Iterator[Diagnostic]:
        """Policies that are none: the engine would refuse them, once the rest compiles."""
        hint = 'write by="role:bank", by="org:acme and role:auditor", by="ANY"'
        for method, text in self.calls:
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                try:
                    canonical(text.value)
                except ValueError as why:
                    width = (text.end_col_offset or text.col_offset + 1) - text.col_offset
                    message = f"the policy of {method.name}: {why}"
                    found = self.warning("policy.malformed", text, width, message, hint)
                    yield replace(found, severity=ERROR)

    def name_warning(
        self, code: str, text: ast.expr, message: str, hint: str, name: str
    ) -> Diagnostic:
        """A warning at a name inside of a policy."""
        found = self.warning(code, text, 1, message, hint)
        start = found.source.find(f":{name}", found.column - 1)
        if start < 0:
            return found
        return replace(found, column=start + 2, width=len(name))

    def warning(self, code: str, node: ast.AST, width: int, message: str, hint: str) -> Diagnostic:
        """A warning at a node."""
        return Diagnostic(
            code=code,
            severity=WARNING,
            file=self.file,
            width=width,
            message=message,
            help=hint,
            **self.place(node),
        )

    def place(self, node: ast.AST) -> dict[str, Any]:
        """Line, column in characters from 1, and the line itself."""
        row, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.lines[row - 1] if row <= len(self.lines) else ""
        column = len(text.encode()[:offset].decode(errors="ignore")) + 1
        return {"line": row, "column": column, "source": text}


def _names(text: ast.expr) -> list[tuple[str, str]]:
    """Roles and organisations that a policy names; nothing where it is no policy."""
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return []
    try:
        return names_in(text.value)
    except ValueError:
        return []


def _nearest(name: str, others: Collection[str]) -> str | None:
    def likeness(other: str) -> float:
        ordered = SequenceMatcher(None, name, other).ratio()
        return max(ordered, 0.9 if sorted(name) == sorted(other) else 0.0)

    best = max(others, key=likeness, default=None)
    return best if best is not None and likeness(best) >= _SIMILAR_NAMES else None


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
