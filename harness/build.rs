//! Tells the crate which commit it was built from, where it was built in a checkout; without one it says nothing.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Naming a file that does not exist would build the crate anew each time.
    for path in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    if !Path::new("../.git").exists() {
        return;
    }
    let Ok(output) = Command::new("git").args(["rev-parse", "--short=7", "HEAD"]).output() else { return };
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !commit.is_empty() {
        println!("cargo::rustc-env=SCHISM_COMMIT={commit}");
    }
}
