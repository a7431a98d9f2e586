//! The table at the end of `schism check` on several files.

use std::collections::BTreeSet;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use schism_checker::verdict::Property;

use crate::cli::list;
use crate::report::words;

/// What became of one file.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its path.
    pub(crate) file: String,
    pub(crate) fate: Fate,
}

/// Whether it has a verdict.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Judged(Box<Judged>),
    /// It could not be judged.
    NoVerdict,
    /// There was a signal before its turn.
    NotBegun,
}

impl Row {
    fn judged(&self) -> Option<&Judged> {
        match &self.fate {
            Fate::Judged(judged) => Some(judged),
            Fate::NoVerdict | Fate::NotBegun => None,
        }
    }
}

/// What became of a file that was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) property: Property,
    /// How long it took to check, reading apart.
    pub(crate) took: Duration,
    /// The most that was held at the same time, by the checker's own count.
    pub(crate) bytes: usize,
}

/// The table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    // Where all were judged by the same, it need not be told.
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| Some(row.judged()?.property.name.as_str())).collect();
    let extra = usize::from(names.len() > 1);
    let head = ["file", "property", "operations", "crashed", "route", "verdict", "time", "memory"];
    let shown = |cells: [String; 8]| cells.into_iter().enumerate().filter(|(place, _)| *place != 1 || extra == 1);
    table.load_preset(presets::NOTHING).set_header(shown(head.map(str::to_owned)).map(|(_, cell)| cell));
    for column in [1, 2, 5, 6] {
        let column = table.column_mut(column + extra).expect("there are seven columns, or eight");
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows {
        let file = words::printable(&row.file);
        let Some(Judged { property, took, bytes }) = row.judged() else {
            let why = if matches!(row.fate, Fate::NotBegun) { "not begun" } else { "no verdict" };
            let none = [&file, "", "-", "-", "-", why, "-", "-"].map(str::to_owned);
            table.add_row(shown(none).map(|(_, cell)| cell));
            continue;
        };
        let figure = |name: &str| property.figures.get(name).and_then(serde_json::Value::as_u64);
        let figure = |name| figure(name).map_or_else(|| "-".to_owned(), words::thousands);
        let (operations, crashed, route) =
            (figure("operations"), figure("crashed"), property.route.as_deref().unwrap_or("-").to_owned());
        let took = words::latency(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let outcome = words::outcome(property.outcome).to_owned();
        let cells = [file, property.name.clone(), operations, crashed, route, outcome, took, size(*bytes)];
        table.add_row(shown(cells).map(|(_, cell)| cell));
    }
    list::rendered(&table)
}

/// A number of bytes with a unit that suits it.
fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{}.{} MiB", bytes >> 20, (bytes >> 10) % 1024 * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_file_has_a_row() {
        let property = sample::invalid().properties[0].clone();
        let judged = Judged { property, took: Duration::from_micros(12_345), bytes: 3 << 19 };
        let rows = [
            Row { file: "a/history.jsonl".to_owned(), fate: Fate::Judged(Box::new(judged)) },
            Row { file: "damaged".to_owned(), fate: Fate::NoVerdict },
            Row { file: "last".to_owned(), fate: Fate::NotBegun },
        ];
        insta::assert_snapshot!(table(&rows));
    }

    #[test]
    fn sizes_have_a_suitable_unit() {
        assert_eq!(
            [0, 1023, 1024, (1 << 20) - 1, 1 << 20, 3 << 19].map(size),
            ["0 B", "1023 B", "1 KiB", "1023 KiB", "1.0 MiB", "1.5 MiB"]
        );
    }
}
