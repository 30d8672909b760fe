//! Changes to a Python text by its tokens and lines, so that most of them still parse.

use super::Random;

/// Words of the language and of what a contract imports.
const WORDS: &str = "False None True and as assert break class continue def del elif else except finally for from if \
import in is lambda match case nonlocal not or pass raise return try while with yield async await global type \
abs all any ascii bin bool bytes callable chr dict divmod enumerate filter format frozenset hash hex id int isinstance \
issubclass iter len list map max min next oct ord pow print range repr reversed round set sorted str sum tuple type zip \
ValueError KeyError IndexError TypeError ZeroDivisionError OverflowError StopIteration AssertionError Exception Rejected \
RecursionError self caller signers now height transaction_id application attachments emit member organisation roles \
Contract Record Event Enum Table Cell Counter call view migrate require by key indexes unique limit start end after \
reverse get set next add delete scan drain replace signatories observers int str bytes Decimal mul_div allocate rescale \
from_units units scale date date_of date_parts datetime_of datetime_parts days_between add_months end_of_month quarter \
iso_weekday is_leap_year format_date parse_date format_datetime parse_datetime start_of_day sha256 sm3 commit opens \
is_signed signed_by is_valid_gtin is_valid_gln is_valid_sscc is_valid_lei is_valid_uscc is_valid_isin is_valid_iban \
is_valid_container append extend insert pop remove index count sort copy clear update items keys values setdefault \
fromkeys union intersection difference symmetric_difference issubset join split rsplit splitlines partition strip lstrip \
encode decode find replace startswith endswith format format_map zfill center ljust rjust title upper lower casefold \
swapcase expandtabs translate maketrans isidentifier removeprefix to_bytes from_bytes bit_length hex fromhex conjugate \
__name__ __class__ _ x";

/// Signs, and small pieces that open a construct.
const SIGNS: &[&str] = &[
    "+",
    "-",
    "*",
    "**",
    "//",
    "%",
    "/",
    "@",
    "<<",
    ">>",
    "&",
    "|",
    "^",
    "~",
    "<",
    ">",
    "<=",
    ">=",
    "==",
    "!=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    ";",
    "=",
    "->",
    "+=",
    "-=",
    "*=",
    "//=",
    "**=",
    "<<=",
    "|=",
    ":=",
    "not in",
    "is not",
    "...",
    "()",
    "[]",
    "{}",
    "[0]",
    "[:]",
    "[::-1]",
    "*_",
    "**_",
    "\n",
    "\n    ",
    "\n        ",
    "\\\n",
    "#",
    "f\"{x}\"",
    "f'{x!r:>9}'",
    "b\"\\xff\"",
    "\"%s\" % ",
    "r\"\\\"",
    "'''",
    "\t",
    " ",
    "\u{c}",
    "\r\n",
    "\u{feff}",
    "é",
    "𝔘",
];

/// Numbers at edges.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "7",
    "63",
    "64",
    "255",
    "256",
    "1000",
    "4096",
    "10000",
    "65535",
    "65536",
    "1048576",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "1 << 4095",
    "2**4096 - 1",
    "0x7f",
    "0b1",
    "0o17",
    "1_000",
    "1e9",
    "0.5",
    "1j",
];

/// One to four changes of `text`; `other` is a text from which pieces are taken.
pub fn mutate(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_string();
    for _ in 0..=random.below(4) {
        text = match random.below(4) {
            0 => lines(&text, other, random),
            _ => tokens(&text, other, random),
        };
    }
    text
}

/// Words, numbers, texts in quotes, signs, blanks and line ends, which together are the text.
pub fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest, first),
            ' ' => run(rest, |c| c == ' '),
            '\n' => 1 + run(&rest[1..], |c| c == ' '),
            c if is_word(c) => run(rest, is_word),
            c if "+-*/%@<>&|^=!:.".contains(c) => {
                run(rest, |c| "+-*/%@<>&|^=!:.".contains(c)).min(3)
            }
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of a text in quotes, to the end of the line where none ends it.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '\n' || (c == quote && !escaped) {
            return if c == '\n' { at } else { at + 1 };
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

fn tokens(text: &str, other: &str, random: &mut Random) -> String {
    let mut pieces = split(text);
    let others = split(other);
    let range = random.range(pieces.len(), 12);
    let at = random.below(pieces.len() + 1);
    let part = pieces[range.clone()].concat();
    let one = pieces.get(range.start).copied().unwrap_or("x").trim();
    let fresh = match random.below(14) {
        0 => String::new(),
        1 => word(random).to_string(),
        2 => random.pick(SIGNS).to_string(),
        3 => random.pick(NUMBERS).to_string(),
        4 | 5 => words_of(&pieces, random).to_string(),
        6 | 7 => others[random.range(others.len(), 12)].concat(),
        8 => wrapped(&part, random),
        9 => part.repeat(1 << random.below(9)),
        10 => format!("{one} {} {one}", random.pick(SIGNS)),
        11 => format!("{}.{}({one})", one, word(random)),
        12 => format!("{}({one}, {})", word(random), random.pick(NUMBERS)),
        _ => {
            let copy = part.clone();
            return [pieces[..at].concat(), copy, pieces[at..].concat()].concat();
        }
    };
    if random.below(3) == 0 {
        pieces.insert(at, &fresh);
    } else {
        pieces.splice(
            range.start..(range.start + 1).min(pieces.len()),
            [fresh.as_str()],
        );
    }
    pieces.concat()
}

fn wrapped(part: &str, random: &mut Random) -> String {
    let part = part.trim();
    match random.below(12) {
        0 => format!("({part})"),
        1 => format!("[{part}]"),
        2 => format!("[{part} for x in {part}]"),
        3 => format!("(lambda *x: {part})()"),
        4 => format!("f\"{{{part}!r:>{part}}}\""),
        5 => format!("{{{part}: {part}}}"),
        6 => format!("not {part}"),
        7 => format!("-{part}"),
        8 => format!("(x := {part})"),
        9 => format!("({part} if {part} else {part})"),
        10 => format!("{part}[{part}:{part}]"),
        _ => format!("*{part}, {part}"),
    }
}

fn word(random: &mut Random) -> &'static str {
    let words: Vec<&str> = WORDS.split_ascii_whitespace().collect();
    random.pick(&words)
}

/// A word or text in quotes of the input itself.
fn words_of<'a>(pieces: &[&'a str], random: &mut Random) -> &'a str {
    for _ in 0..8 {
        let piece = pieces
            .get(random.below(pieces.len()))
            .copied()
            .unwrap_or("x");
        if piece.chars().all(is_word) || piece.starts_with(['"', '\'']) {
            return piece;
        }
    }
    "x"
}

fn lines(text: &str, other: &str, random: &mut Random) -> String {
    let mut all: Vec<String> = text.split('\n').map(str::to_string).collect();
    let others: Vec<&str> = other.split('\n').collect();
    let range = random.range(all.len(), 6);
    let at = random.below(all.len() + 1);
    let block: Vec<String> = all[range.clone()].to_vec();
    match random.below(7) {
        0 => drop(all.drain(range)),
        1 => drop(all.splice(at..at, block)),
        2 => {
            let taken = others[random.range(others.len(), 12)].iter();
            let indent = all.get(at).map_or(0, |line| run(line, |c| c == ' '));
            let taken: Vec<String> = taken.map(|line| indented(line, indent)).collect();
            drop(all.splice(at..at, taken));
        }
        3 => all[range]
            .iter_mut()
            .for_each(|line| line.insert_str(0, "    ")),
        4 => all[range].iter_mut().for_each(|line| {
            *line = line.strip_prefix("    ").unwrap_or(line).to_string();
        }),
        5 => {
            let opening = [
                "if x:",
                "for x in range(3):",
                "try:",
                "while True:",
                "def x(x=1, *y):",
                "match x:",
                "class x:",
            ];
            let indent = run(&all[range.start], |c| c == ' ');
            let head = format!("{}{}", " ".repeat(indent), random.pick(&opening));
            all[range.clone()]
                .iter_mut()
                .for_each(|line| line.insert_str(0, "    "));
            if head.ends_with("try:") {
                all.insert(range.end, format!("{}finally: pass", " ".repeat(indent)));
            }
            all.insert(range.start, head);
        }
        _ => {
            let place = random.below(all.len());
            all.swap(range.start, place);
        }
    }
    all.join("\n")
}

/// A line moved so that its indent is `indent`, where it is a line of four or eight.
fn indented(line: &str, indent: usize) -> String {
    let own = run(line, |c| c == ' ');
    format!(
        "{}{}",
        " ".repeat(if own < 12 { indent } else { own }),
        &line[own..]
    )
}
