//! Side files: whole small or large blobs, replaced atomically and checked when read. They hold
//! what can be made again, such as checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{self, Points};
use crate::limits;

const MAGIC: &[u8; 8] = b"LHSIDE\x00\x01";
const HEADER: usize = 20;

const POINTS: Points = Points {
    written: "side.after_tmp",
    renamed: "side.after_rename",
    synced: "side.after_dirsync",
};

pub(crate) fn check_name(name: &str) -> Result<()> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_');
    let fits = (1..=limits::SIDE_NAME_BYTES_MAX).contains(&name.len());
    if fits && name.bytes().all(allowed) {
        return Ok(());
    }
    let most = limits::SIDE_NAME_BYTES_MAX;
    let message = format!("side file name {name:?}: use 1 to {most} of a-z, 0-9, - and _");
    Err(Error::new("side.name", message))
}

fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.side"))
}

fn checksum(data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(data.len() as u64).to_le_bytes());
    hasher.update(data);
    hasher.finalize()
}

pub(crate) fn write(folder: &Path, name: &str, data: &[u8]) -> Result<()> {
    check_name(name)?;
    let size = data.len() as u64;
    if size > limits::SIDE_FILE_BYTES_MAX {
        let most = limits::SIDE_FILE_BYTES_MAX;
        let message = format!("side file {name} of {size} bytes; it must have at most {most}");
        return Err(Error::new("side.size", message));
    }
    files::create_folder(folder)?;
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&size.to_le_bytes());
    header.extend_from_slice(&checksum(data).to_le_bytes());
    files::write_atomic(&path_of(folder, name), &[&header, data], &POINTS)
}

pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    check_name(name)?;
    let path = path_of(folder, name);
    let corrupt = |why: &str| {
        let path = path.display();
        Error::new(
            "side.corrupt",
            format!("{path}: {why}; remove it, it will be made again"),
        )
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() > limits::SIDE_FILE_BYTES_MAX + HEADER as u64 => {
            return Err(corrupt("too large"));
        }
        _ => {}
    }
    let mut bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    let (Some(head), Some(data)) = (bytes.get(..HEADER), bytes.get(HEADER..)) else {
        return Err(corrupt("too short"));
    };
    let sound = head.starts_with(MAGIC)
        && head[8..16] == (data.len() as u64).to_le_bytes()
        && head[16..20] == checksum(data).to_le_bytes();
    if !sound {
        return Err(corrupt("checksum differs"));
    }
    bytes.drain(..HEADER);
    Ok(Some(bytes))
}

pub(crate) fn remove(folder: &Path, name: &str) -> Result<()> {
    check_name(name)?;
    let path = path_of(folder, name);
    match fs::remove_file(&path) {
        Ok(()) => files::sync_folder(folder),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("remove", &path, &e)),
    }
}

/// Removes what a crash left half written.
pub(crate) fn clean(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_file(&path).map_err(|e| Error::io("remove", &path, &e))?;
        }
    }
    Ok(())
}
