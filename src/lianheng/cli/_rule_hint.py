"""What to know of a rule that is set: a role that it names, and that nobody has yet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lianheng.ledger import Ledger

TARGET = "policies.set"


def hint_of_rule(ledger: "Ledger", target: str, arguments: Mapping[str, Any]) -> None:
    """Say, to people, which roles of a policy that is to be set nobody in force has."""
    from lianheng.cli._print import console, printable

    if target != TARGET:
        return
    roles = unheld(ledger, str(arguments.get("policy", "")))
    if roles:
        told = f"! nobody in force has the role {', '.join(roles)} yet"
        console(error=True).print(printable(told), style="yellow", markup=False)


def unheld(ledger: "Ledger", policy: str) -> list[str]:
    """Roles that a policy names and nobody in force has; none where it is no policy."""
    from lianheng.contract.policies import names_in
    from lianheng.system.rights import Rights

    try:
        named = [name for kind, name in names_in(policy) if kind == "role"]
    except ValueError:
        return []
    if not named:
        return []
    held = {role for one in Rights(ledger).people if one.in_force for role in one.roles}
    return [role for role in dict.fromkeys(named) if role not in held]
