use super::*;
use crate::members::Standing;

fn member(organisation: &str, roles: &[&str]) -> Arc<Member> {
    Arc::new(Member {
        id: format!("m@{organisation}"),
        organisation: organisation.to_owned(),
        kind: "person".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    })
}

fn chain(names: &[&str]) -> Organisations {
    let mut all = Organisations::default();
    for name in names {
        all.take((*name).to_owned(), Standing::Active);
    }
    all
}

struct Case {
    organisations: Organisations,
    members: Vec<Arc<Member>>,
    via: Option<&'static str>,
    subject: Option<&'static str>,
}

impl Case {
    fn of(names: &[&str], members: &[Arc<Member>]) -> Self {
        Case {
            organisations: chain(names),
            members: members.to_vec(),
            via: None,
            subject: None,
        }
    }

    fn agreement(&self) -> Agreement<'_> {
        Agreement {
            members: &self.members,
            via: self.via,
            subject: self.subject,
            organisations: &self.organisations,
        }
    }

    fn met(&self, text: &str) -> bool {
        let policy = Policy::parse(text).unwrap();
        let met = policy.met_by(&self.agreement());
        assert_eq!(met, policy.missing(&self.agreement()).is_none(), "{text}");
        met
    }

    fn missing(&self, text: &str) -> String {
        let policy = Policy::parse(text).unwrap();
        policy.missing(&self.agreement()).unwrap_or_default()
    }
}

const FOUR: [&str; 4] = ["bank-a", "bank-b", "bank-c", "bank-d"];

#[test]
fn parts_are_met_by_any_signer_and_joined_as_written() {
    let (bank, buyer) = (member("bank-a", &["bank"]), member("acme", &["buyer"]));
    let met = |text: &str, signers: &[&Arc<Member>]| {
        let signers: Vec<_> = signers.iter().map(|member| Arc::clone(member)).collect();
        Case::of(&["bank-a", "acme"], &signers).met(text)
    };
    assert!(met("role:bank", &[&bank]));
    assert!(!met("role:bank", &[&buyer]));
    assert!(met("role:bank and org:acme", &[&bank, &buyer]));
    assert!(!met("role:bank and org:acme", &[&bank]));
    assert!(met("role:bank and org:acme or role:buyer", &[&buyer]));
    assert!(!met("role:bank and (org:acme or role:buyer)", &[&buyer]));
    assert!(met("role:bank of bank-a,acme", &[&bank]));
    assert!(!met("role:bank of acme", &[&bank, &buyer]));
    assert!(!met("FORBIDDEN", &[&bank]));
    assert!(met("ANY", &[&buyer]));
    assert!(!met("ANY", &[]) && !met("ALL", &[]));
}

#[test]
fn organisations_count_once_each_and_only_those_in_force() {
    let admin = |name: &str| member(name, &["admin"]);
    let mut two = Case::of(&FOUR, &[admin("bank-a"), admin("bank-a"), admin("bank-b")]);
    assert!(two.met("2 role:admin") && !two.met("3 role:admin"));
    assert!(!two.met("MAJORITY role:admin") && two.met("1/2 role:admin"));
    assert!(two.met("MAJORITY role:admin of bank-a,bank-b,bank-c"));
    assert!(two.met("ALL of bank-a, bank-b") && !two.met("ALL"));
    // Suspended organisations do not count, neither for nor against.
    two.organisations
        .take("bank-c".to_owned(), Standing::Suspended(7));
    assert!(two.met("2/3 role:admin"));
    two.organisations
        .take("bank-d".to_owned(), Standing::Removed(7));
    assert!(two.met("ALL role:admin") && two.met("MAJORITY"));
    assert!(!two.met("1 of bank-d"));
}

#[test]
fn needs_round_towards_more() {
    for (need, total, expected) in [
        (Need::Majority, 0, 1),
        (Need::Majority, 1, 1),
        (Need::Majority, 2, 2),
        (Need::Majority, 3, 2),
        (Need::Majority, 4, 3),
        (Need::Share(2, 3), 4, 3),
        (Need::Share(2, 3), 3, 2),
        (Need::Share(1, 2), 5, 3),
        (Need::Share(1, 1_000_000), 4, 1),
        (Need::All, 0, 1),
        (Need::All, 5, 5),
        (Need::Number(3), 1, 3),
    ] {
        assert_eq!(need.of(total), expected, "{need} of {total}");
    }
}

#[test]
fn the_subject_is_what_the_first_argument_names() {
    let mut case = Case::of(&FOUR, &[member("bank-a", &["admin"])]);
    assert!(!case.met("SELF") && !case.met("SELF role:admin"));
    case.subject = Some("m@bank-a");
    assert!(case.met("SELF") && case.met("SELF role:admin"));
    case.subject = Some("other@bank-a");
    assert!(!case.met("SELF") && case.met("SELF role:admin") && !case.met("SELF role:bank"));
    case.subject = Some("bank-a");
    assert!(case.met("SELF"));
    case.subject = Some("bank-b");
    assert!(!case.met("SELF") && !case.met("SELF role:admin"));
}

#[test]
fn a_contract_acts_for_a_signer_only_where_the_policy_names_it() {
    let met = |text: &str, via: Option<&'static str>| {
        let mut case = Case::of(&["bank-a"], &[member("bank-a", &["bank"])]);
        case.via = via;
        case.met(text)
    };
    for text in [
        "ANY",
        "role:bank",
        "org:bank-a",
        "role:bank and org:bank-a",
        "MAJORITY",
    ] {
        assert!(met(text, None) && !met(text, Some("shop")), "{text}");
    }
    for text in ["via:shop", "via:ANY", "role:bank and via:shop"] {
        assert!(!met(text, None) && met(text, Some("shop")), "{text}");
    }
    assert!(met("ANY or via:ANY", None) && met("ANY or via:ANY", Some("shop")));
    assert!(!met("role:bank or via:shop", Some("other")));
    assert!(!met("role:buyer and via:shop or role:bank", Some("shop")));
    assert!(!met("role:bank and (via:other or ANY)", Some("shop")));
}

#[test]
fn a_sentence_says_what_is_missing_and_from_whom() {
    let mut case = Case::of(&FOUR, &[member("bank-a", &["admin"])]);
    for (text, expected) in [
        ("role:bank", "a member with the role bank"),
        ("org:bank-b", "a member of bank-b"),
        (
            "MAJORITY role:admin",
            "a member with the role admin of each of 2 of bank-b, bank-c, bank-d",
        ),
        ("ALL of bank-a,bank-d", "a member of bank-d"),
        (
            "2 of bank-a,bank-b,bank-c",
            "a member of one of bank-b, bank-c",
        ),
        ("ALL", "a member of each of bank-b, bank-c, bank-d"),
        (
            "9",
            "9 organisations, and only 4 of those that count are members",
        ),
        (
            "role:bank and org:bank-b",
            "a member with the role bank and a member of bank-b",
        ),
        (
            "role:bank or FORBIDDEN",
            "a member with the role bank; or nobody may",
        ),
        ("via:shop", "that the contract shop makes the call"),
    ] {
        assert_eq!(case.missing(text), expected, "{text}");
    }
    case.subject = Some("eve@bank-b");
    assert_eq!(case.missing("SELF"), "eve@bank-b");
    assert_eq!(
        case.missing("SELF role:admin"),
        "a member of bank-b with the role admin"
    );
    case.via = Some("shop");
    let own = "a member's own call: the policy does not name shop by via:";
    assert_eq!(case.missing("ANY"), own);
}

#[test]
fn a_text_and_its_form_are_one_thing() {
    for text in [
        "ANY",
        "ALL role:admin",
        "MAJORITY role:admin of a,b,c",
        "2/3 of a,b",
        "role:bank of a,b",
        "SELF or SELF role:admin",
        "role:a and (role:b or via:ANY) or org:x-1",
        "((((((((ANY))))))))",
        "  role:a   or  2  of  a , b ",
    ] {
        let policy = Policy::parse(text).unwrap();
        let printed = policy.to_string();
        assert_eq!(Policy::parse(&printed).unwrap(), policy, "{text}");
        assert_eq!(Policy::parse(&printed).unwrap().to_string(), printed);
    }
}

#[test]
fn other_texts_are_refused() {
    let deep = format!("{}ANY{}", "(".repeat(9), ")".repeat(9));
    let long = "ANY or ".repeat(200);
    for bad in [
        "",
        "bank",
        "role:",
        "role:Bank",
        "role:b or",
        "any",
        "role:a xor role:b",
        "role:a or or b",
        "0",
        "01",
        "3/2",
        "1/0",
        "-1",
        "2000000",
        "3 of a,b",
        "2 of a,a",
        "ALL of",
        "ALL of A",
        "ANY of a,",
        "(ANY",
        "ANY)",
        "()",
        "SELF of a",
        "FORBIDDEN role:a",
        "role:\u{430}",
        "org:a_b",
        &deep,
        &long,
    ] {
        assert!(Policy::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_policy_says_which_contracts_may_call_at_all() {
    let admits = |text: &str| Policy::parse(text).unwrap().admits("shop");
    for text in [
        "via:shop",
        "via:ANY",
        "role:a or via:shop",
        "role:a and via:shop",
        "ANY or via:ANY",
        "MAJORITY and (via:other or via:shop)",
    ] {
        assert!(admits(text), "{text}");
    }
    for text in [
        "ANY",
        "role:a",
        "via:other",
        "via:other and via:shop",
        "FORBIDDEN and via:shop",
        "role:a and (ANY or via:shop)",
    ] {
        assert!(!admits(text), "{text}");
    }
}
