//! What a contract offers to the outside: the source of REST, SQL, forms and clients.

use codec::cbor::Value;

use crate::program::{ClassKind, Const, Entry, Parts};
use crate::types::Type;

/// Calls, views, tables, records, events and enums of a contract.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interface {
    /// Name of the contract's class.
    pub contract: String,
    /// Its docstring.
    pub doc: String,
    /// Methods that change state, in the order of the source.
    pub calls: Vec<MethodInterface>,
    /// Methods that only read.
    pub views: Vec<MethodInterface>,
    /// Tables in the order of the source.
    pub tables: Vec<TableInterface>,
    /// Record classes.
    pub records: Vec<ClassInterface>,
    /// Event classes.
    pub events: Vec<ClassInterface>,
    /// Enums.
    pub enums: Vec<EnumInterface>,
    /// Cells and counters in the order of the source.
    pub cells: Vec<CellInterface>,
    /// Contracts that it calls.
    pub uses: Vec<UseInterface>,
    /// Methods that a block runs when they fall due, in the order of the source.
    pub timers: Vec<MethodInterface>,
    /// Deployed sources whose code is part of it.
    pub imports: Vec<ImportInterface>,
    /// Sources that a migration starts from.
    pub migrations: Vec<u16>,
}

/// A contract that another one calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UseInterface {
    /// Name of the attribute.
    pub name: String,
    /// Name of the class that declares what it expects of the other.
    pub interface: String,
    /// Name under which the other is deployed.
    pub contract: String,
    /// The only source that is meant, where one is.
    pub source: Option<[u8; 32]>,
    /// Methods that it may call.
    pub calls: Vec<MethodInterface>,
    /// Methods that it may ask.
    pub views: Vec<MethodInterface>,
}

/// A deployed source that another one imports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportInterface {
    /// Its module's name.
    pub module: String,
    /// Its hash.
    pub source: [u8; 32],
}

/// A cell or counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CellInterface {
    /// Name of the attribute.
    pub name: String,
    /// Type of its value.
    pub ty: Type,
    /// Whether it is a counter.
    pub counter: bool,
}

/// A call or view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MethodInterface {
    /// Name.
    pub name: String,
    /// Docstring.
    pub doc: String,
    /// Policy text of `@call(by=...)`; empty for a view.
    pub by: String,
    /// Parameters after `self`.
    pub parameters: Vec<FieldInterface>,
    /// Type of the result.
    pub returns: Type,
}

/// A parameter or field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldInterface {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: Type,
    /// The constant that it has where it is left out: see [`crate::Program::default_value`].
    pub default: Option<u16>,
}

/// A table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableInterface {
    /// Name of the attribute.
    pub name: String,
    /// Name of the record class of its rows.
    pub record: String,
    /// Fields of the key.
    pub key: Vec<String>,
    /// Fields of each index.
    pub indexes: Vec<Vec<String>>,
    /// Those of the indexes whose values no two rows share.
    pub unique: Vec<Vec<String>>,
}

/// A record or event class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassInterface {
    /// Name.
    pub name: String,
    /// Docstring.
    pub doc: String,
    /// Fields in the order of the source.
    pub fields: Vec<FieldInterface>,
    /// Fields that name who must sign each change.
    pub signatories: Vec<String>,
    /// Fields that name who else a row concerns.
    pub observers: Vec<String>,
}

/// An enum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnumInterface {
    /// Name.
    pub name: String,
    /// Docstring.
    pub doc: String,
    /// Names and values (texts or integers) of the members.
    pub members: Vec<(String, Value)>,
}

impl Interface {
    pub(crate) fn of(parts: &Parts) -> Interface {
        let name = |id: &u16| {
            parts
                .names
                .get(usize::from(*id))
                .cloned()
                .unwrap_or_default()
        };
        let mut interface = Interface {
            contract: parts.contract.clone(),
            doc: parts.doc.clone(),
            ..Interface::default()
        };
        for entry in &parts.entries {
            let methods = match entry.view {
                true => &mut interface.views,
                false => &mut interface.calls,
            };
            methods.push(method(parts, entry));
        }
        let timers = parts.timers.iter().map(|entry| method(parts, entry));
        interface.timers = timers.collect();
        for class in &parts.classes {
            interface.add_class(parts, class);
        }
        for table in &parts.tables {
            interface.add_table(parts, table);
        }
        interface.cells = parts
            .cells
            .iter()
            .map(|cell| CellInterface {
                name: name(&cell.name),
                ty: cell.ty.clone(),
                counter: cell.counter,
            })
            .collect();
        interface.imports = parts
            .imports
            .iter()
            .map(|import| ImportInterface {
                module: format!("{}{}", crate::imports::MODULE, import.module),
                source: import.source,
            })
            .collect();
        interface.uses = parts.uses.iter().map(|used| use_of(parts, used)).collect();
        interface.migrations = parts.migrations.iter().map(|known| known.from).collect();
        interface
    }

    fn add_table(&mut self, parts: &Parts, table: &crate::program::TableInfo) {
        let name = |id: &u16| {
            parts
                .names
                .get(usize::from(*id))
                .cloned()
                .unwrap_or_default()
        };
        let class = &parts.classes[usize::from(table.class)];
        let field = |position: &u16| {
            class
                .fields
                .get(usize::from(*position))
                .map_or_else(String::new, |f| name(&f.name))
        };
        self.tables.push(TableInterface {
            name: name(&table.name),
            record: class.name.clone(),
            key: table.key.iter().map(field).collect(),
            indexes: table
                .indexes
                .iter()
                .map(|index| index.iter().map(field).collect())
                .collect(),
            unique: table
                .unique
                .iter()
                .filter_map(|index| table.indexes.get(usize::from(*index)))
                .map(|index| index.iter().map(field).collect())
                .collect(),
        });
    }

    fn add_class(&mut self, parts: &Parts, class: &crate::program::Class) {
        let name = |id: &u16| {
            parts
                .names
                .get(usize::from(*id))
                .cloned()
                .unwrap_or_default()
        };
        if class.kind == ClassKind::Enum {
            let plain = |value: &Const| match value {
                Const::Int(value) => Value::Int(*value),
                Const::Str(value) => Value::text(value.clone()),
                _ => Value::Null,
            };
            let members = class
                .members
                .iter()
                .map(|(id, value)| (name(id), plain(value)))
                .collect();
            self.enums.push(EnumInterface {
                name: class.name.clone(),
                doc: class.doc.clone(),
                members,
            });
            return;
        }
        let fields = class.fields.iter().map(|field| FieldInterface {
            name: name(&field.name),
            ty: field.ty.clone(),
            default: field.default,
        });
        let party = |field: &u16| {
            let field = class.fields.get(usize::from(*field));
            field.map_or_else(String::new, |field| name(&field.name))
        };
        let described = ClassInterface {
            name: class.name.clone(),
            doc: class.doc.clone(),
            fields: fields.collect(),
            signatories: class.signatories.iter().map(party).collect(),
            observers: class.observers.iter().map(party).collect(),
        };
        if class.kind == ClassKind::Event {
            &mut self.events
        } else {
            &mut self.records
        }
        .push(described);
    }
}

fn use_of(parts: &Parts, used: &crate::program::uses::Use) -> UseInterface {
    let name = |id: u16| {
        parts
            .names
            .get(usize::from(id))
            .cloned()
            .unwrap_or_default()
    };
    let declared = &parts.interfaces[usize::from(used.interface)];
    let method = |method: &crate::program::uses::Method| MethodInterface {
        name: name(method.name),
        doc: String::new(),
        by: String::new(),
        parameters: method
            .params
            .iter()
            .map(|(id, ty)| FieldInterface {
                name: name(*id),
                ty: ty.clone(),
                default: None,
            })
            .collect(),
        returns: method.returns.clone(),
    };
    let (views, calls): (Vec<_>, Vec<_>) = declared.methods.iter().partition(|known| known.view);
    UseInterface {
        name: name(used.name),
        interface: declared.name.clone(),
        contract: used.contract.clone(),
        source: used.source,
        calls: calls.into_iter().map(method).collect(),
        views: views.into_iter().map(method).collect(),
    }
}

fn method(parts: &Parts, entry: &Entry) -> MethodInterface {
    let name = |id: u16| {
        let known = parts.names.get(usize::from(id));
        known.cloned().unwrap_or_default()
    };
    let function = &parts.functions[usize::from(entry.function)];
    let parameters = function.params.iter().skip(1).zip(&entry.types);
    MethodInterface {
        name: name(entry.name),
        doc: entry.doc.clone(),
        by: entry.by.clone(),
        parameters: parameters
            .map(|(param, ty)| FieldInterface {
                name: name(param.name),
                ty: ty.clone(),
                default: param.default,
            })
            .collect(),
        returns: entry.returns.clone(),
    }
}
