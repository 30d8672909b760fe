"""Counted claims of any kind: money owed, tonnes, certificates; amount 1 is a unique title.

What always holds:
- of each kind, issued = held + pledged + locked + retired, and no call makes or loses a unit
  except `issue` and `retire`, which say so;
- a fingerprint is issued once, ever, over all kinds, and what is issued under it is pledged once
  across all lenders;
- what is split, merged or retired never changes again.

Holders are organisations. A member acts for its own organisation, with the role that the kind
asks for, by calling this contract itself: no other contract that it calls can dispose of what it
holds. A kind that names a controller moves only through that contract, by the rules of it.
The chain sees names, amounts and hashes, and so does every member of it.
"""

from lianheng.contract import (
    Contract,
    Counter,
    Enum,
    Event,
    Record,
    Table,
    call,
    invariant,
    require,
    sha256,
    timer,
    view,
)

AMOUNT_LIMIT = 2**63 - 1  # units of a kind that were ever issued: what every database counts in
NAME_LIMIT = 64  # characters of a code, a unit or the id of an issue
ID_LIMIT = 128  # characters of a holding's id: `.1` is added for each part of a part
PARTS_LIMIT = 100  # parts that one call makes or takes together
OFFERS_LIMIT = 8  # lenders asked at a time
EXPIRY_GAS = 20_000  # that the end of a lock may use: paid by the call that locks
LATEST = 253_402_300_799_999  # ms since 1970: the last moment of the year 9999, and of timers
PAGE_LIMIT = 200  # rows that one view lists; the last row's id is the cursor


class State(Enum):
    LIVE = "live"
    SPLIT = "split"
    MERGED = "merged"
    RETIRED = "retired"


class Stage(Enum):
    OPEN = "open"
    RELEASED = "released"  # to the holder of a pledge, to the beneficiary of a lock
    ENFORCED = "enforced"  # to the lender of a pledge
    RETURNED = "returned"  # to the holder of a lock


class Kind(Record):
    code: str
    issuer: str  # the organisation that owes or vouches; empty where a controller says who
    unit: str  # "EUR", "tCO2", "title"
    decimals: int  # how many of an amount's digits stand behind the point, where people read it
    divisible: bool  # otherwise a holding keeps its amount for ever
    backed: bool  # each issue names the fingerprint of what stands behind it
    role: str = ""  # what a member needs to act for its organisation; empty: any member
    authority: str = ""  # the organisation that may freeze; empty: nobody
    restricted: bool = False  # only organisations that the issuer admitted may hold
    cap: int = AMOUNT_LIMIT  # units that may ever be issued
    terms: str = ""  # hash of the document that says what a holder may claim
    closed: bool = False  # nothing more is issued
    controller: str = ""  # the contract through which alone it is issued and moves


class Supply(Record):
    kind: str
    issued: int = 0  # ever
    held: int = 0  # free
    pledged: int = 0
    locked: int = 0
    retired: int = 0  # ever


class Balance(Record):
    kind: str
    holder: str
    held: int = 0
    pledged: int = 0
    locked: int = 0


class Admission(Record):
    kind: str
    organisation: str


class Offer(Record):
    lender: str
    secured: int  # the debt, in minor units of its currency
    due: int  # ms since 1970: the lender enforces from here on


class Holding(Record):
    id: str  # the issue's id, then `.1`, `.1.2` for parts
    kind: str
    issue: str  # the id that it was issued under
    holder: str
    amount: int
    fingerprint: str = ""  # of what stands behind it
    state: State = State.LIVE
    parts: int = 0  # made of it so far
    pledge: int = 0  # number of the pledge that lies on it
    lender: str | None = None  # whose pledge it is
    lock: int = 0
    frozen: str = ""  # hash of the order that froze it
    offers: tuple[Offer, ...] = ()  # any change of the holding ends them


class Issue(Record):
    id: str
    kind: str
    amount: int
    fingerprint: str | None  # None where nothing stands behind the kind
    documents: tuple[str, ...]  # hashes of what the issuer attached


class Allowance(Record):
    kind: str
    holder: str
    delegate: str
    amount: int  # left
    until: int  # ms since 1970, not included


class Pledge(Record):
    number: int
    holding: str
    kind: str
    fingerprint: str
    pledgor: str
    lender: str
    amount: int  # of the holding that is still pledged
    secured: int
    due: int
    stage: Stage = Stage.OPEN


class Lock(Record):
    number: int
    holding: str
    kind: str
    depositor: str
    beneficiary: str
    expires: int  # ms since 1970: released before, returned from then on
    agent: str = ""  # who must agree to the release
    digest: str = ""  # SHA-256 of the secret that must be shown
    stage: Stage = Stage.OPEN
    timer: int = 0  # number of the timer that returns it when it expires


class Retirement(Record):
    number: int
    holding: str
    kind: str
    holder: str
    amount: int
    beneficiary: str
    reason: str  # a word such as "paid" or "offset"
    documents: tuple[str, ...]


class Exchange(Record):
    """Both sides signed it: the ledger writes this row with both signatures, or not at all."""

    number: int
    one: str
    other: str
    given: str  # by `one`
    taken: str  # by `one`
    signatories = ("one", "other")


class KindChanged(Event):
    kind: str
    issuer: str
    closed: bool


class Admitted(Event):
    kind: str
    organisation: str
    admitted: bool


class Issued(Event):
    id: str
    kind: str
    holder: str
    amount: int


class Transferred(Event):
    id: str
    source: str
    to: str
    amount: int
    by: str  # the organisation that acted: the holder, a delegate, a lender, an agent


class Divided(Event):
    id: str
    parts: tuple[str, ...]


class Merged(Event):
    into: str
    others: tuple[str, ...]


class Allowed(Event):
    kind: str
    holder: str
    delegate: str
    amount: int
    until: int


class Offered(Event):
    id: str
    lender: str  # empty: the offers so far are withdrawn
    secured: int
    due: int


class PledgeChanged(Event):
    number: int
    id: str
    lender: str
    stage: Stage


class LockChanged(Event):
    number: int
    id: str
    beneficiary: str
    stage: Stage


class Frozen(Event):
    id: str
    order: str  # empty when it is thawed


class Retired(Event):
    id: str
    amount: int
    beneficiary: str
    reason: str


class Exchanged(Event):
    number: int
    given: str
    taken: str


def require_hash(text: str, of: str) -> None:
    digits = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    require(digits, "not_a_hash", f"give the SHA-256 of {of} in lower-case hex")


def require_name(text: str, what: str) -> None:
    # A dot is kept for parts, so that no issue can look like a part of another one.
    sound = 0 < len(text) <= NAME_LIMIT and text.isascii() and text.isprintable()
    sound = sound and not any(sign in " ./'\"" for sign in text)
    message = f"{what} is 1 to {NAME_LIMIT} letters, digits, '-', '_' or ':'"
    require(sound, "wrong_name", message)


def require_party(name: str, what: str, *others: str) -> None:
    sound = 0 < len(name) <= NAME_LIMIT and "@" not in name
    require(sound, "wrong_party", f"{what} is an organisation, not '{name[:NAME_LIMIT]}'")
    require(name not in others, "wrong_party", f"{name} cannot be {what} here")


def hexes(hashes: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(each.hex() for each in hashes)


class Holdings(Contract):
    """Organisations hold, pass on, pledge, lock and retire what an issuer vouches for."""

    kinds = Table(Kind, key="code", indexes=["issuer"])
    supplies = Table(Supply, key="kind")
    balances = Table(Balance, key=("kind", "holder"), indexes=["holder"])
    admissions = Table(Admission, key=("kind", "organisation"))
    issues = Table(Issue, key="id", indexes=["kind"], unique=["fingerprint"])
    holdings = Table(
        Holding,
        key="id",
        indexes=[("holder", "kind", "state"), ("lender", "kind", "state"), "issue"],
    )
    allowances = Table(Allowance, key=("kind", "holder", "delegate"), indexes=["delegate"])
    pledges = Table(Pledge, key="number", indexes=["lender", "fingerprint"])
    locks = Table(Lock, key="number", indexes=["beneficiary", "agent"])
    retirements = Table(Retirement, key="number", indexes=["kind", "beneficiary"])
    exchanges = Table(Exchange, key="number")
    pledge_numbers = Counter()
    lock_numbers = Counter()
    retirement_numbers = Counter()
    exchange_numbers = Counter()

    # Kinds: who vouches, for what, and who may hold it

    @call(by="ANY or via:ANY")
    def open_kind(self, kind: Kind) -> Kind:
        """What is said here is fixed: a holder never finds the rules of its claim changed."""
        code, issuer, cap = kind.code, kind.issuer, kind.cap
        self.require_issues(kind)
        require_name(code, "a kind's code")
        # Nobody can take a code away from a contract that will open it later.
        own = code.startswith(f"{self.via}:") if self.via else ":" not in code
        require(own, "wrong_name", f"{code}: only contracts open kinds NAME:..., of their own name")
        require_name(kind.unit, "a unit")
        require(code not in self.kinds, "exists", f"kind {code} is open already")
        require(not kind.closed, "closed", f"{code} would be closed from the start")
        require(0 <= kind.decimals <= 18, "wrong_decimals", f"{kind.decimals}, allowed are 0 to 18")
        require(0 < cap <= AMOUNT_LIMIT, "wrong_cap", f"{cap} units, allowed: 1 to {AMOUNT_LIMIT}")
        if kind.terms:
            require_hash(kind.terms, "the terms")
        if kind.authority:
            require_party(kind.authority, "an authority")
        self.kinds[code] = kind
        self.supplies[code] = Supply(kind=code)
        self.emit(KindChanged(kind=code, issuer=issuer, closed=False))
        return kind

    @call(by="ANY or via:ANY")
    def close_kind(self, code: str) -> Kind:
        """Nothing more is ever issued; what is held goes on."""
        kind = self.issued_by_caller(code)
        self.kinds[code] = kind.replace(closed=True)
        self.emit(KindChanged(kind=code, issuer=kind.issuer, closed=True))
        return self.kinds[code]

    @call(by="ANY or via:ANY")
    def admit(self, kind: str, organisation: str) -> None:
        self.issued_by_caller(kind)
        require_party(organisation, "a holder")
        known = (kind, organisation) in self.admissions
        require(not known, "admitted", f"{organisation} may hold {kind} already")
        self.admissions[kind, organisation] = Admission(kind=kind, organisation=organisation)
        self.emit(Admitted(kind=kind, organisation=organisation, admitted=True))

    @call(by="ANY or via:ANY")
    def exclude(self, kind: str, organisation: str) -> None:
        """It receives nothing more; what it holds stays its own, to pass on or to retire."""
        self.issued_by_caller(kind)
        known = (kind, organisation) in self.admissions
        require(known, "not_admitted", f"{organisation} is not admitted to {kind}")
        del self.admissions[kind, organisation]
        self.emit(Admitted(kind=kind, organisation=organisation, admitted=False))

    @call(by="ANY or via:ANY")
    def issue(
        self, id: str, kind: str, to: str, amount: int, fingerprint: str | None = None
    ) -> Holding:
        """One fingerprint is issued once, ever: in whatever kind, by whomever."""
        rules = self.issued_by_caller(kind)
        require_name(id, "an issue's id")
        require(id not in self.issues, "already_issued", f"{id} is issued")
        require(not rules.closed, "closed", f"nothing more is issued of {kind}")
        require(amount > 0, "wrong_amount", f"{amount} units are no claim")
        require(rules.divisible or amount == 1, "indivisible", f"{kind} comes in single units")
        require((fingerprint is not None) == rules.backed, "wrong_backing",
                f"{kind} is {'backed: name' if rules.backed else 'not backed: leave out'}"
                " the fingerprint")  # fmt: skip
        if fingerprint is not None:
            require_hash(fingerprint, "what stands behind the claim")
            same = self.issues.by("fingerprint", fingerprint, limit=1)
            require(not same, "already_issued", f"{fingerprint} is issued")
        self.require_may_hold(rules, to)
        supply = self.supplies[kind]
        total = supply.issued + amount
        require(
            total <= rules.cap, "beyond_cap", f"{total} units, the cap of {kind} is {rules.cap}"
        )
        documents = hexes(self.attachments)
        self.issues[id] = Issue(id, kind, amount, fingerprint, documents)
        made = Holding(id, kind, id, to, amount, fingerprint or "")
        self.supplies[kind] = supply.replace(issued=total)
        self.write([], [made])
        self.emit(Issued(id=id, kind=kind, holder=to, amount=amount))
        return made

    # Holders: pass on, divide, put together, let others act

    @call(by="ANY or via:ANY")
    def transfer(self, id: str, to: str, amount: int | None = None) -> Holding:
        """The whole, or a part that becomes a holding of its own; gives what `to` holds now."""
        return self.move(self.free(id, self.caller.organisation), to, amount)

    @call(by="ANY or via:ANY")
    def transfer_for(self, id: str, to: str, amount: int | None = None) -> Holding:
        """As the holder's delegate, within what the holder allowed."""
        own = self.holdings[id]
        delegate = self.caller.organisation
        given = self.allowances.get((own.kind, own.holder, delegate))
        live = given is not None and self.now < given.until
        require(live, "not_allowed", f"{own.holder} does not let {delegate} act on {own.kind}")
        assert given is not None
        wanted = own.amount if amount is None else amount
        left = given.amount - wanted
        require(left >= 0, "beyond_allowance", f"{wanted} units, {given.amount} are allowed")
        self.require_role(self.kinds[own.kind], delegate, "not_allowed")
        self.require_free(own)
        moved = self.move(own, to, amount)
        self.allowances[given.kind, given.holder, delegate] = given.replace(amount=left)
        return moved

    @call(by="ANY or via:ANY")
    def allow(
        self, kind: str, delegate: str, amount: int, until: int, before: int = 0
    ) -> Allowance:
        """Let another organisation pass on up to `amount`; `before` is what is allowed so far.

        Who names another `before` than there is has not seen what the delegate used meanwhile.
        """
        holder = self.caller.organisation
        self.require_role(self.kinds[kind], holder, "not_holder")
        require_party(delegate, "a delegate", holder)
        require(0 <= amount <= AMOUNT_LIMIT, "wrong_amount", f"{amount} cannot be allowed")
        known = self.allowances.get((kind, holder, delegate))
        allowed = 0 if known is None else known.amount
        require(allowed == before, "other_allowance", f"{allowed} units are allowed, not {before}")
        given = Allowance(kind=kind, holder=holder, delegate=delegate, amount=amount, until=until)
        self.allowances[kind, holder, delegate] = given
        self.emit(Allowed(kind=kind, holder=holder, delegate=delegate, amount=amount, until=until))
        return given

    @call(by="ANY or via:ANY")
    def split(self, id: str, amounts: list[int]) -> list[Holding]:
        whole = self.free(id, self.caller.organisation)
        sound = 2 <= len(amounts) <= PARTS_LIMIT and min(amounts) > 0
        message = f"split into 2 to {PARTS_LIMIT} parts of 1 unit or more each"
        require(sound, "wrong_parts", message)
        total = sum(amounts)
        require(total == whole.amount, "wrong_sum", f"{total} in parts, {whole.amount} in {id}")
        made = [self.part(whole, n, amount) for n, amount in enumerate(amounts, whole.parts + 1)]
        spent = whole.replace(state=State.SPLIT, parts=whole.parts + len(made), offers=())
        self.write([whole], [spent, *made])
        self.emit(Divided(id=id, parts=tuple(part.id for part in made)))
        return made

    @call(by="ANY or via:ANY")
    def merge(self, into: str, others: list[str]) -> Holding:
        """Of one kind and with the same thing behind them; `into` keeps its id."""
        sound = 1 <= len(others) <= PARTS_LIMIT and len({into, *others}) == len(others) + 1
        require(sound, "wrong_parts", f"name 1 to {PARTS_LIMIT} others, each once")
        kept = self.free(into, self.caller.organisation)
        taken = [self.free(other, self.caller.organisation) for other in others]
        for other in taken:
            alike = (other.kind, other.fingerprint) == (kept.kind, kept.fingerprint)
            require(alike, "not_alike", f"{other.id} is not of the same claim as {into}")
        require(
            self.kinds[kept.kind].divisible, "indivisible", f"{kept.kind} comes in single units"
        )
        total = kept.amount + sum(other.amount for other in taken)
        whole = kept.replace(amount=total, offers=())
        spent = [other.replace(state=State.MERGED, offers=()) for other in taken]
        self.write([kept, *taken], [whole, *spent])
        self.emit(Merged(into=into, others=tuple(others)))
        return whole

    @call(by="ANY")
    def exchange(self, given: str, taken: str) -> Exchange:
        """Two holdings change hands at once, or not at all: both holders sign this one call."""
        one, other = self.holdings[given].holder, self.holdings[taken].holder
        require(one != other, "wrong_party", f"{one} holds both")
        mine, theirs = self.free(given, one), self.free(taken, other)
        self.move(mine, other, None)
        self.move(theirs, one, None)
        number = self.exchange_numbers.next()
        done = Exchange(number=number, one=one, other=other, given=given, taken=taken)
        self.exchanges[number] = done
        self.emit(Exchanged(number=number, given=given, taken=taken))
        return done

    @call(by="ANY or via:ANY")
    def retire(self, id: str, amount: int, beneficiary: str, reason: str) -> Retirement:
        """Final: the units are used up in the name of `beneficiary`, and never come back."""
        own = self.free(id, self.caller.organisation)
        require(0 < len(beneficiary) <= ID_LIMIT, "wrong_party", "name who it is retired for")
        return self.use_up(own, amount, beneficiary, reason)

    @call(by="ANY or via:ANY")
    def redeem(self, ids: list[str], amounts: list[int], reason: str) -> list[Retirement]:
        """What was settled outside ends where it lies, pledged or not: for a controller alone."""
        sound = 1 <= len(ids) == len(amounts) <= PARTS_LIMIT
        require(sound, "wrong_parts", f"1 to {PARTS_LIMIT} holdings, and an amount for each")
        done: list[Retirement] = []
        for id, amount in zip(ids, amounts):
            own = self.live(id)
            controller = self.kinds[own.kind].controller
            message = f"only the controller '{controller}' redeems {own.kind}"
            require(controller != "" and controller == self.via, "not_controller", message)
            require(own.lock == 0, "locked", f"{id} is locked by lock {own.lock}")
            require(own.frozen == "", "frozen", f"{id} is frozen by {own.frozen}")
            done.append(self.use_up(own, amount, own.lender or own.holder, reason))
        return done

    # Lenders: a holding secures a debt, once

    @call(by="ANY or via:ANY")
    def offer(self, id: str, lender: str, secured: int, due: int) -> Holding:
        """Only a lender whom the holder asked can take a pledge, on the terms of the offer."""
        own = self.free(id, self.caller.organisation)
        require_party(lender, "a lender", own.holder)
        asked = any(offer.lender == lender for offer in own.offers)
        require(not asked, "already_offered", f"{lender} has {id} on offer")
        require(len(own.offers) < OFFERS_LIMIT, "too_many_offers", f"{OFFERS_LIMIT} at a time")
        require(0 < secured <= AMOUNT_LIMIT, "wrong_amount", f"{secured} is no debt")
        self.require_may_hold(self.kinds[own.kind], lender)
        offer = Offer(lender=lender, secured=secured, due=due)
        offered = own.replace(offers=(*own.offers, offer))
        self.holdings[id] = offered
        self.emit(Offered(id=id, lender=lender, secured=secured, due=due))
        return offered

    @call(by="ANY or via:ANY")
    def withdraw_offers(self, id: str) -> Holding:
        own = self.free(id, self.caller.organisation)
        self.holdings[id] = own.replace(offers=())
        self.emit(Offered(id=id, lender="", secured=0, due=0))
        return self.holdings[id]

    @call(by="ANY or via:ANY")
    def pledge(self, id: str, amount: int, secured: int, due: int) -> Pledge:
        """The lender accepts; other figures than those on the chain are refused."""
        own = self.live(id)
        lender = self.caller.organisation
        kind = self.kinds[own.kind]
        # The lender is not named: this sentence travels in receipts to people outside the chain.
        require(own.pledge == 0, "already_pledged", f"{id} is pledged to a lender")
        self.require_free(own)
        self.require_role(kind, lender, "not_offered")
        found = [offer for offer in own.offers if offer.lender == lender]
        require(len(found) == 1, "not_offered", f"{id} is not offered to {lender}")
        require(amount == own.amount, "other_amount", f"{id} is {own.amount}, not {amount}")
        same = found[0] == Offer(lender=lender, secured=secured, due=due)
        require(same, "other_terms", f"{id} is offered for {found[0].secured}, due {found[0].due}")
        self.require_may_hold(kind, lender)
        number = self.pledge_numbers.next()
        code, behind = own.kind, own.fingerprint
        pledge = Pledge(number, id, code, behind, own.holder, lender, amount, secured, due)
        self.pledges[number] = pledge
        self.write([own], [own.replace(pledge=number, lender=lender, offers=())])
        self.emit(PledgeChanged(number=number, id=id, lender=lender, stage=Stage.OPEN))
        return pledge

    @call(by="ANY or via:ANY")
    def release_pledge(self, number: int) -> Holding:
        """The debt is paid: the lender lets go, the holder has the holding free again."""
        pledge, own = self.pledged_to_caller(number)
        return self.end_pledge(pledge, own, own.holder, Stage.RELEASED)

    @call(by="ANY or via:ANY")
    def enforce_pledge(self, number: int) -> Holding:
        """The debt is not paid when due: the lender takes the holding."""
        pledge, own = self.pledged_to_caller(number)
        require(self.now >= pledge.due, "not_due", f"due at {pledge.due}, now is {self.now}")
        return self.end_pledge(pledge, own, pledge.lender, Stage.ENFORCED)

    # Locks: units wait for a condition

    @call(by="ANY or via:ANY")
    def lock(
        self, id: str, beneficiary: str, expires: int, agent: str = "", digest: str = ""
    ) -> Lock:
        """Until `expires` it can go to the beneficiary: when all that is named here is met."""
        own = self.free(id, self.caller.organisation)
        require_party(beneficiary, "a beneficiary", own.holder)
        require(agent != "" or digest != "", "no_condition", "name an agent, a digest, or both")
        ahead = self.now < expires <= LATEST
        require(ahead, "wrong_time", f"{expires} has passed, now is {self.now}, or is too far")
        if agent:
            require_party(agent, "an agent", own.holder)
        if digest:
            require_hash(digest, "the secret")
        self.require_may_hold(self.kinds[own.kind], beneficiary)
        number = self.lock_numbers.next()
        ends = self.due(expires, "expire", gas=EXPIRY_GAS, number=number)
        lock = Lock(number, id, own.kind, own.holder, beneficiary, expires, agent, digest)
        lock = lock.replace(timer=ends)
        self.locks[number] = lock
        self.write([own], [own.replace(lock=number, offers=())])
        self.emit(LockChanged(number=number, id=id, beneficiary=beneficiary, stage=Stage.OPEN))
        return lock

    @call(by="ANY or via:ANY")
    def release_lock(self, number: int, secret: bytes = b"") -> Holding:
        """The conditions are met: the agent signs, the secret is shown."""
        lock, own = self.open_lock(number)
        kind = self.kinds[lock.kind]
        require(self.now < lock.expires, "expired", f"lock {number} ended at {lock.expires}")
        shown = lock.digest in ("", sha256(secret).hex())
        require(shown, "wrong_secret", f"lock {number} opens with another secret")
        self.require_role(kind, lock.agent or lock.beneficiary, "not_agent")
        self.require_may_hold(kind, lock.beneficiary)
        return self.end_lock(lock, own, lock.beneficiary, Stage.RELEASED)

    @call(by="ANY or via:ANY")
    def return_lock(self, number: int) -> Holding:
        """To the depositor: where agent or beneficiary say so, or after what froze its end."""
        lock, own = self.open_lock(number)
        if self.now < lock.expires:
            who = [party for party in (lock.agent, lock.beneficiary) if party]
            given = any(self.acts(self.kinds[lock.kind], party) for party in who)
            require(
                given, "not_expired", f"lock {number} ends at {lock.expires}, now is {self.now}"
            )
        return self.end_lock(lock, own, lock.depositor, Stage.RETURNED)

    @timer
    def expire(self, number: int) -> None:
        """The condition was not met in time: back to the depositor. What is frozen stays."""
        lock = self.locks[number]
        own = self.holdings[lock.holding]
        if own.frozen == "":
            self.end_lock(lock, own, lock.depositor, Stage.RETURNED)

    # The authority that the kind named

    @call(by="ANY")
    def freeze(self, id: str, order: str) -> Holding:
        """Nothing moves, whoever signs; the authority cannot take it either."""
        own = self.live(id)
        self.require_authority(own.kind)
        require_hash(order, "the order")
        require(own.frozen == "", "frozen", f"{id} is frozen")
        self.holdings[id] = own.replace(frozen=order)
        self.emit(Frozen(id=id, order=order))
        return self.holdings[id]

    @call(by="ANY")
    def thaw(self, id: str) -> Holding:
        own = self.live(id)
        self.require_authority(own.kind)
        require(own.frozen != "", "not_frozen", f"{id} is not frozen")
        self.holdings[id] = own.replace(frozen="")
        self.emit(Frozen(id=id, order=""))
        return self.holdings[id]

    # What anybody can ask

    @view
    def kind(self, code: str) -> Kind:
        return self.kinds[code]

    @view
    def is_open(self, code: str) -> bool:
        return code in self.kinds

    @view
    def supply(self, kind: str) -> Supply:
        return self.supplies[kind]

    @view
    def issue_of(self, id: str) -> Issue:
        return self.issues[id]

    @view
    def holding(self, id: str) -> Holding:
        return self.holdings[id]

    @view
    def balance(self, kind: str, holder: str) -> Balance:
        return self.balances.get((kind, holder), Balance(kind=kind, holder=holder))

    @view
    def balances_of(self, holder: str, after: str = "") -> list[Balance]:
        """By kind; `after` is the last kind of the page before."""
        last = Balance(kind=after, holder=holder) if after else None
        return self.balances.by("holder", holder, limit=PAGE_LIMIT, after=last)

    @view
    def holders_of(self, kind: str, after: str = "") -> list[Balance]:
        last = (kind, after) if after else None
        return self.balances.scan(kind, limit=PAGE_LIMIT, after=last)

    @view
    def held(self, holder: str, kind: str, after: str = "") -> list[Holding]:
        """Live holdings, pledged and locked ones included; `after` is the last id before."""
        last = Holding(after, kind, "", holder, 0) if after else None
        index = ("holder", "kind", "state")
        return self.holdings.by(index, holder, kind, State.LIVE, limit=PAGE_LIMIT, after=last)

    @view
    def secured(self, lender: str, kind: str, after: str = "") -> list[Holding]:
        """Live holdings on which the lender has a pledge."""
        last = Holding(after, kind, "", "", 0, lender=lender) if after else None
        index = ("lender", "kind", "state")
        return self.holdings.by(index, lender, kind, State.LIVE, limit=PAGE_LIMIT, after=last)

    @view
    def tree(self, issue: str, after: str = "") -> list[Holding]:
        """All that came out of one issue, whatever became of it."""
        last = Holding(after, "", issue, "", 0) if after else None
        return self.holdings.by("issue", issue, limit=PAGE_LIMIT, after=last)

    @view
    def is_pledged(self, fingerprint: str) -> bool:
        """Whether a pledge lies on anything that was issued under the fingerprint."""
        last: Pledge | None = None
        while page := self.pledges.by("fingerprint", fingerprint, limit=PAGE_LIMIT, after=last):
            if any(pledge.stage == Stage.OPEN for pledge in page):
                return True
            last = page[-1]
        return False

    @view
    def pledge_of(self, number: int) -> Pledge:
        return self.pledges[number]

    @view
    def pledges_of(self, lender: str, after: int = 0) -> list[Pledge]:
        last = self.pledges[after] if after else None
        return self.pledges.by("lender", lender, limit=PAGE_LIMIT, after=last)

    @view
    def lock_of(self, number: int) -> Lock:
        return self.locks[number]

    @view
    def retirements_of(self, beneficiary: str, after: int = 0) -> list[Retirement]:
        last = self.retirements[after] if after else None
        return self.retirements.by("beneficiary", beneficiary, limit=PAGE_LIMIT, after=last)

    # What must hold in every state: run by tests, and for nothing on the chain

    @invariant
    def issued_is_held_pledged_locked_and_retired(self) -> None:
        for supply in self.supplies.scan(limit=1_000):
            balances = self.balances.scan(supply.kind, limit=1_000)
            assert supply.held == sum(each.held for each in balances), supply
            assert supply.pledged == sum(each.pledged for each in balances), supply
            assert supply.locked == sum(each.locked for each in balances), supply
            assert supply.issued == supply.held + supply.pledged + supply.locked + supply.retired
            assert supply.issued <= self.kinds[supply.kind].cap, supply

    @invariant
    def balances_are_what_the_holdings_sum_to(self) -> None:
        units: dict[tuple[str, str], int] = {}
        for each in self.holdings.scan(limit=1_000):
            if each.state == State.LIVE:
                assert each.amount > 0, each
                place = (each.kind, each.holder)
                units[place] = units.get(place, 0) + each.amount
        for known in self.balances.scan(limit=1_000):
            total = known.held + known.pledged + known.locked
            assert min(known.held, known.pledged, known.locked) >= 0, known
            assert units.pop((known.kind, known.holder), None) == total, known
        assert units == {}, units

    @invariant
    def what_stands_behind_is_issued_and_pledged_once(self) -> None:
        backed = [each for each in self.issues.scan(limit=1_000) if each.fingerprint is not None]
        assert len({each.fingerprint for each in backed}) == len(backed)
        retired: dict[str, int] = {}
        for done in self.retirements.scan(limit=1_000):
            retired[done.holding] = retired.get(done.holding, 0) + done.amount
        for issue in backed:
            parts = self.holdings.by("issue", issue.id, limit=1_000)
            live = sum(part.amount for part in parts if part.state == State.LIVE)
            used = sum(retired.get(part.id, 0) for part in parts)
            assert live + used == issue.amount, issue
            pledged = sum(p.amount for p in parts if p.pledge and p.state == State.LIVE)
            pledges = self.pledges.by("fingerprint", issue.fingerprint or "", limit=1_000)
            open = [pledge for pledge in pledges if pledge.stage == Stage.OPEN]
            assert pledged == sum(pledge.amount for pledge in open) <= issue.amount, issue

    @invariant
    def an_open_pledge_or_lock_lies_on_one_live_holding(self) -> None:
        live = [h for h in self.holdings.scan(limit=1_000) if h.state == State.LIVE]
        liens = [each for each in live if each.pledge or each.lock]
        assert all(self.now < self.locks[h.lock].expires or h.frozen for h in liens if h.lock)
        assert all((each.lender is None) == (each.pledge == 0) for each in live)
        assert not any(each.offers for each in liens)
        assert not any(each.pledge and each.lock for each in liens)
        pledges = [p for p in self.pledges.scan(limit=1_000) if p.stage == Stage.OPEN]
        locks = [lock for lock in self.locks.scan(limit=1_000) if lock.stage == Stage.OPEN]
        found = {(each.id, each.pledge, each.lock) for each in liens}
        said = {(p.holding, p.number, 0) for p in pledges} | {
            (k.holding, 0, k.number) for k in locks
        }
        assert found == said, "a pledge or lock without its holding, or the other way round"

    # Helpers: nobody outside reaches them

    def acts(self, kind: Kind, organisation: str) -> bool:
        """Whether somebody who may act for the organisation signed, and called in the right way.

        Policies let any contract call; only the controller of a kind may act through it, and it
        answers for who asked it. Who signs a call of another contract has agreed to nothing here.
        """
        if kind.controller:
            return self.via == kind.controller
        return self.via is None and self.signed(kind, organisation)

    def signed(self, kind: Kind, organisation: str) -> bool:
        return any(
            signer.organisation == organisation and (kind.role == "" or kind.role in signer.roles)
            for signer in self.signers
        )

    def require_role(self, kind: Kind, organisation: str, code: str) -> None:
        role = f" as {kind.role}" if kind.role else ""
        way = f"through {kind.controller}" if kind.controller else "by a direct call"
        message = f"nobody signed for {organisation}{role}, {way}"
        require(self.acts(kind, organisation), code, message)

    def require_authority(self, code: str) -> None:
        kind = self.kinds[code]
        named = kind.authority != "" and self.signed(kind, kind.authority) and self.via is None
        require(named, "not_authority", f"'{kind.authority}' may freeze {code}, nobody else")

    def require_may_hold(self, kind: Kind, organisation: str) -> None:
        require_party(organisation, "a holder")
        open = not kind.restricted or organisation == kind.issuer
        admitted = open or (kind.code, organisation) in self.admissions
        require(admitted, "not_admitted", f"{organisation} is not admitted to {kind.code}")

    def issued_by_caller(self, code: str) -> Kind:
        kind = self.kinds[code]
        self.require_issues(kind)
        return kind

    def require_issues(self, kind: Kind) -> None:
        if kind.controller or self.via is not None:
            own = kind.controller == self.via
            require(own, "not_issuer", f"{kind.code} is issued through '{kind.controller}' alone")
        else:
            own = kind.issuer == self.caller.organisation and "issuer" in self.caller.roles
            require(own, "not_issuer", f"an issuer of '{kind.issuer}' issues {kind.code}")

    def live(self, id: str) -> Holding:
        own = self.holdings[id]
        require(own.state == State.LIVE, "not_live", f"{id} is {own.state.value}")
        return own

    def free(self, id: str, holder: str) -> Holding:
        """A holding that its holder, who signed, may dispose of."""
        own = self.live(id)
        require(own.holder == holder, "not_holder", f"{own.holder} holds {id}")
        self.require_role(self.kinds[own.kind], holder, "not_holder")
        self.require_free(own)
        return own

    def require_free(self, own: Holding) -> None:
        require(own.state == State.LIVE, "not_live", f"{own.id} is {own.state.value}")
        require(own.pledge == 0, "already_pledged", f"{own.id} is pledged to a lender")
        require(own.lock == 0, "locked", f"{own.id} is locked by lock {own.lock}")
        require(own.frozen == "", "frozen", f"{own.id} is frozen by {own.frozen}")

    def part(self, whole: Holding, number: int, amount: int) -> Holding:
        id = f"{whole.id}.{number}"
        require(len(id) <= ID_LIMIT, "too_deep", f"{id} has more than {ID_LIMIT} characters: merge")
        return Holding(id, whole.kind, whole.issue, whole.holder, amount, whole.fingerprint)

    def move(self, own: Holding, to: str, amount: int | None) -> Holding:
        require_party(to, "a holder", own.holder)
        kind = self.kinds[own.kind]
        self.require_may_hold(kind, to)
        wanted = own.amount if amount is None else amount
        require(0 < wanted <= own.amount, "wrong_amount", f"{wanted} of {own.amount} in {own.id}")
        if wanted == own.amount:
            moved = own.replace(holder=to, offers=())
            self.write([own], [moved])
        else:
            moved = self.part(own, own.parts + 1, wanted).replace(holder=to)
            rest = own.replace(amount=own.amount - wanted, parts=own.parts + 1, offers=())
            self.write([own], [rest, moved])
        by = self.caller.organisation
        self.emit(Transferred(id=moved.id, source=own.holder, to=to, amount=wanted, by=by))
        return moved

    def use_up(self, own: Holding, amount: int, beneficiary: str, reason: str) -> Retirement:
        require_name(reason, "a reason")
        id, left = own.id, own.amount - amount
        require(amount > 0 and left >= 0, "wrong_amount", f"{amount} used up, {own.amount} in {id}")
        supply = self.supplies[own.kind]
        self.supplies[own.kind] = supply.replace(retired=supply.retired + amount)
        # What is used up to the last unit keeps the last amount, so that the row says what it was.
        ended = own.replace(state=State.RETIRED) if left == 0 else own.replace(amount=left)
        self.write([own], [ended.replace(offers=())])
        if own.pledge:
            pledge = self.pledges[own.pledge]
            stage = Stage.RELEASED if left == 0 else Stage.OPEN
            self.pledges[own.pledge] = pledge.replace(amount=left, stage=stage)
        number = self.retirement_numbers.next()
        documents = hexes(self.attachments)
        done = Retirement(number, id, own.kind, own.holder, amount, beneficiary, reason, documents)
        self.retirements[number] = done
        self.emit(Retired(id=id, amount=amount, beneficiary=beneficiary, reason=reason))
        return done

    def pledged_to_caller(self, number: int) -> tuple[Pledge, Holding]:
        pledge = self.pledges[number]
        stage = pledge.stage
        require(stage == Stage.OPEN, "not_pledged", f"pledge {number} is {stage.value}")
        lender = self.caller.organisation
        require(pledge.lender == lender, "not_lender", f"pledge {number} is another lender's")
        self.require_role(self.kinds[pledge.kind], lender, "not_lender")
        own = self.holdings[pledge.holding]
        require(own.frozen == "", "frozen", f"{own.id} is frozen by {own.frozen}")
        return pledge, own

    def end_pledge(self, pledge: Pledge, own: Holding, to: str, stage: Stage) -> Holding:
        ended = own.replace(pledge=0, lender=None, holder=to)
        self.pledges[pledge.number] = pledge.replace(stage=stage)
        self.write([own], [ended])
        self.emit(PledgeChanged(number=pledge.number, id=own.id, lender=pledge.lender, stage=stage))
        return ended

    def open_lock(self, number: int) -> tuple[Lock, Holding]:
        lock = self.locks[number]
        require(lock.stage == Stage.OPEN, "not_locked", f"lock {number} is {lock.stage.value}")
        own = self.holdings[lock.holding]
        require(own.frozen == "", "frozen", f"{own.id} is frozen by {own.frozen}")
        return lock, own

    def end_lock(self, lock: Lock, own: Holding, to: str, stage: Stage) -> Holding:
        ended = own.replace(lock=0, holder=to)
        self.locks[lock.number] = lock.replace(stage=stage)
        self.cancel(lock.timer)  # it has run where the lock expired
        self.write([own], [ended])
        self.emit(LockChanged(number=lock.number, id=own.id, beneficiary=to, stage=stage))
        return ended

    def write(self, before: list[Holding], after: list[Holding]) -> None:
        """Holdings of one kind as they were and as they are: the sums follow in the same call."""
        kind = after[0].kind
        units: dict[str, list[int]] = {}
        for sign, rows in ((-1, before), (1, after)):
            for row in rows:
                if row.state == State.LIVE:
                    place = 1 if row.pledge else 2 if row.lock else 0
                    units.setdefault(row.holder, [0, 0, 0])[place] += sign * row.amount
        for row in after:
            self.holdings[row.id] = row
        for holder, (held, pledged, locked) in units.items():
            was = self.balances.get((kind, holder), Balance(kind=kind, holder=holder))
            now = was.replace(
                held=was.held + held, pledged=was.pledged + pledged, locked=was.locked + locked
            )
            if (now.held, now.pledged, now.locked) != (0, 0, 0):
                self.balances[kind, holder] = now
            elif (kind, holder) in self.balances:
                del self.balances[kind, holder]
        totals = [sum(column) for column in zip(*units.values())]
        if totals != [0, 0, 0]:
            self.add_up(self.supplies[kind], totals)

    def add_up(self, supply: Supply, by: list[int]) -> None:
        held, pledged, locked = supply.held + by[0], supply.pledged + by[1], supply.locked + by[2]
        assert supply.issued == held + pledged + locked + supply.retired, "units came or went"
        self.supplies[supply.kind] = supply.replace(held=held, pledged=pledged, locked=locked)
