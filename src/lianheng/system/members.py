"""Who belongs to the chain: organisations, members, keys and roles; and which nodes seal it.

What always holds:
- a row is never changed: each change adds a version, in force from the block after it (`since`);
- a key belongs to one member for ever, and its holder proved that it has it;
- each organisation in force has an admin in force, and each member in force has a key in force;
- an organisation gives its members only the roles that organisations may give;
- a validator is a node in force with exactly one key, and there is always one left.

A member is `name@organisation`: small letters a-z, digits and `-` (and `.` in the name), so that no
two names look alike. It ends with a letter or a digit.
"""

from lianheng.contract import (
    Contract,
    Event,
    Record,
    Rejected,
    Table,
    call,
    invariant,
    is_signed,
    is_valid_lei,
    is_valid_uscc,
    require,
    sha256,
    view,
)

ACTIVE = "active"
SUSPENDED = "suspended"
REMOVED = "removed"  # for ever

ADMIN = "admin"
BY_ORGANISATION = "organisation"
BY_CHAIN = "chain"
KINDS = ("person", "service", "device", "node")

NAME_LIMIT = 63  # bytes of a name
TITLE_LIMIT = 200
REASON_LIMIT = 500
ROLES_LIMIT = 32  # of one member
KEYS_LIMIT = 16  # in force, of one member
VALIDATORS_LIMIT = 1_000
POWER_LIMIT = 2**40  # of one validator

COSE_KEY = b"\xa3\x01\x01\x20\x06\x21\x58\x20"  # the public key behind it: RFC 9679


class Organisation(Record):
    """An organisation, with its numbers in public registers where it has any."""

    name: str
    version: int
    since: int  # height
    status: str
    title: str
    uscc: str
    lei: str


class Member(Record):
    """A person, a service, a device or a node of an organisation."""

    id: str
    version: int
    since: int
    status: str
    organisation: str
    kind: str
    roles: tuple[str, ...]


class Key(Record):
    """A public key. A custodial one is kept by somebody else than the member."""

    id: bytes
    version: int
    since: int
    status: str
    member: str
    public: bytes
    custodial: bool


class Role(Record):
    """A role of the catalogue, and who gives it: an organisation to its own, or the chain."""

    name: str
    version: int
    since: int
    status: str
    given: str


class Seat(Record):
    """An organisation in force."""

    organisation: str


class Admin(Record):
    """A member in force who has the role admin."""

    organisation: str
    member: str


class Held(Record):
    """A key in force."""

    member: str
    key: bytes


class Validator(Record):
    """A node that votes on blocks, with which key and power; once removed, until it is added."""

    member: str
    version: int
    since: int
    status: str
    key: bytes
    power: int


class Vote(Record):
    """A validator in force. These rows together are the set that seals the next block."""

    organisation: str
    member: str
    public: bytes
    power: int


class Sequencer(Record):
    """The node whose key seals a chain that nobody votes on."""

    member: str


class Changed(Event):
    """Something is another from height `since` on."""

    what: str
    subject: str
    status: str
    since: int
    reason: str


def is_name(text: str, others: str) -> bool:
    """Whether it is a letter, then letters, digits and some others; no mark is the last."""
    if not text or len(text) > NAME_LIMIT or not "a" <= text[0] <= "z" or text[-1] in ".-":
        return False
    return all("a" <= c <= "z" or "0" <= c <= "9" or c in others for c in text)


def organisation_of(member: str) -> str:
    """The organisation that a member's id names; empty where it is no id."""
    name, at, organisation = member.partition("@")
    if not at or not is_name(name, ".-") or not is_name(organisation, "-"):
        return ""
    return organisation


def key_id_of(public: bytes) -> bytes:
    """The id of an Ed25519 key: its thumbprint as RFC 9679 has it."""
    return sha256(COSE_KEY + public)


def proof_text(chain: str, member: str) -> bytes:
    """What the holder of a key signs to prove that it has it."""
    return f"lianheng.possession.1 {chain} {member}".encode()


class Members(Contract):
    """Organisations, members, keys, roles and validators of the chain."""

    organisations = Table(Organisation, key=("name", "version"))
    members = Table(Member, key=("id", "version"))
    keys = Table(Key, key=("id", "version"))
    roles = Table(Role, key=("name", "version"))
    seats = Table(Seat, key="organisation")
    admins = Table(Admin, key=("organisation", "member"))
    held = Table(Held, key=("member", "key"))
    validators = Table(Validator, key=("member", "version"))
    votes = Table(Vote, key=("organisation", "member"))
    sequencers = Table(Sequencer, key="member")

    # --- organisations ---------------------------------------------------------------------------

    @call(by="MAJORITY role:admin")
    def add_organisation(
        self,
        name: str,
        title: str,
        uscc: str,
        lei: str,
        admin: str,
        public: bytes,
        possession: bytes,
        node: str,
        node_public: bytes,
        node_possession: bytes,
    ) -> Organisation:
        """Take an organisation in, with its first admin, and its node where it names one."""
        require(is_name(name, "-"), "name", "a name has a-z, 0-9 and -, from a letter on")
        require(self.organisation(name) is None, "known", f"{name} was taken in before")
        require(organisation_of(admin) == name, "name", f"{admin} is no member of {name}")
        row = Organisation(name, 0, self.height + 1, ACTIVE, title, uscc, lei)
        self.put_organisation(row, "")
        self.seats[name] = Seat(name)
        self.new_member(admin, "person", (ADMIN,))
        self.new_key(admin, public, False, possession)
        if node != "":
            require(organisation_of(node) == name, "name", f"{node} is no member of {name}")
            require(node != admin, "name", f"{node} is the admin")
            self.new_member(node, "node", ())
            self.new_key(node, node_public, False, node_possession)
        return row

    @call(by="SELF role:admin")
    def describe_organisation(self, name: str, title: str, uscc: str, lei: str) -> Organisation:
        """Give an organisation another title or other numbers."""
        row = self.known_organisation(name)
        row = row.replace(title=title, uscc=uscc, lei=lei)
        return self.next_organisation(row, row.status, "")

    @call(by="MAJORITY role:admin")
    def suspend_organisation(self, name: str, reason: str) -> Organisation:
        """Nobody of it signs, and it does not count, until it is reinstated."""
        row = self.known_organisation(name)
        require(row.status == ACTIVE, "status", f"{name} is {row.status}")
        self.vacate(name)
        return self.next_organisation(row, SUSPENDED, reason)

    @call(by="MAJORITY role:admin")
    def reinstate_organisation(self, name: str) -> Organisation:
        """A suspended organisation takes part again."""
        row = self.known_organisation(name)
        require(row.status == SUSPENDED, "status", f"{name} is {row.status}")
        led = len(self.admins.scan(name, limit=1)) > 0
        require(led, "last_admin", f"{name} has no admin: make one first")
        self.seats[name] = Seat(name)
        return self.next_organisation(row, ACTIVE, "")

    @call(by="MAJORITY role:admin")
    def remove_organisation(self, name: str, reason: str) -> Organisation:
        """An organisation goes for ever. Its rows and its signatures stay provable."""
        return self.end_organisation(name, reason)

    @call(by="SELF role:admin")
    def leave(self, name: str, reason: str) -> Organisation:
        """An organisation goes by its own will."""
        return self.end_organisation(name, reason)

    # --- members ---------------------------------------------------------------------------------

    @call(by="SELF role:admin")
    def add_member(
        self,
        id: str,
        kind: str,
        roles: list[str],
        public: bytes,
        custodial: bool,
        possession: bytes,
    ) -> Member:
        """Take a member in, with its first key."""
        organisation = organisation_of(id)
        require(organisation != "", "name", "a member is name@organisation")
        seat = self.seats.get(organisation)
        require(seat is not None, "status", f"{organisation} is not in force")
        require(self.member(id) is None, "known", f"{id} was taken in before")
        require(kind in KINDS, "kind", f"{kind} is not one of {', '.join(KINDS)}")
        for role in roles:
            self.giveable(role)
        row = self.new_member(id, kind, tuple(roles))
        self.new_key(id, public, custodial, possession)
        return row

    @call(by="SELF role:admin")
    def give_role(self, id: str, role: str) -> Member:
        """Give a member a role that organisations may give."""
        self.giveable(role)
        return self.with_role(id, role)

    @call(by="MAJORITY role:admin")
    def appoint(self, id: str, role: str) -> Member:
        """Give a member any role of the catalogue."""
        self.known_role(role)
        return self.with_role(id, role)

    @call(by="SELF role:admin or MAJORITY role:admin")
    def take_role(self, id: str, role: str) -> Member:
        """Take a role from a member."""
        row = self.known_member(id)
        require(role in row.roles, "role", f"{id} has no role {role}")
        if role == ADMIN and row.status == ACTIVE:
            self.resign(row)
        roles = tuple([other for other in row.roles if other != role])
        return self.next_member(row.replace(roles=roles), row.status, "")

    @call(by="SELF role:admin")
    def suspend_member(self, id: str, reason: str) -> Member:
        """The member signs nothing until it is reinstated."""
        row = self.known_member(id)
        require(row.status == ACTIVE, "status", f"{id} is {row.status}")
        self.retreat(row)
        return self.next_member(row, SUSPENDED, reason)

    @call(by="SELF role:admin")
    def reinstate_member(self, id: str) -> Member:
        """A suspended member takes part again."""
        row = self.known_member(id)
        require(row.status == SUSPENDED, "status", f"{id} is {row.status}")
        if ADMIN in row.roles:
            self.admins[row.organisation, id] = Admin(row.organisation, id)
        return self.next_member(row, ACTIVE, "")

    @call(by="SELF role:admin")
    def remove_member(self, id: str, reason: str) -> Member:
        """A member goes for ever, and its keys with it."""
        row = self.known_member(id)
        if row.status == ACTIVE:
            self.retreat(row)
        for held in self.held.scan(id, limit=KEYS_LIMIT):
            self.end_key(held.key, REMOVED)
        return self.next_member(row, REMOVED, reason)

    # --- keys ------------------------------------------------------------------------------------

    @call(by="SELF or SELF role:admin")
    def add_key(self, member: str, public: bytes, custodial: bool, possession: bytes) -> Key:
        """Give a member another key, beside those that it has."""
        row = self.known_member(member)
        free = self.vote_of(row) is None
        require(free, "validator", f"{member} votes with the key that it has: rotate that one")
        return self.new_key(member, public, custodial, possession)

    @call(by="SELF or SELF role:admin")
    def rotate_key(
        self, member: str, old: bytes, public: bytes, custodial: bool, possession: bytes
    ) -> Key:
        """Put a new key in the place of one that is old, or lost. A validator votes with it."""
        row = self.known_member(member)
        self.own_key(member, old)
        seals = self.sequencers.get(member) is not None
        require(not seals, "sequencer", f"{member} seals this chain with its key for ever")
        self.end_key(old, REMOVED)
        key = self.new_key(member, public, custodial, possession)
        vote = self.vote_of(row)
        if vote is not None:
            self.put_vote(vote.replace(public=public))
        return key

    @call(by="SELF or SELF role:admin")
    def revoke_key(self, member: str, key: bytes) -> Key:
        """End a key of a member who has others."""
        self.own_key(member, key)
        others = len(self.held.scan(member, limit=2)) > 1
        require(others, "last_key", f"it is the last key of {member}: rotate it instead")
        return self.end_key(key, REMOVED)

    # --- validators ------------------------------------------------------------------------------

    @call(by="MAJORITY role:admin")
    def add_validator(self, id: str, power: int) -> Validator:
        """Let a node vote on blocks, with the one key that it has."""
        row = self.known_member(id)
        require(row.kind == "node", "kind", f"{id} is no node: it is a {row.kind}")
        seated = row.status == ACTIVE and self.seats.get(row.organisation) is not None
        require(seated, "status", f"{id} is not in force")
        count = len(self.votes.scan(limit=VALIDATORS_LIMIT))
        require(count > 0, "sequencer", "one sequencer seals this chain, and nobody votes")
        require(count < VALIDATORS_LIMIT, "validators", f"there are {count} validators")
        require(self.vote_of(row) is None, "known", f"{id} is a validator")
        require(0 < power <= POWER_LIMIT, "power", f"power is from 1 to {POWER_LIMIT}")
        held = self.held.scan(id, limit=2)
        require(len(held) == 1, "keys", f"{id} has several keys, and a validator votes with one")
        public = self.keys[held[0].key, 0].public
        return self.put_vote(Vote(row.organisation, id, public, power))

    @call(by="SELF role:admin or MAJORITY role:admin")
    def remove_validator(self, id: str, reason: str) -> Validator:
        """A node votes no more, and may go on following."""
        vote = self.vote_of(self.known_member(id))
        if vote is None:
            raise Rejected("unknown", f"{id} is no validator")
        return self.end_vote(vote, reason)

    # --- the catalogue of roles ------------------------------------------------------------------

    @call(by="MAJORITY role:admin")
    def declare_role(self, name: str, given: str) -> Role:
        """Take a role into the catalogue, or have somebody else give it."""
        require(is_name(name, "_"), "name", "a role has a-z, 0-9 and _, from a letter on")
        known = given in (BY_ORGANISATION, BY_CHAIN)
        require(known, "role", f"a role is given by {BY_ORGANISATION} or {BY_CHAIN}")
        last = self.role(name)
        row = Role(name, 0, self.height + 1, ACTIVE, given)
        if last is not None:
            row = row.replace(version=last.version + 1)
        self.roles[name, row.version] = row
        self.emit(Changed("role", name, ACTIVE, row.since, ""))
        return row

    # --- questions -------------------------------------------------------------------------------

    @view
    def organisation(self, name: str) -> Organisation | None:
        """The last version of an organisation."""
        found = self.organisations.scan(name, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def member(self, id: str) -> Member | None:
        """The last version of a member."""
        found = self.members.scan(id, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def key(self, id: bytes) -> Key | None:
        """The last version of a key."""
        found = self.keys.scan(id, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def role(self, name: str) -> Role | None:
        """The last version of a role of the catalogue."""
        found = self.roles.scan(name, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def in_catalogue(self, role: str) -> bool:
        """Whether the catalogue has a role of this name."""
        return self.role(role) is not None

    @view
    def keys_of(self, member: str) -> list[bytes]:
        """The ids of a member's keys in force."""
        return [held.key for held in self.held.scan(member, limit=KEYS_LIMIT)]

    @view
    def seated(self, after: str, limit: int) -> list[str]:
        """Names of organisations in force, in order, behind `after`."""
        return [seat.organisation for seat in self.seats.scan(limit=limit, start=after + " ")]

    @view
    def is_seated(self, name: str) -> bool:
        """Whether an organisation is in force."""
        return name in self.seats

    # --- what calls share ------------------------------------------------------------------------

    def known_organisation(self, name: str) -> Organisation:
        row = self.organisation(name)
        if row is None:
            raise Rejected("unknown", f"there is no organisation {name}")
        require(row.status != REMOVED, "status", f"{name} was removed")
        return row

    def put_organisation(self, row: Organisation, reason: str) -> None:
        require(len(row.title) <= TITLE_LIMIT, "title", "the title is too long")
        require(len(reason) <= REASON_LIMIT, "reason", "the reason is too long")
        good = row.uscc == "" or is_valid_uscc(row.uscc)
        require(good, "uscc", f"{row.uscc} is no Unified Social Credit Code")
        good = row.lei == "" or is_valid_lei(row.lei)
        require(good, "lei", f"{row.lei} is no Legal Entity Identifier")
        self.organisations[row.name, row.version] = row
        self.emit(Changed("organisation", row.name, row.status, row.since, reason))

    def next_organisation(self, row: Organisation, status: str, reason: str) -> Organisation:
        row = row.replace(version=row.version + 1, since=self.height + 1, status=status)
        self.put_organisation(row, reason)
        return row

    def end_organisation(self, name: str, reason: str) -> Organisation:
        row = self.known_organisation(name)
        if row.status == ACTIVE:
            self.vacate(name)
        return self.next_organisation(row, REMOVED, reason)

    def vacate(self, name: str) -> None:
        others = len(self.seats.scan(limit=2)) > 1
        require(others, "last_organisation", f"{name} is the last organisation in force")
        for vote in self.votes.scan(name, limit=VALIDATORS_LIMIT):
            self.end_vote(vote, "")
        del self.seats[name]

    def known_member(self, id: str) -> Member:
        row = self.member(id)
        if row is None:
            raise Rejected("unknown", f"there is no member {id}")
        require(row.status != REMOVED, "status", f"{id} was removed")
        return row

    def new_member(self, id: str, kind: str, roles: tuple[str, ...]) -> Member:
        organisation = organisation_of(id)
        row = Member(id, 0, self.height + 1, ACTIVE, organisation, kind, roles)
        if ADMIN in roles:
            self.admins[organisation, id] = Admin(organisation, id)
        self.put_member(row, "")
        return row

    def put_member(self, row: Member, reason: str) -> None:
        require(len(reason) <= REASON_LIMIT, "reason", "the reason is too long")
        few = len(row.roles) <= ROLES_LIMIT
        require(few, "role", f"a member has at most {ROLES_LIMIT} roles")
        twice = len(dict.fromkeys(row.roles, True)) < len(row.roles)
        require(not twice, "role", "a role stands twice")
        self.members[row.id, row.version] = row
        self.emit(Changed("member", row.id, row.status, row.since, reason))

    def next_member(self, row: Member, status: str, reason: str) -> Member:
        row = row.replace(version=row.version + 1, since=self.height + 1, status=status)
        self.put_member(row, reason)
        return row

    def with_role(self, id: str, role: str) -> Member:
        row = self.known_member(id)
        require(role not in row.roles, "role", f"{id} has the role {role}")
        if role == ADMIN and row.status == ACTIVE:
            self.admins[row.organisation, id] = Admin(row.organisation, id)
        return self.next_member(row.replace(roles=(*row.roles, role)), row.status, "")

    def retreat(self, row: Member) -> None:
        if ADMIN in row.roles:
            self.resign(row)
        vote = self.vote_of(row)
        if vote is not None:
            self.end_vote(vote, "")

    def resign(self, row: Member) -> None:
        others = len(self.admins.scan(row.organisation, limit=2)) > 1
        require(
            others or self.seats.get(row.organisation) is None,
            "last_admin",
            f"{row.id} is the last admin of {row.organisation}: make another one first",
        )
        del self.admins[row.organisation, row.id]

    def vote_of(self, row: Member) -> Vote | None:
        return self.votes.get((row.organisation, row.id))

    def put_vote(self, vote: Vote) -> Validator:
        self.votes[vote.organisation, vote.member] = vote
        return self.next_validator(vote, ACTIVE, "")

    def end_vote(self, vote: Vote, reason: str) -> Validator:
        others = len(self.votes.scan(limit=2)) > 1
        why = f"{vote.member} is the last validator: add another one first"
        require(others, "last_validator", why)
        require(len(reason) <= REASON_LIMIT, "reason", "the reason is too long")
        del self.votes[vote.organisation, vote.member]
        return self.next_validator(vote, REMOVED, reason)

    def next_validator(self, vote: Vote, status: str, reason: str) -> Validator:
        id, key, since = vote.member, key_id_of(vote.public), self.height + 1
        last = self.validators.scan(id, limit=1, reverse=True)
        version = last[0].version + 1 if last else 0
        row = Validator(id, version, since, status, key, vote.power)
        self.validators[id, version] = row
        self.emit(Changed("validator", id, status, since, reason))
        return row

    def known_role(self, name: str) -> Role:
        row = self.role(name)
        if row is None:
            raise Rejected("role", f"the catalogue has no role {name}")
        return row

    def giveable(self, name: str) -> None:
        by_chain = self.known_role(name).given == BY_CHAIN
        require(not by_chain, "role", f"only the chain gives the role {name}")

    def new_key(self, member: str, public: bytes, custodial: bool, proof: bytes) -> Key:
        id = key_id_of(public)
        require(self.key(id) is None, "key_known", f"key {id.hex()} was registered before")
        few = len(self.held.scan(member, limit=KEYS_LIMIT)) < KEYS_LIMIT
        require(few, "keys", f"a member has at most {KEYS_LIMIT} keys in force")
        proved = is_signed(proof_text(self.chain, member), proof, public)
        require(proved, "possession", f"nobody proved to have the key {id.hex()}")
        row = Key(id, 0, self.height + 1, ACTIVE, member, public, custodial)
        self.keys[id, 0] = row
        self.held[member, id] = Held(member, id)
        self.emit(Changed("key", id.hex(), ACTIVE, row.since, member))
        return row

    def own_key(self, member: str, id: bytes) -> None:
        held = self.held.get((member, id)) is not None
        require(held, "unknown", f"{member} has no key {id.hex()} in force")

    def end_key(self, id: bytes, status: str) -> Key:
        row = self.key(id)
        if row is None:
            raise Rejected("unknown", f"there is no key {id.hex()}")
        row = row.replace(version=row.version + 1, since=self.height + 1, status=status)
        self.keys[id, row.version] = row
        del self.held[row.member, id]
        self.emit(Changed("key", id.hex(), status, row.since, row.member))
        return row

    @invariant
    def each_validator_is_in_force(self) -> None:
        for vote in self.votes.scan(limit=VALIDATORS_LIMIT):
            assert self.seats.get(vote.organisation) is not None
            assert self.keys_of(vote.member) == [key_id_of(vote.public)]

    @invariant
    def each_seat_has_an_admin(self) -> None:
        for seat in self.seats.scan(limit=1_000):
            name = seat.organisation
            assert self.admins.scan(name, limit=1), f"{name} has no admin"
