//! Types as the pass infers them, and what fits where.

use std::fmt;
use std::sync::Arc;

/// A type. What the pass cannot know is [`Ty::Unknown`], which fits everything.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Ty {
    Unknown,
    /// Nothing: an empty container's items, a name that no value reaches.
    Never,
    /// `None` that a statement put there.
    None,
    /// `None` that a declaration allows: a use without a test is worth a warning.
    Absent,
    Bool,
    Int,
    Str,
    Bytes,
    Range,
    /// An exception, or one of their classes.
    Exc,
    /// A value that can be called, and nothing else is known of it.
    Callable,
    /// A value with a length, in signatures only.
    Sized,
    /// A builtin type as a value.
    Type,
    List(Box<Ty>),
    Set(Box<Ty>),
    Frozen(Box<Ty>),
    TupleOf(Box<Ty>),
    Tuple(Vec<Ty>),
    Dict(Box<Ty>, Box<Ty>),
    /// What can be iterated over and has neither length nor items: `zip`, views of dicts.
    Iter(Box<Ty>),
    /// A record, an event, a member of an enum.
    Inst(usize),
    /// A class of the file.
    Class(usize),
    Decimal(u8),
    DecimalClass(u8),
    /// A function; the variables that its receiver bound.
    Func(Arc<Vec<Sig>>, Vec<(char, Ty)>),
    /// `self` of a contract.
    Contract,
    Table(usize),
    Cell(usize),
    /// A variable of a signature.
    Var(char),
    Union(Vec<Ty>),
}

/// A function as its callers see it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Sig {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    /// How many parameters may be given by position.
    pub(crate) positional: usize,
    /// How many of them may not be given by name.
    pub(crate) positional_only: usize,
    pub(crate) star: Option<Ty>,
    pub(crate) star_star: bool,
    pub(crate) returns: Option<Ty>,
    /// Values are checked when it runs: a bool is no int.
    pub(crate) strict: bool,
    /// No call of it comes back.
    pub(crate) never_returns: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) optional: bool,
}

/// What the pass knows of the classes of a file.
pub(crate) trait Classes {
    /// Whether instances of `class` are instances of `base`.
    fn extends(&self, class: usize, base: usize) -> bool;
    /// A class's name.
    fn class_name(&self, class: usize) -> &str;
    /// Whether a class is an enum.
    fn is_enum(&self, class: usize) -> bool;
}

impl Ty {
    /// One of several types.
    pub(crate) fn union(types: impl IntoIterator<Item = Ty>) -> Ty {
        /// More alternatives than this are worth nothing to know.
        const CHOICES: usize = 8;
        let mut choices: Vec<Ty> = Vec::new();
        for ty in types {
            let inner = match ty {
                Ty::Union(inner) => inner,
                one => vec![one],
            };
            for one in inner {
                if one == Ty::Unknown {
                    return Ty::Unknown;
                }
                if one != Ty::Never && !choices.contains(&one) {
                    choices.push(one);
                }
            }
        }
        match choices.len() {
            0 => Ty::Never,
            1 => choices.remove(0),
            2..=CHOICES => Ty::Union(choices),
            _ => Ty::Unknown,
        }
    }

    /// The alternatives: one, where it is no union.
    pub(crate) fn choices(&self) -> &[Ty] {
        match self {
            Ty::Union(choices) => choices,
            one => std::slice::from_ref(one),
        }
    }

    /// Whether nothing can be said.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Ty::Unknown | Ty::Never | Ty::Var(_))
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Ty::None | Ty::Absent)
    }

    /// Whether a declaration lets it be None beside something else.
    pub(crate) fn may_be_absent(&self) -> bool {
        matches!(self, Ty::Union(choices) if choices.contains(&Ty::Absent))
    }

    /// The alternatives that `keep` keeps.
    pub(crate) fn filter(&self, keep: impl Fn(&Ty) -> bool) -> Ty {
        if *self == Ty::Unknown {
            return Ty::Unknown;
        }
        Ty::union(self.choices().iter().filter(|one| keep(one)).cloned())
    }

    pub(crate) fn without_none(&self) -> Ty {
        self.filter(|one| !one.is_none())
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Ty::Int | Ty::Bool)
    }

    /// A mutable container that a name holds may change through another one: items of items are
    /// not relied on.
    pub(crate) fn held(self, mutated: bool) -> Ty {
        let item = |inner: Box<Ty>| {
            Box::new(match *inner {
                _ if mutated => Ty::Unknown,
                Ty::List(_) => Ty::List(Box::new(Ty::Unknown)),
                Ty::Set(_) => Ty::Set(Box::new(Ty::Unknown)),
                Ty::Dict(..) => Ty::Dict(Box::new(Ty::Unknown), Box::new(Ty::Unknown)),
                Ty::Never => Ty::Unknown,
                other => other,
            })
        };
        match self {
            Ty::List(inner) => Ty::List(item(inner)),
            Ty::Set(inner) => Ty::Set(item(inner)),
            Ty::Dict(key, value) => Ty::Dict(item(key), item(value)),
            other => other,
        }
    }

    /// The items, where the type can be iterated over. Nothing: it cannot.
    pub(crate) fn items(&self, classes: &impl Classes) -> Option<Ty> {
        Some(match self {
            Ty::Str => Ty::Str,
            Ty::Bytes | Ty::Range => Ty::Int,
            Ty::List(item) | Ty::Set(item) | Ty::Frozen(item) | Ty::TupleOf(item) => {
                (**item).clone()
            }
            Ty::Iter(item) | Ty::Dict(item, _) => (**item).clone(),
            Ty::Tuple(items) => Ty::union(items.iter().cloned()),
            Ty::Class(class) if classes.is_enum(*class) => Ty::Inst(*class),
            Ty::Union(choices) => {
                let known: Vec<Ty> = choices
                    .iter()
                    .filter_map(|one| one.items(classes))
                    .collect();
                if known.is_empty() {
                    return None;
                }
                Ty::union(known)
            }
            open if open.is_open() => Ty::Unknown,
            _ => return None,
        })
    }

    /// Whether a value of the type can stand where `wanted` is declared.
    pub(crate) fn fits(&self, wanted: &Ty, strict: bool, classes: &impl Classes) -> bool {
        let each = |given: &Ty, wanted: &Ty| given.fits(wanted, strict, classes);
        if self.is_open() || wanted.is_open() {
            return true;
        }
        match (self, wanted) {
            (Ty::Union(choices), _) => choices.iter().any(|one| each(one, wanted)),
            (_, Ty::Union(choices)) => choices.iter().any(|one| each(self, one)),
            (Ty::None | Ty::Absent, Ty::None | Ty::Absent) => true,
            (Ty::Bool, Ty::Int) => !strict,
            (Ty::List(a), Ty::List(b)) => each(a, b),
            (Ty::Set(a) | Ty::Frozen(a), Ty::Set(b) | Ty::Frozen(b)) => each(a, b),
            (Ty::Dict(a, b), Ty::Dict(c, d)) => each(a, c) && each(b, d),
            (Ty::Tuple(a), Ty::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| each(a, b))
            }
            (Ty::Tuple(a), Ty::TupleOf(b)) => a.iter().all(|a| each(a, b)),
            (Ty::TupleOf(a), Ty::Tuple(b)) => b.iter().all(|b| each(a, b)),
            (Ty::TupleOf(a), Ty::TupleOf(b)) => each(a, b),
            (_, Ty::Iter(wanted)) => self
                .items(classes)
                .is_some_and(|items| each(&items, wanted)),
            (Ty::Class(class), Ty::Sized) => classes.is_enum(*class),
            (_, Ty::Sized) => self.items(classes).is_some(),
            (_, Ty::Callable) => matches!(
                self,
                Ty::Func(..)
                    | Ty::Class(_)
                    | Ty::DecimalClass(_)
                    | Ty::Type
                    | Ty::Exc
                    | Ty::Callable
            ),
            (Ty::Func(..) | Ty::Class(_) | Ty::Type | Ty::DecimalClass(_), Ty::Type) => true,
            (Ty::Inst(a), Ty::Inst(b)) => classes.extends(*a, *b),
            (a, b) => a == b,
        }
    }

    /// The type with the variables that are bound put in; others are unknown.
    pub(crate) fn with(&self, bound: &[(char, Ty)]) -> Ty {
        let boxed = |inner: &Ty| Box::new(inner.with(bound));
        match self {
            Ty::Var(name) => {
                let found = bound.iter().filter(|(known, _)| known == name);
                let found: Vec<Ty> = found.map(|(_, ty)| ty.clone()).collect();
                if found.is_empty() {
                    return Ty::Unknown;
                }
                Ty::union(found)
            }
            Ty::List(item) => Ty::List(boxed(item)),
            Ty::Set(item) => Ty::Set(boxed(item)),
            Ty::Frozen(item) => Ty::Frozen(boxed(item)),
            Ty::TupleOf(item) => Ty::TupleOf(boxed(item)),
            Ty::Iter(item) => Ty::Iter(boxed(item)),
            Ty::Dict(key, value) => Ty::Dict(boxed(key), boxed(value)),
            Ty::Tuple(items) => Ty::Tuple(items.iter().map(|item| item.with(bound)).collect()),
            Ty::Union(choices) => Ty::union(choices.iter().map(|one| one.with(bound))),
            other => other.clone(),
        }
    }

    /// Binds the variables of a declared type to what a value's type has in their place.
    pub(crate) fn bind(&self, given: &Ty, bound: &mut Vec<(char, Ty)>, classes: &impl Classes) {
        match (self, given) {
            (Ty::Var(name), _) => bound.push((*name, given.clone())),
            (Ty::Iter(item), _) => {
                item.bind(&given.items(classes).unwrap_or(Ty::Unknown), bound, classes);
            }
            (Ty::List(a), Ty::List(b)) => a.bind(b, bound, classes),
            _ => {}
        }
    }
}

/// A type as a message names it.
pub(crate) struct Shown<'a, C>(pub(crate) &'a Ty, pub(crate) &'a C);

impl<C: Classes> fmt::Display for Shown<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |ty: &Ty| Shown(ty, self.1).to_string();
        let all = |types: &[Ty], by: &str| types.iter().map(show).collect::<Vec<_>>().join(by);
        let word = match self.0 {
            Ty::Unknown | Ty::Var(_) => "object",
            Ty::Never => "nothing",
            Ty::None | Ty::Absent => "None",
            Ty::Bool => "bool",
            Ty::Int => "int",
            Ty::Str => "str",
            Ty::Bytes => "bytes",
            Ty::Range => "range",
            Ty::Exc => "an exception",
            Ty::Callable => "a function",
            Ty::Func(..) => "a function",
            Ty::Sized => "a value with a length",
            Ty::Type => "a type",
            Ty::Contract => "the contract",
            Ty::Table(_) => "a table",
            Ty::Cell(_) => "a cell",
            Ty::List(item) => return write!(f, "list[{}]", show(item)),
            Ty::Set(item) => return write!(f, "set[{}]", show(item)),
            Ty::Frozen(item) => return write!(f, "frozenset[{}]", show(item)),
            Ty::TupleOf(item) => return write!(f, "tuple[{}, ...]", show(item)),
            Ty::Tuple(items) if items.is_empty() => "tuple[()]",
            Ty::Tuple(items) => return write!(f, "tuple[{}]", all(items, ", ")),
            Ty::Dict(key, value) => return write!(f, "dict[{}, {}]", show(key), show(value)),
            Ty::Iter(item) => return write!(f, "an iterable of {}", show(item)),
            Ty::Inst(class) => self.1.class_name(*class),
            Ty::Class(class) => return write!(f, "the class {}", self.1.class_name(*class)),
            Ty::Decimal(scale) => return write!(f, "Decimal({scale})"),
            Ty::DecimalClass(scale) => return write!(f, "the type Decimal({scale})"),
            Ty::Union(choices) => return f.write_str(&all(choices, " | ")),
        };
        f.write_str(word)
    }
}
