"""`lianheng status`: where the chain stands."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lianheng.cli._options import Home, Json

if TYPE_CHECKING:
    from lianheng.model import GenesisFile

SHOWN = 20  # organisations


def status(home: Home = None, json: Json = False) -> None:
    """Show the chain's height, size and condition."""
    from lianheng.cli._print import emit, facts
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        found = {**ledger.status(), "continues": continued(ledger.genesis)}
    if json:
        emit(found)
        return
    facts(summary(found))
    shares(found["organisations"], found["usage_blocks"])


def continued(genesis: "GenesisFile") -> dict[str, Any] | None:
    """The chain that this one continues, where it does."""
    continues = genesis.document.continues
    if continues is None:
        return None
    return {
        "chain": continues.header.chain,
        "genesis": continues.genesis.hex(),
        "height": continues.header.height,
        "without": list(continues.without),
    }


def summary(found: Mapping[str, Any]) -> dict[str, str]:
    """What a person wants to know first; everything else is in --json."""
    from lianheng.cli._print import moment, short_hash, size

    node, sequencer = found.get("node"), found.get("sequencer", {})
    served = "no node runs; opened here"
    if node is not None:
        served = f"node {node['version']}, process {node['pid']}, up {node['up_seconds']:,} s"
    behind, room = found["waiting_blocks"], found["block"]
    store = f"follows the log by {behind:,} blocks, {size(found['waiting_bytes'])}"
    lines = {
        "chain": f"{found['chain']}, height {found['height']:,}, {moment(found['time'])}",
        "head": f"{short_hash(found['header_hash'])}, state {short_hash(found['state_root'])}",
        "holds": f"{found['rows']:,} rows, {found['members']:,} members, contracts: "
        f"{', '.join(found['contracts']) or 'none yet'}",
        "blocks": f"at most {room['block_transactions']:,} transactions, "
        f"{size(room['block_bytes'])}, {room['block_gas']:,} gas",
        "served by": served,
        "store": store if behind else "has all that the log has",
        **network_lines(found.get("consensus", {})),
    }
    if before := found.get("continues"):
        out = ", ".join(before["without"]) or "nobody"
        lines["continues"] = f"{before['chain']} from height {before['height']:,}, without {out}"
    if closed := found.get("closed"):
        lines["CLOSED"] = closed_text(closed)
    elif stopped := sequencer.get("stopped") or sequencer.get("clock"):
        lines["STOPPED"] = str(stopped)
    return lines


def closed_text(closed: Mapping[str, Any]) -> str:
    """When, by whom and why the chain was closed."""
    from lianheng.cli._print import moment, printable
    from lianheng.ledger import Closing

    closing = Closing(
        closed["height"], closed["time"], tuple(closed["members"]), str(closed["reason"])
    )
    return f"{moment(closing.time)}, {printable(closing.sentence)}"


def shares(organisations: Sequence[Mapping[str, Any]], blocks: int) -> None:
    """What each organisation has of the chain; of many those that used most gas lately."""
    from lianheng.cli._print import line, size, table

    weights = sum(one["weight"] for one in organisations)
    gas = sum(one["gas"] for one in organisations)
    shown = sorted(organisations, key=lambda one: (-one["gas"], one["organisation"]))[:SHOWN]
    rows = []
    for one in shown:
        limit = one["storage_limit"]
        kept = size(one["storage"]) + ("" if limit is None else f" of {size(limit)}")
        used = f"{one['gas'] / gas:.0%}" if gas else "-"
        rows.append([one["organisation"], f"{one['weight'] / weights:.0%}", used, kept])
    line("")
    table(
        ["organisation", "share", f"gas, {blocks} blocks" if blocks else "gas", "rows kept"], rows
    )
    if len(organisations) > SHOWN:
        line(f"and {len(organisations) - SHOWN} more (--json lists all)")


def network_lines(found: Mapping[str, Any]) -> dict[str, str]:
    """What a validator's node says of the others and its own part."""
    if not found:
        return {}
    if said := found.get("not_reachable"):
        return {"CONSENSUS": str(said)}
    child = found["cometbft"]
    part = "votes" if found["votes"] else "does NOT vote" if found["is_validator"] else "follows"
    if found["catching_up"] or found["catches_up_first"]:
        part += ", catches up"
    mempool = found["mempool"]
    lines = {
        "consensus": f"{found['member']} {part}, {found['peers']} peers, "
        f"{found['validators']} validators, "
        f"sealed to height {found['sealed_height']:,}",
        "cometbft": f"{child['version']}, process {child['pid']}, height {found['height']:,}, "
        f"{mempool['mempool_envelopes']:,} envelopes wait",
    }
    if guard := found["guard"]:
        lines["NO VOTE"] = f"{guard['code']}: {guard['message']}; {guard['hint']}"
    elif found["is_validator"] and not found["key_in_force"]:
        lines["NO VOTE"] = "the chain has another key for this node than this home"
    if found["wrong_networks"]:
        lines["OTHERS"] = "some peers are on another network: compare the genesis hash by phone"
    return lines
