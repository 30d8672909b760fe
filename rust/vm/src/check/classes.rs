//! Attributes: of records, enums, the contract and builtin types.

use ruff_python_ast::{self as ast, Pattern};
use ruff_text_size::Ranged;

use super::declare::Kind;
use super::flow::Checker;
use super::stubs::{Member, STUBS};
use super::ty::{Param, Sig, Ty};

impl<'s> Checker<'s> {
    pub(crate) fn attribute(&mut self, attribute: &'s ast::ExprAttribute) -> Ty {
        let owner = self.expr(&attribute.value);
        if let Some(inner) = self.path(&attribute.value) {
            let path = format!("{inner}.{}", attribute.attr);
            if let Some(known) = self.scope.env.vars.get(&path) {
                return known.clone();
            }
        }
        let name = attribute.attr.as_str();
        if owner.is_open() {
            return Ty::Unknown;
        }
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for one in owner.choices() {
            match self.plain_attribute(one, name) {
                Some(ty) => found.push(ty),
                None => missing.push(one.clone()),
            }
        }
        if found.is_empty() {
            let shown = self.shown(&owner);
            let help = self.attribute_help(&owner, name);
            self.report(
                attribute.attr.range(),
                "name.attribute",
                format!("{shown} has no attribute `{name}`"),
                help,
            );
            return Ty::Unknown;
        }
        if missing.contains(&Ty::Absent) {
            self.may_be_none(attribute.range(), "used");
        }
        Ty::union(found)
    }

    /// An attribute of a value of one type; nothing where it has none of that name.
    pub(crate) fn plain_attribute(&self, owner: &Ty, name: &str) -> Option<Ty> {
        if name.starts_with("__") {
            return Some(Ty::Unknown);
        }
        match owner {
            Ty::Inst(class) => self.member(*class, name),
            Ty::Class(class) => {
                let info = &self.module.classes[*class];
                if info.kind == Kind::Enum && info.members.iter().any(|member| member == name) {
                    return Some(Ty::Inst(*class));
                }
                // An enum's unknown member is the compiler's to report.
                Some(Ty::Unknown)
            }
            Ty::Decimal(_) => match name {
                "units" | "scale" => Some(Ty::Int),
                "rescale" => Some(Ty::Unknown),
                _ => None,
            },
            Ty::Contract => Some(self.own(name)),
            Ty::Table(_) => matches!(name, "get" | "delete" | "scan" | "by").then_some(Ty::Unknown),
            Ty::None | Ty::Absent => None,
            Ty::Union(choices) => {
                let found: Vec<Ty> = choices
                    .iter()
                    .filter_map(|one| self.plain_attribute(one, name))
                    .collect();
                (!found.is_empty()).then(|| Ty::union(found))
            }
            Ty::Iter(_)
            | Ty::Cell(_)
            | Ty::Exc
            | Ty::Type
            | Ty::DecimalClass(_)
            | Ty::Func(..)
            | Ty::Callable => Some(Ty::Unknown),
            other => {
                let Some((type_name, bound)) = described(other) else {
                    return Some(Ty::Unknown);
                };
                match STUBS.members.get(type_name)?.get(name)? {
                    Member::Method(sigs) => Some(Ty::Func(sigs.clone(), bound)),
                    Member::Value(ty) => Some(ty.clone()),
                }
            }
        }
    }

    fn member(&self, class: usize, name: &str) -> Option<Ty> {
        let info = &self.module.classes[class];
        if info.kind == Kind::Other || info.open.iter().any(|open| open == name) {
            return Some(Ty::Unknown);
        }
        if info.kind == Kind::Enum {
            return match name {
                "value" => Some(info.values.clone()),
                "name" => Some(Ty::Str),
                _ => None,
            };
        }
        if let Some(field) = self.module.field(class, name) {
            return Some(field.clone());
        }
        if let Some(sigs) = info.methods.get(name) {
            return Some(Ty::Func(sigs.clone(), Vec::new()));
        }
        (name == "replace").then(|| {
            let sig = self.replace_signature(class);
            Ty::Func(std::sync::Arc::new(vec![sig]), Vec::new())
        })
    }

    fn replace_signature(&self, class: usize) -> Sig {
        let fields = self.module.classes[class].fields.iter();
        Sig {
            name: "replace".to_string(),
            params: fields
                .map(|field| Param {
                    optional: true,
                    ..field.clone()
                })
                .collect(),
            returns: Some(Ty::Inst(class)),
            strict: true,
            ..Sig::default()
        }
    }

    /// The constructor of a record or event.
    pub(crate) fn constructor(&self, class: usize) -> Option<Sig> {
        let info = &self.module.classes[class];
        matches!(info.kind, Kind::Record | Kind::Event).then(|| Sig {
            name: info.name.clone(),
            params: info.fields.clone(),
            positional: info.fields.len(),
            returns: Some(Ty::Inst(class)),
            strict: true,
            ..Sig::default()
        })
    }

    /// An attribute of the contract's `self`; what is not known is the compiler's to report.
    fn own(&self, name: &str) -> Ty {
        let caller = || Ty::Inst(super::declare::CALLER);
        match name {
            "caller" => caller(),
            "signers" => Ty::TupleOf(Box::new(caller())),
            "now" | "height" => Ty::Int,
            "transaction_id" => Ty::Bytes,
            "application" | "via" => Ty::union([Ty::Str, Ty::Absent]),
            "contract" => Ty::Str,
            "attachments" => Ty::TupleOf(Box::new(Ty::Bytes)),
            _ => self.module.own.get(name).cloned().unwrap_or(Ty::Unknown),
        }
    }

    fn attribute_help(&self, owner: &Ty, name: &str) -> String {
        let known: Vec<String> = match owner {
            Ty::Inst(class) if self.module.classes[*class].kind != Kind::Enum => {
                let info = &self.module.classes[*class];
                let methods = info.methods.keys().cloned();
                let mut known: Vec<String> = info
                    .fields
                    .iter()
                    .map(|f| f.name.clone())
                    .chain(methods)
                    .collect();
                known.sort();
                known
            }
            Ty::Inst(_) => vec!["name".to_string(), "value".to_string()],
            Ty::Table(_) => ["by", "delete", "get", "scan"].map(str::to_string).to_vec(),
            Ty::Decimal(_) => ["rescale", "scale", "units"].map(str::to_string).to_vec(),
            Ty::None | Ty::Absent => return "test for None first".to_string(),
            other => match described(other).and_then(|(name, _)| STUBS.members.get(name)) {
                Some(members) => {
                    let near = members.keys().filter(|known| is_near(known, name)).min();
                    return near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                }
                None => return String::new(),
            },
        };
        match known.iter().find(|known| is_near(known, name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.join(", ")),
        }
    }
}

/// The name of a builtin type in the signatures, and what its variables are.
pub(crate) fn described(ty: &Ty) -> Option<(&'static str, Vec<(char, Ty)>)> {
    let of = |item: &Ty| vec![('T', item.clone())];
    Some(match ty {
        Ty::Str => ("str", Vec::new()),
        Ty::Bytes => ("bytes", Vec::new()),
        Ty::Int | Ty::Bool => ("int", Vec::new()),
        Ty::Range => ("range", Vec::new()),
        Ty::List(item) => ("list", of(item)),
        Ty::Set(item) => ("set", of(item)),
        Ty::Frozen(item) => ("frozenset", of(item)),
        Ty::Tuple(_) | Ty::TupleOf(_) => ("tuple", Vec::new()),
        Ty::Dict(key, value) => (
            "dict",
            vec![('K', (**key).clone()), ('V', (**value).clone())],
        ),
        _ => return None,
    })
}

/// Whether two names differ by one letter, or by two neighbours that changed places.
fn is_near(a: &str, b: &str) -> bool {
    if a == b || a.len().min(b.len()) < 3 || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a
        .bytes()
        .rev()
        .zip(b.bytes().rev())
        .take_while(|(x, y)| x == y)
        .count();
    same + tail + 2 >= a.len().max(b.len())
}

/// Calls `found` with each name that a pattern binds.
pub(crate) fn captures<'p>(pattern: &'p Pattern, found: &mut dyn FnMut(&'p str)) {
    match pattern {
        Pattern::MatchAs(inner) => {
            if let Some(name) = &inner.name {
                found(name.as_str());
            }
            if let Some(inner) = &inner.pattern {
                captures(inner, found);
            }
        }
        Pattern::MatchStar(inner) => {
            if let Some(name) = &inner.name {
                found(name.as_str());
            }
        }
        Pattern::MatchSequence(inner) => inner.patterns.iter().for_each(|p| captures(p, found)),
        Pattern::MatchOr(inner) => inner.patterns.iter().for_each(|p| captures(p, found)),
        Pattern::MatchMapping(inner) => {
            inner.patterns.iter().for_each(|p| captures(p, found));
            if let Some(rest) = &inner.rest {
                found(rest.as_str());
            }
        }
        Pattern::MatchClass(inner) => {
            inner
                .arguments
                .patterns
                .iter()
                .for_each(|p| captures(p, found));
            inner
                .arguments
                .keywords
                .iter()
                .for_each(|k| captures(&k.pattern, found));
        }
        Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => {}
    }
}
