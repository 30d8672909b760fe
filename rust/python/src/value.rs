//! CBOR values to Python objects and back.

use codec::cbor::{Encoder, Value};
use num_bigint::BigInt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

/// A Python object as a value. Lists and tuples become arrays; sets, floats and the rest are refused.
pub fn from_python(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > codec::limits::DEPTH_LEVELS {
        return Err(PyValueError::new_err(format!(
            "nested deeper than {} levels",
            codec::limits::DEPTH_LEVELS
        )));
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(bool) = object.cast::<PyBool>() {
        return Ok(Value::Bool(bool.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.extract()?));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    if object.is_instance_of::<PyInt>() {
        return match object.extract::<i64>() {
            Ok(int) => Ok(Value::Int(int)),
            Err(_) => big(object),
        };
    }
    if let Ok(list) = object.cast::<PyList>() {
        return list
            .iter()
            .map(|item| from_python(&item, depth + 1))
            .collect::<PyResult<_>>()
            .map(Value::Array);
    }
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return tuple
            .iter()
            .map(|item| from_python(&item, depth + 1))
            .collect::<PyResult<_>>()
            .map(Value::Array);
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let entry = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok((
                from_python(&key, depth + 1)?,
                from_python(&value, depth + 1)?,
            ))
        };
        return dict
            .iter()
            .map(entry)
            .collect::<PyResult<_>>()
            .map(Value::Map);
    }
    let name = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "{name} has no form on the chain: use None, bool, int, bytes, str, list, tuple or dict"
    )))
}

fn big(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let bits: u64 = object.call_method0("bit_length")?.extract()?;
    if bits > codec::limits::INTEGER_BITS {
        let most = codec::limits::INTEGER_BITS;
        return Err(PyValueError::new_err(format!(
            "an integer of {bits} bits; at most {most}"
        )));
    }
    let text: String = object.str()?.extract()?;
    let int: BigInt = text
        .parse()
        .map_err(|_| PyValueError::new_err("an integer that cannot be read"))?;
    Ok(Value::from_bigint(int))
}

/// A value as a Python object.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(bool) => bool.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(int) => int.into_pyobject(py)?.into_any(),
        Value::BigInt(int) => {
            let text = PyString::new(py, &int.to_str_radix(16));
            py.get_type::<PyInt>().call1((text, 16))?
        }
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| to_python(py, item))
                .collect::<PyResult<_>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Map(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(map_key(py, key)?, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// Keys of a dict must be hashable: arrays become tuples; a map as key stays its encoding.
fn map_key<'py>(py: Python<'py>, key: &Value) -> PyResult<Bound<'py, PyAny>> {
    match key {
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| map_key(py, item))
                .collect::<PyResult<_>>()?;
            Ok(PyTuple::new(py, items)?.into_any())
        }
        Value::Map(_) => {
            let mut encoder = Encoder::new();
            encoder.value(key).map_err(crate::error::raise_codec)?;
            Ok(PyBytes::new(py, encoder.as_slice()).into_any())
        }
        other => to_python(py, other),
    }
}

/// A sequence of Python objects as values.
pub fn sequence(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    objects
        .try_iter()?
        .map(|item| from_python(&item?, 0))
        .collect()
}
