//! Classes: records, events and enums.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{docstring, Compiler, Declared, Global};
use crate::error::Exc;
use crate::limits;
use crate::program::{Class, ClassKind, Const, Field};
use crate::types::Type;

const FIELD_HELP: &str = "declare fields as name: type or name: type = default";

impl<'s> Compiler<'s> {
    pub(crate) fn declare_class(&mut self, class: &'s ast::StmtClassDef) {
        if self.declare_decimal(class) {
            return;
        }
        let name = class.name.as_str();
        self.check_class_head(class);
        let (kind, base) = match self.base_of(class) {
            Some(Global::Declaration(Declared::Record)) => (ClassKind::Record, None),
            Some(Global::Declaration(Declared::Event)) => (ClassKind::Event, None),
            Some(Global::Declaration(Declared::Enum)) => (ClassKind::Enum, None),
            Some(Global::Declaration(Declared::Contract)) => return self.declare_contract(class),
            Some(Global::Declaration(Declared::Interface)) => return self.declare_interface(class),
            Some(Global::Class(base)) => (self.parts.classes[usize::from(base)].kind, Some(base)),
            Some(_) => {
                self.error(
                    class.range(),
                    "language.class",
                    "this cannot be a base class",
                    "use Record, Event, Enum, Interface, Contract or a record of this file",
                );
                return self.declare_global(name, Global::Broken, &class.name);
            }
            None => return self.declare_global(name, Global::Broken, &class.name),
        };
        if base.is_some() && kind == ClassKind::Enum {
            self.error(
                class.name.range(),
                "language.class",
                "an enum cannot be extended",
                "declare a new one",
            );
        }
        let id = self.parts.classes.len() as u16;
        self.parts.classes.push(Class {
            name: name.to_string(),
            doc: docstring(&class.body).0,
            kind,
            base,
            fields: Vec::new(),
            methods: Vec::new(),
            members: Vec::new(),
            signatories: Vec::new(),
            observers: Vec::new(),
        });
        self.declare_global(name, Global::Class(id), &class.name);
    }

    /// Reports decorators and type parameters.
    fn check_class_head(&mut self, class: &'s ast::StmtClassDef) {
        if let Some(decorator) = class.decorator_list.first() {
            self.error(
                decorator.range(),
                "language.decorator",
                "classes take no decorators",
                "Record and Event are frozen values already",
            );
        }
        if class.type_params.is_some() {
            self.error(
                class.name.range(),
                "language.class",
                "classes take no type parameters",
                "write the types out",
            );
        }
    }

    fn base_of(&mut self, class: &'s ast::StmtClassDef) -> Option<Global> {
        let arguments = class.arguments.as_deref();
        if let Some(keyword) = arguments.and_then(|arguments| arguments.keywords.first()) {
            self.error(
                keyword.range(),
                "language.class",
                "class keywords are not part of the language",
                "remove it",
            );
        }
        match class.bases() {
            [Expr::Name(base)] => {
                let global = self.globals.get(base.id.as_str()).copied();
                if global.is_none() && self.refuse_base(base) {
                    return None;
                }
                if global.is_none() && !self.told.contains(base.id.as_str()) {
                    let message = format!("the base class `{}` is not defined", base.id);
                    self.error(
                        base.range(),
                        "name.undefined",
                        message,
                        "import it from lianheng.contract, or declare it above",
                    );
                }
                global
            }
            [] => {
                self.error(
                    class.name.range(),
                    "language.class",
                    "a class has one of the bases Record, Event, Enum, Interface, Contract",
                    "write class Name(Record):",
                );
                None
            }
            bases => {
                self.error(
                    bases[0].range(),
                    "language.class",
                    "a class has exactly one base, by its name",
                    "put shared fields into one record",
                );
                None
            }
        }
    }

    /// Names what a builtin class as a base would make; whether it is one.
    fn refuse_base(&mut self, base: &'s ast::ExprName) -> bool {
        let id = base.id.as_str();
        let (what, help) = if Exc::from_name(id).is_some() || id == "BaseException" {
            (
                "an exception of its own: the tree of exceptions is closed, so that every error has a code",
                "write raise Rejected(\"code\", \"message\"), or raise ValueError(\"message\")",
            )
        } else if self.builtin(id).is_some() {
            (
                "an extended builtin type",
                "declare a Record with a field of that type",
            )
        } else if matches!(
            id,
            "object" | "NamedTuple" | "TypedDict" | "Protocol" | "ABC" | "Generic"
        ) {
            (
                "a class that is no record: objects that change and have an identity cannot be stored and proved",
                "write class Name(Record): with typed fields",
            )
        } else {
            return false;
        };
        let message = format!("`{id}` as a base makes {what}");
        self.error(base.range(), "language.class", message, help);
        true
    }

    fn declare_contract(&mut self, class: &'s ast::StmtClassDef) {
        if !self.parts.contract.is_empty() {
            self.error(
                class.name.range(),
                "contract.twice",
                "a file declares one contract",
                "move the second to a file of its own",
            );
        }
        self.parts.contract = class.name.to_string();
        self.declare_global(class.name.as_str(), Global::Contract, &class.name);
    }

    pub(crate) fn define_class(&mut self, class: &'s ast::StmtClassDef) {
        let Some(Global::Class(id)) = self.globals.get(class.name.as_str()).copied() else {
            if self.globals.get(class.name.as_str()) == Some(&Global::Contract) {
                self.define_contract(class);
            }
            if let Some(Global::Interface(number)) = self.globals.get(class.name.as_str()) {
                self.define_interface(*number, class);
            }
            return;
        };
        let (_, body) = docstring(&class.body);
        if self.parts.classes[usize::from(id)].kind == ClassKind::Enum {
            return self.define_enum(id, body);
        }
        let base = self.parts.classes[usize::from(id)].base;
        let inherited = base.map(|base| self.parts.classes[usize::from(base)].fields.clone());
        self.parts.classes[usize::from(id)].fields = inherited.unwrap_or_default();
        if let Some(base) = base {
            let parents = self.parts.classes[usize::from(base)].clone();
            let own = &mut self.parts.classes[usize::from(id)];
            (own.signatories, own.observers) = (parents.signatories, parents.observers);
        }
        for stmt in body {
            match stmt {
                Stmt::Assign(assign) if self.define_parties(id, assign) => {}
                Stmt::AnnAssign(assign) => self.define_field(id, assign),
                Stmt::FunctionDef(_) | Stmt::Pass(_) => {}
                Stmt::Expr(expr)
                    if matches!(
                        &*expr.value,
                        Expr::EllipsisLiteral(_) | Expr::StringLiteral(_)
                    ) => {}
                _ => self.refuse(
                    stmt,
                    "language.field",
                    "a record holds fields and methods",
                    FIELD_HELP,
                ),
            }
        }
        if self.parts.classes[usize::from(id)].fields.len() > limits::FIELDS {
            self.error(
                class.name.range(),
                "limit.fields",
                format!("a record has at most {} fields", limits::FIELDS),
                "split it",
            );
        }
    }

    fn define_field(&mut self, id: u16, assign: &'s ast::StmtAnnAssign) {
        let Expr::Name(name) = &*assign.target else {
            return self.refuse(
                assign,
                "language.field",
                "a field has a plain name",
                FIELD_HELP,
            );
        };
        if name.id.as_str().starts_with('_')
            || ["replace", "signatories", "observers"].contains(&name.id.as_str())
        {
            self.error(
                name.range(),
                "language.field",
                "a field's name starts with a letter and is not `replace`, `signatories` or `observers`",
                FIELD_HELP,
            );
        }
        let ty = self.annotation(&assign.annotation);
        let value = assign.value.as_deref();
        let default = value.map(|value| self.field_default(value, &ty));
        let field_name = self.name(name.id.as_str());
        let fields = &mut self.parts.classes[usize::from(id)].fields;
        let field = Field {
            name: field_name,
            ty,
            default,
        };
        if let Some(known) = fields.iter_mut().find(|known| known.name == field_name) {
            *known = field;
            return;
        }
        if field.default.is_none() && fields.iter().any(|known| known.default.is_some()) {
            self.error(
                name.range(),
                "language.field",
                "a field without default stands after one with default",
                "put it first",
            );
            return;
        }
        fields.push(field);
    }

    /// The constant that a field of a type has when none is given.
    pub(crate) fn field_default(&mut self, value: &'s Expr, ty: &Type) -> u16 {
        let before = self.reporter.count();
        let default = self.default_constant(value);
        if self.reporter.count() > before {
            return default;
        }
        let found = self.parts.consts.get(usize::from(default));
        if found.is_some_and(|found| !crate::rows::const_conforms(found, ty)) {
            let message = format!("the default does not have the field's type {ty}");
            self.error(
                value.range(),
                "type.mismatch",
                message,
                "give a default of this type, or write type | None",
            );
        }
        default
    }

    fn define_enum(&mut self, id: u16, body: &'s [Stmt]) {
        for stmt in body {
            let target = match stmt {
                Stmt::Assign(assign) => match assign.targets.as_slice() {
                    [Expr::Name(name)] => Some((name, &*assign.value)),
                    _ => None,
                },
                Stmt::Pass(_) => continue,
                _ => None,
            };
            match target {
                Some((name, value)) => self.define_member(id, name, value),
                None => self.refuse(
                    stmt,
                    "language.enum",
                    "an enum holds members only",
                    "write NAME = \"value\"",
                ),
            }
        }
    }

    fn define_member(&mut self, id: u16, name: &'s ast::ExprName, value: &'s Expr) {
        let evaluated = self.evaluate(value);
        let member = self.name(name.id.as_str());
        let Some(found @ (Const::Str(_) | Const::Int(_))) = evaluated else {
            return self.error(
                value.range(),
                "language.enum",
                "the value of a member is a str or an int",
                "write NAME = \"value\"",
            );
        };
        let members = &mut self.parts.classes[usize::from(id)].members;
        let mut known = members.iter();
        if known.any(|(name, value)| *name == member || *value == found) {
            return self.error(
                name.range(),
                "language.enum",
                "names and values of an enum are unique",
                "choose another",
            );
        }
        members.push((member, found));
    }
}
