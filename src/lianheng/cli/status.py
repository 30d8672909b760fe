"""`lianheng status`: where the chain stands."""

from lianheng.cli._options import Home, Json


def status(home: Home = None, json: Json = False) -> None:
    """Show the chain's height, size and condition."""
    from lianheng.cli._print import emit, facts
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        found = ledger.status()
    if json:
        emit(found)
        return
    facts({name.replace("_", " "): shown(name, value) for name, value in found.items()})


def shown(name: str, value: object) -> str:
    """A fact for people: thousands separated, bytes and times named, hashes short."""
    from lianheng.cli._print import moment, short_hash, size

    if isinstance(value, bytes):
        return short_hash(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    if name == "time":
        return moment(value)
    return size(value) if name.endswith("bytes") else f"{value:,}"
