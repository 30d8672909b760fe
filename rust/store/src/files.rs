//! Small helpers for files: durable creation and names of errors.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::fault;

/// Makes the names in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    let file = File::open(folder).map_err(|e| Error::io("open folder", folder, &e))?;
    // Durable from here: files created, renamed or removed in this folder.
    file.sync_all()
        .map_err(|e| Error::io("sync folder", folder, &e))
}

/// Creates `folder` and makes its name durable in its parent.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, &e))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// Names of the fault points passed by [`write_atomic`].
pub(crate) struct Points {
    pub written: &'static str,
    pub renamed: &'static str,
    pub synced: &'static str,
}

/// Replaces `path` with `parts`: a reader, also after a crash, sees the old content or the new.
pub(crate) fn write_atomic(path: &Path, parts: &[&[u8]], points: &Points) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    let written = write_synced(temporary, parts);
    if let Err(error) = written {
        // A full disk must not keep the half-written file; the first error is the one to report.
        let _ = fs::remove_file(temporary);
        return Err(error);
    }
    fault::point(points.written);
    fs::rename(temporary, path).map_err(|e| Error::io("rename to", path, &e))?;
    fault::point(points.renamed);
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    fault::point(points.synced);
    Ok(())
}

fn write_synced(path: &Path, parts: &[&[u8]]) -> Result<()> {
    let mut file = File::create(path).map_err(|e| Error::io("create", path, &e))?;
    for part in parts {
        file.write_all(part)
            .map_err(|e| Error::io("write", path, &e))?;
    }
    // Durable from here: the content, under its temporary name.
    file.sync_all().map_err(|e| Error::io("sync", path, &e))
}
