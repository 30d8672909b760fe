"""What the organisations decide together: calls that are proposed, approved, and then run.

What always holds:
- a proposal is one call, word for word, and the source that it will run: nobody approves another;
- members approve or reject by their own signed calls, and may change their mind meanwhile;
- it runs by itself, once, in the first block after its policy is met, and only if members who are
  then in force, and the source then in force, still make it so;
- what it does is signed by those who approved, and by nobody else;
- a chain that was closed stays closed: no block follows the one that closed it.

A proposal that is refused when it runs has changed nothing and may be run again until it expires.
"""

from lianheng.contract import (
    Contract,
    Counter,
    Event,
    Interface,
    Record,
    Rejected,
    Table,
    Uses,
    call,
    require,
    sha256,
    timer,
    view,
)

OPEN = "open"
APPROVED = "approved"  # its policy is met: it runs, or ran and was refused
DONE = "done"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"
EXPIRED = "expired"

DAY = 24 * 60 * 60 * 1000  # ms
LONGEST = 366 * DAY
NOTE_LIMIT = 2_000
VOTES_LIMIT = 1_000  # of one proposal


class Engine(Interface):
    """What the engine answers about policies and sources in force."""

    @view
    def missing(self, contract: str, method: str, arguments: bytes, members: list[str]) -> str: ...

    @view
    def source(self, contract: str, arguments: bytes) -> bytes: ...


class Proposal(Record):
    """A call that members are asked to agree to. `source` is what it runs, or changes."""

    number: int
    contract: str
    method: str
    arguments: bytes
    source: bytes
    digest: bytes
    proposer: str
    opened: int  # ms
    expires: int  # ms
    gas: int
    status: str
    run: int  # number of the timer that runs it; 0: none yet
    end: int  # number of the timer that ends it
    note: str


class Vote(Record):
    """What a member said of a proposal last."""

    number: int
    member: str
    organisation: str
    agrees: bool
    at: int  # ms
    reason: str


class Order(Record):
    """What the engine runs for a proposal, with those who agreed as its signers."""

    contract: str
    method: str
    arguments: bytes
    source: bytes
    members: tuple[str, ...]


class Closing(Record):
    """The end of the chain: the block of this height is its last one."""

    chain: str
    height: int
    at: int  # ms
    members: tuple[str, ...]  # who agreed
    reason: str


class Proposed(Event):
    number: int
    contract: str
    method: str
    digest: bytes
    proposer: str


class Voted(Event):
    number: int
    member: str
    agrees: bool
    missing: str  # what is still missing, in words; empty: nothing


class Decided(Event):
    number: int
    status: str


class Closed(Event):
    chain: str
    height: int
    reason: str


def digest_of(contract: str, method: str, arguments: bytes, source: bytes) -> bytes:
    """What members agree to: the call, its arguments and the source that it means."""
    head = f"lianheng.proposal.1 {contract}.{method} {len(arguments)} ".encode()
    return sha256(head + arguments + source)


class Governance(Contract):
    """Proposals, and what members said of them."""

    proposals = Table(Proposal, key="number", indexes=["status"])
    votes = Table(Vote, key=("number", "member"))
    closings = Table(Closing, key="chain")
    numbers = Counter()
    engine = Uses(Engine, contract="chain")

    @call(by="ANY")
    def propose(
        self, contract: str, method: str, arguments: bytes, lasts: int, gas: int, note: str
    ) -> Proposal:
        """Ask for a call, open for `lasts` ms. The proposer agrees to it."""
        own = contract == self.contract and method != "close"
        require(not own, "itself", "a proposal is not about proposals")
        require(0 < lasts <= LONGEST, "expiry", "a proposal is open for 1 ms to 366 days")
        require(len(note) <= NOTE_LIMIT, "note", f"a note has at most {NOTE_LIMIT} characters")
        source = self.engine.source(contract, arguments)
        number = self.numbers.next()
        expires = self.now + lasts
        row = Proposal(
            number=number,
            contract=contract,
            method=method,
            arguments=arguments,
            source=source,
            digest=digest_of(contract, method, arguments, source),
            proposer=self.caller.member,
            opened=self.now,
            expires=expires,
            gas=gas,
            status=OPEN,
            run=0,
            end=self.due(expires, "end", number=number),
            note=note,
        )
        self.proposals[number] = row
        self.emit(Proposed(number, contract, method, row.digest, row.proposer))
        return self.vote(row, True, "")

    @call(by="ANY")
    def approve(self, number: int, digest: bytes) -> Proposal:
        """Agree to the call with this digest. It runs as soon as its policy is met."""
        return self.vote(self.running(number, digest), True, "")

    @call(by="ANY")
    def reject(self, number: int, digest: bytes, reason: str) -> Proposal:
        """Disagree. It is rejected where those who disagree meet the policy themselves."""
        require(len(reason) <= NOTE_LIMIT, "note", f"a reason has at most {NOTE_LIMIT} characters")
        return self.vote(self.running(number, digest), False, reason)

    @call(by="ANY")
    def withdraw(self, number: int) -> Proposal:
        """Take one's own proposal back."""
        row = self.known(number)
        self.still_open(row)
        own = row.proposer == self.caller.member
        require(own, "not_proposer", f"only {row.proposer}, who proposed it, takes it back")
        return self.decide(row, WITHDRAWN)

    @call(by="ANY")
    def settle(self, number: int) -> Proposal:
        """Look again whether the policy is met: members changed, say, or a run was refused."""
        row = self.known(number)
        self.still_open(row)
        return self.count(row)

    @call(by="2/3 role:admin")
    def close(self, reason: str) -> Closing:
        """End the chain: this block is its last one, and nothing behind this call runs."""
        told = 0 < len(reason) <= NOTE_LIMIT
        require(told, "reason", f"say why, in 1 to {NOTE_LIMIT} characters")
        members = tuple([one.member for one in self.signers])
        row = Closing(self.chain, self.height, self.now, members, reason)
        self.closings[self.chain] = row
        self.emit(Closed(self.chain, self.height, reason))
        return row

    @timer
    def run(self, number: int) -> Order:
        """What the engine runs, with those who agreed, now."""
        row = self.known(number)
        require(row.status == APPROVED, "status", f"proposal {number} is {row.status}")
        self.decide(row, DONE)
        members = self.voters(row, True)
        return Order(row.contract, row.method, row.arguments, row.source, tuple(members))

    @timer
    def end(self, number: int) -> None:
        """Its time is over."""
        row = self.known(number)
        if row.status in (OPEN, APPROVED):
            self.decide(row, EXPIRED)

    @view
    def proposal(self, number: int) -> Proposal | None:
        """A proposal."""
        return self.proposals.get(number)

    @view
    def closing(self) -> Closing | None:
        """How the chain was closed; None where it is open."""
        return self.closings.get(self.chain)

    @view
    def votes_of(self, number: int) -> list[Vote]:
        """What members said of a proposal, by member."""
        return self.votes.scan(number, limit=VOTES_LIMIT)

    @view
    def missing(self, number: int) -> str:
        """What a proposal still needs, in words; empty: nothing."""
        return self.lacks(self.known(number), True)

    @view
    def with_status(self, status: str, after: int, limit: int) -> list[Proposal]:
        """Proposals with a status and a number above `after`, in order."""
        return self.proposals.by("status", status, limit=limit, start=after + 1)

    def known(self, number: int) -> Proposal:
        row = self.proposals.get(number)
        if row is None:
            raise Rejected("unknown", f"there is no proposal {number}")
        return row

    def still_open(self, row: Proposal) -> None:
        known = row.status in (OPEN, APPROVED)
        require(known, "status", f"proposal {row.number} is {row.status}")
        # Its timer ends it at that moment, unless a block is too full to run it.
        require(self.now < row.expires, "status", f"proposal {row.number} is {EXPIRED}")

    def running(self, number: int, digest: bytes) -> Proposal:
        row = self.known(number)
        self.still_open(row)
        same = digest == row.digest
        require(
            same,
            "other_call",
            f"proposal {number} is another call: its digest is {row.digest.hex()}",
        )
        return row

    def vote(self, row: Proposal, agrees: bool, reason: str) -> Proposal:
        member = self.caller.member
        known = self.votes.get((row.number, member))
        full = known is None and len(self.votes.scan(row.number, limit=VOTES_LIMIT)) == VOTES_LIMIT
        require(not full, "votes", f"a proposal has at most {VOTES_LIMIT} votes")
        self.votes[row.number, member] = Vote(
            row.number, member, self.caller.organisation, agrees, self.now, reason
        )
        row = self.count(row)
        lacks = "" if row.status != OPEN else self.lacks(row, True)
        self.emit(Voted(row.number, member, agrees, lacks))
        return row

    def count(self, row: Proposal) -> Proposal:
        if self.lacks(row, False) == "":
            return self.decide(row, REJECTED)
        met = self.lacks(row, True) == ""
        if row.run > 0:
            self.cancel(row.run)
        run = self.due(self.now + 1, "run", gas=row.gas, number=row.number) if met else 0
        row = row.replace(status=APPROVED if met else OPEN, run=run)
        self.proposals[row.number] = row
        return row

    def lacks(self, row: Proposal, agree: bool) -> str:
        """What those who agree, or disagree, lack to decide it."""
        members = self.voters(row, agree)
        return self.engine.missing(row.contract, row.method, row.arguments, members)

    def voters(self, row: Proposal, agree: bool) -> list[str]:
        """Who agrees, or disagrees, the proposer first."""
        votes = self.votes.scan(row.number, limit=VOTES_LIMIT)
        members = [vote.member for vote in votes if vote.agrees == agree]
        others = [member for member in members if member != row.proposer]
        return [row.proposer, *others] if row.proposer in members else others

    def decide(self, row: Proposal, status: str) -> Proposal:
        if status != DONE and row.run > 0:
            self.cancel(row.run)
        if status != EXPIRED:
            self.cancel(row.end)
        row = row.replace(status=status)
        self.proposals[row.number] = row
        self.emit(Decided(row.number, status))
        return row
