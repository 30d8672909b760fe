//! Running a file of the language as a script.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Runs a script in the VM: `output`, `gas`, `error` (None, or what stopped it) and, where the
/// language refuses the source, `diagnostics`. With `gas` 0 it is only checked.
#[pyfunction]
pub fn run_script<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
    gas: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let result = PyDict::new(py);
    let outcome = py.detach(|| {
        if gas == 0 {
            vm::check_script(source, file).map(|()| None)
        } else {
            vm::run_script(source, file, gas).map(Some)
        }
    });
    let outcome = match outcome {
        Ok(outcome) => outcome.unwrap_or(vm::ScriptOutcome {
            output: String::new(),
            gas: 0,
            error: None,
        }),
        Err(found) => {
            let shown = found.iter().map(|one| diagnostic(py, one));
            let shown = shown.collect::<PyResult<Vec<_>>>()?;
            result.set_item("output", "")?;
            result.set_item("gas", 0)?;
            result.set_item("error", py.None())?;
            result.set_item("diagnostics", PyList::new(py, shown)?)?;
            return Ok(result);
        }
    };
    result.set_item("output", &outcome.output)?;
    result.set_item("gas", outcome.gas)?;
    match &outcome.error {
        Some(error) => result.set_item("error", script_error(py, error)?)?,
        None => result.set_item("error", py.None())?,
    }
    result.set_item("diagnostics", PyList::empty(py))?;
    Ok(result)
}

fn diagnostic<'py>(py: Python<'py>, found: &vm::Diagnostic) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    shown.set_item("code", found.code)?;
    shown.set_item("line", found.line)?;
    shown.set_item("column", found.column)?;
    shown.set_item("width", found.width)?;
    shown.set_item("message", &found.message)?;
    shown.set_item("help", &found.help)?;
    Ok(shown)
}

fn script_error<'py>(py: Python<'py>, error: &vm::ScriptError) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    shown.set_item("code", error.code)?;
    shown.set_item("class", error.class.as_deref())?;
    shown.set_item("message", &error.message)?;
    shown.set_item("line", error.line)?;
    shown.set_item("last_line", error.last_line())?;
    let frames: Vec<(u32, &str)> = error
        .traceback
        .iter()
        .map(|frame| (frame.line, frame.function.as_str()))
        .collect();
    shown.set_item("traceback", frames)?;
    Ok(shown)
}
