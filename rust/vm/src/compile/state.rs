//! State beyond tables: cells, counters, parties of records, migrations.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::function::Reg;
use super::{Compiler, Declared};
use crate::program::{CellInfo, ClassKind, Const, Migration, Op, SMALL_BIAS};
use crate::types::Type;

const CELL_HELP: &str = "write total = Cell(int, 0)";
const PARTY_HELP: &str = "write signatories = (\"buyer\", \"seller\")";
const MIGRATE_HELP: &str = "write @migrate(from_version=0)";

impl<'s> Compiler<'s> {
    /// Declares a cell or counter, if the value of a contract's attribute is one.
    pub(crate) fn define_state(&mut self, name: &'s ast::ExprName, value: &'s Expr) -> bool {
        let Expr::Call(call) = value else {
            return false;
        };
        let counter = self.declares(&call.func, Declared::Counter);
        if !counter && !self.declares(&call.func, Declared::Cell) {
            return false;
        }
        let cell = if counter {
            self.counter(call)
        } else {
            self.cell(call)
        };
        if let Some((ty, default)) = cell {
            let number = self.parts.cells.len() as u16;
            let id = self.name(name.id.as_str());
            self.parts.cells.push(CellInfo {
                name: id,
                ty,
                default,
                counter,
            });
            self.contract.cells.insert(name.id.to_string(), number);
        }
        true
    }

    fn counter(&mut self, call: &'s ast::ExprCall) -> Option<(Type, u16)> {
        if !call.arguments.is_empty() {
            self.error(
                call.range(),
                "language.cell",
                "a counter takes no arguments: it begins with 0",
                "write numbers = Counter()",
            );
            return None;
        }
        Some((Type::Int, self.constant(Const::Int(0))))
    }

    fn cell(&mut self, call: &'s ast::ExprCall) -> Option<(Type, u16)> {
        let default = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([_, default], []) => Some(default),
            ([_], [keyword]) if keyword.arg.as_ref().is_some_and(|arg| arg == "default") => {
                Some(&keyword.value)
            }
            _ => None,
        };
        let Some(default) = default else {
            self.error(
                call.range(),
                "language.cell",
                "a cell has a type, and the value that is read before one was set",
                CELL_HELP,
            );
            return None;
        };
        let ty = self.annotation(&call.arguments.args[0]);
        let default = self.field_default(default, &ty);
        Some((ty, default))
    }

    /// The cell that an expression such as `self.total` names.
    fn cell_of(&mut self, expr: &'s Expr) -> Option<u16> {
        let Expr::Attribute(attribute) = expr else {
            return None;
        };
        let cell = self.contract.cells.get(attribute.attr.as_str()).copied()?;
        self.is_self(&attribute.value).then_some(cell)
    }

    /// A call on a cell, where the callee is one; the result's register, where there is one.
    pub(crate) fn call_cell(
        &mut self,
        call: &'s ast::ExprCall,
        attribute: &'s ast::ExprAttribute,
    ) -> Option<Option<Reg>> {
        let cell = self.cell_of(&attribute.value)?;
        let counter = self.parts.cells[usize::from(cell)].counter;
        let arguments = &call.arguments;
        let plain = arguments.keywords.is_empty()
            && !arguments
                .args
                .iter()
                .any(|argument| matches!(argument, Expr::Starred(_)));
        let base = self.f().temp();
        match (attribute.attr.as_str(), &*arguments.args) {
            ("get", []) if plain => {
                self.at(call);
                self.emit(Op::CellGet, base, cell, 0);
            }
            ("set", [value]) if plain && !counter => {
                self.expr_to(value, base);
                self.at(call);
                self.emit(Op::CellSet, base, cell, 0);
                self.load_const(Const::None, base);
            }
            ("next", []) if plain && counter => {
                self.emit(Op::Small, base, (SMALL_BIAS + 1) as u16, 0);
                self.at(call);
                self.emit(Op::CellAdd, base, cell, 0);
            }
            ("add", [value]) if plain && counter => {
                self.expr_to(value, base);
                self.at(call);
                self.emit(Op::CellAdd, base, cell, 0);
            }
            _ => {
                let help = if counter {
                    "a counter has get(), next() and add(amount)"
                } else {
                    "a cell has get() and set(value)"
                };
                let message = format!("`{}` is not called so here", attribute.attr);
                self.error(call.range(), "language.cell", message, help);
                return Some(None);
            }
        }
        Some(Some(base))
    }

    /// A cell that is not read or set where it stands.
    pub(crate) fn refuse_cell_value(&mut self, attribute: &'s ast::ExprAttribute) -> bool {
        let name = attribute.attr.as_str();
        let Some(cell) = self.contract.cells.get(name).copied() else {
            return false;
        };
        let help = if self.parts.cells[usize::from(cell)].counter {
            format!("write self.{name}.get() or self.{name}.next()")
        } else {
            format!("write self.{name}.get() or self.{name}.set(value)")
        };
        let message = format!("`self.{name}` is a cell: its value is read and set by calls");
        self.error(attribute.range(), "language.cell", message, help);
        true
    }

    /// `signatories = (...)` or `observers = (...)` in a record; whether it was one.
    pub(crate) fn define_parties(&mut self, class: u16, assign: &'s ast::StmtAssign) -> bool {
        let [Expr::Name(name)] = assign.targets.as_slice() else {
            return false;
        };
        let signing = name.id.as_str() == "signatories";
        let info = &self.parts.classes[usize::from(class)];
        if (!signing && name.id.as_str() != "observers") || info.kind != ClassKind::Record {
            return false;
        }
        let items: &'s [Expr] = match &*assign.value {
            Expr::Tuple(tuple) => &tuple.elts,
            _ => {
                self.error(
                    assign.value.range(),
                    "language.parties",
                    "parties are a tuple of names of fields",
                    PARTY_HELP,
                );
                return true;
            }
        };
        let mut positions = Vec::new();
        for item in items {
            if let Some(position) = self.party(class, item) {
                positions.push(position);
            }
        }
        let info = &mut self.parts.classes[usize::from(class)];
        if signing {
            info.signatories = positions;
        } else {
            info.observers = positions;
        }
        true
    }

    fn party(&mut self, class: u16, item: &'s Expr) -> Option<u16> {
        let Expr::StringLiteral(text) = item else {
            self.error(
                item.range(),
                "language.parties",
                "a party is named by the field that holds it",
                PARTY_HELP,
            );
            return None;
        };
        let id = self.name(text.value.to_str());
        let info = &self.parts.classes[usize::from(class)];
        let found = info.fields.iter().position(|field| field.name == id);
        let Some(position) = found else {
            let message = format!("{} has no field `{}` above", info.name, text.value.to_str());
            self.error(
                item.range(),
                "name.attribute",
                message,
                "declare the fields first, then signatories and observers",
            );
            return None;
        };
        if !names_parties(&info.fields[position].ty) {
            let message = format!(
                "a field of type {} does not name parties",
                info.fields[position].ty
            );
            self.error(
                item.range(),
                "language.parties",
                message,
                "use str, str | None, list[str] or tuple[str, ...]: members or organisations",
            );
            return None;
        }
        Some(position as u16)
    }

    /// Notes `@migrate(from_version=...)`.
    pub(crate) fn define_migration(
        &mut self,
        function: u16,
        def: &'s ast::StmtFunctionDef,
        call: &'s ast::ExprCall,
    ) {
        let version = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([], [keyword])
                if keyword
                    .arg
                    .as_ref()
                    .is_some_and(|arg| arg == "from_version") =>
            {
                match self.evaluate(&keyword.value) {
                    Some(Const::Int(version)) => u16::try_from(version).ok(),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(from) = version else {
            return self.error(
                call.range(),
                "language.migrate",
                "a migration names the source it starts from: 0 is the first that was deployed",
                MIGRATE_HELP,
            );
        };
        let known = &mut self.parts.migrations.iter();
        if known.any(|known| known.from == from) {
            return self.error(
                call.range(),
                "language.migrate",
                format!("two migrations start from source {from}"),
                "join them into one method",
            );
        }
        if def.parameters.len() > 1 {
            self.error(
                def.name.range(),
                "language.call_parameters",
                "a migration has no parameters but self",
                "write def name(self) -> None:",
            );
        }
        self.parts.migrations.push(Migration { from, function });
    }

    /// Whether a method is a migration.
    pub(crate) fn is_migration(&self, def: &ast::StmtFunctionDef) -> bool {
        def.decorator_list.iter().any(|decorator| {
            matches!(&decorator.expression, Expr::Call(call)
                if self.declares(&call.func, Declared::Migrate))
        })
    }

    /// `self.drain("table")`
    pub(crate) fn call_drain(&mut self, call: &'s ast::ExprCall) -> Option<Reg> {
        let name = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([Expr::StringLiteral(name)], []) => name,
            _ => {
                self.error(
                    call.range(),
                    "call.arguments",
                    "drain() takes the name of a table or cell as it was stored until now",
                    "write self.drain(\"items\")",
                );
                return None;
            }
        };
        if !self.contract.migrating {
            self.error(
                call.range(),
                "language.migrate",
                "only a method with @migrate takes rows out of the old layout",
                "read and delete rows of the table instead",
            );
            return None;
        }
        let base = self.f().temp();
        self.load_const(Const::Str(name.value.to_str().to_string()), base);
        self.at(call);
        self.emit(Op::Drain, base, base, 0);
        Some(base)
    }
}

/// Whether values of a type are members or organisations, or lists of them.
fn names_parties(ty: &Type) -> bool {
    match ty {
        Type::Str => true,
        Type::List(item) | Type::TupleOf(item) => **item == Type::Str,
        Type::Union(choices) => choices
            .iter()
            .all(|choice| *choice == Type::None || names_parties(choice)),
        _ => false,
    }
}
