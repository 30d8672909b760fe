//! Signatures of what is built in, read once from `builtins.pyi`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use ruff_python_ast::{self as ast, Expr, Operator, Stmt};

use super::ty::{Param, Sig, Ty};

/// Functions by name, and members of types by the type's name.
pub(crate) struct Stubs {
    pub(crate) functions: HashMap<String, Arc<Vec<Sig>>>,
    pub(crate) members: HashMap<String, HashMap<String, Member>>,
}

/// A method or an attribute of a builtin type.
#[derive(Clone)]
pub(crate) enum Member {
    Method(Arc<Vec<Sig>>),
    Value(Ty),
}

pub(crate) static STUBS: LazyLock<Stubs> = LazyLock::new(|| read(include_str!("builtins.pyi")));

fn read(text: &str) -> Stubs {
    let mut stubs = Stubs {
        functions: HashMap::new(),
        members: HashMap::new(),
    };
    let Ok(parsed) = ruff_python_parser::parse_module(text) else {
        return stubs;
    };
    for stmt in &parsed.syntax().body {
        match stmt {
            Stmt::FunctionDef(def) => {
                let sigs = stubs.functions.entry(def.name.to_string()).or_default();
                Arc::make_mut(sigs).push(signature(def, 0, &builtin_type));
            }
            Stmt::ClassDef(class) => {
                let members = stubs.members.entry(class.name.to_string()).or_default();
                class
                    .body
                    .iter()
                    .for_each(|stmt| read_member(stmt, members));
            }
            _ => {}
        }
    }
    stubs
}

fn read_member(stmt: &Stmt, members: &mut HashMap<String, Member>) {
    match stmt {
        Stmt::FunctionDef(def) => {
            let sig = signature(def, 1, &builtin_type);
            let known = members.entry(def.name.to_string());
            let member = known.or_insert_with(|| Member::Method(Arc::default()));
            if let Member::Method(sigs) = member {
                Arc::make_mut(sigs).push(sig);
            }
        }
        Stmt::AnnAssign(assign) => {
            if let Expr::Name(name) = &*assign.target {
                let ty = builtin_type(&assign.annotation);
                members.insert(name.id.to_string(), Member::Value(ty));
            }
        }
        _ => {}
    }
}

/// The parameters of a function after the first `skip`.
pub(crate) fn signature(
    def: &ast::StmtFunctionDef,
    skip: usize,
    annotation: &dyn Fn(&Expr) -> Ty,
) -> Sig {
    let parameters = &def.parameters;
    let declared = |given: Option<&Expr>| given.map_or(Ty::Unknown, annotation);
    let params = parameters.iter_non_variadic_params().skip(skip);
    Sig {
        name: def.name.to_string(),
        params: params
            .map(|parameter| Param {
                name: parameter.name().to_string(),
                ty: declared(parameter.annotation()),
                optional: parameter.default().is_some(),
            })
            .collect(),
        positional: (parameters.posonlyargs.len() + parameters.args.len()).saturating_sub(skip),
        positional_only: parameters.posonlyargs.len().saturating_sub(skip),
        star: parameters
            .vararg
            .as_ref()
            .map(|star| declared(star.annotation())),
        star_star: parameters.kwarg.is_some(),
        returns: def.returns.as_deref().map(annotation),
        strict: false,
        never_returns: false,
    }
}

fn builtin_type(expr: &Expr) -> Ty {
    annotation(expr, &|name| match name {
        "T" | "K" | "V" | "D" => name.chars().next().map(Ty::Var),
        "Absent" => Some(Ty::Absent),
        "Sized" => Some(Ty::Sized),
        _ => None,
    })
}

/// The type of an annotation; `named` knows the names that are not built in.
pub(crate) fn annotation(expr: &Expr, named: &dyn Fn(&str) -> Option<Ty>) -> Ty {
    match expr {
        Expr::NoneLiteral(_) => Ty::Absent,
        Expr::Name(name) => named(name.id.as_str()).unwrap_or_else(|| plain(name.id.as_str())),
        Expr::BinOp(binary) if binary.op == Operator::BitOr => Ty::union([
            annotation(&binary.left, named),
            annotation(&binary.right, named),
        ]),
        Expr::Subscript(subscript) => generic(subscript, named),
        _ => Ty::Unknown,
    }
}

fn plain(name: &str) -> Ty {
    let any = || Box::new(Ty::Unknown);
    match name {
        "int" => Ty::Int,
        "str" => Ty::Str,
        "bytes" => Ty::Bytes,
        "bool" => Ty::Bool,
        "range" => Ty::Range,
        "list" => Ty::List(any()),
        "set" => Ty::Set(any()),
        "frozenset" => Ty::Frozen(any()),
        "tuple" => Ty::TupleOf(any()),
        "dict" => Ty::Dict(any(), any()),
        "Callable" => Ty::Callable,
        _ => Ty::Unknown,
    }
}

fn generic(subscript: &ast::ExprSubscript, named: &dyn Fn(&str) -> Option<Ty>) -> Ty {
    let Expr::Name(name) = &*subscript.value else {
        return Ty::Unknown;
    };
    let arguments: &[Expr] = match &*subscript.slice {
        Expr::Tuple(tuple) => &tuple.elts,
        one => std::slice::from_ref(one),
    };
    let inner = |index: usize| {
        let argument = arguments.get(index);
        argument.map_or(Ty::Unknown, |argument| annotation(argument, named))
    };
    let boxed = |index: usize| Box::new(inner(index));
    match (name.id.as_str(), arguments.len()) {
        ("list" | "List", 1) => Ty::List(boxed(0)),
        ("set" | "Set", 1) => Ty::Set(boxed(0)),
        ("frozenset" | "FrozenSet", 1) => Ty::Frozen(boxed(0)),
        ("dict" | "Dict", 2) => Ty::Dict(boxed(0), boxed(1)),
        ("Optional", 1) => Ty::union([inner(0), Ty::Absent]),
        ("Iterable", 1) => Ty::Iter(boxed(0)),
        ("tuple" | "Tuple", 2) if arguments[1].is_ellipsis_literal_expr() => Ty::TupleOf(boxed(0)),
        ("tuple" | "Tuple", 1) if matches!(&arguments[0], Expr::Tuple(t) if t.elts.is_empty()) => {
            Ty::Tuple(Vec::new())
        }
        ("tuple" | "Tuple", count) => Ty::Tuple((0..count).map(inner).collect()),
        ("Callable", _) => Ty::Callable,
        _ => Ty::Unknown,
    }
}
