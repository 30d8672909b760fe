"""The play about agreement: four organisations decide which code runs, and who may call it.

They begin a chain by ceremony, each with keys and a validator of its own, all on one machine;
without CometBFT one sequencer stands in for the validators. A contract is proposed, one
organisation rejects it, its text is changed, three agree and it deploys by itself; a lost key is
replaced; an auditor asks who could do what at an old height and has the answer proved; a validator
gets a fresh key.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.cli._evidence import write_proofs
from lianheng.cli._proposals import Proposal, changed_lines, read_proposal, wait_for_run
from lianheng.cli.demonstration import rotation
from lianheng.cli.demonstration.lines import row
from lianheng.cli.demonstration.network import LIMIT, end, start
from lianheng.cli.demonstration.proof import forge, last_line, run_verifier
from lianheng.members import Identity, Registration
from lianheng.model import LianhengError, NodeError, Result, encode
from lianheng.system.rights import Right, Rights

if TYPE_CHECKING:
    from lianheng.cli._network import NetworkFolder
    from lianheng.ledger import Ledger
    from lianheng.model import Run

ORGANISATIONS = ("bank-a", "bank-b", "grid", "hospital")
CHAIN = "equipment"
ADMINS = {f"admin@{name}": "admin" for name in ORGANISATIONS}
CLERK = "clerk@grid"
CAST = {**ADMINS, CLERK: "operator"}
CONTRACT = "toolshed"
LAX, STRICT = '@call(by="ANY")', '@call(by="role:operator")'
WHY = "anybody could lend our tools away"
RUN_GAS = 20_000_000
LASTS = 7 * 24 * 60 * 60 * 1000
ALONE = "sealed by one sequencer: proves what it recorded, not that it kept one history"


@dataclass(slots=True)
class Play:
    """What happened, in order."""

    folder: Path
    ledger: "Ledger"
    cast: dict[str, Identity]
    anchor: Path
    network: "NetworkFolder | None" = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    def call(self, member: str, target: str, arguments: Mapping[str, Any]) -> Result:
        """One signed call that must succeed."""
        gas = self.ledger.genesis.document.parameters["transaction_gas"]
        signed = self.ledger.sign(self.cast[member], target, arguments, gas=gas)
        return self.ledger.submit(signed).one().checked()

    def note(self, step: str, **figures: Any) -> None:
        """For machines."""
        self.steps.append({"step": step, **figures})


def perform(folder: Path, *, quiet: bool) -> dict[str, Any]:
    """Plays it in this folder, printing each line as it is reached; gives the figures."""
    tell = silence if quiet else row
    with ExitStack() as stack:
        play = begin(folder, stack, tell)
        first = propose(play, source().replace(STRICT, LAX), tell)
        reject(play, first, tell)
        second = change(play, first, tell)
        deployed = agree(play, second, tell)
        replaced = replace_lost_key(play, tell)
        audit(play, deployed, replaced, tell)
        if play.network is None:
            rotation.leave_out(play.steps, tell)
        else:
            rotation.perform(
                play.network, play.ledger, play.cast[CLERK], f"{CONTRACT}.add", play.steps, tell
            )
        play.note("end", blocks=play.ledger.height)
    limit = ALONE if play.network is None else LIMIT
    return {"steps": play.steps, "limit": limit, "home": play.anchor.parent.name}


def begin(folder: Path, stack: ExitStack, tell: Any) -> Play:
    """The chain: of four validators after a ceremony, or of one sequencer."""
    from lianheng.cli import _local
    from lianheng.client import LocalClient
    from lianheng.consensus.cometbft.process import find_binary

    began = time.perf_counter()
    try:
        find_binary()
    except NodeError:
        play = begin_alone(folder, stack)
        tell("1 start", "four organisations, an admin each; one sequencer", spent(began))
    else:
        network, ceremony = _local.play(
            folder, organisations=ORGANISATIONS, chain=CHAIN,
            development=True, governed=True, people={"grid": {"clerk": ["operator"]}},
        )  # fmt: skip
        stack.callback(end, network.homes)
        start(network)
        home = network.home("bank-a")
        ledger = stack.enter_context(LocalClient.connect(home.path))
        homes = {member: network.home(member.partition("@")[2]) for member in CAST}
        cast = {member: homes[member].identity(member, None) for member in CAST}
        play = Play(folder, ledger, cast, home.genesis_file, network)
        tell("1 start", "four organisations sign one document, start validators", spent(began))
        tell("", f"compare by phone: {ceremony.fingerprint.words}", style="dim")
    tell("", ", ".join(ORGANISATIONS) + ": no code runs unless most agree", style="dim")
    play.note("start", organisations=list(ORGANISATIONS), validators=play.network is not None)
    return play


def begin_alone(folder: Path, stack: ExitStack) -> Play:
    """The same members on a chain of one sequencer."""
    from lianheng.cli._home import create_home
    from lianheng.consensus import open_ledger

    home, cast = create_home(
        folder, organisations=ORGANISATIONS, roles=CAST, chain=CHAIN,
        development=True, governed=True,
    )  # fmt: skip
    ledger = stack.enter_context(open_ledger(home.ledger))
    return Play(folder, ledger, cast, home.genesis_file)


def silence(word: str, text: str, end: str = "", style: str | None = None) -> None:
    """Prints nothing: one JSON document comes in the end."""


def spent(began: float) -> str:
    """`0.4 s`."""
    return f"{time.perf_counter() - began:.1f} s"


def source() -> str:
    """The contract of the tutorial, under its own name."""
    template = Path(__file__).parents[1] / "templates" / "contract.txt"
    text = template.read_text(encoding="utf-8")
    return text.replace("@name", CONTRACT).replace("@Class", CONTRACT.capitalize())


def propose(play: Play, text: str, tell: Any) -> Proposal:
    """Bank A proposes a contract."""
    proposal = put(play, text)
    plus, _ = changed_lines(proposal.diff)
    tell("2 propose", f"bank-a: contracts.deploy {CONTRACT}, {plus} lines", proposal.row["status"])
    tell("", f"requires {proposal.policy}; missing: {proposal.missing}", style="dim")
    play.note("propose", number=proposal.number, missing=proposal.missing)
    return proposal


def put(play: Play, text: str) -> Proposal:
    """A proposal to deploy this source."""
    arguments = {"name": CONTRACT, "file": f"{CONTRACT}.py", "source": text}
    wanted = {
        "contract": "contracts",
        "method": "deploy",
        "arguments": encode(arguments),
        "lasts": LASTS,
        "gas": RUN_GAS,
        "note": "lend each other equipment",
    }
    value: Any = play.call("admin@bank-a", "governance.propose", wanted).value
    return read_proposal(play.ledger, int(value["number"]))


def reject(play: Play, proposal: Proposal, tell: Any) -> None:
    """The grid reads the text and disagrees."""
    arguments = {"number": proposal.number, "digest": proposal.digest, "reason": WHY}
    play.call("admin@grid", "governance.reject", arguments)
    (vote,) = (v for v in read_proposal(play.ledger, proposal.number).votes if not v.agrees)
    tell("3 reject", f'grid disagrees: "{vote.reason}"', style="red")
    play.note("reject", by=vote.member, reason=vote.reason)


def change(play: Play, first: Proposal, tell: Any) -> Proposal:
    """Bank A takes it back and proposes another text."""
    import difflib

    play.call("admin@bank-a", "governance.withdraw", {"number": first.number})
    second = put(play, source())
    old, new = (str(one.arguments["source"]).splitlines() for one in (first, second))
    changed = [line for line in difflib.ndiff(old, new) if line[:2] in {"+ ", "- "}]
    tell("4 change", "bank-a withdraws it and proposes another text", second.row["status"])
    for line in dict.fromkeys(line[:2] + line[2:].strip() for line in changed):
        tell("", line, style="green" if line.startswith("+") else "red")
    play.note("change", number=second.number, digest=second.digest.hex())
    return second


def agree(play: Play, proposal: Proposal, tell: Any) -> "Run":
    """Two more agree: three of four. It deploys by itself."""
    began = time.perf_counter()
    arguments = {"number": proposal.number, "digest": proposal.digest}
    play.call("admin@bank-b", "governance.approve", arguments)
    decided: Any = play.call("admin@hospital", "governance.approve", arguments).value
    run = wait_for_run(play.ledger, int(decided["run"]))
    if run is None:
        raise LianhengError("demo.not_run", "the proposal was agreed to and did not run")
    run.result.checked()
    took = f"final {(time.perf_counter() - began) * 1000:4.0f} ms"
    tell("5 approve", "bank-a, bank-b, hospital agree: it deploys by itself", took)
    play.note("approve", number=proposal.number, height=run.result.height)
    return run


def replace_lost_key(play: Play, tell: Any) -> int:
    """The clerk's key is lost: its admin puts a new one in its place. Gives the height before."""
    lost, new = play.cast[CLERK], Identity.generate(CLERK, development=True)
    play.call(CLERK, f"{CONTRACT}.add", {"id": "crane-7"})
    before = int(play.ledger.height)
    public = Registration.make(new, play.ledger.chain)
    rotation = {
        "member": CLERK,
        "old": bytes(lost.key_id),
        "public": public.public,
        "custodial": False,
        "possession": public.possession,
    }
    play.call("admin@grid", "members.rotate_key", rotation)
    old = play.ledger.call(lost, f"{CONTRACT}.add", id="crane-8")
    play.cast[CLERK] = new
    play.call(CLERK, f"{CONTRACT}.add", {"id": "crane-8"})
    why = old.error.code if old.error is not None else ""
    if why != "dropped.unknown_key":
        raise LianhengError("demo.old_key", f"the lost key still signs: {why or 'final'}")
    tell("6 replace", f"{CLERK} lost its key: admin@grid registers a new one")
    tell("", f"the old key signs no more: {why}; the new one does", style="dim")
    play.note("replace", member=CLERK, height=before + 1, old_key=why)
    return before


def audit(play: Play, deployed: "Run", height: int, tell: Any) -> None:
    """Who could lend, and with which key the clerk signed, at the height before; with proofs."""
    folder = play.folder / "proofs"
    rights = Rights(play.ledger, height)
    rule = rights.rule(CONTRACT, "lend")
    found = rights.who(rule, {})
    key = next(one for one in rights.keys[CLERK] if one.row["status"] == "active")
    names = ", ".join(right.person.member for right in found)
    tell("7 ask", f"who could lend at height {height}? {names}")
    tell("", f"by {rule.policy}; with the key {bytes(key.row['id']).hex()[:8]}…", style="dim")
    facts = [*rule.facts, *key.facts, *rows_of(rights, found)]
    answer = {"who": [right.person.member for right in found], "policy": rule.policy}
    count = write_proofs(play.ledger, folder, f"policy who {rule.target}", answer, facts)
    (folder / "run.cbor").write_bytes(play.ledger.receipt(deployed.id(play.ledger.genesis_hash)))
    check(play, folder)
    tell("8 verify", f"separate program verifies {count} proofs and the deployment's receipt")
    tell("", "one byte changed: refused", style="dim")
    play.note("audit", height=height, who=answer["who"], proofs=count)


def rows_of(rights: Rights, found: Sequence[Right]) -> list[Any]:
    """The rows of these members and their organisations."""
    facts: list[Any] = []
    for right in found:
        person = right.person
        facts += rights.history.row("members", "members", person.member).facts
        facts += rights.history.row("members", "organisations", person.organisation).facts
    return facts


def check(play: Play, folder: Path) -> None:
    """The separate program on all files, and on one with a byte changed; raise where it errs."""
    anchor = play.anchor
    proofs = sorted(folder.glob("[0-9]*.cbor"))
    for what, files in (("state", proofs), ("receipt", [folder / "run.cbor"])):
        honest = run_verifier(files, anchor, what)
        if honest.returncode != 0:
            raise LianhengError("demo.not_verified", f"refused: {last_line(honest)}")
    forged = forge(proofs[0], play.folder / "forged.cbor")
    try:
        refused = run_verifier([forged], anchor, "state")
    finally:
        forged.unlink()
    if refused.returncode == 0:
        raise LianhengError("demo.forgery_accepted", f"{proofs[0].name} with a byte changed")
