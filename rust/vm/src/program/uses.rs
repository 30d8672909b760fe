//! What a program uses of other contracts: declared interfaces and what they are bound to.

use codec::cbor::Value;

use super::decode::{array, boolean, bytes32, list, number, text, type_of, Read};
use super::encode::{int, list as list_value, type_value};
use super::ops::Instr;
use super::validate::{refuse, Refusal};
use super::{Import, Parts};
use crate::limits;
use crate::types::Type;

/// A class that declares methods of another contract.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) methods: Vec<Method>,
}

/// A method of another contract, as the caller knows it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Method {
    pub(crate) name: u16,
    pub(crate) view: bool,
    /// Names and types, in the order of the declaration; all are sent.
    pub(crate) params: Vec<(u16, Type)>,
    pub(crate) returns: Type,
}

/// An attribute of the contract that stands for another contract.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Use {
    pub(crate) name: u16,
    /// Position in the declared interfaces.
    pub(crate) interface: u16,
    /// Name under which the other is deployed.
    pub(crate) contract: String,
    /// The only source that is meant, where one is.
    pub(crate) source: Option<[u8; 32]>,
}

pub(super) fn declared_value(declared: &Declared) -> Value {
    let methods = list_value(&declared.methods, |method| {
        Value::Array(vec![
            int(method.name),
            Value::Bool(method.view),
            list_value(&method.params, |(name, ty)| {
                Value::Array(vec![int(*name), type_value(ty)])
            }),
            type_value(&method.returns),
        ])
    });
    Value::Array(vec![Value::text(declared.name.clone()), methods])
}

pub(super) fn declared(value: &Value) -> Read<Declared> {
    let items = array(value, 2)?;
    let methods = list(&items[1], |method| {
        let method = array(method, 4)?;
        Ok(Method {
            name: number(&method[0])?,
            view: boolean(&method[1])?,
            params: list(&method[2], |param| {
                let param = array(param, 2)?;
                Ok((number(&param[0])?, type_of(&param[1], 0)?))
            })?,
            returns: type_of(&method[3], 0)?,
        })
    });
    Ok(Declared {
        name: text(&items[0])?,
        methods: methods?,
    })
}

pub(super) fn use_value(used: &Use) -> Value {
    let source = used.source.map(|hash| Value::bytes(hash.to_vec()));
    Value::Array(vec![
        int(used.name),
        int(used.interface),
        Value::text(used.contract.clone()),
        source.unwrap_or(Value::Null),
    ])
}

pub(super) fn use_of(value: &Value) -> Read<Use> {
    let items = array(value, 4)?;
    let source = match &items[3] {
        Value::Null => None,
        hash => Some(bytes32(hash)?),
    };
    Ok(Use {
        name: number(&items[0])?,
        interface: number(&items[1])?,
        contract: text(&items[2])?,
        source,
    })
}

pub(super) fn import_value(import: &Import) -> Value {
    Value::Array(vec![
        Value::text(import.module.clone()),
        Value::bytes(import.source.to_vec()),
    ])
}

pub(super) fn import(value: &Value) -> Read<Import> {
    let items = array(value, 2)?;
    Ok(Import {
        module: text(&items[0])?,
        source: bytes32(&items[1])?,
    })
}

/// Whether a text can be the name of a deployed contract.
pub(crate) fn is_contract_name(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|first| first.is_ascii_lowercase());
    let rest = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    first && rest && name.len() <= limits::CONTRACT_NAME
}

impl Parts {
    pub(super) fn check_uses(&self) -> Result<(), Refusal> {
        if self.interfaces.len() > limits::INTERFACES || self.uses.len() > limits::USES {
            return refuse("too many interfaces", self.interfaces.len());
        }
        if self.imports.len() > limits::IMPORTS {
            return refuse("too many imports", self.imports.len());
        }
        if let Some(import) = self
            .imports
            .iter()
            .find(|import| crate::imports::split_name(&import.module).is_none())
        {
            return refuse("bad import", &import.module);
        }
        for declared in &self.interfaces {
            if declared.methods.len() > limits::FIELDS {
                return refuse("interface too large", &declared.name);
            }
            for method in &declared.methods {
                self.check_name(method.name)?;
                self.check_type(&method.returns, 0)?;
                if method.params.len() > limits::FIELDS {
                    return refuse("too many parameters", method.name);
                }
                for (name, ty) in &method.params {
                    self.check_name(*name)?;
                    self.check_type(ty, 0)?;
                }
            }
        }
        for used in &self.uses {
            self.check_name(used.name)?;
            if usize::from(used.interface) >= self.interfaces.len()
                || !is_contract_name(&used.contract)
            {
                return refuse("no such interface or contract", &used.contract);
            }
        }
        Ok(())
    }

    /// How many registers a call of another contract reads; its operands must exist.
    pub(super) fn check_contract_call(&self, instr: Instr) -> Result<usize, Refusal> {
        let used = self.uses.get(usize::from(instr.b));
        let declared = used.and_then(|used| self.interfaces.get(usize::from(used.interface)));
        let method = declared.and_then(|known| known.methods.get(usize::from(instr.c)));
        match method {
            Some(method) => Ok(method.params.len().max(1)),
            None => refuse("no such method of another contract", instr),
        }
    }
}
