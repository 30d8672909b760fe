//! What is known of names at one place of a body.

use std::collections::{BTreeMap, HashMap};

use super::names::Uses;
use super::ty::Ty;

/// Types of names, and of paths such as `row.holder`, at one place.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Env {
    pub(crate) vars: BTreeMap<String, Ty>,
    /// No run comes here.
    pub(crate) dead: bool,
}

impl Env {
    pub(crate) fn unreached() -> Env {
        Env {
            vars: BTreeMap::new(),
            dead: true,
        }
    }

    /// What is known where two ways meet.
    pub(crate) fn join(self, other: Env) -> Env {
        if self.dead {
            return other;
        }
        if other.dead {
            return self;
        }
        let mut vars = BTreeMap::new();
        for (name, ty) in &self.vars {
            match other.vars.get(name) {
                Some(also) if also == ty => {
                    vars.insert(name.clone(), ty.clone());
                }
                Some(also) => {
                    vars.insert(name.clone(), Ty::union([ty.clone(), also.clone()]));
                }
                None if is_path(name) => {}
                None => {
                    vars.insert(name.clone(), ty.clone());
                }
            }
        }
        for (name, ty) in other.vars {
            if !is_path(&name) && !vars.contains_key(&name) {
                vars.insert(name, ty);
            }
        }
        Env { vars, dead: false }
    }

    /// Sets a name; what was known of its attributes is gone.
    pub(crate) fn set(&mut self, name: &str, ty: Ty) {
        self.forget_below(name);
        self.vars.insert(name.to_string(), ty);
    }

    pub(crate) fn forget_below(&mut self, name: &str) {
        let prefix = format!("{name}.");
        self.vars.retain(|known, _| !known.starts_with(&prefix));
    }
}

fn is_path(name: &str) -> bool {
    name.contains('.')
}

/// A loop that is being walked: what is known at its `break`s and `continue`s.
pub(crate) struct Loop {
    pub(crate) breaks: Env,
    pub(crate) continues: Env,
}

/// A function, or the module.
#[derive(Default)]
pub(crate) struct Scope<'s> {
    pub(crate) env: Env,
    pub(crate) uses: Uses<'s>,
    /// Types that annotations of this body give to names.
    pub(crate) declared: HashMap<String, Ty>,
    /// Names of the functions around it.
    pub(crate) outer: HashMap<String, Ty>,
    pub(crate) returns: Option<Ty>,
    pub(crate) loops: Vec<Loop>,
    /// Names of the exceptions that the `try` statements around a place catch.
    pub(crate) caught: Vec<Vec<String>>,
    /// The method's name for the contract.
    pub(crate) this: Option<String>,
    pub(crate) view: bool,
    pub(crate) is_module: bool,
}
