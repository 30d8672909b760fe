"""A whole ceremony on one machine: each organisation in a folder of its own, by the same steps.

DIR/ceremony.cbor              what all of them signed
DIR/network.toml               which homes there are, for `lianheng network`
DIR/<organisation>/            a home, with the keys of that organisation only
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from lianheng.cli._ceremony import Joining, finish_home, join_home, sign_home, write_ceremony
from lianheng.cli._home import NAMES, HomeFolder, check_organisations, check_vacant
from lianheng.cli._network import LOOPBACK, NETWORK, SETTINGS, NetworkFolder, free_ports
from lianheng.cli._working import made_whole
from lianheng.members import OrganisationSpec, Passphrase, resolve_passphrase
from lianheng.members.ceremony import Ceremony, Terms
from lianheng.model import GenesisFile, UsageError, limits

CEREMONY = "ceremony.cbor"

Members: TypeAlias = Mapping[str, Sequence[str]]
"""Names in an organisation, and their roles."""


def play(
    folder: Path,
    *,
    organisations: Sequence[str],
    chain: str,
    passphrase: Passphrase = None,
    development: bool,
    governed: bool = False,
    people: Mapping[str, Members] | None = None,
) -> tuple[NetworkFolder, Ceremony]:
    """Join, sign and finish for each organisation. Nothing is left behind where it fails.

    `people` names the members that an organisation has beside its admin, and their roles; without
    it, each has one operator. Nodes' keys are open: they run on this machine. Raise `UsageError`
    where something is there.
    """
    check_organisations(organisations)
    if len(organisations) > limits.LOCAL_NODES:
        raise UsageError(
            "network.too_many",
            f"{len(organisations)} nodes are more than {limits.LOCAL_NODES} on one machine",
            "each is two processes; run them on machines of their own: lianheng genesis new",
        )
    check_vacant(folder, [NETWORK, CEREMONY, *organisations])
    secret = None if development else resolve_passphrase(passphrase)
    # The network's file goes last: with it the folder is a network.
    with made_whole(folder, [*organisations, CEREMONY, NETWORK]) as working:
        cast = usual(organisations) if people is None else people
        ceremony = fill(
            working, organisations, chain, secret, cast, development=development, governed=governed
        )
    return NetworkFolder.read(folder), ceremony


def usual(organisations: Sequence[str]) -> dict[str, Members]:
    """One operator an organisation, who is an admin, too."""
    found: dict[str, Members] = {}
    for number, name in enumerate(organisations):
        turn, place = divmod(number, len(NAMES))
        found[name] = {NAMES[place] + (str(turn + 1) if turn else ""): ["operator", "admin"]}
    return found


def fill(
    folder: Path,
    organisations: Sequence[str],
    chain: str,
    secret: bytes | None,
    people: Mapping[str, Members],
    *,
    development: bool,
    governed: bool,
) -> Ceremony:
    """All homes, the ceremony's file and the network's."""
    from lianheng.ledger import wall_clock_ms
    from lianheng.system import LOCAL_POLICIES, contracts

    terms = Terms.create(
        chain=chain,
        organisations=organisations,
        time_ms=wall_clock_ms(),
        contracts=contracts(),
        policies={} if governed else LOCAL_POLICIES,
    )
    ceremony, homes = Ceremony(terms), [HomeFolder(folder / name) for name in organisations]
    ports = free_ports(len(organisations))
    for number, (name, home) in enumerate(zip(organisations, homes, strict=True)):
        joining = Joining(
            name,
            OrganisationSpec(name),
            f"{LOOPBACK}:{ports[number]}",
            "node-1",
            people.get(name, {}),
            development=development,
            open_node=True,
        )
        ceremony = join_home(ceremony, home, joining, secret)
    for home in homes:
        ceremony = sign_home(ceremony, home, secret)
    places = [home.path.resolve() for home in homes]
    for home in homes:
        others = [place for place in places if place != home.path.resolve()]
        finish_home(ceremony, home, siblings=others)
    genesis = GenesisFile.from_bytes(homes[0].genesis_file.read_bytes())
    write_ceremony(folder / CEREMONY, ceremony)
    names = ", ".join(f'"{name}"' for name in organisations)
    text = SETTINGS.format(chain=terms.chain, genesis=genesis.hash.hex(), nodes=names)
    (folder / NETWORK).write_text(text, encoding="utf-8")
    return ceremony
