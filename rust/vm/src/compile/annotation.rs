//! Annotations.

use ruff_python_ast::{Expr, Operator};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{Compiler, Global};
use crate::limits;
use crate::types::Type;

const HELP: &str = "types are int, str, bytes, bool, None, list[T], dict[K, V], tuple[...], \
                    set[T], A | B, records and enums";

impl<'s> Compiler<'s> {
    /// The type of an annotation; reports what is none.
    pub(crate) fn annotation(&mut self, expr: &Expr) -> Type {
        self.annotation_within(expr, limits::TYPE_LEVELS)
            .unwrap_or(Type::Any)
    }

    /// Reports an annotation that is none.
    pub(crate) fn check_annotation(&mut self, expr: &Expr) {
        // Only the types of fields and of calls are checked: a string says nothing here.
        if !matches!(expr, Expr::StringLiteral(_)) {
            let _ = self.annotation(expr);
        }
    }

    pub(super) fn annotation_within(&mut self, expr: &Expr, levels: usize) -> Option<Type> {
        let Some(levels) = levels.checked_sub(1) else {
            self.error(
                expr.range(),
                "limit.type",
                "the type is nested too deep",
                "declare a Record for the inner part",
            );
            return None;
        };
        match expr {
            Expr::NoneLiteral(_) => Some(Type::None),
            Expr::Name(name) => self.named_type(name),
            Expr::BinOp(binary) if binary.op == Operator::BitOr => {
                for side in [&binary.left, &binary.right] {
                    if matches!(**side, Expr::StringLiteral(_)) {
                        return self.no_text_type(&**side);
                    }
                }
                let left = self.annotation_within(&binary.left, levels)?;
                let right = self.annotation_within(&binary.right, levels)?;
                self.distinct_decimals(expr, union(left, right))
            }
            Expr::Subscript(subscript) => self.generic(subscript, levels),
            Expr::StringLiteral(text) => self.text_type(text, levels),
            _ => self.no_type(expr),
        }
    }

    /// A type in quotes: `"Node | None"`.
    fn text_type(
        &mut self,
        text: &ruff_python_ast::ExprStringLiteral,
        levels: usize,
    ) -> Option<Type> {
        let inside = TextRange::new(
            text.start() + TextSize::new(1),
            text.end().max(text.start() + TextSize::new(2)) - TextSize::new(1),
        );
        let written = self.text_of(&inside);
        // Escapes, prefixes and triple quotes would shift what the type says.
        let plain = written == text.value.to_str() && written.len() <= limits::TYPE_BYTES;
        if !plain || written.trim() != written {
            return self.no_text_type(text);
        }
        match ruff_python_parser::parse_expression_range(self.text, inside) {
            Ok(parsed) => match parsed.expr() {
                Expr::StringLiteral(_) => self.no_text_type(text),
                inner => self.annotation_within(inner, levels),
            },
            Err(_) => self.no_text_type(text),
        }
    }

    fn no_text_type(&mut self, at: &impl Ranged) -> Option<Type> {
        self.error(
            at.range(),
            "type.string",
            "this text is no type",
            "quote a whole type, or write it without quotes; classes may be used before they are declared",
        );
        None
    }

    fn no_type(&mut self, expr: &Expr) -> Option<Type> {
        let message = format!("`{}` is no type", self.text_of(expr));
        self.error(expr.range(), "type.unknown", message, HELP);
        None
    }

    fn named_type(&mut self, name: &ruff_python_ast::ExprName) -> Option<Type> {
        let id = name.id.as_str();
        if let Some(found) = self.typing_name(name) {
            return found;
        }
        if let Some(Global::Class(class)) = self.globals.get(id) {
            return Some(Type::Class(*class, id.to_string()));
        }
        if let Some(found) = self.decimal_annotation(name) {
            return found;
        }
        match id {
            "int" => Some(Type::Int),
            "str" => Some(Type::Str),
            "bytes" => Some(Type::Bytes),
            "bool" => Some(Type::Bool),
            "object" => Some(Type::Any),
            "list" => Some(Type::List(Box::new(Type::Any))),
            "dict" => Some(Type::Dict(Box::new(Type::Any), Box::new(Type::Any))),
            "tuple" => Some(Type::TupleOf(Box::new(Type::Any))),
            "set" | "frozenset" => Some(Type::Set(Box::new(Type::Any))),
            "float" => {
                self.error(
                    name.range(),
                    "language.float",
                    "floats are not part of the language: they round differently between machines",
                    "use int in the smallest unit, for example cents",
                );
                None
            }
            "Caller" => Some(Type::Class(crate::program::CALLER, "Caller".to_string())),
            // A table or the contract itself, given to a helper function.
            _ if self.globals.contains_key(id) => Some(Type::Any),
            _ if self.told.contains(id) => None,
            _ => {
                self.told.insert(id.to_string());
                let message = format!("`{id}` is no type");
                self.error(name.range(), "type.unknown", message, HELP);
                None
            }
        }
    }

    fn generic(
        &mut self,
        subscript: &ruff_python_ast::ExprSubscript,
        levels: usize,
    ) -> Option<Type> {
        let Expr::Name(name) = &*subscript.value else {
            return self.no_type(&subscript.value);
        };
        if let Some(found) = self.typing_generic(subscript, levels) {
            return found;
        }
        match name.id.as_str() {
            "Table" => Some(Type::Any),
            "Optional" | "Union" => self.no_type(&subscript.value),
            id => self.generic_of(id, subscript, levels),
        }
    }

    /// The type that a name makes of the types inside of its brackets.
    pub(super) fn generic_of(
        &mut self,
        name: &str,
        subscript: &ruff_python_ast::ExprSubscript,
        levels: usize,
    ) -> Option<Type> {
        let arguments: Vec<&Expr> = match &*subscript.slice {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            one => vec![one],
        };
        let mut inner = |index: usize| -> Option<Type> {
            let argument = arguments.get(index).copied()?;
            self.annotation_within(argument, levels)
        };
        match (name, arguments.len()) {
            ("list", 1) => Some(Type::List(Box::new(inner(0)?))),
            ("set" | "frozenset", 1) => Some(Type::Set(Box::new(inner(0)?))),
            ("dict", 2) => Some(Type::Dict(Box::new(inner(0)?), Box::new(inner(1)?))),
            ("Union", 1..) => {
                let mut choices = (0..arguments.len()).map(inner);
                let first = choices.next()??;
                let whole = choices.try_fold(first, |whole, next| Some(union(whole, next?)))?;
                self.distinct_decimals(subscript, whole)
            }
            ("Optional", 1) => Some(union(inner(0)?, Type::None)),
            ("tuple", 2) if matches!(arguments[1], Expr::EllipsisLiteral(_)) => {
                Some(Type::TupleOf(Box::new(inner(0)?)))
            }
            ("tuple", 1) if matches!(arguments[0], Expr::Tuple(empty) if empty.elts.is_empty()) => {
                Some(Type::Tuple(Vec::new()))
            }
            ("tuple", count) => Some(Type::Tuple((0..count).map(inner).collect::<Option<_>>()?)),
            _ => {
                let message = format!("`{}` is no type", self.text_of(subscript));
                self.error(subscript.range(), "type.unknown", message, HELP);
                None
            }
        }
    }
}

fn union(left: Type, right: Type) -> Type {
    let mut choices = Vec::new();
    for side in [left, right] {
        match side {
            Type::Union(inner) => choices.extend(inner),
            other => choices.push(other),
        }
    }
    let mut unique: Vec<Type> = Vec::new();
    for choice in choices {
        if !unique.contains(&choice) {
            unique.push(choice);
        }
    }
    if unique.len() == 1 {
        return unique.remove(0);
    }
    Type::Union(unique)
}
