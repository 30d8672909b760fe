"""What is wrong with an invoice, said so that its sender can mend it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Finding:
    """One broken rule: where, what stands there, what would be right, what to do."""

    rule: str
    field: str
    stated: str
    expected: str
    remedy: str
    file: str = ""

    @property
    def code(self) -> str:
        """Stable code for programs: `invoice.` and the rule."""
        return f"invoice.{self.rule}"

    def __str__(self) -> str:
        return (
            f"{self.file or 'invoice'}: {self.rule} {self.field}: is {self.stated}, "
            f"expected {self.expected}; {self.remedy}"
        )


class InvoiceRefused(ValueError):  # noqa: N818  design.md's word
    """An invoice cannot become a claim; `findings` lists every rule that it breaks."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings

    def in_file(self, file: str) -> "InvoiceRefused":
        """The same refusal, naming the file."""
        return InvoiceRefused(*(replace(finding, file=file) for finding in self.findings))


def refuse(rule: str, field: str, stated: object, expected: object, remedy: str) -> InvoiceRefused:
    """Make a refusal of one finding."""
    return InvoiceRefused(Finding(rule, field, str(stated), str(expected), remedy))
