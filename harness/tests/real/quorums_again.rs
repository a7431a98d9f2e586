//! `schism check RUN` judges the quorums of a run again, from its notes.

use crate::support::Bench;

#[test]
fn the_quorums_of_a_run_are_judged_again_from_its_notes() {
    let bench = Bench::new();
    bench.schism(&["run", "nwr:n=3", "--faults", "none", "--time", "1s", "--quiet", "0", "-q"]).expect(0);
    let run = bench.run();
    let folder = run.to_str().unwrap();
    let told = bench.schism(&["check", folder]);
    assert!(told.stdout.contains("quorums  kept: evidence, write-quorum, read-quorum"), "{}", told.stdout);
    told.expect(0);
    let told = bench.schism(&["check", "--json", folder]);
    assert!(told.stdout.contains("\"quorums\""), "{}", told.stdout);
    // Whose notes are missing is not known to have kept anything.
    let notes = run.join("events.jsonl");
    let header = fs_err::read_to_string(&notes).unwrap().lines().next().unwrap().to_owned() + "\n";
    fs_err::write(&notes, header).unwrap();
    let told = bench.schism(&["check", folder]);
    assert!(told.stdout.contains("things are wrong with the evidence"), "{}", told.stdout);
    told.expect(2);
}
