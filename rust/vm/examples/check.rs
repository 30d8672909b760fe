//! Compiles a contract file and shows what was found, or what it offers.

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: check FILE");
        std::process::exit(2);
    };
    let source = match std::fs::read_to_string(&path) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(2);
        }
    };
    let start = std::time::Instant::now();
    match vm::compile(&source, &path) {
        Ok(program) => {
            let time = start.elapsed();
            println!("{:#?}", program.interface());
            println!("{} bytes compiled in {time:?}", program.to_bytes().len());
        }
        Err(found) => {
            for diagnostic in &found {
                println!("{diagnostic}\n");
            }
            std::process::exit(1);
        }
    }
}
