//! Golden scripts: `scripts/<protocol>/<scenario>`, each a scenario whose first line says what must happen, with the
//! trace that it leaves. `UPDATE_GOLDENFILES=1 cargo test -p schism-nodes --test scripts` writes the traces anew.

mod common;
mod script;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

fn run_all(protocol: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(protocol);
    let entries = fs_err::read_dir(&folder).expect("the folder of scripts");
    let mut scripts: Vec<_> = entries.map(|entry| entry.expect("a script").path()).collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "there are no scripts in {}", folder.display());
    let failed = scripts.iter().filter(|path| {
        let run = || goldenscript::run(&mut script::Script::default(), path);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => false,
            Ok(Err(error)) => {
                eprintln!("{}: {error}", path.display());
                true
            }
            Err(_) => true,
        }
    });
    let failed: Vec<String> = failed.map(|path| path.display().to_string()).collect();
    assert!(failed.is_empty(), "scripts that left another trace: {}", failed.join(", "));
}

#[test]
fn raft() {
    run_all("raft");
}

#[test]
fn nwr() {
    run_all("nwr");
}
