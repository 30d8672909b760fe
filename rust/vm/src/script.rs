//! A file of the language run as a script: statements at the top, output by `print`.

use std::rc::Rc;

use crate::diagnostics::Diagnostic;
use crate::error::{Exc, Stop, R};
use crate::instance::instance;
use crate::interp::Vm;
use crate::program::Program;
use crate::run::NoState;
use crate::value::{ExcObj, Value};
use crate::{compile, gas, memory, CallContext};

/// A place that an uncaught exception passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracebackLine {
    /// Line of the source.
    pub line: u32,
    /// Name of the function, `<module>` at the top.
    pub function: String,
}

/// Why a script ended early.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// `script.error` for an exception; `language.refused`, `gas.exhausted`, `limit.*` else.
    pub code: &'static str,
    /// The exception's class.
    pub class: Option<String>,
    /// Its text, or the sentence of the limit.
    pub message: String,
    /// Line on which it was raised.
    pub line: Option<u32>,
    /// From the module inwards.
    pub traceback: Vec<TracebackLine>,
}

impl ScriptError {
    /// The last line that CPython prints: class and text of the exception.
    pub fn last_line(&self) -> String {
        let name = self.class.as_deref().unwrap_or(self.code);
        if self.message.is_empty() {
            name.to_string()
        } else {
            format!("{name}: {}", self.message)
        }
    }
}

/// How a script ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptOutcome {
    /// What it printed, up to its end or its error.
    pub output: String,
    /// Gas spent.
    pub gas: u64,
    /// Why it ended early.
    pub error: Option<ScriptError>,
}

/// What the language refuses in a script.
pub fn check_script(source: &str, file: &str) -> Result<(), Vec<Diagnostic>> {
    compile::compile_script(source, file).map(drop)
}

/// Compiles and runs a script. Bounded as a call is: by gas, memory and the limits of output.
pub fn run_script(
    source: &str,
    file: &str,
    gas_limit: u64,
) -> Result<ScriptOutcome, Vec<Diagnostic>> {
    let program = compile::compile_script(source, file)?;
    Ok(run(&program, gas_limit))
}

fn run(program: &Program, gas_limit: u64) -> ScriptOutcome {
    memory::reset();
    let context = CallContext {
        chain: "script",
        timer_gas: 50_000_000,
        ..CallContext::of_nobody("script")
    };
    let mut host = NoState;
    let instance = match instance(program, context.contract) {
        Ok(instance) => instance,
        Err(trap) => return ended(String::new(), 0, Some(plain_error(&trap))),
    };
    let mut vm = Vm::new(program, instance, &context, &mut host, gas_limit);
    let result = vm.run_main();
    let (output, gas) = (std::mem::take(&mut vm.output), vm.gas_used());
    let error = result.err().map(|trap| vm.script_error(&trap));
    vm.finish();
    ended(output, gas, error)
}

fn ended(output: String, gas: u64, error: Option<ScriptError>) -> ScriptOutcome {
    ScriptOutcome { output, gas, error }
}

fn plain_error(stop: &Stop) -> ScriptError {
    let (code, message) = match stop {
        Stop::Fatal { code, message } => (*code, message.clone()),
        Stop::Failed(failed) => (failed.code, failed.message.clone()),
        Stop::Host(error) => (error.code, error.message.clone()),
        Stop::Raise(_) => ("script.error", String::new()),
    };
    ScriptError {
        code,
        class: None,
        message,
        line: None,
        traceback: Vec::new(),
    }
}

impl Vm<'_, '_> {
    fn run_main(&mut self) -> R<()> {
        self.spend(gas::START)?;
        let Some(main) = self.program.parts.main else {
            return Err(crate::error::malformed());
        };
        let mut stack = Vec::new();
        self.execute(&mut stack, main).map(drop)
    }

    fn script_error(&mut self, stop: &Stop) -> ScriptError {
        let mut error = plain_error(stop);
        let functions = &self.program.parts.functions;
        let frames = self.left.iter().rev().map(|(number, line)| TracebackLine {
            line: *line,
            function: functions
                .get(usize::from(*number))
                .map_or_else(String::new, |function| function.name.clone()),
        });
        error.traceback = frames.collect();
        error.line = error.traceback.last().map(|last| last.line);
        if let Stop::Raise(exception) = stop {
            self.describe_exception(exception, &mut error);
        }
        error
    }

    fn describe_exception(&mut self, exception: &Rc<ExcObj>, error: &mut ScriptError) {
        // The text of the exception is shown for free, up to a bound.
        self.gas_left = 100_000;
        self.gas_limit = self.gas_limit.max(100_000);
        if exception.line.get() > 0 {
            error.line = Some(exception.line.get());
        }
        let class = exception.class;
        error.class = Some(match class {
            Exc::Rejected => "lianheng.contract.Rejected".to_string(),
            other => other.name().to_string(),
        });
        let shown = self.show(&Value::Exception(exception.clone()));
        match shown {
            Ok(text) => error.message = text,
            Err(_) => {
                error.code = "language.refused";
                error.class = None;
                error.message = format!("the text of this {} cannot be shown", class.name());
            }
        }
    }
}
