//! Runs files as scripts. With `--batch`, reads programs from standard input, each ended by a line
//! of `\x1e`, and writes for each its output, its last line and the line of the error.

use std::io::{Read, Write};

const GAS: u64 = 200_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--batch") {
        return batch();
    }
    let mut code = 0;
    for path in &arguments {
        let source = std::fs::read_to_string(path).unwrap_or_default();
        match vm::run_script(&source, path, GAS) {
            Ok(outcome) => {
                print!("{}", outcome.output);
                if let Some(error) = outcome.error {
                    for frame in &error.traceback {
                        eprintln!("  line {}, in {}", frame.line, frame.function);
                    }
                    eprintln!("{}", error.last_line());
                    code = if error.code == "language.refused" {
                        2
                    } else {
                        1
                    };
                }
            }
            Err(found) => {
                for diagnostic in &found {
                    eprintln!("{diagnostic}");
                }
                code = 2;
            }
        }
    }
    std::process::exit(code);
}

fn batch() {
    let mut input = String::new();
    if std::io::stdin().read_to_string(&mut input).is_err() {
        std::process::exit(2);
    }
    let mut out = std::io::stdout().lock();
    for source in input.split_terminator("\n\u{1e}\n") {
        let (output, error, line) = match vm::run_script(source, "program.py", GAS) {
            Ok(outcome) => match outcome.error {
                Some(error) => {
                    let last = error.last_line();
                    let shown = if error.class.is_some() {
                        last
                    } else {
                        format!("!{last}")
                    };
                    (outcome.output, shown, error.line.unwrap_or(0))
                }
                None => (outcome.output, String::new(), 0),
            },
            Err(found) => (
                String::new(),
                format!("!refused {}", found[0]),
                found[0].line,
            ),
        };
        let _ = write!(out, "{output}\u{1f}{error}\u{1f}{line}\n\u{1e}\n");
    }
}
