//! What the checker says about a source: where, what, why, and what to write instead.

use std::fmt;

use ruff_text_size::{TextRange, TextSize};

/// One finding in a contract's source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Stable name of the rule, such as `language.float`.
    pub code: &'static str,
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The source line, without its newline; at most 200 characters.
    pub source: String,
    /// Characters that the caret line underlines, at least 1.
    pub width: u32,
    /// What is wrong and why.
    pub message: String,
    /// What to write instead; empty where the message says it all.
    pub help: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{}:{}: {}: {}",
            self.file, self.line, self.column, self.code, self.message
        )?;
        writeln!(f, "    {}", self.source)?;
        let indent: String = self
            .source
            .chars()
            .take(self.column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        write!(f, "    {indent}{}", "^".repeat(self.width.max(1) as usize))?;
        if !self.help.is_empty() {
            write!(f, "\n    help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Turns byte offsets into lines and columns, and collects findings.
#[derive(Debug)]
pub(crate) struct Reporter<'s> {
    file: &'s str,
    source: &'s str,
    line_starts: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'s> Reporter<'s> {
    pub(crate) fn new(file: &'s str, source: &'s str) -> Self {
        let bytes = source.as_bytes();
        let mut line_starts = vec![0];
        for (index, byte) in bytes.iter().enumerate() {
            // Python ends lines at \n, \r\n and a lone \r.
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n')) {
                line_starts.push(index + 1);
            }
        }
        Reporter {
            file,
            source,
            line_starts,
            found: Vec::new(),
        }
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: TextSize) -> u32 {
        let offset = offset.to_usize();
        self.line_starts.partition_point(|start| *start <= offset) as u32
    }

    /// Adds a finding.
    pub(crate) fn report(
        &mut self,
        range: TextRange,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.found.len() >= crate::limits::DIAGNOSTICS {
            return;
        }
        let diagnostic = self.diagnostic(range, code, shown(message.into()), shown(help.into()));
        if !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    fn diagnostic(
        &self,
        range: TextRange,
        code: &'static str,
        message: String,
        help: String,
    ) -> Diagnostic {
        let line = self.line(range.start());
        let start = self
            .line_starts
            .get(line as usize - 1)
            .copied()
            .unwrap_or(0);
        let end = self
            .line_starts
            .get(line as usize)
            .copied()
            .unwrap_or(self.source.len());
        let text = self
            .source
            .get(start..end)
            .unwrap_or("")
            .trim_end_matches(['\n', '\r']);
        let offset = range.start().to_usize().min(self.source.len());
        let column = self
            .source
            .get(start..offset)
            .map_or(1, |before| before.chars().count() + 1);
        let stop = range.end().to_usize().min(start + text.len());
        let width = self
            .source
            .get(offset..stop)
            .map_or(1, |marked| marked.chars().count().max(1));
        let (source, column, width) = clip(text, column, width);
        Diagnostic {
            code,
            file: self.file.to_string(),
            line,
            column: column as u32,
            source,
            width: width as u32,
            message,
            help,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many findings there are.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether a code was reported: what follows from that mistake is not told beside it.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.found.iter().any(|found| found.code == code)
    }

    /// The findings in the order of the source.
    pub(crate) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.line, found.column));
        self.found
    }
}

/// A message with names of any length stays readable.
fn shown(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(crate::limits::SHOWN) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Keeps very long lines out of messages; columns stay those of the source.
fn clip(text: &str, column: usize, width: usize) -> (String, usize, usize) {
    const SHOWN: usize = 200;
    if text.chars().count() <= SHOWN {
        return (text.to_string(), column, width);
    }
    (
        text.chars().take(SHOWN).collect(),
        column,
        width.min(SHOWN.saturating_sub(column).max(1)),
    )
}
