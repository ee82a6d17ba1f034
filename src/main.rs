//! Sanbang, the program: `sanbang --help` tells what it can do.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Most of what a worker allocates the committer lets go.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    sanbang::cli::run()
}
