//! Measures the commit path.
fn main() {}
