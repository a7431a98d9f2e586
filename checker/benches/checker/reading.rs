//! Reading a million events.

use schism_checker::formats::{self, Exported};
use schism_checker::history::{Event, History, HistoryWriter};

use crate::MILLION;
use crate::made::{self, Cas, Kind};
use crate::measure::measure;

pub(crate) fn rows() {
    let kind = Kind { clients: 20, operations: MILLION / 2, crashes: 0, values: None, cas: Cas::None };
    let events = made::events(&made::valid(kind, 1));
    row("JSON lines", &json_lines(&events));
    let history = History { events, ..History::default() };
    let mut edn = Vec::new();
    formats::write(&mut edn, &history, Exported::JepsenEdn).expect("a vector takes everything");
    drop(history);
    row("EDN", &edn);
}

fn row(format: &str, bytes: &[u8]) {
    measure(&format!("reading 1,000,000 events of {format}, {} MB", bytes.len() / MILLION), || {
        let history = formats::read_bytes(bytes, "made").expect("what was written can be read");
        assert_eq!(history.events.len(), MILLION);
    });
}

pub(crate) fn json_lines(events: &[Event]) -> Vec<u8> {
    let mut writer = HistoryWriter::without_header(Vec::new());
    for event in events {
        writer.write(event).expect("a vector takes everything");
    }
    writer.into_inner()
}
