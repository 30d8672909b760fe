//! Types of annotations: what arguments, fields and rows are checked against.

use std::fmt;

/// A type as it is written in an annotation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// No check: a function's parameter without annotation.
    Any,
    /// `None`.
    None,
    /// `bool`.
    Bool,
    /// `int`; a bool is not an int here.
    Int,
    /// `str`.
    Str,
    /// `bytes`.
    Bytes,
    /// `list[T]`.
    List(Box<Type>),
    /// `set[T]`.
    Set(Box<Type>),
    /// `tuple[T, ...]`.
    TupleOf(Box<Type>),
    /// `tuple[A, B]`.
    Tuple(Vec<Type>),
    /// `dict[K, V]`.
    Dict(Box<Type>, Box<Type>),
    /// `A | B`, `Optional[A]`.
    Union(Vec<Type>),
    /// A decimal of this scale.
    Decimal(u8),
    /// A record, event or enum of the program, by its number and name.
    Class(u16, String),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |types: &[Type], by: &str| {
            types
                .iter()
                .map(Type::to_string)
                .collect::<Vec<_>>()
                .join(by)
        };
        match self {
            Type::Any => f.write_str("object"),
            Type::None => f.write_str("None"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Str => f.write_str("str"),
            Type::Bytes => f.write_str("bytes"),
            Type::List(item) => write!(f, "list[{item}]"),
            Type::Set(item) => write!(f, "set[{item}]"),
            Type::TupleOf(item) => write!(f, "tuple[{item}, ...]"),
            Type::Tuple(items) if items.is_empty() => f.write_str("tuple[()]"),
            Type::Tuple(items) => write!(f, "tuple[{}]", joined(items, ", ")),
            Type::Dict(key, value) => write!(f, "dict[{key}, {value}]"),
            Type::Union(types) => f.write_str(&joined(types, " | ")),
            Type::Decimal(scale) => write!(f, "Decimal({scale})"),
            Type::Class(_, name) => f.write_str(name),
        }
    }
}
