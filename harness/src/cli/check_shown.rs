//! What `schism check` says of one file, as text and as an object.

use std::time::Duration;

use schism_checker::verdict::Property;
use serde_json::json;

use crate::cli::check::Asked;
use crate::cli::check_file::Seen;
use crate::cli::check_table::Judged;
use crate::cli::model::Chosen;
use crate::cli::{check_quorum, output, run};
use crate::exit::ExitCode;
use crate::report::{terminal, words};

/// Writes the verdicts on a file to stdout.
pub(super) fn emit(
    asked: &Asked<'_>,
    name: &str,
    seen: &Seen,
    chosen: &Chosen,
    (judged, quorums): (&[Judged], &[Property]),
) -> ExitCode {
    let text = if asked.args.json {
        as_json(name, seen, chosen, (judged, quorums))
    } else {
        as_text(name, seen, chosen, judged) + &check_quorum::as_text(quorums)
    };
    output::emit(&text)
}

fn as_text(name: &str, seen: &Seen, chosen: &Chosen, judged: &[Judged]) -> String {
    let cut = seen.cut.as_ref().map_or_else(String::new, |cut| {
        format!("\ncut      the file ends in the middle of line {} (byte {})", cut.line, cut.offset)
    });
    let events = words::thousands(seen.events as u64);
    let name = words::printable(name);
    let head = format!("checked  {name}: {events} events, model {} ({}){cut}\n", chosen.model, chosen.from);
    let style = output::style(false);
    judged.iter().fold(head, |text, judged| text + &terminal::property(&judged.property, style))
}

/// `property` is the worst of what was judged, `properties` all of it, where there are several; `quorums` what became of the rules of
/// a run with quorums.
fn as_json(name: &str, seen: &Seen, chosen: &Chosen, (judged, quorums): (&[Judged], &[Property])) -> String {
    let worst = judged.iter().rev().max_by_key(|judged| judged.property.outcome);
    let took = judged.iter().map(|judged| judged.took).sum::<Duration>();
    let mut told = json!({
        "schism": "check",
        "format": 1,
        "file": name,
        "model": chosen.model.to_string(),
        "model_from": chosen.from,
        "events": seen.events,
        "cut": seen.cut.as_ref().map(|cut| json!({"line": cut.line, "offset": cut.offset})),
        "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "memory_bytes": judged.iter().map(|judged| judged.bytes).max(),
        "property": worst.map(|judged| &judged.property),
    });
    if judged.len() > 1 {
        told["properties"] = judged.iter().map(|judged| json!(judged.property)).collect();
    }
    if !quorums.is_empty() {
        told["quorums"] = json!(quorums);
    }
    run::as_json(&told)
}

/// A file that has no verdict, and why.
pub(super) fn unjudged(name: &str, why: &str) -> String {
    run::as_json(&json!({"schism": "check", "format": 1, "file": name, "property": null, "error": why}))
}
