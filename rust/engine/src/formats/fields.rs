//! Maps of a document, read field by field.

use codec::cbor::Value;

use crate::Error;

/// A map with text keys, read field by field; errors name the place.
pub(crate) struct Fields<'a> {
    place: &'a str,
    entries: &'a [(Value, Value)],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(place: &'a str, value: &'a Value) -> Result<Self, Error> {
        match value {
            Value::Map(entries) => Ok(Fields { place, entries }),
            _ => Err(Error::new("genesis.bad_field", "it is not a map").in_field(place)),
        }
    }

    /// Refuses unknown fields.
    pub(crate) fn exactly(&self, names: &[&str]) -> Result<(), Error> {
        for (key, _) in self.entries {
            let known = matches!(key, Value::Text(text) if names.contains(&text.as_str()));
            if !known {
                return Err(self.bad("?", &format!("unknown field {key:?}")));
            }
        }
        Ok(())
    }

    pub(crate) fn bad(&self, field: &str, why: &str) -> Error {
        Error::new("genesis.bad_field", why).in_field(format!("{}.{field}", self.place))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&'a Value> {
        self.entries.iter().find_map(|(key, value)| {
            matches!(key, Value::Text(text) if text == name).then_some(value)
        })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&'a Value, Error> {
        self.find(name)
            .ok_or_else(|| self.bad(name, "it is missing"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, Error> {
        match self.get(name)? {
            Value::Text(text) => Ok(text),
            _ => Err(self.bad(name, "it is not a text")),
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<&'a [u8], Error> {
        match self.get(name)? {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.bad(name, "it is not a byte string")),
        }
    }

    pub(crate) fn uint(&self, name: &str) -> Result<u64, Error> {
        match self.get(name)? {
            Value::Int(number) => {
                u64::try_from(*number).map_err(|_| self.bad(name, "it is negative"))
            }
            _ => Err(self.bad(name, "it is not an integer below 2^63")),
        }
    }

    pub(crate) fn within(&self, name: &str, least: u64, most: u64) -> Result<u64, Error> {
        let number = self.uint(name)?;
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        Err(self.bad(name, &format!("{number} is not between {least} and {most}")))
    }

    pub(crate) fn array(&self, name: &str) -> Result<&'a [Value], Error> {
        match self.get(name)? {
            Value::Array(items) => Ok(items),
            _ => Err(self.bad(name, "it is not an array")),
        }
    }
}
