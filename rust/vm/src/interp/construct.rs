//! Calling classes: records, events, members of enums, exceptions.

use std::rc::Rc;

use super::calls::missing_arguments;
use super::{is_reject_code, Vm};
use crate::error::{type_error, value_error, Exc, Trap, R};
use crate::gas;
use crate::memory::charge;
use crate::program::{Class, ClassKind};
use crate::value::{ExcObj, Value, OBJECT_BYTES};

#[cold]
fn too_many_fields(info: &Class, positional: usize) -> Trap {
    let most = info.fields.len() + 1;
    let least = most
        - info
            .fields
            .iter()
            .filter(|field| field.default.is_some())
            .count();
    let takes = if least == most {
        format!("{most}")
    } else {
        format!("from {least} to {most}")
    };
    let plural = if most == 1 { "" } else { "s" };
    type_error(format!(
        "{}.__init__() takes {takes} positional argument{plural} but {} were given",
        info.name,
        positional + 1
    ))
}

impl Vm<'_, '_> {
    pub(super) fn call_class(
        &mut self,
        class: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        if self.program.class(class).kind == ClassKind::Enum {
            return self.member_of_value(class, arguments);
        }
        let mut fields = self.given_fields(class, arguments, names)?;
        self.fill_field_defaults(class, &mut fields)?;
        self.build(class, fields)
    }

    /// `Status(value)`
    fn member_of_value(&mut self, class: u16, arguments: &[Value]) -> R<Value> {
        let info = self.program.class(class);
        let [value] = arguments else {
            return Err(type_error(format!("{}() takes one value", info.name)));
        };
        for (member, (_, constant)) in info.members.iter().enumerate() {
            self.spend(1)?;
            let known = crate::instance::constant_value(constant, false)?;
            if self.equal(&known, value, 0)? {
                return Ok(Value::Enum {
                    class,
                    member: member as u16,
                });
            }
        }
        let shown = self.repr(value)?;
        Err(value_error(format!("{shown} is not a valid {}", info.name)))
    }

    /// The fields that the arguments give; the others are unset.
    fn given_fields(
        &mut self,
        class: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Vec<Value>> {
        let program = self.program;
        let info = program.class(class);
        let positional = arguments.len() - names.len().min(arguments.len());
        if positional > info.fields.len() {
            return Err(too_many_fields(info, positional));
        }
        let mut fields = vec![Value::Unset; info.fields.len()];
        for (slot, value) in fields.iter_mut().zip(&mut arguments[..positional]) {
            *slot = std::mem::take(value);
        }
        for (name, value) in names.iter().zip(&mut arguments[positional..]) {
            let Some(slot) = program.slot(class, *name) else {
                return Err(type_error(format!(
                    "{}.__init__() got an unexpected keyword argument '{}'",
                    info.name,
                    self.keyword_name(*name)
                )));
            };
            if !matches!(fields[slot], Value::Unset) {
                return Err(type_error(format!(
                    "{}.__init__() got multiple values for argument '{}'",
                    info.name,
                    self.keyword_name(*name)
                )));
            }
            fields[slot] = std::mem::take(value);
        }
        Ok(fields)
    }

    fn fill_field_defaults(&self, class: u16, fields: &mut [Value]) -> R<()> {
        let info = self.program.class(class);
        let mut missing = Vec::new();
        for (slot, field) in fields.iter_mut().zip(&info.fields) {
            if matches!(slot, Value::Unset) {
                match field.default {
                    Some(default) => *slot = self.instance.consts[usize::from(default)].clone(),
                    None => missing.push(format!("'{}'", self.program.name(field.name))),
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(missing_arguments(
            &format!("{}.__init__", info.name),
            "positional",
            &missing,
        ))
    }

    /// A record or event with all its fields, which are checked.
    pub(crate) fn build(&mut self, class: u16, fields: Vec<Value>) -> R<Value> {
        let program = self.program;
        let info = program.class(class);
        self.spend(gas::OBJECT + fields.len() as u64)?;
        for (value, field) in fields.iter().zip(&info.fields) {
            if !self.conforms(value, &field.ty, 0)? {
                let given = self.type_name(value);
                let name = program.name(field.name);
                return Err(type_error(format!(
                    "{}.{name} is {given}, declared {}",
                    info.name, field.ty
                )));
            }
        }
        Value::record(class, fields)
    }

    /// `record.replace(field=value, ...)`
    pub(crate) fn replace(
        &mut self,
        record: &crate::value::RecordObj,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let program = self.program;
        if arguments.len() != names.len() {
            let given = arguments.len() - names.len() + 1;
            return Err(type_error(format!(
                "Record.replace() takes 1 positional argument but {given} were given"
            )));
        }
        let mut fields = record.fields.clone();
        for (name, value) in names.iter().zip(arguments) {
            let Some(slot) = program.slot(record.class, *name) else {
                let class = &program.class(record.class).name;
                return Err(type_error(format!(
                    "{class}.__init__() got an unexpected keyword argument '{}'",
                    self.keyword_name(*name)
                )));
            };
            fields[slot] = std::mem::take(value);
        }
        self.build(record.class, fields)
    }

    pub(super) fn make_exception(
        &mut self,
        class: Exc,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        if class == Exc::Rejected {
            return self.make_rejected(arguments, names);
        }
        if !names.is_empty() {
            return Err(type_error(format!(
                "{}() takes no keyword arguments",
                class.name()
            )));
        }
        if arguments.len() > 1 && matches!(class, Exc::SyntaxError | Exc::OSError) {
            return Err(crate::error::refused(
                "details of a SyntaxError or OSError are not part of the language: give it a text",
            ));
        }
        if matches!(class, Exc::UnicodeDecodeError | Exc::UnicodeEncodeError) {
            return Err(crate::error::refused(
                "a UnicodeDecodeError or UnicodeEncodeError is not made by hand: raise a UnicodeError",
            ));
        }
        self.spend(gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES + arguments.len() * 16)?;
        let args = arguments.iter_mut().map(std::mem::take).collect();
        Ok(Value::Exception(Rc::new(ExcObj {
            class,
            args,
            line: Default::default(),
            charge,
        })))
    }

    /// `Rejected(code, message)`
    fn make_rejected(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        let mut parts = [Value::Unset, Value::Unset];
        let positional = arguments.len() - names.len().min(arguments.len());
        for (index, value) in arguments.iter().enumerate() {
            let place = match names
                .get(index.wrapping_sub(positional))
                .filter(|_| index >= positional)
            {
                Some(name) => match self.keyword_name(*name) {
                    "code" => 0,
                    "message" => 1,
                    other => {
                        return Err(type_error(format!(
                            "Rejected() got an unexpected keyword argument '{other}'"
                        )))
                    }
                },
                None => index,
            };
            match parts.get_mut(place) {
                Some(slot) => *slot = value.clone(),
                None => return Err(type_error("Rejected() takes a code and a message")),
            }
        }
        let [code, message] = parts;
        if matches!(code, Value::Unset) {
            return Err(type_error("Rejected() needs a code"));
        }
        let message = if matches!(message, Value::Unset) {
            Value::text("")
        } else {
            message
        };
        Ok(Value::Exception(self.rejected(&code, &message)?))
    }

    /// A refusal by the contract.
    pub(crate) fn rejected(&mut self, code: &Value, message: &Value) -> R<Rc<ExcObj>> {
        let (Value::Str(text), Value::Str(_)) = (code, message) else {
            return Err(type_error(
                "the code and the message of a refusal are texts",
            ));
        };
        if !is_reject_code(&text.text) {
            let shown = self.repr(code)?;
            return Err(value_error(format!(
                "{shown} is no code: write a lower-case word such as 'not_holder'"
            )));
        }
        let charge = charge(OBJECT_BYTES)?;
        let args = vec![code.clone(), message.clone()];
        Ok(Rc::new(ExcObj {
            class: Exc::Rejected,
            args,
            line: Default::default(),
            charge,
        }))
    }
}
