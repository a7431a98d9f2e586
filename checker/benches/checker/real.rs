//! Real histories, where they lie beside the project: etcd's logs and Porcupine's key-value histories.

use std::path::{Path, PathBuf};

use schism_checker::budget::Unlimited;
use schism_checker::formats;
use schism_checker::history::History;
use schism_checker::linearizability::{Options, check, check_with};
use schism_checker::models::{ModelSpec, Whole};

use crate::measure::measure;
use crate::model;

pub(crate) fn rows() {
    let Some(folder) = folder() else {
        println!("real histories: no ../shared/histories, skipped");
        return;
    };
    let table = std::fs::read_to_string(folder.join("verdicts.tsv")).expect("the folder has a table");
    let rows: Vec<[&str; 3]> =
        table.lines().skip(1).filter_map(|line| line.split('\t').collect::<Vec<_>>().first_chunk().copied()).collect();
    let read = |row: &[&str; 3]| {
        let history = formats::read_path(&folder.join(row[0])).expect("the histories are sound");
        (history, model(row[1], row[2]))
    };
    let etcd: Vec<_> = rows.iter().filter(|row| row[0].starts_with("etcd/")).map(read).collect();
    let (whole, verdicts) = (Options::default(), Options { core_effort: 0, ..Options::default() });
    let what = format!("etcd: {} logs one after the other", etcd.len());
    measure(&what, || etcd.iter().for_each(|it| check_history(it, &verdicts)));
    measure(&format!("{what}, and their cores"), || etcd.iter().for_each(|it| check_history(it, &whole)));
    for row in rows.iter().filter(|row| row[0].starts_with("kv/")) {
        let history = read(row);
        let what = format!("porcupine {}, {} events", row[0], history.0.events.len());
        measure(&format!("{what}: by key"), || check_history(&history, &verdicts));
        measure(&format!("{what}: all keys as one object"), || check_whole(&history, &verdicts));
    }
}

/// The folder of real histories, if it is there.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    folder.is_dir().then_some(folder)
}

fn check_history((history, model): &(History, ModelSpec), options: &Options) {
    check(history, model, options, &Unlimited).expect("the history is sound");
}

/// The same of a map whose keys are not taken apart.
fn check_whole((history, model): &(History, ModelSpec), options: &Options) {
    let ModelSpec::Kv(kv) = model else { panic!("these are histories of maps") };
    let operations = history.operations().expect("the history is sound");
    check_with(&operations, &Whole(kv.clone()), options, &Unlimited).expect("the history is sound");
}
