//! Sanbang, the program: `sanbang --help` tells what it can do.

fn main() {}
