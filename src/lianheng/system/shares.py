"""What each organisation may have of the chain: its share of every block, and the rows it keeps.

What always holds:
- a row is never changed: each change adds a version, in force from the block after it (`since`);
- each organisation has a weight, 1 unless one was set, so that none is left without a share;
- an organisation whose limit is 0, or was never set, keeps as many rows as it likes.

The engine reads these rows and divides each block by them (docs/adr/0017-fair-shares.md).
"""

from lianheng.contract import Contract, Event, Interface, Record, Table, Uses, call, require, view

LIGHTEST = 1
HEAVIEST = 1_000_000
MOST_BYTES = 2**60
PAGE = 1_000


class Weight(Record):
    """An organisation's part of each block: its weight among those of all in force."""

    organisation: str
    version: int
    since: int  # height
    weight: int


class Limit(Record):
    """Most bytes of rows, keys and values, that an organisation keeps; 0: as many as it likes."""

    organisation: str
    version: int
    since: int
    bytes: int


class WeightSet(Event):
    organisation: str
    weight: int
    since: int


class StorageSet(Event):
    organisation: str
    bytes: int
    since: int


class Members(Interface):
    @view
    def seated(self, after: str, limit: int) -> list[str]: ...


class Shares(Contract):
    """Weights and limits of organisations."""

    weights = Table(Weight, key=("organisation", "version"))
    limits = Table(Limit, key=("organisation", "version"))
    members = Uses(Members, contract="members")

    @call(by="MAJORITY role:admin")
    def set_weight(self, organisation: str, weight: int) -> Weight:
        """Give an organisation another weight in each block."""
        good = LIGHTEST <= weight <= HEAVIEST
        require(good, "weight", f"a weight is {LIGHTEST} to {HEAVIEST}, not {weight}")
        self.in_force(organisation)
        last = self.weight(organisation)
        version = last.version + 1 if last is not None else 0
        row = Weight(organisation, version, self.height + 1, weight)
        self.weights[organisation, version] = row
        self.emit(WeightSet(organisation, weight, row.since))
        return row

    @call(by="MAJORITY role:admin")
    def set_storage(self, organisation: str, limit: int) -> Limit:
        """Limit the rows that an organisation keeps; 0 takes the limit away, nothing takes rows."""
        good = 0 <= limit <= MOST_BYTES
        require(good, "bytes", f"a limit is 0 to {MOST_BYTES} bytes, not {limit}")
        self.in_force(organisation)
        last = self.limit(organisation)
        version = last.version + 1 if last is not None else 0
        row = Limit(organisation, version, self.height + 1, limit)
        self.limits[organisation, version] = row
        self.emit(StorageSet(organisation, limit, row.since))
        return row

    @view
    def weight(self, organisation: str) -> Weight | None:
        """The last version of an organisation's weight."""
        found = self.weights.scan(organisation, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def limit(self, organisation: str) -> Limit | None:
        """The last version of an organisation's limit."""
        found = self.limits.scan(organisation, limit=1, reverse=True)
        return found[0] if found else None

    def in_force(self, organisation: str) -> None:
        page = self.members.seated("", PAGE)
        while organisation not in page and len(page) == PAGE:
            page = self.members.seated(page[-1], PAGE)
        known = organisation in page
        require(known, "unknown", f"{organisation} is no organisation in force")
