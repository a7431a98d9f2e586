//! The program `schism`. Everything is in the library, so that someone's own program can be the same with more in it.

/// A fifth of what a step of a simulated node takes is memory that comes and goes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    schism::cli::main()
}
