//! Which methods write, and which functions never come back: read off statements at the top of
//! their bodies, which run whenever the body does.

use ruff_python_ast::visitor::{walk_stmt, Visitor};
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

use super::declare::Module;
use super::ty::Ty;

/// Methods of the contract that write in a statement which always runs.
pub(crate) fn writers(body: &[Stmt], module: &Module) -> Vec<String> {
    let classes = body.iter().filter_map(Stmt::as_class_def_stmt);
    let methods: Vec<&StmtFunctionDef> = classes
        .flat_map(|class| class.body.iter())
        .filter_map(Stmt::as_function_def_stmt)
        .filter(|def| module.own.contains_key(def.name.as_str()))
        .collect();
    let mut found: Vec<String> = Vec::new();
    loop {
        let more = methods.iter().find(|def| {
            let this = def.parameters.args.first();
            let this = this.map_or("", |first| first.name().as_str());
            !found.iter().any(|known| known == def.name.as_str())
                && surely(&def.body)
                    .iter()
                    .any(|stmt| statement_writes(stmt, this, module, &found))
        });
        match more {
            Some(def) => found.push(def.name.to_string()),
            None => return found,
        }
    }
}

/// The statements that run before any that may end the function.
fn surely(body: &[Stmt]) -> &[Stmt] {
    let end = body.iter().position(|stmt| {
        !matches!(
            stmt,
            Stmt::Assign(_)
                | Stmt::AnnAssign(_)
                | Stmt::AugAssign(_)
                | Stmt::Expr(_)
                | Stmt::Delete(_)
        )
    });
    // A return's own expression still runs.
    match end {
        Some(end) if matches!(body[end], Stmt::Return(_)) => &body[..=end],
        Some(end) => &body[..end],
        None => body,
    }
}

fn statement_writes(stmt: &Stmt, this: &str, module: &Module, writers: &[String]) -> bool {
    let stored = |expr: &Expr| match expr {
        Expr::Subscript(subscript) => is_table(&subscript.value, this, module),
        _ => false,
    };
    let value = match stmt {
        Stmt::Assign(assign) => {
            if assign.targets.iter().any(stored) {
                return true;
            }
            Some(&assign.value)
        }
        Stmt::Delete(delete) => return delete.targets.iter().any(stored),
        Stmt::AugAssign(assign) => return stored(&assign.target),
        Stmt::Expr(expr) => Some(&expr.value),
        Stmt::Return(stmt) => stmt.value.as_ref(),
        _ => None,
    };
    let Some(Expr::Call(call)) = value.map(|value| &**value) else {
        return false;
    };
    let Expr::Attribute(method) = &*call.func else {
        return false;
    };
    is_this(&method.value, this)
        && (method.attr.as_str() == "emit"
            || writers.iter().any(|name| name == method.attr.as_str()))
        || changes(method.attr.as_str(), own(&method.value, this, module))
}

/// Whether a method of a table or cell writes.
pub(crate) fn changes(method: &str, receiver: Option<&Ty>) -> bool {
    match receiver {
        Some(Ty::Table(_)) => method == "delete",
        Some(Ty::Cell(_)) => matches!(method, "set" | "next" | "add"),
        _ => false,
    }
}

fn is_this(expr: &Expr, this: &str) -> bool {
    matches!(expr, Expr::Name(name) if name.id.as_str() == this)
}

fn own<'m>(expr: &Expr, this: &str, module: &'m Module) -> Option<&'m Ty> {
    match expr {
        Expr::Attribute(attribute) if is_this(&attribute.value, this) => {
            module.own.get(attribute.attr.as_str())
        }
        _ => None,
    }
}

fn is_table(expr: &Expr, this: &str, module: &Module) -> bool {
    matches!(own(expr, this, module), Some(Ty::Table(_)))
}

/// Whether a body ends by raising and returns nowhere.
pub(crate) fn never_returns(body: &[Stmt]) -> bool {
    matches!(body.last(), Some(Stmt::Raise(_))) && !has_return(body)
}

/// Whether a body has a `return` with a value.
pub(crate) fn has_return(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            match stmt {
                Stmt::Return(found) => self.0 |= found.value.is_some(),
                Stmt::FunctionDef(_) => {}
                other => walk_stmt(self, other),
            }
        }
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut finder = Finder(false);
    body.iter().for_each(|stmt| finder.visit_stmt(stmt));
    finder.0
}
