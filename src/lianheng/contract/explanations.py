"""What each diagnostic code means: the entries of diagnostics.md, which is shipped beside this."""

import re
from dataclasses import dataclass
from importlib import resources

_ENTRY = re.compile(
    r"^### `([\w.]+)`\n(.*?)\n```python (\w+)\n(.*?)\n```\nInstead: (.*?)$",
    re.MULTILINE | re.DOTALL,
)
_ROW = re.compile(r"^\| `([\w.]+)` \| (.*) \|$", re.MULTILINE)
_HEAD = re.compile(r"^```python head\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Explanation:
    """One code; `kind` says where the example stands (body, file, run, make), or is empty."""

    code: str
    meaning: str
    kind: str = ""
    example: str = ""
    instead: str = ""

    def __str__(self) -> str:
        """As a terminal shows it."""
        if not self.kind:
            return f"{self.code}\n{self.meaning}"
        example = "\n".join(f"    {line}" for line in self.example.splitlines())
        return f"{self.code}\n{self.meaning}\n\n{example}\n\ninstead: {self.instead}"


def page() -> str:
    """The whole page."""
    return resources.files("lianheng.contract").joinpath("diagnostics.md").read_text("utf-8")


def explanations() -> dict[str, Explanation]:
    """Every entry by its code."""
    text = page()
    shown = [
        Explanation(code, meaning, kind, example, instead)
        for code, meaning, kind, example, instead in _ENTRY.findall(text)
    ]
    told = [Explanation(code, meaning) for code, meaning in _ROW.findall(text)]
    return {entry.code: entry for entry in [*shown, *told]}


def head() -> str:
    """The declarations around examples that stand in a method."""
    found = _HEAD.search(page())
    assert found is not None, "diagnostics.md is not whole"  # noqa: S101  our own file
    return found[1]
