//! The helpers of `lianheng.contract`: calls of them, and decimal types.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::arguments::{fits, has_star};
use super::function::Reg;
use super::{docstring, Compiler, Global, Signature};
use crate::builtins::library::{is_scale, parameters, parse_decimal};
use crate::builtins::Builtin;
use crate::limits;
use crate::program::Const;
use crate::types::Type;

const DECIMAL_HELP: &str =
    "write class Amount(Decimal, scale=2): with a text in it that says what \
                            it counts, or `pass`";

impl<'s> Compiler<'s> {
    /// A call of a helper: bound when compiling, as a call of the file's own functions.
    pub(crate) fn call_library(
        &mut self,
        call: &'s ast::ExprCall,
        builtin: Builtin,
    ) -> Option<Reg> {
        let params: Vec<(String, Option<u16>)> = parameters(builtin)?
            .iter()
            .map(|name| (name.to_string(), None))
            .collect();
        let signature = Signature {
            name: builtin.name().to_string(),
            positional: params.len(),
            params,
            ..Signature::default()
        };
        // A starred mapping finds its parameters by name when the call runs.
        for (name, _) in &signature.params {
            let _ = self.name(name);
        }
        if has_star(&call.arguments) || (self.is_script && !fits(&call.arguments, &signature)) {
            return self.call_value(call);
        }
        let base = self.f().temps(signature.params.len().max(1));
        if !self.bind_arguments(&call.arguments, &signature, 0, base, call.range()) {
            return None;
        }
        self.at(call);
        self.emit_builtin(builtin, base, signature.params.len());
        Some(base)
    }

    /// `class Amount(Decimal, scale=2)`: a name for the decimals of a scale. Tells whether the
    /// class is one.
    pub(crate) fn declare_decimal(&mut self, class: &'s ast::StmtClassDef) -> bool {
        let is_decimal = |base: &Expr| match base {
            Expr::Name(name) => {
                self.globals.get(name.id.as_str()) == Some(&Global::Library(Builtin::Decimal))
            }
            _ => false,
        };
        if !class.bases().iter().any(is_decimal) {
            return false;
        }
        let keywords = class.arguments.as_deref().map(|given| &*given.keywords);
        let scale = match keywords {
            Some([scale]) if scale.arg.as_ref().is_some_and(|name| name == "scale") => {
                self.scale_of(&scale.value)
            }
            _ => None,
        };
        let (_, body) = docstring(&class.body);
        let empty = body.iter().all(|stmt| match stmt {
            Stmt::Pass(_) => true,
            Stmt::Expr(inner) => matches!(&*inner.value, Expr::EllipsisLiteral(_)),
            _ => false,
        });
        let plain = class.bases().len() == 1 && class.decorator_list.is_empty();
        let global = match scale.filter(|_| empty && plain && class.type_params.is_none()) {
            Some(scale) => Global::Const(self.constant(Const::DecimalType(scale))),
            None => {
                let message = format!(
                    "a decimal type has a scale of 0 to {} and no members",
                    limits::DECIMAL_SCALE
                );
                self.error(class.name.range(), "type.decimal", message, DECIMAL_HELP);
                Global::Broken
            }
        };
        self.declare_global(class.name.as_str(), global, &class.name);
        true
    }

    fn scale_of(&self, expr: &Expr) -> Option<u8> {
        let Expr::NumberLiteral(number) = expr else {
            return None;
        };
        let ast::Number::Int(scale) = &number.value else {
            return None;
        };
        scale
            .as_i64()
            .filter(|scale| is_scale(*scale))
            .map(|scale| scale as u8)
    }

    /// `Decimal(2)`, `Amount("12.34")` and `Amount.from_units(1234)` as constants.
    pub(crate) fn fold_decimal(&mut self, call: &'s ast::ExprCall) -> Option<Const> {
        let [argument] = &*call.arguments.args else {
            return None;
        };
        if !call.arguments.keywords.is_empty() {
            return None;
        }
        match &*call.func {
            Expr::Name(name) if self.is_decimal_base(name) => {
                self.scale_of(argument).map(Const::DecimalType)
            }
            Expr::Name(name) => {
                let (scale, Expr::StringLiteral(text)) = (self.decimal_name(name)?, argument)
                else {
                    return None;
                };
                let units = parse_decimal(text.value.to_str(), scale)?;
                Some(Const::Decimal(scale, Box::new(units_const(units)?)))
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "from_units" => {
                let Expr::Name(name) = &*attribute.value else {
                    return None;
                };
                let scale = self.decimal_name(name)?;
                let units = self.evaluate_quietly(argument)?;
                matches!(units, Const::Int(_) | Const::Big(_))
                    .then(|| Const::Decimal(scale, Box::new(units)))
            }
            _ => None,
        }
    }

    /// Refuses a union whose values would look alike where they are stored.
    pub(crate) fn distinct_decimals(&mut self, expr: &impl Ranged, ty: Type) -> Option<Type> {
        let Type::Union(choices) = &ty else {
            return Some(ty);
        };
        let is_decimal = |ty: &&Type| matches!(ty, Type::Decimal(_));
        let alike = |ty: &&Type| matches!(ty, Type::Decimal(_) | Type::Int | Type::Class(..));
        if choices.iter().any(|ty| is_decimal(&ty)) && choices.iter().filter(alike).count() > 1 {
            self.error(
                expr.range(),
                "type.decimal",
                format!("`{ty}`: a decimal is stored as its int of units, so these look alike"),
                "declare one of them, or a Record for each",
            );
            return None;
        }
        Some(ty)
    }

    fn is_decimal_base(&self, name: &ast::ExprName) -> bool {
        self.globals.get(name.id.as_str()) == Some(&Global::Library(Builtin::Decimal))
    }

    /// The scale of the decimal type that a name of the module means.
    fn decimal_name(&self, name: &ast::ExprName) -> Option<u8> {
        let Some(Global::Const(id)) = self.globals.get(name.id.as_str()) else {
            return None;
        };
        match self.parts.consts.get(usize::from(*id)) {
            Some(Const::DecimalType(scale)) => Some(*scale),
            _ => None,
        }
    }

    /// The type of an annotation that names a decimal type; nothing for other names.
    pub(crate) fn decimal_annotation(&mut self, name: &ast::ExprName) -> Option<Option<Type>> {
        if self.is_decimal_base(name) {
            self.error(
                name.range(),
                "type.decimal",
                "`Decimal` has no scale here",
                DECIMAL_HELP,
            );
            return Some(None);
        }
        self.decimal_name(name)
            .map(|scale| Some(Type::Decimal(scale)))
    }
}

fn units_const(units: num_bigint::BigInt) -> Option<Const> {
    use num_traits::ToPrimitive;
    if units.bits() > limits::INTEGER_BITS {
        return None;
    }
    Some(units.to_i64().map_or(Const::Big(units), Const::Int))
}
