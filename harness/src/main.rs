//! The program `schism`. Everything is in the library, so that someone's own program can be the same with more in it.

fn main() -> std::process::ExitCode {
    schism::cli::main()
}
