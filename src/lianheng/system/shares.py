"""What a block has, and what each organisation may have of it and of the rows that are kept.

What always holds:
- a row is never changed: each change adds a version, in force from the block after it (`since`);
- each organisation has a weight, 1 unless one was set, so that none is left without a share;
- an organisation whose limit is 0, or was never set, keeps as many rows as it likes;
- a block has what the genesis gave it, until something else was set, and never less than one
  transaction needs.

The engine reads these rows and divides each block by them (docs/adr/0017-fair-shares.md).
"""

from lianheng.contract import Contract, Event, Interface, Record, Table, Uses, call, require, view

LIGHTEST = 1
HEAVIEST = 1_000_000
MOST_BYTES = 2**60
BOUNDS = {
    "block_bytes": (131_072, 50_331_648),
    "block_gas": (1_000_000, 2**50),
    "block_transactions": (1, 100_000),
}  # the most are those of a genesis


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


class Room(Record):
    """What a block has of something: transactions' bytes, their number, gas."""

    name: str
    version: int
    since: int
    value: int


class WeightSet(Event):
    organisation: str
    weight: int
    since: int


class StorageSet(Event):
    organisation: str
    bytes: int
    since: int


class RoomSet(Event):
    name: str
    value: int
    since: int


class Members(Interface):
    @view
    def is_seated(self, name: str) -> bool: ...


class Shares(Contract):
    """Sizes of blocks, weights and limits of organisations."""

    weights = Table(Weight, key=("organisation", "version"))
    limits = Table(Limit, key=("organisation", "version"))
    blocks = Table(Room, key=("name", "version"))
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

    @call(by="MAJORITY role:admin")
    def set_block(self, name: str, value: int) -> Room:
        """Give blocks another size: `block_bytes`, `block_gas` or `block_transactions`."""
        require(name in BOUNDS, "unknown", f"{name} is none of {', '.join(BOUNDS)}")
        least, most = BOUNDS[name]
        require(least <= value <= most, "size", f"{name} is {least} to {most}, not {value}")
        last = self.block(name)
        row = Room(name, 0 if last is None else last.version + 1, self.height + 1, value)
        self.blocks[name, row.version] = row
        self.emit(RoomSet(name, value, row.since))
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

    @view
    def block(self, name: str) -> Room | None:
        """The last version of a size of blocks; none where that of the genesis holds."""
        found = self.blocks.scan(name, limit=1, reverse=True)
        return found[0] if found else None

    def in_force(self, organisation: str) -> None:
        known = self.members.is_seated(organisation)
        require(known, "unknown", f"{organisation} is no organisation in force")
