"""`lianheng policy`: what each call requires, what somebody lacks, and who could make it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lianheng.cli._options import Home, Json, Pairs, Target
from lianheng.cli.members import At, ProofFolder, prove

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lianheng.system.rights import Explanation, Right, Rights, Rule

HELPERS_SHOWN = 12


class ListUnlessNamed(TyperGroup):
    """`lianheng policy toolshed` is `lianheng policy list toolshed`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` in front of what names no command."""
        if not args or args[0] not in {*self.commands, "--help", "-h"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="What each call requires, and who could make it, at any height.", cls=ListUnlessNamed
)
Member = Annotated[str, typer.Option("--as", metavar="MEMBER", help="Who signs: alice@bank-a.")]
Others = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="MEMBER", help="Who signs as well; may be repeated."),
]


@app.command("list")
def list_(
    target: Annotated[
        str | None, typer.Argument(metavar="[CONTRACT[.METHOD]]", help="Else every contract.")
    ] = None,
    at: At = None,
    proof: ProofFolder = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List the policy of every call: declared by its contract, or set by the chain."""
    from lianheng.cli._print import console, emit, table
    from lianheng.cli._session import open_client
    from lianheng.system.rights import Rights

    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        rules = rules_of(rights, target)
        answer = {"height": rights.height, "policies": [rule_json(rule) for rule in rules]}
        if json:
            emit(answer)
        else:
            console().print(f"in force for block {rights.height}", style="dim", markup=False)
            rows = [
                (rule.target, rule.policy, "the chain" if rule.by_chain else "", rule.since)
                for rule in rules
            ]
            table(("call", "requires", "set by", "since"), rows, right=(3,))
        if proof is not None:
            asked = f"policy list {target or ''}".rstrip() + f" --at {rights.height}"
            facts = [fact for rule in rules for fact in rule.facts]
            prove(ledger, proof, asked, answer, facts, json=json)


@app.command()
def explain(
    target: Target,
    pairs: Pairs = None,
    member: Member = "",
    others: Others = None,
    at: At = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Say what a call lacks, in the words of its refusal, and who could give it.

    Exit code 1 where something is missing. The first argument (id=bob@bank-b) matters to SELF.
    """
    from lianheng.cli._print import emit
    from lianheng.cli._session import open_client
    from lianheng.model import UsageError
    from lianheng.system.rights import Rights

    signers = [*([member] if member else []), *(others or [])]
    if not signers:
        raise UsageError("policy.nobody", "who signs is not said", "add --as MEMBER")
    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        rule = rule_of(rights, target)
        found = rights.explain(rule, signers, subject_pairs(rule, pairs))
    if json:
        emit(explanation_json(rights, signers, found))
    else:
        show_explanation(found, signers)
    if found.lacks:
        raise typer.Exit(1)


@app.command()
def who(
    target: Target,
    pairs: Pairs = None,
    at: At = None,
    proof: ProofFolder = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List who could make a call at a height: alone, for itself, or together with others."""
    from lianheng.cli._print import emit
    from lianheng.cli._session import open_client
    from lianheng.system.rights import Rights

    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        rule = rule_of(rights, target)
        arguments = subject_pairs(rule, pairs)
        found = rights.who(rule, arguments)
        answer = {
            "height": rights.height,
            **rule_json(rule),
            "members": [{**one.person._asdict(), "how": one.how} for one in found],
        }
        if json:
            emit(answer)
        else:
            show_who(rights, rule, found)
        if proof is not None:
            asked = " ".join(["policy who", target, *(pairs or []), f"--at {rights.height}"])
            prove(ledger, proof, asked, answer, facts_of(rights, rule, found), json=json)


def rules_of(rights: "Rights", target: str | None) -> "list[Rule]":
    """Of one call, one contract, or all."""
    if target is None:
        return [rule for name in rights.contracts() for rule in rights.rules(name)]
    return [rule_of(rights, target)] if "." in target else rights.rules(target)


def rule_of(rights: "Rights", target: str) -> "Rule":
    """Of one call."""
    from lianheng.cli._arguments import split_target

    return rights.rule(*split_target(target))


def rule_json(rule: "Rule") -> dict[str, Any]:
    """For machines."""
    return {
        "call": rule.target,
        "policy": rule.policy,
        "set_by_chain": rule.by_chain,
        "declared": rule.declared,
        "since": rule.since,
        "contract_status": rule.status,
    }


def subject_pairs(rule: "Rule", pairs: "Sequence[str] | None") -> dict[str, object]:
    """The arguments given; only the first one's text matters, so that others may be left out."""
    from lianheng.cli._arguments import parse_pairs
    from lianheng.model import InvalidValue

    declared = {"parameters": [{"name": n, "type": "str"} for n in rule.parameters]}
    names = {pair.partition("=")[0].removesuffix(":") for pair in pairs or ()}
    if unknown := sorted(names - set(rule.parameters)):
        raise InvalidValue(
            "value.unknown",
            f"{rule.target} has no argument {unknown[0]}",
            f"arguments: {', '.join(rule.parameters) or 'none'}",
        )
    known = [p for p in declared["parameters"] if p["name"] in names]
    return parse_pairs(list(pairs or ()), {"parameters": known})


def explanation_json(
    rights: "Rights", signers: "Sequence[str]", found: "Explanation"
) -> dict[str, Any]:
    """For machines."""
    return {
        "height": rights.height,
        **rule_json(found.rule),
        "signers": list(signers),
        "met": not found.lacks,
        "missing": found.lacks,
        "sentence": found.sentence,
        "could_give_it": [person.member for person in found.helpers],
    }


def show_explanation(found: "Explanation", signers: "Sequence[str]") -> None:
    """The sentence, and names."""
    from lianheng.cli._print import console, printable

    out = console()
    if not found.lacks:
        told = f"{found.rule.target} requires {found.rule.policy}: met by {' and '.join(signers)}"
        out.print(printable(told), style="bold green", markup=False)
        return
    out.print(printable(found.sentence), style="bold red", markup=False)
    names = [person.member for person in found.helpers[:HELPERS_SHOWN]]
    more = len(found.helpers) - len(names)
    told = ", ".join(names) + (f" and {more:,} more" if more else "")
    out.print(printable(f"  could give it: {told or 'nobody in force'}"), markup=False)


def show_who(rights: "Rights", rule: "Rule", found: "Sequence[Right]") -> None:
    """The policy, and one member a line."""
    from lianheng.cli._print import console, counted, printable, table

    out = console()
    chain = " (set by the chain)" if rule.by_chain else ""
    told = f"{rule.target} at height {rights.height} required {rule.policy}{chain}"
    if rule.status != "active":
        told += f"; {rule.contract} was {rule.status}"
    out.print(printable(told), style="bold", markup=False)
    if found:
        words: Mapping[str, str] = {
            "alone": "alone",
            "itself": "for itself or its organisation",
            "others": "together with others",
        }
        rows = [(one.person.member, ", ".join(one.person.roles), words[one.how]) for one in found]
        table(("member", "roles", "could call it"), rows)
    out.print(counted(len(found), "member"), style="dim")


def facts_of(rights: "Rights", rule: "Rule", found: "Sequence[Right]") -> list[Any]:
    """Rows that show the policy and each member named."""
    facts = list(rule.facts)
    names = {one.person.member for one in found}
    organisations = {one.person.organisation for one in found}
    for one in rights.members:
        if one.row["id"] in names:
            facts += one.facts
    for one in rights.organisations:
        if one.row["name"] in organisations:
            facts += one.facts
    return facts
