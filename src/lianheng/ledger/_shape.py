"""Values as a contract declares them: maps become records, wherever they stand."""

from collections.abc import Mapping
from typing import Any

from lianheng.model import Row


def shaped(value: Any, declared: str, interface: Mapping[str, Any]) -> Any:
    """A value of the declared type, such as `Part`, `list[Part]` or `Part | None`."""
    if isinstance(value, list):
        inner = declared.partition("[")[2].rpartition("]")[0].removesuffix(", ...")
        return [shaped(item, inner, interface) for item in value]
    if not isinstance(value, dict):
        return value
    wanted = {name.strip() for name in declared.split("|")}
    for record in interface.get("records", ()):
        if record["name"] in wanted:
            fields = {f["name"]: str(f["type"]) for f in record["fields"]}
            ordered = {n: shaped(value[n], t, interface) for n, t in fields.items() if n in value}
            return Row(ordered, str(record["name"]))
    return value
