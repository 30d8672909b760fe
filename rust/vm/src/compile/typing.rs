//! Imports that mean something in annotations only, and names for types: `Vec = list[int]`.

use ruff_python_ast::{self as ast, Expr, Operator};
use ruff_text_size::Ranged;

use super::{Compiler, Global};
use crate::builtins::Builtin;
use crate::types::Type;

/// What an imported name means in an annotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Typing {
    /// `Any`, or a kind of value that is not looked at: `Callable`, `Iterable`.
    Anything,
    Optional,
    Union,
    List,
    Dict,
    Tuple,
    Set,
    /// `X: TypeAlias = ...`
    Alias,
    /// A type that the file gave a name.
    Named,
}

/// What a name of `typing` or `collections.abc` means.
fn known(module: &str, name: &str) -> Option<Typing> {
    let is_kind = matches!(
        name,
        "Callable"
            | "Collection"
            | "Container"
            | "Hashable"
            | "Iterable"
            | "Iterator"
            | "Mapping"
            | "MutableMapping"
            | "MutableSequence"
            | "Reversible"
            | "Sequence"
            | "Sized"
    );
    match (module, name) {
        ("typing" | "collections.abc", _) if is_kind => Some(Typing::Anything),
        ("typing", "Any") => Some(Typing::Anything),
        ("typing", "Optional") => Some(Typing::Optional),
        ("typing", "Union") => Some(Typing::Union),
        ("typing", "List") => Some(Typing::List),
        ("typing", "Dict") => Some(Typing::Dict),
        ("typing", "Tuple") => Some(Typing::Tuple),
        ("typing", "Set" | "FrozenSet") => Some(Typing::Set),
        ("typing", "TypeAlias") => Some(Typing::Alias),
        _ => None,
    }
}

/// What a name of Python's `math` means: only whole numbers go in and come out.
fn of_math(name: &str) -> Option<Builtin> {
    match name {
        "gcd" => Some(Builtin::Gcd),
        "isqrt" => Some(Builtin::Isqrt),
        "lcm" => Some(Builtin::Lcm),
        _ => None,
    }
}

/// Builtins that are types of annotations.
pub(super) fn is_type_name(name: &str) -> bool {
    matches!(
        name,
        "int" | "str" | "bytes" | "bool" | "list" | "dict" | "tuple" | "set" | "frozenset"
    )
}

impl<'s> Compiler<'s> {
    /// Takes an import of the modules that are known beside `lianheng.contract`.
    pub(crate) fn import_known(&mut self, module: &str, names: &'s [ast::Alias]) -> bool {
        if !matches!(module, "typing" | "collections.abc" | "math") {
            return false;
        }
        for alias in names {
            let name = alias.name.as_str();
            let global = match module {
                "math" => of_math(name).map(Global::Library),
                _ => known(module, name).map(Global::Typing),
            };
            let Some(global) = global else {
                let help = match module {
                    "math" => "of math, gcd, isqrt and lcm are part of the language",
                    _ => "of these modules, Any, Callable, Collection, Iterable, Iterator, Mapping, Optional, Sequence, TypeAlias and Union are known, for annotations",
                };
                self.told_imports(std::slice::from_ref(alias));
                let message = format!("`{name}` of {module} is not part of the language");
                self.error(alias.range(), "language.import", message, help);
                continue;
            };
            let own = alias.asname.as_ref().unwrap_or(&alias.name);
            self.globals.insert(own.to_string(), global);
        }
        true
    }

    /// What an imported name of an annotation means.
    fn typing(&self, expr: &Expr) -> Option<Typing> {
        let Expr::Name(name) = expr else { return None };
        match self.globals.get(name.id.as_str()) {
            Some(Global::Typing(found)) => Some(*found),
            _ => None,
        }
    }

    /// The type that a single imported or declared name is, if it is one.
    pub(crate) fn typing_name(&mut self, name: &ast::ExprName) -> Option<Option<Type>> {
        if let Some(named) = self.named_types.get(name.id.as_str()) {
            return Some(Some(named.clone()));
        }
        let Some(Global::Typing(found)) = self.globals.get(name.id.as_str()) else {
            return None;
        };
        if *found == Typing::Anything {
            return Some(Some(Type::Any));
        }
        let message = format!("`{}` alone is no type", name.id);
        self.error(
            name.range(),
            "type.unknown",
            message,
            "write what is inside of it: Optional[int], list[str]",
        );
        Some(None)
    }

    /// The type that an imported name makes of the types inside of its brackets.
    pub(crate) fn typing_generic(
        &mut self,
        subscript: &ast::ExprSubscript,
        levels: usize,
    ) -> Option<Option<Type>> {
        let found = self.typing(&subscript.value)?;
        if found == Typing::Anything {
            self.check_inside(&subscript.slice, levels);
            return Some(Some(Type::Any));
        }
        let name = match found {
            Typing::List => "list",
            Typing::Dict => "dict",
            Typing::Tuple => "tuple",
            Typing::Set => "set",
            Typing::Optional => "Optional",
            Typing::Union => "Union",
            _ => return None,
        };
        Some(self.generic_of(name, subscript, levels))
    }

    /// Reports what is no type inside of brackets that say nothing: `Callable[[int], str]`.
    fn check_inside(&mut self, inside: &Expr, levels: usize) {
        let parts = match inside {
            Expr::Tuple(tuple) => tuple.elts.as_slice(),
            Expr::List(list) => list.elts.as_slice(),
            Expr::EllipsisLiteral(_) => return,
            one => {
                self.annotation_within(one, levels);
                return;
            }
        };
        match levels.checked_sub(1) {
            Some(levels) => parts
                .iter()
                .for_each(|part| self.check_inside(part, levels)),
            None => drop(self.annotation_within(inside, 0)),
        }
    }

    /// Whether an expression is a type and nothing else.
    fn is_type(&self, expr: &Expr, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else {
            return false;
        };
        match expr {
            Expr::Name(name) => match self.globals.get(name.id.as_str()) {
                None => is_type_name(name.id.as_str()),
                Some(Global::Class(_)) => true,
                Some(_) => self.named_types.contains_key(name.id.as_str()),
            },
            Expr::Subscript(subscript) => match &*subscript.value {
                Expr::Name(name) if !self.globals.contains_key(name.id.as_str()) => {
                    is_type_name(name.id.as_str())
                }
                other => self
                    .typing(other)
                    .is_some_and(|found| found != Typing::Named),
            },
            Expr::BinOp(binary) if binary.op == Operator::BitOr => {
                let part = |side: &Expr| {
                    matches!(side, Expr::NoneLiteral(_)) || self.is_type(side, levels)
                };
                part(&binary.left) && part(&binary.right)
            }
            _ => false,
        }
    }

    /// Notes a name for a type; tells whether the name is nothing else.
    pub(crate) fn name_type(&mut self, name: &ast::ExprName, value: &Expr) -> bool {
        if !self.is_type(value, crate::limits::TYPE_LEVELS) {
            return false;
        }
        let ty = self.annotation(value);
        self.named_types.insert(name.id.to_string(), ty);
        if matches!(value, Expr::Name(_)) {
            // A class by another name can be called, too.
            return false;
        }
        self.declare_global(name.id.as_str(), Global::Typing(Typing::Named), name);
        true
    }

    /// Whether an annotation says that a type gets a name.
    pub(crate) fn is_type_alias(&self, annotation: &Expr) -> bool {
        self.typing(annotation) == Some(Typing::Alias)
    }
}
