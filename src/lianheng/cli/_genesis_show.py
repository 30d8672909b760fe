"""How a ceremony looks: everything that an organisation binds itself to by signing."""

from typing import Any

from lianheng import _native
from lianheng.cli._print import console, facts, moment, printable, short_hash, table
from lianheng.members.ceremony import Ceremony, Part
from lianheng.model import DEFAULT_PARAMETERS, NotFound


def show(ceremony: Ceremony) -> None:
    """Print all of it."""
    terms = ceremony.terms
    facts(
        {
            "chain": terms.chain,
            "begins": moment(terms.time),
            "terms": terms.hash.hex(),
            "parameters": chosen(ceremony),
            **continued(ceremony),
        }
    )
    show_organisations(ceremony)
    show_members(ceremony)
    heading("roles")
    table(("role", "given by"), sorted(terms.roles.items()))
    heading("policies in place of those that contracts declare")
    if terms.policies:
        table(("call", "policy"), sorted(terms.policies.items()))
    else:
        console().print("none")
    heading("contracts (lianheng genesis show FILE --source NAME prints one)")
    table(
        ("contract", "file", "source", ""),
        [
            (each["name"], each["file"], short_hash(each["source"]), each["from"])
            for each in contracts(ceremony)
        ],
    )
    console().print()


def continued(ceremony: Ceremony) -> dict[str, str]:
    """The chain that it continues: what to compare with one's own."""
    continues = ceremony.terms.continues
    if continues is None:
        return {}
    header = continues.header
    return {
        "continues": f"{header.chain}, genesis {continues.genesis.hex()}",
        "from": f"height {header.height:,} of {moment(header.time)}, header {header.hash.hex()}",
        "state root": header.state_root.hex(),
        "left out": ", ".join(continues.without) or "nobody",
    }


def show_organisations(ceremony: Ceremony) -> None:
    """Who takes part, and how far each is."""
    heading("organisations")
    rows = []
    for name in ceremony.terms.organisations:
        part = ceremony.parts.get(name)
        if part is None:
            rows.append((name, "has not joined", "", "", "", ""))
            continue
        state = "signed" if name in ceremony.signatures else "joined"
        numbers = " ".join(filter(None, (part.spec.uscc, part.spec.lei)))
        key = short_hash(_native.key_id(part.admin_key))
        rows.append((name, state, key, part.node.address, part.spec.title, numbers))
    table(("organisation", "", "admin key", "address", "title", "numbers"), rows)


def show_members(ceremony: Ceremony) -> None:
    """Every member with its key."""
    if not ceremony.parts:
        return
    heading("members")
    rows = []
    for part in ceremony.parts.values():
        for each in part.members:
            key = each["keys"][0]
            kept = "custodial" if key["custodial"] else ""
            shown = short_hash(_native.key_id(key["public"]))
            rows.append((each["id"], each["kind"], ", ".join(each["roles"]), shown, kept))
    table(("member", "kind", "roles", "key", ""), sorted(rows))


def heading(text: str) -> None:
    """An empty line, and what follows."""
    console().print(f"\n{text}", style="bold", markup=False)


def chosen(ceremony: Ceremony) -> str:
    """Parameters that are not as usual."""
    others = [
        f"{name}={value:,}"
        for name, value in sorted(ceremony.terms.parameters.items())
        if DEFAULT_PARAMETERS[name] != value
    ]
    return ", ".join(others) or "as usual"


def contracts(ceremony: Ceremony) -> list[dict[str, str]]:
    """Names, files, source hashes, and whether a contract is the system's own."""
    from lianheng.system import contracts as system_contracts

    own = {contract.name: contract.source for contract in system_contracts()}
    found = []
    for contract in ceremony.terms.contracts:
        origin = "of this chain"
        if contract.name in own:
            same = own[contract.name] == contract.source
            origin = "of this program" if same else "NOT the one of this program"
        source = _native.hash_bytes(contract.source.encode()).hex()
        found.append(
            {"name": contract.name, "file": contract.file, "source": source, "from": origin}
        )
    return found


def show_source(ceremony: Ceremony, name: str) -> None:
    """Print a contract's source."""
    for contract in ceremony.terms.contracts:
        if contract.name == name:
            print(printable(contract.source), end="")
            return
    known = ", ".join(contract.name for contract in ceremony.terms.contracts)
    raise NotFound("ceremony.no_contract", f"there is no contract {name}", f"there are {known}")


def fields(ceremony: Ceremony) -> dict[str, Any]:
    """All of it for machines."""
    terms = ceremony.terms
    return {
        "chain": terms.chain,
        "time": terms.time,
        "terms": terms.hash.hex(),
        "organisations": [
            organisation(name, ceremony.parts.get(name), signed=name in ceremony.signatures)
            for name in terms.organisations
        ],
        "missing": ceremony.missing,
        "unsigned": ceremony.unsigned,
        "parameters": dict(terms.parameters),
        "roles": dict(terms.roles),
        "policies": dict(terms.policies),
        "contracts": contracts(ceremony),
        "continues": continued_fields(ceremony),
    }


def continued_fields(ceremony: Ceremony) -> dict[str, Any] | None:
    """The chain that it continues, for machines."""
    continues = ceremony.terms.continues
    if continues is None:
        return None
    header = continues.header
    return {
        "chain": header.chain,
        "genesis": continues.genesis.hex(),
        "height": header.height,
        "header": header.hash.hex(),
        "state_root": header.state_root.hex(),
        "without": list(continues.without),
    }


def organisation(name: str, part: Part | None, *, signed: bool) -> dict[str, Any]:
    """One organisation for machines."""
    if part is None:
        return {"name": name, "joined": False, "signed": False}
    return {
        "name": name,
        "joined": True,
        "signed": signed,
        **part.spec._asdict(),
        "node": {"member": part.node.member, "address": part.node.address, "id": part.node.id},
        "members": [
            {
                "id": each["id"],
                "kind": each["kind"],
                "roles": each["roles"],
                "key_id": _native.key_id(each["keys"][0]["public"]).hex(),
                "custodial": each["keys"][0]["custodial"],
            }
            for each in part.members
        ],
    }
