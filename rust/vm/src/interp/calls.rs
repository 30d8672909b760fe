//! Calling values: binding arguments, methods.

use std::rc::Rc;

use super::exec::Arguments;
use super::Vm;
use crate::error::{fatal, malformed, raise, refused, type_error, Exc, Stop, R};
use crate::gas;
use crate::program::{ClassKind, Function, Instr, Op, Special};
use crate::table::HashTable;
use crate::value::{ClosureObj, Value};

#[cold]
pub(crate) fn missing_arguments(
    function: &str,
    kind: &str,
    names: &[String],
) -> crate::error::Trap {
    let listed = match names {
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
        [] => String::new(),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    type_error(format!(
        "{function}() missing {} required {kind} argument{plural}: {listed}",
        names.len()
    ))
}

impl Vm<'_, '_> {
    /// The four call instructions whose callee is known only now. Gives a function with its
    /// arguments, or has put the result into its register.
    pub(crate) fn call_instruction(
        &mut self,
        instr: Instr,
        regs: &mut [Value],
    ) -> R<Option<(u16, Arguments)>> {
        let at = usize::from(instr.a);
        let program = self.program;
        let no_names: &[u16] = &[];
        let (count, names) = match instr.op {
            Op::CallValue => (usize::from(instr.b), no_names),
            Op::CallMethod => (usize::from(instr.c), no_names),
            _ => {
                let number = if instr.op == Op::CallShape {
                    instr.b
                } else {
                    instr.c
                };
                let shape = &program.parts.shapes[usize::from(number)];
                (
                    usize::from(shape.positional) + shape.names.len(),
                    shape.names.as_slice(),
                )
            }
        };
        let (callee, rest) = regs[at..].split_at_mut(1);
        let arguments = &mut rest[..count];
        if matches!(instr.op, Op::CallMethod | Op::CallMethodShape) {
            if let Some(function) = self.user_method(&callee[0], instr.b) {
                self.spend(gas::CALL)?;
                let info = &program.parts.functions[usize::from(function)];
                let exact = names.is_empty()
                    && count + 1 == info.params.len()
                    && count + 1 == usize::from(info.positional);
                if exact && !info.star && !info.star_star {
                    return Ok(Some((function, Arguments::InPlace)));
                }
                let mut all = Vec::with_capacity(count + 1);
                all.push(std::mem::take(&mut callee[0]));
                all.extend(arguments.iter_mut().map(std::mem::take));
                return self
                    .bind(function, all, names, None)
                    .map(|bound| Some((function, Arguments::Given(bound))));
            }
            let receiver = std::mem::take(&mut callee[0]);
            callee[0] = self.call_method(&receiver, instr.b, arguments, names)?;
            return Ok(None);
        }
        let (function, closure) = match &callee[0] {
            Value::Function(function) => (*function, None),
            Value::Closure(closure) => (closure.function, Some(closure.clone())),
            _ => {
                let target = std::mem::take(&mut callee[0]);
                callee[0] = self.call_native(&target, arguments, names)?;
                return Ok(None);
            }
        };
        self.spend(gas::CALL)?;
        let info = &program.parts.functions[usize::from(function)];
        let plain =
            names.is_empty() && count == info.params.len() && count == usize::from(info.positional);
        if plain && !info.star && !info.star_star && (closure.is_some() || info.frees == 0) {
            // The arguments lie in a row behind the callee: they move down by one.
            for at in at..at + count {
                regs[at] = std::mem::take(&mut regs[at + 1]);
            }
            return Ok(Some((
                function,
                closure.map_or(Arguments::InPlace, Arguments::Closure),
            )));
        }
        let all = arguments.iter_mut().map(std::mem::take).collect();
        let bound = self.bind(function, all, names, closure.as_ref())?;
        Ok(Some((function, Arguments::Given(bound))))
    }

    /// A method that the contract's own code defines.
    fn user_method(&self, receiver: &Value, name: u16) -> Option<u16> {
        let methods = match receiver {
            Value::Record(record) => &self.program.class(record.class).methods,
            Value::Contract => &self.program.parts.methods,
            Value::Class(class) => {
                return self.program.special(*class, Special::Class, name);
            }
            _ => return None,
        };
        methods
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, function)| *function)
    }

    /// Arguments in the order of the callee's registers. Keywords come last, in the order of
    /// `names`.
    fn bind(
        &mut self,
        function: u16,
        mut given: Vec<Value>,
        names: &[u16],
        closure: Option<&Rc<ClosureObj>>,
    ) -> R<Vec<Value>> {
        let program = self.program;
        let info = &program.parts.functions[usize::from(function)];
        let keywords = given.split_off(given.len() - names.len().min(given.len()));
        let positional = usize::from(info.positional);
        let mut extra = Vec::new();
        if given.len() > positional {
            if !info.star {
                return Err(self.too_many_arguments(info, given.len(), names));
            }
            extra = given.split_off(positional);
        }
        let mut bound: Vec<Value> = given;
        bound.resize_with(info.params.len(), Value::default);
        let mut others = HashTable::default();
        for (name, value) in names.iter().zip(keywords) {
            let place = info.params.iter().position(|param| param.name == *name);
            match place.filter(|place| *place >= usize::from(info.positional_only)) {
                Some(place) if matches!(bound[place], Value::Unset) => bound[place] = value,
                Some(_) => {
                    return Err(type_error(format!(
                        "{}() got multiple values for argument '{}'",
                        info.name,
                        program.name(*name)
                    )));
                }
                None => {
                    let key = self.new_str(self.keyword_name(*name).to_string())?;
                    if !info.star_star {
                        return Err(self.unexpected_keyword(info, &key, names)?);
                    }
                    let hash = self.hash(&key, 0)?;
                    others.push(hash, key, value);
                }
            }
        }
        self.fill_defaults(info, &mut bound, closure)?;
        if info.star {
            let extra = self.new_tuple(extra)?;
            bound.push(extra);
        }
        if info.star_star {
            bound.push(Value::dict(others)?);
        }
        match closure {
            Some(closure) => {
                bound.extend(closure.held.iter().take(usize::from(info.frees)).cloned())
            }
            None if info.frees > 0 => return Err(malformed()),
            None => {}
        }
        Ok(bound)
    }

    /// What CPython says where a function takes no argument of this name.
    fn unexpected_keyword(&mut self, info: &Function, key: &Value, names: &[u16]) -> R<Box<Stop>> {
        let key = self.show(key)?;
        let given_by_name: Vec<&str> = info
            .params
            .iter()
            .take(usize::from(info.positional_only))
            .filter(|param| names.contains(&param.name))
            .map(|param| self.program.name(param.name))
            .collect();
        let what = if given_by_name.is_empty() {
            format!("{}() got an unexpected keyword argument '{key}'", info.name)
        } else {
            format!(
                "{}() got some positional-only arguments passed as keyword arguments: '{}'",
                info.name,
                given_by_name.join(", ")
            )
        };
        Ok(type_error(what))
    }

    fn fill_defaults(
        &mut self,
        info: &Function,
        bound: &mut [Value],
        closure: Option<&Rc<ClosureObj>>,
    ) -> R<()> {
        let mut missing = Vec::new();
        for (place, (slot, param)) in bound.iter_mut().zip(&info.params).enumerate() {
            if !matches!(slot, Value::Unset) {
                continue;
            }
            if let Some(constant) = param.default {
                *slot = self.instance.consts[usize::from(constant)].clone();
            } else if let (Some(held), Some(closure)) = (param.held_default, closure) {
                let at = usize::from(info.frees) + usize::from(held);
                *slot = closure.held.get(at).cloned().ok_or_else(malformed)?;
            } else {
                missing.push((
                    place < usize::from(info.positional),
                    format!("'{}'", self.program.name(param.name)),
                ));
            }
        }
        let by_position = missing.iter().any(|(positional, _)| *positional);
        let names: Vec<String> = missing
            .into_iter()
            .filter(|(positional, _)| *positional == by_position)
            .map(|(_, name)| name)
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let kind = if by_position {
            "positional"
        } else {
            "keyword-only"
        };
        Err(missing_arguments(&info.name, kind, &names))
    }

    #[cold]
    fn too_many_arguments(
        &self,
        info: &Function,
        given: usize,
        names: &[u16],
    ) -> crate::error::Trap {
        let most = usize::from(info.positional);
        let is_default =
            |param: &crate::program::Param| param.default.is_some() || param.held_default.is_some();
        let least = most
            - info
                .params
                .iter()
                .take(most)
                .filter(|param| is_default(param))
                .count();
        let takes = match (least, most) {
            (_, 1) if least == most => "1 positional argument".to_string(),
            _ if least == most => format!("{most} positional arguments"),
            _ => format!("from {least} to {most} positional arguments"),
        };
        let keyword_only = names
            .iter()
            .filter(|name| {
                info.params
                    .iter()
                    .skip(most)
                    .any(|param| param.name == **name)
            })
            .count();
        let given = match (given, keyword_only) {
            (1, 0) => "1 was".to_string(),
            (_, 0) => format!("{given} were"),
            _ => {
                let plural = |count: usize| if count == 1 { "" } else { "s" };
                let (first, second) = (plural(given), plural(keyword_only));
                format!("{given} positional argument{first} (and {keyword_only} keyword-only argument{second}) were")
            }
        };
        type_error(format!("{}() takes {takes} but {given} given", info.name))
    }

    /// `f(*arguments, **keywords)`: three registers.
    pub(crate) fn call_star(&mut self, regs: &mut [Value]) -> R<Option<(u16, Arguments)>> {
        let (Value::Tuple(positional), Value::Dict(keywords)) = (&regs[1], &regs[2]) else {
            return Err(malformed());
        };
        let (positional, keywords) = (positional.clone(), keywords.clone());
        let mut arguments = positional.items.clone();
        let mark = self.keywords.len();
        let names = self.keyword_numbers(&keywords, &mut arguments);
        let called = names.and_then(|names| self.call_bound(regs, arguments, &names));
        self.keywords.truncate(mark);
        called
    }

    /// Adds the values of `**keywords` to the arguments, and gives the numbers of their names.
    /// A name that the program never writes gets a number behind those of the program's names,
    /// for as long as the call lasts.
    fn keyword_numbers(
        &mut self,
        keywords: &crate::value::DictObj,
        arguments: &mut Vec<Value>,
    ) -> R<Vec<u16>> {
        let known = &self.program.parts.names;
        let count = keywords.table.borrow().len();
        self.spend((arguments.len() + count) as u64 + (count * known.len()) as u64 / 8)?;
        let mut names = Vec::with_capacity(count);
        for entry in keywords.table.borrow().iter() {
            let Value::Str(key) = &entry.key else {
                return Err(type_error("keywords must be strings"));
            };
            let place = known.iter().position(|name| *name == key.text);
            let number = place.unwrap_or(known.len() + self.keywords.len());
            let Some(number) = u16::try_from(number).ok() else {
                return Err(fatal(
                    "limit.keywords",
                    "a call takes fewer keywords than that: give it the dict itself",
                ));
            };
            if place.is_none() {
                self.keywords.push(key.clone());
            }
            names.push(number);
            arguments.push(entry.value.clone());
        }
        Ok(names)
    }

    /// Calls the value in the first register.
    fn call_bound(
        &mut self,
        regs: &mut [Value],
        arguments: Vec<Value>,
        names: &[u16],
    ) -> R<Option<(u16, Arguments)>> {
        let callee = regs[0].clone();
        let (function, closure) = match &callee {
            Value::Function(function) => (*function, None),
            Value::Closure(closure) => (closure.function, Some(closure)),
            other => {
                regs[0] = self.call_any(other, arguments, names)?;
                return Ok(None);
            }
        };
        self.spend(gas::CALL)?;
        let bound = self.bind(function, arguments, names, closure)?;
        Ok(Some((function, Arguments::Given(bound))))
    }

    /// The name of an argument that a call gives by name.
    pub(crate) fn keyword_name(&self, number: u16) -> &str {
        let number = usize::from(number);
        match number.checked_sub(self.program.parts.names.len()) {
            None => &self.program.parts.names[number],
            Some(place) => self.keywords.get(place).map_or("?", |name| &name.text),
        }
    }

    /// Calls a value from native code.
    pub(crate) fn call_any(
        &mut self,
        callee: &Value,
        mut arguments: Vec<Value>,
        names: &[u16],
    ) -> R<Value> {
        match callee {
            Value::Function(function) => {
                self.spend(gas::CALL)?;
                let bound = self.bind(*function, arguments, names, None)?;
                self.run_native(*function, bound)
            }
            Value::Closure(closure) => {
                self.spend(gas::CALL)?;
                let bound = self.bind(closure.function, arguments, names, Some(closure))?;
                self.run_native(closure.function, bound)
            }
            other => self.call_native(other, &mut arguments, names),
        }
    }

    /// What a property gives.
    pub(crate) fn property(&mut self, function: u16, record: &Value) -> R<Value> {
        self.spend(gas::CALL)?;
        let bound = self.bind(function, vec![record.clone()], &[], None)?;
        self.run_native(function, bound)
    }

    fn run_native(&mut self, function: u16, bound: Vec<Value>) -> R<Value> {
        let most = self.frame_limits.1;
        if self.native >= most {
            return Err(fatal(
                "limit.recursion",
                format!(
                    "functions given to builtins call each other deeper than {most}: use a loop"
                ),
            ));
        }
        self.native += 1;
        let mut stack = self.spare.pop().unwrap_or_default();
        stack.clear();
        stack.extend(bound);
        let result = self.execute(&mut stack, function);
        stack.clear();
        self.spare.push(stack);
        self.native -= 1;
        result
    }

    /// Calls what is no function of the contract's.
    fn call_native(&mut self, callee: &Value, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        match callee {
            Value::Builtin(builtin) => self.call_builtin(*builtin, arguments, names),
            Value::Class(class) => self.call_class(*class, arguments, names),
            Value::DecimalType(scale) => self.call_decimal_type(*scale, arguments, names),
            Value::ExcClass(class) => self.make_exception(*class, arguments, names),
            Value::Bound(bound) => {
                if let Some(function) = self.user_method(&bound.receiver, bound.name) {
                    self.spend(gas::CALL)?;
                    let mut all = vec![bound.receiver.clone()];
                    all.extend(arguments.iter_mut().map(std::mem::take));
                    let bound = self.bind(function, all, names, None)?;
                    return self.run_native(function, bound);
                }
                self.call_method(&bound.receiver, bound.name, arguments, names)
            }
            Value::Function(_) | Value::Closure(_) => {
                let all = arguments.iter_mut().map(std::mem::take).collect();
                self.call_any(callee, all, names)
            }
            Value::Unset => Err(malformed()),
            _ => Err(type_error(format!(
                "'{}' object is not callable",
                self.type_name(callee)
            ))),
        }
    }

    /// `self.emit(event)`
    pub(crate) fn emit(&mut self, event: &Value) -> R<()> {
        if self.context.read_only {
            return Err(fatal(
                "view.write",
                "a view only reads: it cannot emit an event",
            ));
        }
        let Value::Record(record) = event else {
            return Err(type_error(format!(
                "emit() takes an event, not {}",
                self.type_name(event)
            )));
        };
        let class = self.program.class(record.class);
        if class.kind != ClassKind::Event {
            return Err(type_error(format!(
                "emit() takes an event, not {}",
                class.name
            )));
        }
        self.room_for_event()?;
        self.spend(gas::EVENT)?;
        let data = self.encode_value(event)?;
        self.events.push(crate::EmittedEvent {
            contract: self.context.contract.to_string(),
            name: class.name.clone(),
            data,
        });
        Ok(())
    }

    /// Keyword arguments of a builtin, by name; the positional ones come first.
    pub(crate) fn keyword<'v>(
        &self,
        arguments: &'v [Value],
        names: &[u16],
        wanted: &str,
    ) -> Option<&'v Value> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let place = names
            .iter()
            .position(|name| self.keyword_name(*name) == wanted)?;
        arguments.get(positional + place)
    }

    /// Refuses keywords other than these.
    pub(crate) fn only_keywords(&self, what: &str, names: &[u16], allowed: &[&str]) -> R<()> {
        for name in names {
            let name = self.keyword_name(*name);
            if !allowed.contains(&name) {
                return Err(type_error(format!(
                    "'{name}' is an invalid keyword argument for {what}()"
                )));
            }
        }
        Ok(())
    }

    /// A value that a view may not touch.
    pub(crate) fn may_write(&self) -> R<()> {
        if self.context.read_only {
            return Err(fatal(
                "view.write",
                "a view only reads: declare the method with @call to write",
            ));
        }
        Ok(())
    }

    /// Text of an argument.
    pub(crate) fn text_argument<'v>(
        &self,
        value: &'v Value,
        what: &str,
    ) -> R<&'v crate::value::StrObj> {
        match value {
            Value::Str(text) => Ok(text),
            _ => Err(type_error(format!(
                "{what}{}must be str, not {}",
                if what.is_empty() { "" } else { " " },
                match value {
                    Value::None if what.ends_with("argument") || what.contains(" argument ") => {
                        "None".to_string()
                    }
                    other => self.type_name(other),
                }
            ))),
        }
    }

    #[cold]
    pub(crate) fn no_method(&self, receiver: &Value, name: u16) -> crate::error::Trap {
        let (kind, name) = (self.type_name(receiver), self.program.name(name));
        if let Err(known) = self.refuse_known_attribute(receiver, name) {
            return known;
        }
        if matches!(receiver, Value::Table(_)) {
            return refused(format!(
                "a table has no {name}(): use get, scan, by, `in`, [key], [key] = row, del [key]"
            ));
        }
        raise(
            Exc::AttributeError,
            format!("'{kind}' object has no attribute '{name}'"),
        )
    }
}
