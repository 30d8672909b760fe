//! What there is to be priced: operations, builtins and methods; and what a program uses of them.

use std::collections::BTreeSet;

use crate::builtins::{methods, Builtin};
use crate::program::{Op, Program};

impl Program {
    /// All operations (`op Add`), builtins (`builtin len`) and methods of built-in types
    /// (`method str.lower`).
    pub fn operations() -> Vec<String> {
        let ops = Op::ALL.iter().map(|op| format!("op {op:?}"));
        let builtins = Builtin::names().map(|name| format!("builtin {name}"));
        let methods = methods::listed()
            .into_iter()
            .map(|(kind, name)| format!("method {kind}.{name}"));
        ops.chain(builtins).chain(methods).collect()
    }

    /// Operations, builtins and names of methods (`method lower`) in its code, sorted.
    pub fn uses(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        for instr in self.parts.functions.iter().flat_map(|of| &of.code) {
            found.insert(format!("op {:?}", instr.op));
            match instr.op {
                Op::CallBuiltin | Op::CallBuiltinShape => {
                    let name = Builtin::from_number(instr.b).map(Builtin::name);
                    found.extend(name.map(|name| format!("builtin {name}")));
                }
                Op::CallMethod | Op::CallMethodShape => {
                    found.insert(format!("method {}", self.name(instr.b)));
                }
                _ => {}
            }
        }
        found.into_iter().collect()
    }
}
