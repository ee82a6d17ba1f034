//! Sanbang, the program: `sanbang --help` tells what it can do.

use std::process::ExitCode;

fn main() -> ExitCode {
    sanbang::cli::run()
}
