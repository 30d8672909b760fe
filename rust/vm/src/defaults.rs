//! Defaults of parameters and fields as plain values: what a caller would send in their place.

use codec::cbor::Value;

use crate::limits;
use crate::program::{Const, Program};

impl Program {
    /// The value of a default of the [`crate::Interface`], as it is sent and stored: enums by value,
    /// decimals as units, records as maps, tuples as arrays.
    ///
    /// `None` where it has no such form (a function, a set, a range), or is longer than
    /// [`limits::DEFAULT_BYTES`].
    pub fn default_value(&self, default: u16) -> Option<Value> {
        let value = self.plain(self.parts.consts.get(usize::from(default))?)?;
        let small =
            codec::cbor::encode(&value).is_ok_and(|encoded| encoded.len() <= limits::DEFAULT_BYTES);
        small.then_some(value)
    }

    fn plain(&self, value: &Const) -> Option<Value> {
        let all = |items: &[Const]| -> Option<Value> {
            let items: Option<Vec<_>> = items.iter().map(|item| self.plain(item)).collect();
            items.map(Value::Array)
        };
        Some(match value {
            Const::None => Value::Null,
            Const::Bool(value) => Value::Bool(*value),
            Const::Int(value) => Value::Int(*value),
            Const::Big(value) => Value::from_bigint(value.clone()),
            Const::Str(value) => Value::text(value.clone()),
            Const::Bytes(value) => Value::bytes(value.clone()),
            Const::Tuple(items) | Const::List(items) => all(items)?,
            Const::Dict(entries) => {
                let pair = |(key, value): &(Const, Const)| match key {
                    Const::Bool(_)
                    | Const::Int(_)
                    | Const::Big(_)
                    | Const::Str(_)
                    | Const::Bytes(_)
                    | Const::Enum(..) => Some((self.plain(key)?, self.plain(value)?)),
                    _ => None,
                };
                Value::Map(entries.iter().map(pair).collect::<Option<_>>()?)
            }
            Const::Enum(class, member) => {
                let members = &self.parts.classes.get(usize::from(*class))?.members;
                self.plain(&members.get(usize::from(*member))?.1)?
            }
            Const::Record(class, values) => {
                let fields = self.parts.classes.get(usize::from(*class))?.fields.iter();
                let pair = |(field, value): (&crate::program::Field, &Const)| {
                    Some((Value::text(self.name(field.name)), self.plain(value)?))
                };
                Value::Map(fields.zip(values).map(pair).collect::<Option<_>>()?)
            }
            Const::Decimal(_, units) => self.plain(units)?,
            _ => return None,
        })
    }
}
