//! Source text to syntax tree, with bounded time, memory and stack.
//!
//! The token pass reads the text once and refuses what would make a deep tree: the tree of a
//! library parser is built and dropped recursively, so its depth must be bounded beforehand.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{lexer, Mode};
use ruff_text_size::{TextRange, TextSize};

use crate::diagnostics::{Diagnostic, Reporter};
use crate::limits;

/// Refuses a source that is too large, or whose nesting or chains are too deep.
pub(crate) fn check_shape(source: &str, reporter: &mut Reporter<'_>) {
    if source.len() > limits::SOURCE_BYTES {
        let message = format!(
            "the source has {} bytes, the limit is {}",
            source.len(),
            limits::SOURCE_BYTES
        );
        let start = TextRange::empty(TextSize::new(0));
        reporter.report(
            start,
            "limit.source",
            message,
            "split it into several contracts",
        );
        return;
    }
    if let Some(byte) = source.bytes().position(|byte| byte == 0) {
        let at = TextRange::empty(TextSize::new(byte as u32));
        reporter.report(
            at,
            "syntax.null_byte",
            "the source has a null byte",
            "remove it",
        );
        return;
    }
    scan_tokens(source, reporter);
}

/// Counts of one bracket or logical line.
#[derive(Default)]
struct Level {
    operators: usize,
}

/// A limit that a prefix of the source passes.
type Excess = (&'static str, usize, &'static str, &'static str);

fn scan_tokens(source: &str, reporter: &mut Reporter<'_>) {
    let Some((code, limit, what, help)) = excess(source) else {
        return;
    };
    // The lexer does not tell positions: find the first line at which the limit is passed.
    let starts: Vec<usize> = source.match_indices('\n').map(|(at, _)| at + 1).collect();
    let first =
        starts.partition_point(|&end| excess(source.get(..end).unwrap_or(source)).is_none());
    let line_start = first
        .checked_sub(1)
        .and_then(|line| starts.get(line))
        .copied()
        .unwrap_or(0);
    let line_end = starts.get(first).copied().unwrap_or(source.len());
    let at = TextRange::new(
        TextSize::new(line_start as u32),
        TextSize::new(line_end as u32),
    );
    reporter.report(at, code, format!("more than {limit} {what}"), help);
}

fn excess(source: &str) -> Option<Excess> {
    let mut lexer = lexer::lex(source, Mode::Module);
    let mut levels = vec![Level::default()];
    let mut total = 0_usize;
    let mut indents = 0_usize;
    let mut clauses = 0_usize;
    // Each token but indentation marks takes at least one byte, and those are bounded as well.
    for _ in 0..=source.len().saturating_mul(2).saturating_add(16) {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => return None,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                levels = vec![Level::default()];
                total = 0;
            }
            TokenKind::Elif => clauses += 1,
            TokenKind::Def | TokenKind::Class => clauses = 0,
            TokenKind::Comma => {
                if let Some(level) = levels.last_mut() {
                    total -= level.operators;
                    level.operators = 0;
                }
            }
            _ if opens(kind) => {
                count_operator(&mut levels, &mut total);
                levels.push(Level::default());
            }
            _ if closes(kind) && levels.len() > 1 => {
                total -= levels.pop().map_or(0, |level| level.operators);
            }
            _ if chains(kind) => count_operator(&mut levels, &mut total),
            _ => {}
        }
        if levels.len() > limits::OPEN_BRACKETS + 1 {
            return Some((
                "limit.brackets",
                limits::OPEN_BRACKETS,
                "brackets are open at once",
                "give the inner parts names",
            ));
        }
        if indents > limits::INDENT_LEVELS {
            return Some((
                "limit.indents",
                limits::INDENT_LEVELS,
                "blocks are inside of each other",
                "move inner blocks to functions",
            ));
        }
        if total > limits::CHAIN_OPERATORS {
            return Some((
                "limit.chain",
                limits::CHAIN_OPERATORS,
                "operators are chained in one expression",
                "split the expression, or use a loop, sum or join",
            ));
        }
        if clauses > limits::ELIF_CLAUSES {
            return Some((
                "limit.clauses",
                limits::ELIF_CLAUSES,
                "elif clauses are in one function",
                "use a dict or match",
            ));
        }
    }
    None
}

fn count_operator(levels: &mut [Level], total: &mut usize) {
    if let Some(level) = levels.last_mut() {
        level.operators += 1;
        *total += 1;
    }
}

fn opens(kind: TokenKind) -> bool {
    use TokenKind::{FStringStart, Lbrace, Lpar, Lsqb, TStringStart};
    matches!(kind, Lpar | Lsqb | Lbrace | FStringStart | TStringStart)
}

fn closes(kind: TokenKind) -> bool {
    use TokenKind::{FStringEnd, Rbrace, Rpar, Rsqb, TStringEnd};
    matches!(kind, Rpar | Rsqb | Rbrace | FStringEnd | TStringEnd)
}

/// Tokens that can make the tree one level deeper without a bracket.
fn chains(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Plus
            | T::Minus
            | T::Star
            | T::Slash
            | T::Vbar
            | T::Amper
            | T::Percent
            | T::At
            | T::CircumFlex
            | T::LeftShift
            | T::RightShift
            | T::DoubleStar
            | T::DoubleSlash
            | T::Tilde
            | T::Dot
            | T::Not
            | T::Lambda
            | T::If
            | T::Else
            | T::For
            | T::Await
            | T::Yield
            | T::Less
            | T::Greater
            | T::EqEqual
            | T::NotEqual
            | T::LessEqual
            | T::GreaterEqual
            | T::In
            | T::Is
            | T::And
            | T::Or
            | T::Colon
            | T::Equal
            | T::ColonEqual
            | T::String
            | T::Exclamation
            | T::Ellipsis
            | T::Question
    )
}

/// Runs `work` on a thread with a large fixed stack: parsing, checking, compiling and dropping the
/// tree all happen there.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Diagnostic> {
    let failed = |message: &str| Diagnostic {
        code: "compile.failed",
        file: String::new(),
        line: 1,
        column: 1,
        source: String::new(),
        width: 1,
        message: message.to_string(),
        help: "report this contract as a defect of the compiler".to_string(),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("contract-compiler".to_string())
            .stack_size(limits::PARSE_STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| failed(&format!("no thread for the compiler: {error}")))?;
        thread
            .join()
            .map_err(|_| failed("the compiler stopped unexpectedly on this source"))
    })
}
