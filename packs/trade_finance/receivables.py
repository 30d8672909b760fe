"""Receivables that several organisations share, and that are financed once.

What always holds:
- one seller and invoice number is one claim, and one content is one claim, for ever;
- amount = paid + credited + outstanding, and the live parts sum to outstanding;
- a part is pledged once, to a lender whom its holder asked; a retired part never changes again.

What is owed lives in the block `holding`, which must be on the chain under that name: the parts,
who holds them, their sums and their pledges. This contract is the controller of them: it says who
may do what, and when, and nobody gets at the parts but through it.

The chain sees hashes, organisations, amounts and dates, all readable by every member. Invoices and
money stay outside; the chain keeps what the debtor signed about them.
"""

from lianheng.contract import (
    Contract,
    Enum,
    Event,
    Interface,
    Record,
    Rejected,
    Table,
    Uses,
    call,
    require,
    view,
)

PARTS_LIMIT = 100  # parts of one claim, ever: a payment looks at each of them
OFFERS_LIMIT = 8  # lenders asked at a time
LISTED_LIMIT = 1_000  # parts that one view lists, about
CURRENCIES_LIMIT = 200  # that claims of one chain are in
OWN_NAME = "receivables"  # under which this contract must be deployed


class State(Enum):
    LIVE = "live"
    SPLIT = "split"
    MERGED = "merged"
    RETIRED = "retired"


class Kind(Record):
    """What is said of a kind of holdings when it is opened; the rest has defaults."""

    code: str
    issuer: str
    unit: str
    decimals: int
    divisible: bool
    backed: bool
    controller: str = ""


class Offer(Record):
    lender: str
    secured: int
    due: int


class Holding(Record):
    id: str
    kind: str
    issue: str
    holder: str
    amount: int
    fingerprint: str
    state: State
    parts: int
    pledge: int
    lender: str | None
    lock: int
    frozen: str
    offers: tuple[Offer, ...]


class Holdings(Interface):
    """What is used of the block `holding`."""

    @call
    def open_kind(self, kind: Kind) -> object: ...

    @call
    def issue(self, id: str, kind: str, to: str, amount: int, fingerprint: str) -> Holding: ...

    @call
    def transfer(self, id: str, to: str) -> Holding: ...

    @call
    def split(self, id: str, amounts: list[int]) -> list[Holding]: ...

    @call
    def offer(self, id: str, lender: str, secured: int, due: int) -> Holding: ...

    @call
    def pledge(self, id: str, amount: int, secured: int, due: int) -> object: ...

    @call
    def redeem(self, ids: list[str], amounts: list[int], reason: str) -> object: ...

    @view
    def holding(self, id: str) -> Holding: ...

    @view
    def tree(self, issue: str) -> list[Holding]: ...

    @view
    def held(self, holder: str, kind: str, after: str) -> list[Holding]: ...

    @view
    def secured(self, lender: str, kind: str, after: str) -> list[Holding]: ...


class Claim(Record):
    id: str  # hash of the seller's identity and the invoice number
    fingerprint: str  # hash of what the invoice says, the same for its UBL and its CII form
    supplier: str
    debtor: str
    currency: str
    amount: int  # minor units, as invoiced
    outstanding: int
    due: str = ""  # ISO date, empty where the invoice names none
    paid: int = 0
    credited: int = 0
    status: str = "registered"  # then "confirmed", at last "retired"
    dispute: str = ""  # hash of the debtor's reason, while it disputes


class Part(Record):
    """A holding, in the words of the trade."""

    id: str  # the claim's id, then ".1", ".1.2" for what it was split into
    claim: str
    holder: str
    amount: int  # still to be paid on this part
    lender: str = ""  # who financed it, and is paid in the holder's place
    offered: tuple[str, ...] = ()  # lenders whom the holder asked about this very amount
    status: str = "live"  # "split" into others or "retired" by payment or credit


class Currency(Record):
    code: str


class CreditNote(Record):
    document: str  # hash of the seller's identity and the credit note's number
    claim: str
    amount: int


class Registered(Event):
    claim: str
    supplier: str
    debtor: str
    amount: int


class Confirmed(Event):
    claim: str


class PassedOn(Event):
    part: str
    to: str


class Financed(Event):
    part: str
    lender: str
    amount: int


class Paid(Event):
    part: str
    to: str
    amount: int
    reference: str


class Credited(Event):
    claim: str
    document: str
    amount: int


class Disputed(Event):
    claim: str
    reason: str  # empty when the dispute ends


def require_hash(text: str, of: str) -> None:
    digits = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    require(digits, "not_a_hash", f"give the SHA-256 of {of} in lower-case hex")


def shares(total: int, weights: list[int]) -> list[int]:
    """Parts of `total` in proportion to `weights`: they sum to it, and none exceeds its weight."""
    left, rest = total, sum(weights)
    parts: list[int] = []
    for weight in weights:
        parts.append(left * weight // rest)
        left, rest = left - parts[-1], rest - weight
    return parts


def part_of(held: Holding) -> Part:
    return Part(
        id=held.id,
        claim=held.issue,
        holder=held.holder,
        amount=0 if held.state == State.RETIRED else held.amount,
        lender=held.lender or "",
        offered=tuple(offer.lender for offer in held.offers),
        status=held.state.value,
    )


def kind_of(currency: str) -> str:
    return f"{OWN_NAME}:{currency}"


class Receivables(Contract):
    """A debtor confirms an invoice; its holder splits it, passes it on and has it financed."""

    claims = Table(Claim, key="id", indexes=["fingerprint", "supplier", "debtor"])
    credit_notes = Table(CreditNote, key="document", indexes=["claim"])
    currencies = Table(Currency, key="code")
    holding = Uses(Holdings, contract="holding")

    @call(by="role:supplier")
    def register(
        self, id: str, fingerprint: str, debtor: str, currency: str, amount: int, due: str = ""
    ) -> Claim:
        supplier = self.caller.organisation
        require_hash(id, "seller and number")
        require_hash(fingerprint, "the invoice's content")
        require(amount > 0, "nothing_due", f"{amount} is due on {id}")
        require(debtor not in ("", supplier), "wrong_debtor", f"{supplier} cannot owe itself")
        if id in self.claims:
            known = self.claims[id]
            require(known.fingerprint != fingerprint, "already_registered", f"{id} is registered")
            content = f"{known.amount} {known.currency} there, {amount} {currency} here"
            raise Rejected("conflicting_invoice", f"{id} is registered differently: {content}")
        same = self.claims.by("fingerprint", fingerprint, limit=1)
        require(len(same) == 0, "already_registered", f"{fingerprint} is registered")
        self.claims[id] = Claim(
            id=id,
            fingerprint=fingerprint,
            supplier=supplier,
            debtor=debtor,
            currency=currency,
            amount=amount,
            outstanding=amount,
            due=due,
        )
        self.open_currency(currency)
        self.holding.issue(id, kind_of(currency), supplier, amount, fingerprint)
        self.emit(Registered(claim=id, supplier=supplier, debtor=debtor, amount=amount))
        return self.claims[id]

    @call(by="role:buyer")
    def confirm(self, id: str, fingerprint: str) -> Claim:
        """The debtor computes the fingerprint from its own copy, so both mean one invoice."""
        claim = self.owed_by_caller(id)
        require(claim.status == "registered", "not_registered", f"{id} is {claim.status}")
        require(claim.fingerprint == fingerprint, "other_content", f"your copy of {id} differs")
        self.emit(Confirmed(claim=id))
        return self.store(claim.replace(status="confirmed"))

    @call(by="role:supplier")
    def split(self, part: str, amounts: list[int]) -> list[Part]:
        made = self.holding.split(part, amounts)
        claim = made[0].issue
        self.require_usable(claim)
        count = len(self.holding.tree(claim))
        require(count <= PARTS_LIMIT, "too_many_parts", f"{count}, allowed are {PARTS_LIMIT}")
        return [part_of(each) for each in made]

    @call(by="role:supplier")
    def pass_on(self, part: str, to: str) -> Part:
        owned = self.holding.holding(part)
        debtor = self.claims[owned.issue].debtor
        require(to not in ("", owned.holder, debtor), "wrong_holder", f"not to '{to}'")
        passed = self.holding.transfer(part, to)
        self.require_usable(passed.issue)
        self.emit(PassedOn(part=part, to=to))
        return part_of(passed)

    @call(by="role:supplier")
    def offer(self, part: str, lender: str) -> Part:
        """Only a lender whom the holder asked can finance; a change of the part ends the offers."""
        amount = self.holding.holding(part).amount
        offered = self.holding.offer(part, lender, secured=amount, due=0)
        self.require_usable(offered.issue)
        return part_of(offered)

    @call(by="role:bank")
    def finance(self, part: str, amount: int) -> Part:
        """`amount` is what the lender believes the part to be worth; another worth is refused."""
        # The block refuses what is pledged already, whoever the lender is.
        self.holding.pledge(part, amount, secured=amount, due=0)
        pledged = self.holding.holding(part)
        self.require_usable(pledged.issue)
        self.emit(Financed(part=part, lender=self.caller.organisation, amount=amount))
        return part_of(pledged)

    @call(by="role:buyer")
    def pay(self, id: str, amount: int, reference: str) -> Claim:
        """Each live part gets its share; a pledged one is paid to its lender."""
        claim = self.owed_by_caller(id)
        require_hash(reference, "the payment advice")
        require(claim.status == "confirmed", "not_confirmed", f"{id} is {claim.status}")
        most = claim.outstanding
        require(0 < amount <= most, "wrong_amount", f"{amount} paid, {most} outstanding")
        live = self.live_parts(id)
        for part, share in self.redeem(live, amount, "paid"):
            to = part.lender or part.holder
            self.emit(Paid(part=part.id, to=to, amount=share, reference=reference))
        return self.store(claim.replace(paid=claim.paid + amount))

    @call(by="role:supplier")
    def credit(self, id: str, document: str, amount: int) -> Claim:
        """A credit note takes from what its issuer still holds, never from others or lenders."""
        claim = self.claims[id]
        supplier = self.caller.organisation
        require(claim.supplier == supplier, "not_supplier", f"{claim.supplier} issued {id}")
        require_hash(document, "the credit note's seller and number")
        require(document not in self.credit_notes, "already_credited", f"{document} is used")
        own = [p for p in self.live_parts(id) if p.holder == supplier and p.lender == ""]
        free = [part.amount for part in own]
        require(0 < amount <= sum(free), "beyond_free", f"{amount} credited, {sum(free)} is free")
        self.redeem(own, amount, "credited")
        self.credit_notes[document] = CreditNote(document=document, claim=id, amount=amount)
        self.emit(Credited(claim=id, document=document, amount=amount))
        return self.store(claim.replace(credited=claim.credited + amount))

    @call(by="role:buyer")
    def dispute(self, id: str, reason: str) -> Claim:
        """Until the debtor ends it, no part is split, passed on, offered or financed."""
        claim = self.owed_by_caller(id)
        require_hash(reason, "the letter that says why")
        require(claim.dispute == "", "already_disputed", f"{id} is disputed")
        self.emit(Disputed(claim=id, reason=reason))
        return self.store(claim.replace(dispute=reason))

    @call(by="role:buyer")
    def end_dispute(self, id: str) -> Claim:
        claim = self.owed_by_caller(id)
        require(claim.dispute != "", "not_disputed", f"{id} is not disputed")
        self.emit(Disputed(claim=id, reason=""))
        return self.store(claim.replace(dispute=""))

    @view
    def claim(self, id: str) -> Claim:
        return self.claims[id]

    @view
    def tree(self, id: str) -> list[Part]:
        return [part_of(each) for each in self.holding.tree(id)]

    @view
    def holdings(self, organisation: str) -> list[Part]:
        """The live parts that the organisation holds, and those that it financed."""
        kinds = [kind_of(each.code) for each in self.currencies.scan(limit=CURRENCIES_LIMIT)]
        found: list[Holding] = []
        for kind in kinds:
            after = ""
            while page := self.holding.held(organisation, kind, after):
                found += page
                after = page[-1].id
                require(len(found) <= LISTED_LIMIT, "too_many", "ask the block, page by page")
        for kind in kinds:
            after = ""
            while page := self.holding.secured(organisation, kind, after):
                found += page
                after = page[-1].id
                require(len(found) <= LISTED_LIMIT, "too_many", "ask the block, page by page")
        return [part_of(each) for each in found]

    def owed_by_caller(self, id: str) -> Claim:
        claim = self.claims[id]
        require(claim.debtor == self.caller.organisation, "not_debtor", f"{claim.debtor} owes {id}")
        require(claim.status != "retired", "retired", f"nothing is outstanding on {id}")
        return claim

    def live_parts(self, claim: str) -> list[Part]:
        return [part for part in self.tree(claim) if part.status == "live"]

    def require_usable(self, id: str) -> None:
        claim = self.claims[id]
        require(claim.status == "confirmed", "not_confirmed", f"{id} is {claim.status}")
        require(claim.dispute == "", "disputed", f"{claim.debtor} disputes {id}")

    def open_currency(self, code: str) -> None:
        if code not in self.currencies:
            kind = Kind(
                code=kind_of(code),
                issuer="",
                unit=code,
                decimals=0,
                divisible=True,
                backed=True,
                controller=OWN_NAME,
            )
            self.holding.open_kind(kind)
            self.currencies[code] = Currency(code=code)

    def redeem(self, parts: list[Part], amount: int, reason: str) -> list[tuple[Part, int]]:
        """Take an amount from parts in proportion; gives what each of them loses, if anything."""
        dealt = zip(parts, shares(amount, [part.amount for part in parts]))
        reduced = [(part, share) for part, share in dealt if share > 0]
        ids = [part.id for part, _ in reduced]
        self.holding.redeem(ids, [share for _, share in reduced], reason)
        return reduced

    def store(self, claim: Claim) -> Claim:
        outstanding = claim.amount - claim.paid - claim.credited
        assert outstanding == sum(part.amount for part in self.live_parts(claim.id))
        status = claim.status if outstanding > 0 else "retired"
        self.claims[claim.id] = claim.replace(outstanding=outstanding, status=status)
        return self.claims[claim.id]
