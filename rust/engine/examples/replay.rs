//! Executes exported blocks again: `replay FOLDER`, which holds `genesis.cbor` and files `*.block`
//! in the order of their names. Fails where a header, and with it a root, a result or its gas,
//! differs by one byte. Tests run it as a debug build over blocks of a release build.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("usage: replay FOLDER")?;
    let genesis = std::fs::read(folder.join("genesis.cbor"))?;
    let mut blocks = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "block") {
            blocks.push(path);
        }
    }
    blocks.sort();
    let replay = engine::Replay::begin(&genesis, Arc::new(engine::ContractPython))?;
    for path in blocks {
        replay
            .apply(&std::fs::read(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{}", replay.height());
    Ok(())
}
