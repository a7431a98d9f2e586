//! `schism quorum N --measure` as it is typed.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn measured(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("schism").unwrap();
    let output = command.arg("quorum").args(words).arg("-q").current_dir(folder).env_remove("SCHISM_RESULTS").output();
    let output = output.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), told)
}

#[test]
fn every_cell_of_three_copies_is_as_theory_says() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = measured(folder.path(), &["3", "--measure", "--seeds", "2", "--time", "5s", "--json"]);
    assert_eq!(code, 0, "{told}");
    let matrix: Value = serde_json::from_str(&told).unwrap();
    let cells = matrix["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 18);
    for cell in cells {
        assert_eq!(cell["fate"], "as-predicted", "{cell}");
        assert_eq!(cell["predicted"], cell["measured"]["level"], "{cell}");
        let may_be_stale = cell["predicted"] == "none";
        assert_eq!(cell["pbs_p_s"].as_f64().unwrap() > 0.0, may_be_stale, "{cell}");
        assert!(may_be_stale || cell["measured"]["stale"]["stale"] == 0, "{cell}");
        assert!(cell["measured"]["write_ms"].as_f64().unwrap() > 0.0, "{cell}");
    }
    let kept = fs_err::read_to_string(folder.path().join("schism-results/quorum/n3-sim/matrix.json")).unwrap();
    assert_eq!(kept, told);
}

#[test]
fn a_matrix_repeats_from_the_line_that_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let (code, one) = measured(folder.path(), &["2", "--measure", "--seed", "7", "--time", "5s", "--jobs", "1"]);
    let again = one.lines().find_map(|line| line.strip_prefix("again  schism quorum ")).unwrap();
    let words: Vec<&str> = again.split(' ').collect();
    assert_eq!((code, one.clone()), measured(folder.path(), &words));
    assert!(one.contains("8 cells: 8 as predicted"), "{one}");
}
