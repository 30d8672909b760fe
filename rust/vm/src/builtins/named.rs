//! Arguments of builtins that take some of them by name, with CPython's words where they misfit.

use crate::error::{type_error, R};
use crate::interp::Vm;
use crate::value::Value;

/// What a builtin takes.
pub(crate) struct Takes {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [&'static str],
    /// How many of the parameters have no name for callers.
    pub(crate) unnamed: usize,
    /// How many of them may be given by position.
    pub(crate) positional: usize,
    /// How many of them must be given.
    pub(crate) required: usize,
}

impl Takes {
    /// All parameters by position or name, all of them optional.
    pub(crate) const fn any(name: &'static str, parameters: &'static [&'static str]) -> Takes {
        Takes {
            name,
            parameters,
            unnamed: 0,
            positional: parameters.len(),
            required: 0,
        }
    }

    /// With this many parameters that must be given.
    pub(crate) const fn needs(self, required: usize) -> Takes {
        Takes { required, ..self }
    }

    /// With this many parameters that may be given by position.
    pub(crate) const fn placed(self, positional: usize) -> Takes {
        Takes { positional, ..self }
    }

    /// With this many parameters that cannot be given by name.
    pub(crate) const fn unnamed(self, unnamed: usize) -> Takes {
        Takes { unnamed, ..self }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 {
        ""
    } else {
        "s"
    }
}

/// What CPython says of a wrong number of arguments.
fn miscounted(takes: &Takes, placed: usize, named: usize) -> Option<String> {
    let (name, all, most) = (takes.name, takes.parameters.len(), takes.positional);
    let given = placed + named;
    if given > all {
        let bound = if takes.required < all {
            "at most"
        } else {
            "exactly"
        };
        let kind = if placed == 0 { "keyword " } else { "" };
        return Some(format!(
            "{name}() takes {bound} {all} {kind}argument{} ({given} given)",
            plural(all)
        ));
    }
    if placed > most && most == 0 {
        return Some(format!("{name}() takes no positional arguments"));
    }
    let least = takes.unnamed.min(takes.required);
    let (bound, count) = if placed > most {
        (if least < most { "at most" } else { "exactly" }, most)
    } else if placed < least {
        (if least < most { "at least" } else { "exactly" }, least)
    } else {
        return None;
    };
    Some(format!(
        "{name}() takes {bound} {count} positional argument{} ({placed} given)",
        plural(count)
    ))
}

impl Vm<'_, '_> {
    /// The arguments in the order of the parameters; nothing where none is given.
    pub(crate) fn named<const COUNT: usize>(
        &self,
        takes: &Takes,
        arguments: &[Value],
        names: &[u16],
    ) -> R<[Option<Value>; COUNT]> {
        let placed = arguments.len() - names.len().min(arguments.len());
        if let Some(message) = miscounted(takes, placed, names.len()) {
            return Err(type_error(message));
        }
        let (name, mut left) = (takes.name, names.len());
        let mut bound = [const { None }; COUNT];
        for (slot, value) in bound.iter_mut().zip(&arguments[..placed]) {
            *slot = Some(value.clone());
        }
        let parameters = takes.parameters.iter().enumerate();
        for (at, parameter) in parameters.skip(placed.max(takes.unnamed)) {
            if let Some(value) = self.keyword(arguments, names, parameter) {
                bound[at] = Some(value.clone());
                left -= 1;
            } else if at < takes.required {
                return Err(type_error(format!(
                    "{name}() missing required argument '{parameter}' (pos {})",
                    at + 1
                )));
            }
        }
        if left == 0 {
            return Ok(bound);
        }
        let known = takes.parameters.iter().enumerate();
        for (at, parameter) in known.take(placed).skip(takes.unnamed) {
            if self.keyword(arguments, names, parameter).is_some() {
                return Err(type_error(format!(
                    "argument for {name}() given by name ('{parameter}') and position ({})",
                    at + 1
                )));
            }
        }
        self.only_keywords(name, names, &takes.parameters[takes.unnamed..])?;
        Ok(bound)
    }

    /// An argument that is text.
    pub(super) fn named_text(
        &self,
        what: &str,
        parameter: &str,
        value: &Value,
    ) -> R<std::rc::Rc<crate::value::StrObj>> {
        match value {
            Value::Str(text) => Ok(text.clone()),
            other => Err(type_error(format!(
                "{what}() argument '{parameter}' must be str, not {}",
                match other {
                    Value::None => "None".to_string(),
                    other => self.type_name(other),
                }
            ))),
        }
    }
}
