//! How long checks take: real histories, where they lie beside the project, and made ones that are the same each time.
//!
//! `cargo bench -p schism-checker --bench checker` prints a table: the median and the worst of several rounds. With
//! `-- crashed` it is that part alone; the parts are real, crashed, long and reading.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod made;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schism_checker::budget::Unlimited;
use schism_checker::formats;
use schism_checker::history::{History, HistoryWriter, Operation};
use schism_checker::linearizability::{Options, check, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

use crate::made::Kind;

/// How often each thing is measured.
const ROUNDS: usize = 5;
/// Seeds of the histories with crashed operations.
const SEEDS: std::ops::Range<u64> = 1..11;
/// Operations, or events, of the long ones.
const MILLION: usize = 1_000_000;

fn main() {
    // Test runners start this program as well, and expect it to be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<58} {:>12} {:>12}", "", "median", "worst");
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let parts: [(&str, fn()); 4] =
        [("real", real_histories), ("crashed", crashed_operations), ("long", long_histories), ("reading", reading)];
    for (_, part) in parts.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name)) {
        part();
    }
}

/// The folder of real histories, if it is there.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    folder.is_dir().then_some(folder)
}

fn real_histories() {
    let Some(folder) = folder() else {
        println!("{:<58} {:>12}", "real histories: no ../shared/histories", "skipped");
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
    measure(&format!("etcd: {} logs one after the other", etcd.len()), || etcd.iter().for_each(check_history));
    for row in rows.iter().filter(|row| row[0].starts_with("kv/")) {
        let history = read(row);
        measure(&format!("porcupine {}: {} events", row[0], history.0.events.len()), || check_history(&history));
    }
}

fn crashed_operations() {
    for crashes in [12, 23, 32] {
        let what = format!("cas-register, 300 operations, {crashes} crashed, invalid");
        let kind = Kind { clients: 5, operations: 300, crashes, values: Some(5), cas: true };
        let histories: Vec<_> = SEEDS.map(|seed| made::invalid(kind, seed)).collect();
        let model = model("cas-register", "null");
        let times = histories.iter().map(|operations| {
            median((0..ROUNDS).map(|_| time(|| check_made(operations, &model, true, Outcome::Invalid))).collect())
        });
        print(&format!("{what}, {} seeds", histories.len()), times.collect());
    }
}

fn long_histories() {
    let register = model("register", "null");
    let kind = Kind { clients: 5, operations: MILLION, crashes: 0, values: Some(10), cas: false };
    let operations = made::valid(kind, 1);
    measure("register, 1,000,000 operations, 5 clients: search", || {
        check_made(&operations, &register, false, Outcome::Valid);
    });
    let operations = made::valid(Kind { clients: 20, values: None, ..kind }, 1);
    measure("register, 1,000,000 operations, 20 clients: zones", || {
        check_made(&operations, &register, true, Outcome::Valid);
    });
}

fn reading() {
    let kind = Kind { clients: 20, operations: MILLION / 2, crashes: 0, values: None, cas: false };
    let mut writer = HistoryWriter::without_header(Vec::new());
    for event in made::events(&made::valid(kind, 1)) {
        writer.write(&event).expect("a vector takes everything");
    }
    let bytes = writer.into_inner();
    measure("reading 1,000,000 events as JSON lines", || {
        let history = formats::read_bytes(&bytes, "made").expect("what was written can be read");
        assert_eq!(history.events.len(), MILLION);
    });
}

fn model(name: &str, initial: &str) -> ModelSpec {
    ModelSpec::parse(name, &BTreeMap::from([("init".to_owned(), initial.to_owned())])).expect("the model is known")
}

fn check_history((history, model): &(History, ModelSpec)) {
    check(history, model, &Options::default(), &Unlimited).expect("the history is sound");
}

fn check_made(operations: &[Operation], model: &ModelSpec, zones: bool, expected: Outcome) {
    let options = Options { zones, ..Options::default() };
    let property = check_operations(operations, model, &options, &Unlimited).expect("the history is sound");
    assert_eq!(property.outcome, expected, "{}", property.summary);
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn measure(what: &str, mut work: impl FnMut()) {
    print(what, (0..ROUNDS).map(|_| time(&mut work)).collect());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn print(what: &str, times: Vec<Duration>) {
    let worst = times.iter().max().copied().unwrap_or_default();
    let shown = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    println!("{what:<58} {:>12} {:>12}", shown(median(times)), shown(worst));
}
