//! What a source declares, and what is wrong with it, as values for people and tools.

use codec::cbor::Value;
use vm::Program;

use crate::callers;
use crate::contract_python::PythonContract;
use crate::runtime::Contract;
use crate::Error;

fn text(text: &str) -> Value {
    Value::text(text)
}

fn map(fields: Vec<(&str, Value)>) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(name, value)| (text(name), value))
            .collect(),
    )
}

fn list<T>(items: &[T], value: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(value).collect())
}

fn field(program: &Program, field: &vm::FieldInterface) -> Value {
    let default = field.default.and_then(|at| program.default_value(at));
    map(vec![
        ("name", text(&field.name)),
        ("type", text(&field.ty.to_string())),
        ("optional", Value::Bool(field.default.is_some())),
        ("default", default.unwrap_or(Value::Null)),
    ])
}

fn method(program: &Program, method: &vm::MethodInterface) -> Value {
    let field = |one: &vm::FieldInterface| field(program, one);
    map(vec![
        ("name", text(&method.name)),
        ("doc", text(&method.doc)),
        ("by", text(&method.by)),
        ("parameters", list(&method.parameters, field)),
        ("returns", text(&method.returns.to_string())),
    ])
}

fn class(program: &Program, class: &vm::ClassInterface) -> Value {
    let field = |one: &vm::FieldInterface| field(program, one);
    map(vec![
        ("name", text(&class.name)),
        ("doc", text(&class.doc)),
        ("fields", list(&class.fields, field)),
        ("signatories", list(&class.signatories, |name| text(name))),
        ("observers", list(&class.observers, |name| text(name))),
    ])
}

fn cell(cell: &vm::CellInterface) -> Value {
    map(vec![
        ("name", text(&cell.name)),
        ("type", text(&cell.ty.to_string())),
        ("counter", Value::Bool(cell.counter)),
    ])
}

fn import(import: &vm::ImportInterface) -> Value {
    map(vec![
        ("module", text(&import.module)),
        ("source", Value::bytes(import.source.to_vec())),
    ])
}

fn used(program: &Program, used: &vm::UseInterface) -> Value {
    let method = |one: &vm::MethodInterface| method(program, one);
    let source = used.source.map(|hash| Value::bytes(hash.to_vec()));
    map(vec![
        ("name", text(&used.name)),
        ("interface", text(&used.interface)),
        ("contract", text(&used.contract)),
        ("source", source.unwrap_or(Value::Null)),
        ("calls", list(&used.calls, method)),
        ("views", list(&used.views, method)),
    ])
}

/// The declaration as maps: name, doc, calls, views, timers, tables, records, events, enums, cells,
/// migrations, uses, imports. `docs/protocol/contract-interface.schema.json` describes each of them.
pub(crate) fn of(program: &Program) -> Value {
    let interface = program.interface();
    let method = |one: &vm::MethodInterface| method(program, one);
    let class = |one: &vm::ClassInterface| class(program, one);
    let used = |one: &vm::UseInterface| used(program, one);
    let names = |names: &Vec<String>| list(names, |name| text(name));
    let table = |table: &vm::TableInterface| {
        map(vec![
            ("name", text(&table.name)),
            ("record", text(&table.record)),
            ("key", names(&table.key)),
            ("indexes", list(&table.indexes, names)),
            ("unique", list(&table.unique, names)),
        ])
    };
    let member = |(name, value): &(String, Value)| Value::Array(vec![text(name), value.clone()]);
    let enumeration = |enumeration: &vm::EnumInterface| {
        map(vec![
            ("name", text(&enumeration.name)),
            ("doc", text(&enumeration.doc)),
            ("members", list(&enumeration.members, member)),
        ])
    };
    map(vec![
        ("name", text(&interface.contract)),
        ("doc", text(&interface.doc)),
        ("calls", list(&interface.calls, method)),
        ("views", list(&interface.views, method)),
        ("timers", list(&interface.timers, method)),
        ("tables", list(&interface.tables, table)),
        ("records", list(&interface.records, class)),
        ("events", list(&interface.events, class)),
        ("enums", list(&interface.enums, enumeration)),
        ("cells", list(&interface.cells, cell)),
        (
            "migrations",
            list(&interface.migrations, |from| Value::Int(i64::from(*from))),
        ),
        ("uses", list(&interface.uses, used)),
        ("imports", list(&interface.imports, import)),
    ])
}

/// The compiler's complaints about a source, as maps: code, file, line, column, source, width, message, help.
pub fn check_source(source: &str, file: &str, imports: &vm::Imports) -> Vec<Value> {
    match vm::compile_with(source, file, imports) {
        Err(found) => complaints(&found),
        Ok(program) => policy_complaints(source, file, &program),
    }
}

/// What the types of a source's bodies say against it, in the same form. Advice: no chain refuses it.
pub fn check_types(source: &str, file: &str) -> Vec<Value> {
    complaints(&vm::check_types(source, file))
}

fn complaints(found: &[vm::Diagnostic]) -> Vec<Value> {
    found
        .iter()
        .map(|found| {
            map(vec![
                ("code", text(found.code)),
                ("file", text(&found.file)),
                ("line", Value::Int(i64::from(found.line))),
                ("column", Value::Int(i64::from(found.column))),
                ("source", text(&found.source)),
                ("width", Value::Int(i64::from(found.width))),
                ("message", text(&found.message)),
                ("help", text(&found.help)),
            ])
        })
        .collect()
}

/// Policies are the engine's matter: what deployment would refuse about them.
fn policy_complaints(source: &str, file: &str, program: &Program) -> Vec<Value> {
    let calls = program.interface().calls.iter();
    calls
        .filter_map(|call| {
            let why = crate::Policy::parse(&call.by).err()?;
            let written = source
                .lines()
                .position(|line| line.contains(&format!("def {}(", call.name)));
            let line = written.map_or(1, |at| at + 1);
            Some(map(vec![
                ("code", text("policy.malformed")),
                ("file", text(file)),
                ("line", Value::Int(i64::try_from(line).unwrap_or(1))),
                ("column", Value::Int(1)),
                (
                    "source",
                    text(source.lines().nth(line - 1).unwrap_or_default()),
                ),
                ("width", Value::Int(1)),
                (
                    "message",
                    text(&format!("the policy of {}: {why}", call.name)),
                ),
                ("help", text("")),
            ]))
        })
        .collect()
}

/// A source with the name under which it is deployed, and its file.
pub struct NamedSource {
    /// The contract.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its source.
    pub source: String,
}

/// Calls of other sources that fit the old source of a contract and not the new one, as a rehearsal
/// gives them.
pub fn source_callers(
    old: &NamedSource,
    new: &str,
    others: &[NamedSource],
    imports: &vm::Imports,
) -> Result<Vec<Value>, Error> {
    let compiled = |source: &str, file: &str| {
        let program = vm::compile_with(source, file, imports).map_err(|found| invalid(&found))?;
        Ok::<_, Error>(PythonContract::new(program))
    };
    let hash = |source: &str| crypto::Suite::One.hash(source.as_bytes());
    let (was, is) = (compiled(&old.source, &old.file)?, compiled(new, &old.file)?);
    let (was, is) = (
        (&was as &dyn Contract, hash(&old.source)),
        (&is as &dyn Contract, hash(new)),
    );
    let mut found = Vec::new();
    for other in others {
        let caller = compiled(&other.source, &other.file)?;
        let broken = callers::broken_calls(&other.name, &caller, &old.name, was, is);
        found.extend(broken.iter().map(callers::value));
    }
    Ok(found)
}

fn invalid(found: &[vm::Diagnostic]) -> Error {
    let first = found.first().map(ToString::to_string).unwrap_or_default();
    Error::new("contract.invalid", first).hint("run `lianheng contract check`")
}

/// What an upgrade from one source to another changes in layout and methods.
pub fn source_changes(
    old: &str,
    new: &str,
    file: &str,
    imports: &vm::Imports,
) -> Result<Vec<Value>, Error> {
    let compiled =
        |source: &str| vm::compile_with(source, file, imports).map_err(|found| invalid(&found));
    let found = vm::changes(&compiled(old)?, &compiled(new)?);
    let change = |change: &vm::Change| {
        map(vec![
            ("what", text(&change.what)),
            ("how", text(&change.how)),
            ("needs_migration", Value::Bool(change.needs_migration)),
        ])
    };
    Ok(found.iter().map(change).collect())
}

/// The declaration of a source that compiles.
pub fn source_interface(source: &str, file: &str, imports: &vm::Imports) -> Result<Value, Error> {
    match vm::compile_with(source, file, imports) {
        Ok(program) => Ok(of(&program)),
        Err(found) => Err(invalid(&found)),
    }
}
