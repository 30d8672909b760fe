//! One process owns a store. The lock file tells the next one who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::limits;

/// Held for as long as the store, or a view of it, lives.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or tells who holds it (`store.locked`).
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| Error::io("open", path, &e))?;
        let started = Instant::now();
        // A holder that is just ending, or a child between fork and exec, lets go within moments.
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::Error(e) => return Err(Error::io("lock", path, &e)),
                TryLockError::WouldBlock if started.elapsed() >= limits::LOCK_WAIT => {
                    return Err(held(path, &mut file));
                }
                TryLockError::WouldBlock => std::thread::sleep(limits::LOCK_POLL),
            }
        }
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(holder().as_bytes())
        };
        write(&mut file).map_err(|e| Error::io("write", path, &e))?;
        Ok(Self { _file: file })
    }
}

fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let command: Vec<String> = std::env::args_os()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let command: String = command.join(" ").chars().take(1000).collect();
    format!(
        "process {} on {}: {}\n",
        std::process::id(),
        host.trim(),
        command
    )
}

fn held(path: &Path, file: &mut File) -> Error {
    let mut text = Vec::new();
    let read = file.take(limits::LOCK_BYTES_MAX).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let who = match text.trim() {
        _ if read.is_err() => "another process",
        "" => "another process",
        who => who,
    };
    let path = path.display();
    Error::new(
        "store.locked",
        format!("{who} holds {path}; stop it, or use its socket"),
    )
}
