"""Procedures of several parties: applications, claims, audits, disputes, permits.

What always holds:
- a case moves only by transitions that its procedure declares, in the version that it began under;
- a decision needs as many distinct organisations as declared, and none of them is the requester's;
- who decided before an appeal does not decide after it;
- a closed case never changes again, and the record of each case is complete and only grows;
- a term ends by itself: the first block at or after its moment does what the procedure declares.

A procedure is data. The chain sees hashes of papers and of comments, never the papers.
"""

from lianheng.contract import (
    Contract,
    Enum,
    Event,
    Record,
    Rejected,
    Table,
    call,
    invariant,
    require,
    timer,
    view,
)

NAME_LIMIT = 64  # characters of a code, a state, a transition, a role, an id
STATES_LIMIT = 32
TRANSITIONS_LIMIT = 64
ORGANISATIONS_LIMIT = 32  # named by one transition, and the largest quorum
PAPERS_LIMIT = 16  # hashes that one call files
SPAN_LIMIT = 100 * 366 * 24 * 60 * 60 * 1000  # ms: terms beyond a hundred years are mistakes
PAGE_LIMIT = 200  # rows that one view lists
LAPSE_GAS = 15_000  # that a term's end may use: paid by the call that begins the term
LAPSE_GAS_PER_STEP = 1_200  # and more for each transition and term that is read,
LAPSE_GAS_PER_NAME = 250  # and for each organisation that they list


class Act(Enum):
    DECIDE = "decide"  # organisations, but never the requester's
    REQUEST = "request"  # the requester goes on: it answers, or files what was missing
    WITHDRAW = "withdraw"  # the requester ends it
    APPEAL = "appeal"  # the requester, within the term; others decide from here on
    ESCALATE = "escalate"  # after the term: it was not decided in time


class What(Enum):
    OPENED = "opened"
    EVIDENCE = "evidence"
    COMMENT = "comment"
    VOTED = "voted"
    RETRACTED = "retracted"
    MOVED = "moved"
    PROLONGED = "prolonged"


class Transition(Record):
    name: str
    act: Act
    source: str
    target: str
    role: str = ""  # what the acting member needs; empty: any member
    organisations: tuple[str, ...] = ()  # who may act; empty: any
    quorum: int = 1  # distinct organisations that must decide so
    evidence: int = 0  # hashes that each act must bring at least


class Term(Record):
    state: str
    span: int  # ms that a case may stay in the state
    lapse: str = ""  # the transition that happens by itself then; empty: none, others may escalate


class Procedure(Record):
    code: str
    version: int  # 1, 2, ...
    owner: str  # the organisation that declares versions
    start: str
    final: tuple[str, ...]
    transitions: tuple[Transition, ...]
    terms: tuple[Term, ...] = ()
    role: str = ""  # what a member needs to open a case
    document: str = ""  # hash of the law or the rules behind it


class Head(Record):
    code: str
    owner: str
    version: int  # the newest
    retired: bool = False  # no new cases; open ones go on


class Case(Record):
    id: str
    procedure: str
    version: int
    requester: str
    subject: str  # hash of what is asked for
    state: str
    opened: int  # ms since 1970
    round: int = 1  # counts the states that it was in
    due: int | None = None  # ms since 1970: the term of its state, where it has one
    fresh: int = 0  # the round that began with an appeal; who voted earlier is out
    entries: int = 0  # of its record
    closed: bool = False
    timer: int = 0  # number of the timer that ends the term, where one does


class Vote(Record):
    case: str
    round: int
    organisation: str
    transition: str


class Decider(Record):
    case: str
    organisation: str
    round: int  # the last in which it voted


class Entry(Record):
    """One line of a case's record: who did what, when, with which paper."""

    case: str
    number: int
    what: What
    round: int
    organisation: str  # empty where a term ended: nobody did it
    at: int  # ms since 1970
    transition: str = ""
    paper: str = ""  # hash


class Declared(Event):
    code: str
    version: int
    retired: bool


class Opened(Event):
    case: str
    procedure: str
    version: int
    requester: str


class Filed(Event):
    case: str
    what: What
    organisation: str
    paper: str


class Voted(Event):
    case: str
    round: int
    organisation: str
    transition: str  # empty when the vote is taken back


class Moved(Event):
    case: str
    transition: str
    source: str
    target: str
    closed: bool


class Prolonged(Event):
    case: str
    due: int  # ms since 1970


def require_hash(text: str, of: str) -> None:
    digits = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    require(digits, "not_a_hash", f"give the SHA-256 of {of} in lower-case hex")


def is_name(text: str) -> bool:
    sound = 0 < len(text) <= NAME_LIMIT and text.isascii() and text.isprintable()
    return sound and " " not in text


def require_sound(sound: bool, message: str) -> None:
    require(sound, "wrong_procedure", message)


def check_procedure(given: Procedure) -> None:
    """Refuse what would leave a case without a way, or a rule without a meaning."""
    moves, final = given.transitions, given.final
    require_sound(is_name(given.code), f"code: 1 to {NAME_LIMIT} characters without spaces")
    require_sound(0 < len(moves) <= TRANSITIONS_LIMIT, f"1 to {TRANSITIONS_LIMIT} transitions")
    names = {move.name for move in moves}
    require_sound(len(names) == len(moves), "two transitions have one name")
    states = {given.start, *final, *[m.source for m in moves], *[m.target for m in moves]}
    require_sound(len(states) <= STATES_LIMIT, f"{len(states)} states, at most {STATES_LIMIT}")
    require_sound(all(is_name(state) for state in sorted(states)), "a state needs a name")
    require_sound(given.start not in final, "the start is final: nothing could happen")
    if given.document:
        require_hash(given.document, "the rules")
    for move in moves:
        check_transition(given, move)
    for term in given.terms:
        check_term(given, term)
    require_sound(len({t.state for t in given.terms}) == len(given.terms), "two terms of one state")
    forward = reach([given.start], [(m.source, m.target) for m in moves])
    back = reach([*final], [(m.target, m.source) for m in moves])
    lost = sorted(states - forward)
    require_sound(not lost, f"no way leads from {given.start} to {', '.join(lost)}")
    for term in given.terms:
        rest = len(lapses_from(given, term.state)) <= len(states)
        require_sound(rest, f"the terms from {term.state} on end in a circle: nobody pays for ever")
    stuck = sorted(states - back)
    require_sound(not stuck, f"no way leads from {', '.join(stuck)} to an end")


def check_transition(given: Procedure, move: Transition) -> None:
    name, term = move.name, any(term.state == move.source for term in given.terms)
    require_sound(is_name(name), "a transition needs a name without spaces")
    require_sound(move.source not in given.final, f"{name} leaves {move.source}, which is final")
    require_sound(move.source != move.target, f"{name} leads from {move.source} to itself")
    require_sound(0 <= move.evidence <= PAPERS_LIMIT, f"{name}: 0 to {PAPERS_LIMIT} hashes")
    listed = move.organisations
    named = [is_name(each) for each in (*listed, *([move.role] if move.role else []))]
    require_sound(all(named), f"{name}: roles and organisations are names without spaces")
    each_once = len({*listed}) == len(listed) <= ORGANISATIONS_LIMIT
    require_sound(each_once, f"{name}: at most {ORGANISATIONS_LIMIT} organisations, each once")
    most = len(listed) or ORGANISATIONS_LIMIT
    if move.act == Act.DECIDE:
        require_sound(1 <= move.quorum <= most, f"{name}: {move.quorum} of {most} cannot be met")
    else:
        require_sound(move.quorum == 1, f"{name}: only decisions have a quorum")
    if move.act in (Act.REQUEST, Act.WITHDRAW, Act.APPEAL):
        require_sound(not listed, f"{name} is the requester's: name no organisations")
    if move.act == Act.WITHDRAW:
        require_sound(move.target in given.final, f"{name} must lead to an end")
    if move.act in (Act.APPEAL, Act.ESCALATE):
        require_sound(term, f"{name} needs a term of {move.source}")


def check_term(given: Procedure, term: Term) -> None:
    require_sound(0 < term.span <= SPAN_LIMIT, f"the term of {term.state} is {term.span} ms")
    leaves = [move for move in given.transitions if move.source == term.state]
    require_sound(len(leaves) > 0, f"{term.state} has a term and no transition")
    lapses = [move for move in leaves if move.name == term.lapse and move.act == Act.ESCALATE]
    known = term.lapse == "" or len(lapses) == 1
    require_sound(known, f"{term.lapse} must be an escalation of {term.state}")
    empty = all(move.evidence == 0 for move in lapses)
    require_sound(empty, f"{term.lapse} happens by itself: it cannot bring evidence")


def lapses_from(rules: Procedure, state: str) -> list[str]:
    """What happens by itself, one term after the other, when nobody acts."""
    ends = {term.state: term.lapse for term in rules.terms if term.lapse}
    targets = {move.name: move.target for move in rules.transitions}
    names: list[str] = []
    while state in ends and len(names) <= STATES_LIMIT:
        names.append(ends[state])
        state = targets[ends[state]]
    return names


def reach(begin: list[str], ways: list[tuple[str, str]]) -> set[str]:
    """All that ways lead to, the beginnings included."""
    found, fresh = {*begin}, begin
    while fresh:
        fresh = [target for source, target in ways if source in fresh and target not in found]
        found.update(fresh)
    return found


class Cases(Contract):
    """Organisations ask, other organisations decide, by rules that were declared before."""

    heads = Table(Head, key="code", indexes=["owner"])
    procedures = Table(Procedure, key=("code", "version"))
    cases = Table(Case, key="id", indexes=["requester", ("procedure", "state"), "due"])
    votes = Table(
        Vote, key=("case", "round", "organisation"), indexes=[("case", "round", "transition")]
    )
    deciders = Table(Decider, key=("case", "organisation"))
    record = Table(Entry, key=("case", "number"))

    @call(by="role:registrar")
    def declare(self, procedure: Procedure) -> Head:
        """A procedure, or its next version: open cases go on under the version they began with."""
        code, own = procedure.code, self.caller.organisation
        known = self.heads.get(code, Head(code=code, owner=own, version=0))
        require(procedure.owner == own == known.owner, "not_owner", f"{known.owner} owns {code}")
        require(not known.retired, "retired", f"{code} is retired")
        wanted = known.version + 1
        require(procedure.version == wanted, "other_version",
                f"version {procedure.version}, the next one is {wanted}")  # fmt: skip
        check_procedure(procedure)
        self.procedures[code, wanted] = procedure
        self.heads[code] = known.replace(version=wanted)
        self.emit(Declared(code=code, version=wanted, retired=False))
        return self.heads[code]

    @call(by="role:registrar")
    def retire(self, code: str) -> Head:
        head = self.heads[code]
        require(head.owner == self.caller.organisation, "not_owner", f"{head.owner} owns {code}")
        require(not head.retired, "retired", f"{code} is retired")
        self.heads[code] = head.replace(retired=True)
        self.emit(Declared(code=code, version=head.version, retired=True))
        return self.heads[code]

    @call(by="ANY")
    def open(self, id: str, procedure: str, version: int, subject: str) -> Case:
        """Under the newest version; who names another one has read other rules."""
        head, requester = self.heads[procedure], self.caller.organisation
        require(is_name(id), "wrong_name", f"an id has 1 to {NAME_LIMIT} characters, no spaces")
        require(id not in self.cases, "exists", f"case {id} is open or closed already")
        require(not head.retired, "retired", f"{procedure} takes no new cases")
        require(version == head.version, "other_version",
                f"{procedure} is at version {head.version}, not {version}")  # fmt: skip
        require_hash(subject, "what is asked for")
        rules = self.procedures[procedure, version]
        allowed = rules.role == "" or rules.role in self.caller.roles
        require(allowed, "not_entitled", f"opening {procedure} needs the role {rules.role}")
        for move in rules.transitions:
            self.require_quorum(move, [requester])
        started = Case(id, procedure, version, requester, subject, rules.start, opened=self.now)
        case = self.begin_term(self.note(started, What.OPENED, requester, paper=subject))
        self.emit(Opened(case=id, procedure=procedure, version=version, requester=requester))
        return self.kept(self.file_papers(case, requester, [], ""))

    @call(by="ANY")
    def file(self, id: str, evidence: list[str], comment: str = "") -> Case:
        """Papers of the requester, or of an organisation that may decide in the present state."""
        case, own = self.open_case(id), self.caller.organisation
        entitled = own == case.requester or any(
            self.may_act(move, own, self.caller.roles)
            for move in self.rules_of(case).transitions
            if move.source == case.state and move.act == Act.DECIDE
        )
        require(entitled, "not_entitled", f"{own} has no part in {id} while it is {case.state}")
        brought = len(evidence) + len(self.attachments)
        require(brought > 0 or comment != "", "no_paper", "name a hash, or attach a paper")
        return self.kept(self.file_papers(case, own, evidence, comment))

    @call(by="ANY")
    def decide(
        self, id: str, transition: str, round: int, evidence: list[str], comment: str = ""
    ) -> Case:
        """Each organisation that signs counts once; `round` says which state it looked at."""
        case = self.in_round(id, round)
        move = self.move_of(case, transition, [Act.DECIDE])
        for organisation in dict.fromkeys(signer.organisation for signer in self.signers):
            self.require_may_decide(case, move, organisation)
            self.votes[id, round, organisation] = Vote(id, round, organisation, transition)
            self.deciders[id, organisation] = Decider(id, organisation, round)
            case = self.note(case, What.VOTED, organisation, transition)
            self.emit(Voted(case=id, round=round, organisation=organisation, transition=transition))
        case = self.with_papers(case, move, evidence, comment)
        index = ("case", "round", "transition")
        agreed = self.votes.by(index, id, round, transition, limit=move.quorum)
        if len(agreed) == move.quorum:
            case = self.go(case, move)
        return self.kept(case)

    @call(by="ANY")
    def retract(self, id: str, round: int) -> Case:
        """Take a vote back while the others have not made it a decision."""
        case, own = self.in_round(id, round), self.caller.organisation
        voted = self.votes.get((id, round, own))
        require(voted is not None, "not_decided", f"{own} has no vote in round {round} of {id}")
        assert voted is not None
        move = self.move_of(case, voted.transition, [Act.DECIDE])
        allowed = self.may_act(move, own, self.caller.roles)
        require(allowed, "not_entitled", f"taking a vote back needs the role {move.role}")
        del self.votes[id, round, own]
        self.emit(Voted(case=id, round=round, organisation=own, transition=""))
        return self.kept(self.note(case, What.RETRACTED, own, voted.transition))

    @call(by="ANY")
    def proceed(
        self, id: str, transition: str, round: int, evidence: list[str], comment: str = ""
    ) -> Case:
        """What the requester does: go on, withdraw, appeal."""
        case, own = self.in_round(id, round), self.caller.organisation
        move = self.move_of(case, transition, [Act.REQUEST, Act.WITHDRAW, Act.APPEAL])
        require(own == case.requester, "not_requester", f"{case.requester} asked for {id}")
        allowed = move.role == "" or move.role in self.caller.roles
        require(allowed, "not_entitled", f"{transition} needs the role {move.role}")
        if move.act == Act.APPEAL:
            due = self.due_of(case)
            require(self.now < due, "too_late", f"the term of {id} ended at {due}, now {self.now}")
            case = case.replace(fresh=round + 1)
            for next in self.rules_of(case).transitions:
                if next.source == move.target:
                    heard = [each for each in next.organisations if (id, each) in self.deciders]
                    self.require_quorum(next, [own, *heard])
        return self.kept(self.go(self.with_papers(case, move, evidence, comment), move))

    @call(by="ANY")
    def escalate(
        self, id: str, transition: str, round: int, evidence: list[str], comment: str = ""
    ) -> Case:
        """After the term: the requester, or who is named for it."""
        case, own = self.in_round(id, round), self.caller.organisation
        move = self.move_of(case, transition, [Act.ESCALATE])
        due = self.due_of(case)
        require(self.now >= due, "not_due", f"{id} is due at {due}, now is {self.now}")
        named = move.role != "" or len(move.organisations) > 0
        entitled = named and self.may_act(move, own, self.caller.roles)
        allowed = entitled or own == case.requester
        require(allowed, "not_entitled", f"{own} cannot escalate {id}")
        return self.kept(self.go(self.with_papers(case, move, evidence, comment), move))

    @call(by="role:registrar")
    def prolong(self, id: str, round: int, due: int) -> Case:
        """More time in the present state: the procedure's owner gives it, to others than itself."""
        case, own = self.in_round(id, round), self.caller.organisation
        owner, before = self.rules_of(case).owner, self.due_of(case)
        require(own == owner, "not_owner", f"{owner} gives more time for {case.procedure}")
        require(own != case.requester, "own_request", f"{own} asked for {id}: others give it time")
        require(self.now < before, "too_late", f"the term of {id} ended at {before}")
        later = before < due <= self.now + SPAN_LIMIT
        require(later, "wrong_time", f"{due} is not after {before}, or a hundred years away")
        self.cancel(case.timer)
        self.emit(Prolonged(case=id, due=due))
        return self.kept(self.wait_until(self.note(case, What.PROLONGED, own), due))

    @timer
    def lapse(self, id: str, round: int, transition: str) -> None:
        """The term is over: what the procedure declared for that happens, and nobody signs it."""
        case = self.in_round(id, round)
        self.kept(self.go(case, self.move_of(case, transition, [Act.ESCALATE])))

    @view
    def case(self, id: str) -> Case:
        return self.cases[id]

    @view
    def procedure(self, code: str, version: int) -> Procedure:
        return self.procedures[code, version]

    @view
    def newest(self, code: str) -> Head:
        return self.heads[code]

    @view
    def entries(self, id: str, after: int = 0) -> list[Entry]:
        """The record in its order; `after` is the last number of the page before."""
        return self.record.scan(id, limit=PAGE_LIMIT, start=after + 1)

    @view
    def votes_in(self, id: str, round: int, after: str = "") -> list[Vote]:
        last = (id, round, after) if after else None
        return self.votes.scan(id, round, limit=PAGE_LIMIT, after=last)

    @view
    def requested_by(self, organisation: str, after: str = "") -> list[Case]:
        last = self.cases[after] if after else None
        return self.cases.by("requester", organisation, limit=PAGE_LIMIT, after=last)

    @view
    def in_state(self, procedure: str, state: str, after: str = "") -> list[Case]:
        """`after` is the last id of the page before, even if that case has moved on since."""
        last = self.cases[after].replace(procedure=procedure, state=state) if after else None
        index = ("procedure", "state")
        return self.cases.by(index, procedure, state, limit=PAGE_LIMIT, after=last)

    @view
    def overdue(self, since: int = 0) -> list[Case]:
        """Those that wait longest first; `since` is the last `due` of the page before."""
        return self.cases.by("due", limit=PAGE_LIMIT, start=since, end=self.now + 1)

    @invariant
    def a_case_is_where_declared_transitions_led_it(self) -> None:
        for case in self.cases.scan(limit=1_000):
            rules = self.procedures[case.procedure, case.version]
            lines = self.record.scan(case.id, limit=1_000)
            assert [line.number for line in lines] == [*range(1, case.entries + 1)], case
            state, round = rules.start, 1
            for line in lines:
                assert line.round == round, line
                if line.what == What.MOVED:
                    found = [move for move in rules.transitions if move.name == line.transition]
                    assert [move.source for move in found] == [state], line
                    state, round = found[0].target, round + 1
            assert (state, round) == (case.state, case.round), case
            assert case.closed == (state in rules.final), case
            terms = [term for term in rules.terms if term.state == state]
            lapses = [term for term in terms if term.lapse]
            assert (case.due is not None, case.timer > 0) == (terms != [], lapses != []), case
            assert not lapses or self.now < (case.due or 0), "a term ends by itself"

    @invariant
    def decisions_have_their_quorum_without_the_requester(self) -> None:
        for case in self.cases.scan(limit=1_000):
            rules = self.procedures[case.procedure, case.version]
            for vote in self.votes.scan(case.id, limit=1_000):
                assert vote.organisation != case.requester, vote
                after = case.fresh and vote.round >= case.fresh
                early = self.votes.scan(case.id, limit=1_000, end=(case.fresh,)) if after else []
                assert vote.organisation not in [other.organisation for other in early], vote
            for line in self.record.scan(case.id, limit=1_000):
                found = [move for move in rules.transitions if move.name == line.transition]
                if line.what == What.MOVED and found[0].act == Act.DECIDE:
                    votes = self.votes.scan(case.id, line.round, limit=1_000)
                    agreed = [vote for vote in votes if vote.transition == line.transition]
                    assert len(agreed) >= found[0].quorum, line

    # Helpers: nobody outside reaches them

    def open_case(self, id: str) -> Case:
        case = self.cases[id]
        require(not case.closed, "closed", f"{id} ended as {case.state}")
        return case

    def in_round(self, id: str, round: int) -> Case:
        case = self.open_case(id)
        message = f"{id} is {case.state} in round {case.round}, not in round {round}"
        require(case.round == round, "other_round", message)
        return case

    def rules_of(self, case: Case) -> Procedure:
        return self.procedures[case.procedure, case.version]

    def move_of(self, case: Case, name: str, acts: list[Act]) -> Transition:
        for move in self.rules_of(case).transitions:
            if move.name == name:
                fits = move.source == case.state
                require(fits, "not_here", f"{name} leaves {move.source}, {case.id} is {case.state}")
                other = f"{name} is a transition to {move.act.value}"
                require(move.act in acts, "other_act", other)
                return move
        raise Rejected(
            "not_declared", f"{case.procedure} declares no transition {name[:NAME_LIMIT]}"
        )

    def may_act(self, move: Transition, organisation: str, roles: tuple[str, ...]) -> bool:
        named = len(move.organisations) == 0 or organisation in move.organisations
        return named and (move.role == "" or move.role in roles)

    def require_may_decide(self, case: Case, move: Transition, organisation: str) -> None:
        id, before = case.id, self.deciders.get((case.id, organisation))
        own = organisation == case.requester
        require(not own, "own_request", f"{organisation} asked for {id} and cannot decide on it")
        entitled = any(
            self.may_act(move, organisation, signer.roles)
            for signer in self.signers
            if signer.organisation == organisation
        )
        message = f"{organisation} cannot decide {move.name} on {id}: role or organisation"
        require(entitled, "not_entitled", message)
        voted = (id, case.round, organisation) in self.votes
        require(not voted, "already_decided", f"{organisation} has a vote: take it back first")
        fresh = before is None or before.round >= case.fresh
        require(fresh, "decided_before", f"{organisation} decided before the appeal")

    def require_quorum(self, move: Transition, out: list[str]) -> None:
        """A list of deciders must still hold enough of them."""
        if move.act == Act.DECIDE and move.organisations:
            left = [each for each in move.organisations if each not in out]
            message = f"{move.name} needs {move.quorum} organisations, {len(left)} are left"
            require(len(left) >= move.quorum, "no_quorum", message)

    def due_of(self, case: Case) -> int:
        require(case.due is not None, "no_term", f"{case.state} has no term")
        return case.due or 0

    def begin_term(self, case: Case) -> Case:
        """The one place where a term begins."""
        spans = [term.span for term in self.rules_of(case).terms if term.state == case.state]
        if not spans:
            return case.replace(due=None, timer=0)
        return self.wait_until(case, self.now + spans[0])

    def wait_until(self, case: Case, due: int) -> Case:
        """Until then; a timer ends the term where the procedure says what happens."""
        id, round, number, rules = case.id, case.round, 0, self.rules_of(case)
        if names := lapses_from(rules, case.state):
            listed = sum(len(move.organisations) for move in rules.transitions)
            steps = len(rules.terms) + len(rules.transitions)
            gas = LAPSE_GAS + LAPSE_GAS_PER_STEP * steps + LAPSE_GAS_PER_NAME * listed
            # The first timer carries the gas of all that follow it: nobody else would pay for them.
            gas, then = gas * len(names), names[0]
            number = self.due(due, "lapse", gas=gas, id=id, round=round, transition=then)
        return case.replace(due=due, timer=number)

    def go(self, case: Case, move: Transition) -> Case:
        target = move.target
        case = self.note(case, What.MOVED, self.caller.organisation, move.name)
        closed = target in self.rules_of(case).final
        self.emit(Moved(case.id, move.name, case.state, target, closed))
        self.cancel(case.timer)  # of the state that it leaves; at the term's end it has run
        return self.begin_term(case.replace(state=target, round=case.round + 1, closed=closed))

    def kept(self, case: Case) -> Case:
        self.cases[case.id] = case
        return case

    def with_papers(self, case: Case, move: Transition, evidence: list[str], comment: str) -> Case:
        brought = len(evidence) + len(self.attachments)
        message = f"{move.name} needs {move.evidence} hashes, {brought} given"
        require(brought >= move.evidence, "no_evidence", message)
        return self.file_papers(case, self.caller.organisation, evidence, comment)

    def file_papers(self, case: Case, own: str, evidence: list[str], comment: str) -> Case:
        """What is named in the call, and what is attached to the transaction."""
        papers = [*evidence, *[attached.hex() for attached in self.attachments]]
        require(len(papers) <= PAPERS_LIMIT, "too_many_papers", f"{PAPERS_LIMIT} at a time")
        noted = [(What.EVIDENCE, paper) for paper in papers]
        for what, paper in [*noted, *([(What.COMMENT, comment)] if comment else [])]:
            require_hash(paper, "the paper")
            case = self.note(case, what, own, paper=paper)
            self.emit(Filed(case=case.id, what=what, organisation=own, paper=paper))
        return case

    def note(
        self, case: Case, what: What, organisation: str, transition: str = "", paper: str = ""
    ) -> Case:
        number = case.entries + 1
        line = Entry(case.id, number, what, case.round, organisation, self.now, transition, paper)
        self.record[case.id, number] = line
        return case.replace(entries=number)
