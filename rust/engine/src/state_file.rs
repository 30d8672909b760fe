//! A chain's state as a file: the header that commits to it, then every row in key order (docs/protocol/formats.md, "State file").

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::formats::header::{expect_tag, Header};
use crate::{limits, Error};

/// First item of the file's first item.
pub const FORMAT: &str = "lianheng.state.1";

/// Name under which a ledger keeps the state that it began with.
pub const NAME: &str = "carried.state";

/// Bytes read or written at once.
const BUFFER_BYTES: usize = 1 << 20;

const ARRAY_OF_TWO: u8 = 0x82;
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{}: cannot {what}: {error}", path.display());
    Error::new("state_file.io", message).hint("check the path, the permissions and free space")
}

/// Head of a byte string or text of this length, in its shortest form.
fn head(major: u8, length: usize, to: &mut Vec<u8>) {
    let bytes = (length as u64).to_be_bytes();
    match length {
        0..=23 => to.push(major | bytes[7]),
        24..=0xff => to.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => {
            to.push(major | 25);
            to.extend_from_slice(&bytes[6..]);
        }
        _ => {
            to.push(major | 26);
            to.extend_from_slice(&bytes[4..]);
        }
    }
}

/// Writes a file, row by row.
pub(crate) struct Writer<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    heads: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Begins a new file with the header.
    pub fn create(path: &'a Path, header: &[u8]) -> Result<Self, Error> {
        let file = File::create(path).map_err(|error| failed("create", path, &error))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let heads = Vec::with_capacity(16);
        let mut writer = Writer { path, file, heads };
        writer.pair(TEXT, FORMAT.as_bytes(), header)?;
        Ok(writer)
    }

    /// The next row; keys MUST ascend.
    pub fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.pair(BYTES, key, value)
    }

    fn pair(&mut self, major: u8, first: &[u8], second: &[u8]) -> Result<(), Error> {
        self.heads.clear();
        self.heads.push(ARRAY_OF_TWO);
        head(major, first.len(), &mut self.heads);
        let write = |file: &mut BufWriter<File>, bytes: &[u8]| file.write_all(bytes);
        let mut written = write(&mut self.file, &self.heads);
        written = written.and_then(|()| write(&mut self.file, first));
        self.heads.clear();
        head(BYTES, second.len(), &mut self.heads);
        written = written.and_then(|()| write(&mut self.file, &self.heads));
        written = written.and_then(|()| write(&mut self.file, second));
        written.map_err(|error| failed("write", self.path, &error))
    }

    /// Brings it to disk.
    pub fn finish(mut self) -> Result<(), Error> {
        let synced = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| failed("write", self.path, &error))
    }
}

/// A row: flat key and value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// Reads a file, row by row; a second reading begins anew.
pub(crate) struct Reader<'a> {
    path: &'a Path,
    file: BufReader<File>,
    last: Vec<u8>,
    /// The header that commits to the rows.
    pub header: Header,
}

impl<'a> Reader<'a> {
    /// Opens a file.
    pub fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| failed("read", path, &error))?;
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let Some((tag, header_bytes)) = read_pair(&mut file, path, TEXT)? else {
            return Err(malformed(path, "it is empty"));
        };
        let mut format = codec::cbor::Encoder::new();
        format.text(std::str::from_utf8(&tag).unwrap_or_default());
        expect_tag(&mut codec::cbor::Decoder::new(format.as_slice()), FORMAT)?;
        Ok(Reader {
            path,
            file,
            last: Vec::new(),
            header: Header::decode(&header_bytes)?,
        })
    }

    /// The next row; none at the end. Keys ascend.
    pub fn row(&mut self) -> Result<Option<Row>, Error> {
        let Some((key, value)) = read_pair(&mut self.file, self.path, BYTES)? else {
            return Ok(None);
        };
        if key.is_empty() || key <= self.last {
            return Err(malformed(self.path, "its rows do not ascend"));
        }
        self.last.clone_from(&key);
        Ok(Some((key, value)))
    }
}

fn malformed(path: &Path, why: &str) -> Error {
    let message = format!("{} is no state file: {why}", path.display());
    Error::new("state_file.malformed", message)
        .hint("get it again from an organisation that has the store")
}

/// The next pair; none at the end of the file.
fn read_pair(file: &mut BufReader<File>, path: &Path, major: u8) -> Result<Option<Row>, Error> {
    let mut first = [0];
    let count = file
        .read(&mut first)
        .map_err(|error| failed("read", path, &error))?;
    match (count, first[0]) {
        (0, _) => return Ok(None),
        (_, ARRAY_OF_TWO) => {}
        _ => return Err(malformed(path, "it holds something that is no pair")),
    }
    let key = read_string(file, path, major)?;
    let value = read_string(file, path, BYTES)?;
    Ok(Some((key, value)))
}

fn read_string(file: &mut BufReader<File>, path: &Path, major: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = [0; 8];
    let mut fill = |bytes: &mut [u8]| {
        file.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => malformed(path, "it is cut off"),
            _ => failed("read", path, &error),
        })
    };
    fill(&mut bytes[7..])?;
    let (found, additional) = (bytes[7] & 0xe0, bytes[7] & 0x1f);
    let length = match additional {
        0..=23 => u64::from(additional),
        24..=26 => {
            let size = 1 << (additional - 24);
            bytes = [0; 8];
            fill(&mut bytes[8 - size..])?;
            u64::from_be_bytes(bytes)
        }
        _ => u64::MAX,
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut shortest = Vec::with_capacity(8);
    head(major, length.min(limits::STATE_VALUE_BYTES), &mut shortest);
    let expected = shortest[0] & 0x1f;
    if found != major || length > limits::STATE_VALUE_BYTES || additional != expected {
        return Err(malformed(
            path,
            "a length is not written as the format has it",
        ));
    }
    let mut data = vec![0; length];
    fill(&mut data)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::Hash32;

    fn header() -> Vec<u8> {
        let header = Header {
            chain: "trade".to_owned(),
            height: 7,
            consensus_height: 7,
            time: 5,
            history_root: Hash32([1; 32]),
            entries_root: Hash32([2; 32]),
            state_root: Hash32([3; 32]),
            replay_root: Hash32([4; 32]),
            sealers_hash: Hash32([5; 32]),
            rules: 1,
        };
        header.encode()
    }

    fn rows() -> Vec<Row> {
        // Lengths around each form of a head.
        let lengths = [0, 1, 22, 23, 24, 255, 256, 65_535, 65_536, 70_000];
        let row = |(number, length): (usize, &usize)| {
            let mut key = vec![1, u8::try_from(number).unwrap()];
            key.extend(vec![9; *length]);
            (key, vec![7; *length])
        };
        lengths.iter().enumerate().map(row).collect()
    }

    fn read(path: &Path) -> Result<Vec<Row>, Error> {
        let mut reader = Reader::open(path)?;
        let mut found = Vec::new();
        while let Some(row) = reader.row()? {
            found.push(row);
        }
        Ok(found)
    }

    fn written(path: &Path) -> Vec<u8> {
        let mut writer = Writer::create(path, &header()).unwrap();
        for (key, value) in rows() {
            writer.row(&key, &value).unwrap();
        }
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again_and_is_a_sequence_of_cbor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let bytes = written(&path);
        assert_eq!(read(&path).unwrap(), rows());
        assert_eq!(Reader::open(&path).unwrap().header.height, 7);
        let mut decoder = codec::cbor::Decoder::new(&bytes);
        for (key, value) in std::iter::once((FORMAT.into(), header())).chain(rows()) {
            let mut wanted = codec::cbor::Encoder::new();
            wanted.array(2);
            match key == FORMAT.as_bytes() {
                true => wanted.text(FORMAT),
                false => wanted.bytes(&key),
            };
            wanted.bytes(&value);
            assert_eq!(decoder.skip().unwrap(), wanted.as_slice());
        }
        decoder.finish().unwrap();
    }

    #[test]
    fn no_shorter_or_altered_file_is_read_as_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("state"), folder.path().join("other"));
        let bytes = written(&path);
        let heads = 300.min(bytes.len());
        for at in 0..heads {
            std::fs::write(&other, &bytes[..at]).unwrap();
            let cut = read(&other).unwrap_or_default();
            assert!(cut.len() < rows().len());
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            std::fs::write(&other, &changed).unwrap();
            let same_header =
                Reader::open(&other).is_ok_and(|found| found.header.encode() == header());
            assert!(
                !same_header || read(&other).ok() != Some(rows()),
                "byte {at}"
            );
        }
    }
}
