//! `self.due(...)` and `self.cancel(...)` when they run: checked here, kept by the host.

use codec::cbor::Encoder;

use crate::error::{fatal, type_error, value_error, R};
use crate::interp::Vm;
use crate::state::host;
use crate::value::Value;
use crate::{gas, limits, NewTimer};

/// A whole number as far as a timer's numbers go.
enum Whole {
    Number(i64),
    /// Below or above all of them, with its digits.
    Below(String),
    Above(String),
}

impl Vm<'_, '_> {
    fn whole(&self, value: &Value, function: &str, name: &str) -> R<Whole> {
        match value {
            Value::Int(number) => Ok(Whole::Number(*number)),
            Value::Big(big) if big.value.sign() == num_bigint::Sign::Minus => {
                Ok(Whole::Below(big.value.to_string()))
            }
            Value::Big(big) => Ok(Whole::Above(big.value.to_string())),
            other => Err(type_error(format!(
                "{function}() argument '{name}' must be int, not {}",
                self.type_name(other)
            ))),
        }
    }

    /// The moment of a timer, ms: after now, before the year 10000.
    fn timer_moment(&self, value: &Value) -> R<u64> {
        let now = self.context.now_ms;
        let early = |at: &str| value_error(format!("due() lies at {at}, not after now, {now}"));
        let late = |at: &str| value_error(format!("due() lies at {at}, beyond the year 9999"));
        match self.whole(value, "due", "at")? {
            Whole::Below(at) => Err(early(&at)),
            Whole::Above(at) => Err(late(&at)),
            Whole::Number(at) => match u64::try_from(at) {
                Ok(moment) if moment > limits::TIMER_MOMENT_MS => Err(late(&at.to_string())),
                Ok(moment) if moment > now => Ok(moment),
                _ => Err(early(&at.to_string())),
            },
        }
    }

    fn timer_gas(&self, value: &Value) -> R<u64> {
        let most = self.context.timer_gas;
        let wrong = |found: &str| value_error(format!("due() takes 1 to {most} gas, not {found}"));
        match self.whole(value, "due", "gas")? {
            Whole::Below(found) | Whole::Above(found) => Err(wrong(&found)),
            Whole::Number(found) => match u64::try_from(found) {
                Ok(gas) if (1..=most).contains(&gas) => Ok(gas),
                _ => Err(wrong(&found.to_string())),
            },
        }
    }

    /// `self.due(...)`: `given` begins with the moment, the gas, and the named arguments.
    pub(crate) fn due(&mut self, timer: u16, shape: u16, given: &[Value]) -> R<Value> {
        self.may_write()?;
        let program = self.program;
        let entry = &program.parts.timers[usize::from(timer)];
        let names = &program.parts.shapes[usize::from(shape)].names;
        let (Some(at), Some(limit)) = (given.first(), given.get(1)) else {
            return Err(crate::error::malformed());
        };
        let (at, limit) = (self.timer_moment(at)?, self.timer_gas(limit)?);
        let params = &program.parts.functions[usize::from(entry.function)].params;
        let mut encoded = Vec::with_capacity(names.len());
        for (name, value) in names.iter().zip(given.iter().skip(2)) {
            let mut places = params.iter().skip(1);
            let Some(ty) = places
                .position(|param| param.name == *name)
                .and_then(|place| entry.types.get(place))
            else {
                return Err(crate::error::malformed());
            };
            if !self.conforms(value, ty, 0)? {
                let (name, found) = (program.name(*name), self.type_name(value));
                let message = format!("due() argument '{name}' must be {ty}, not {found}");
                return Err(type_error(message));
            }
            let mut key = Encoder::new();
            key.text(program.name(*name));
            encoded.push((key.into_bytes(), self.encode_value(value)?));
        }
        encoded.sort();
        let arguments = map_of(&encoded)?;
        self.spend(gas::TIMER_MADE + 3 * gas::state_bytes(arguments.len()))?;
        self.spend(limit)?;
        self.writes += 1;
        let (contract, method) = (self.context.contract, program.name(entry.name));
        let number = host(self.host.timer_put(
            contract,
            NewTimer {
                at,
                method,
                arguments,
                gas: limit,
            },
        ))?;
        Ok(crate::interp::arith::unsigned(number))
    }

    /// `self.cancel(number)`: whether it waited until now.
    pub(crate) fn cancel(&mut self, number: &Value) -> R<Value> {
        self.may_write()?;
        let number = match self.whole(number, "cancel", "number")? {
            Whole::Number(number) => u64::try_from(number).ok(),
            Whole::Below(_) | Whole::Above(_) => None,
        };
        self.spend(gas::TIMER_CANCELLED)?;
        self.writes += 1;
        let contract = self.context.contract;
        let waited = match number {
            Some(number) => host(self.host.timer_delete(contract, number))?,
            None => false,
        };
        Ok(Value::Bool(waited))
    }
}

/// One canonical map of a timer's arguments, which an entry can hold.
fn map_of(encoded: &[(Vec<u8>, Vec<u8>)]) -> R<Vec<u8>> {
    let bytes: usize = encoded
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > limits::TIMER_ARGUMENT_BYTES {
        let most = limits::TIMER_ARGUMENT_BYTES;
        let message = format!("a timer's arguments have {bytes} bytes, at most {most}");
        return Err(fatal("limit.timer", message));
    }
    let mut map = Encoder::with_capacity(bytes + 8);
    map.map(encoded.len());
    for (key, value) in encoded {
        map.raw(key).raw(value);
    }
    // Cause and entry are arrays around it.
    let mut wrapped = vec![0x81, 0x81];
    wrapped.extend_from_slice(map.as_slice());
    if codec::cbor::check(&wrapped).is_err() {
        return Err(crate::error::too_deep());
    }
    Ok(map.into_bytes())
}
