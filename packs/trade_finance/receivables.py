"""Receivables that several organisations share, and that are financed once.

What always holds:
- one seller and invoice number is one claim, and one content is one claim, for ever;
- amount = paid + credited + outstanding, and the live parts sum to outstanding;
- a part is pledged once, to a lender whom its holder asked; a retired part never changes again.

The chain sees hashes, organisations, amounts and dates, all readable by every member. Invoices and
money stay outside; the chain keeps what the debtor signed about them.
"""

from lianheng.contract import Contract, Event, Record, Rejected, Table, call, require, view

PARTS_LIMIT = 100  # parts of one claim, ever: a payment looks at each of them
OFFERS_LIMIT = 8  # lenders asked at a time
LISTED_LIMIT = 1_000  # parts that one view lists


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
    id: str  # the claim's id, then ".1", ".1.2" for what it was split into
    claim: str
    holder: str
    amount: int  # still to be paid on this part
    lender: str = ""  # who financed it, and is paid in the holder's place
    offered: tuple[str, ...] = ()  # lenders whom the holder asked about this very amount
    status: str = "live"  # "split" into others or "retired" by payment or credit


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


class Receivables(Contract):
    """A debtor confirms an invoice; its holder splits it, passes it on and has it financed."""

    claims = Table(Claim, key="id", indexes=["fingerprint", "supplier", "debtor"])
    parts = Table(Part, key="id", indexes=["claim", "holder", "lender"])
    credit_notes = Table(CreditNote, key="document", indexes=["claim"])

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
        self.parts[id] = Part(id=id, claim=id, holder=supplier, amount=amount)
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
        whole = self.free_part(part)
        sound = len(amounts) > 1 and min(amounts) > 0
        require(sound, "wrong_parts", "split into two parts or more, of 1 unit or more each")
        total = sum(amounts)
        require(total == whole.amount, "wrong_sum", f"{total} in parts, {whole.amount} in {part}")
        count = len(self.tree(whole.claim)) + len(amounts)
        require(count <= PARTS_LIMIT, "too_many_parts", f"{count}, allowed are {PARTS_LIMIT}")
        self.parts[part] = whole.replace(status="split", offered=())
        made: list[Part] = []
        for number, amount in enumerate(amounts, 1):
            id = f"{part}.{number}"
            self.parts[id] = Part(id=id, claim=whole.claim, holder=whole.holder, amount=amount)
            made.append(self.parts[id])
        return made

    @call(by="role:supplier")
    def pass_on(self, part: str, to: str) -> Part:
        owned = self.free_part(part)
        debtor = self.claims[owned.claim].debtor
        require(to not in ("", owned.holder, debtor), "wrong_holder", f"not to '{to}'")
        self.parts[part] = owned.replace(holder=to, offered=())
        self.emit(PassedOn(part=part, to=to))
        return self.parts[part]

    @call(by="role:supplier")
    def offer(self, part: str, lender: str) -> Part:
        """Only a lender whom the holder asked can finance; a change of the part ends the offers."""
        owned = self.free_part(part)
        require(lender not in owned.offered, "already_offered", f"{lender} has {part} on offer")
        require(len(owned.offered) < OFFERS_LIMIT, "too_many_offers", f"{OFFERS_LIMIT} at a time")
        self.parts[part] = owned.replace(offered=(*owned.offered, lender))
        return self.parts[part]

    @call(by="role:bank")
    def finance(self, part: str, amount: int) -> Part:
        """`amount` is what the lender believes the part to be worth; another worth is refused."""
        pledged = self.live_part(part)
        lender = self.caller.organisation
        # The lender is not named: this sentence travels in receipts to people outside the chain.
        require(pledged.lender == "", "already_pledged", f"{part} is pledged to a lender")
        require(lender in pledged.offered, "not_offered", f"{part} is not offered to {lender}")
        require(amount == pledged.amount, "other_amount", f"{part} is worth {pledged.amount}")
        self.require_usable(pledged.claim)
        self.parts[part] = pledged.replace(lender=lender, offered=())
        self.emit(Financed(part=part, lender=lender, amount=amount))
        return self.parts[part]

    @call(by="role:buyer")
    def pay(self, id: str, amount: int, reference: str) -> Claim:
        """Each live part gets its share; a pledged one is paid to its lender."""
        claim = self.owed_by_caller(id)
        require_hash(reference, "the payment advice")
        require(claim.status == "confirmed", "not_confirmed", f"{id} is {claim.status}")
        most = claim.outstanding
        require(0 < amount <= most, "wrong_amount", f"{amount} paid, {most} outstanding")
        live = self.live_parts(id)
        for part, share in zip(live, shares(amount, [part.amount for part in live])):
            if share > 0:
                self.reduce(part, share)
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
        for part, share in zip(own, shares(amount, free)):
            self.reduce(part, share)
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
        return self.parts.by("claim", id, limit=PARTS_LIMIT)

    @view
    def holdings(self, organisation: str) -> list[Part]:
        """The live parts that the organisation holds, and those that it financed."""
        held = self.parts.by("holder", organisation, limit=LISTED_LIMIT)
        financed = self.parts.by("lender", organisation, limit=LISTED_LIMIT)
        return [part for part in held + financed if part.status == "live"]

    def owed_by_caller(self, id: str) -> Claim:
        claim = self.claims[id]
        require(claim.debtor == self.caller.organisation, "not_debtor", f"{claim.debtor} owes {id}")
        require(claim.status != "retired", "retired", f"nothing is outstanding on {id}")
        return claim

    def live_part(self, id: str) -> Part:
        part = self.parts[id]
        require(part.status == "live", "not_live", f"{id} is {part.status}")
        return part

    def live_parts(self, claim: str) -> list[Part]:
        return [part for part in self.tree(claim) if part.status == "live"]

    def free_part(self, id: str) -> Part:
        part = self.live_part(id)
        require(part.holder == self.caller.organisation, "not_holder", f"{part.holder} holds {id}")
        require(part.lender == "", "already_pledged", f"{id} is pledged to a lender")
        self.require_usable(part.claim)
        return part

    def require_usable(self, id: str) -> None:
        claim = self.claims[id]
        require(claim.status == "confirmed", "not_confirmed", f"{id} is {claim.status}")
        require(claim.dispute == "", "disputed", f"{claim.debtor} disputes {id}")

    def reduce(self, part: Part, by: int) -> None:
        left = part.amount - by
        status = "live" if left > 0 else "retired"
        self.parts[part.id] = part.replace(amount=left, offered=(), status=status)

    def store(self, claim: Claim) -> Claim:
        outstanding = claim.amount - claim.paid - claim.credited
        assert outstanding == sum(part.amount for part in self.live_parts(claim.id))
        status = claim.status if outstanding > 0 else "retired"
        self.claims[claim.id] = claim.replace(outstanding=outstanding, status=status)
        return self.claims[claim.id]
