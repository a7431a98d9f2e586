//! The comparison for a spreadsheet: a row for each run, then one with the medians of each system.

use crate::compare::{Comparison, LEVELS, MEASURES};
use crate::report::words;

/// The file. Names are those of `comparison.json`; what is not known is empty.
pub fn csv(comparison: &Comparison) -> String {
    let heads = ["system", "seed", "run", "outcome"].into_iter().chain(LEVELS);
    let mut text = record(heads.chain(MEASURES.iter().map(|measure| measure.name)).map(str::to_owned));
    for system in &comparison.systems {
        for run in &system.runs {
            let named =
                [system.system.clone(), run.seed.to_string(), run.run.clone(), words::outcome(run.outcome).to_owned()];
            let level =
                |level: &&str| run.levels.get(*level).map_or(String::new(), |it| words::outcome(*it).to_owned());
            let figure = |name: &str| run.figures.get(name).map_or(String::new(), f64::to_string);
            let figures = MEASURES.iter().map(|measure| figure(measure.name));
            text += &record(named.into_iter().chain(LEVELS.iter().map(level)).chain(figures));
        }
        let outcome = system.outcome().map_or(String::new(), |outcome| words::outcome(outcome).to_owned());
        let named = [system.system.clone(), "median".to_owned(), String::new(), outcome];
        let level = |level: &&str| system.level(level).map_or(String::new(), |it| words::outcome(it).to_owned());
        let median = |name| comparison.estimate(system, name).map_or(String::new(), |it| it.value.to_string());
        let figures = MEASURES.iter().map(|measure| median(measure.name));
        text += &record(named.into_iter().chain(LEVELS.iter().map(level)).chain(figures));
    }
    text
}

/// A line, its fields quoted where they have to be (RFC 4180).
fn record(fields: impl Iterator<Item = String>) -> String {
    let quoted = |field: String| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    };
    fields.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use crate::compare::sample;

    #[test]
    fn every_row_has_all_columns() {
        let text = super::csv(&sample::comparison());
        let mut lines = text.lines();
        let columns = lines.next().unwrap().split(',').count();
        // Names of systems have commas, and so quotes.
        let counted = |line: &str| line.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>() + 1;
        assert!(lines.clone().all(|line| counted(line) == columns), "{text}");
        assert_eq!(lines.filter(|line| line.contains(",median,")).count(), 2);
    }

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        let fields = ["a,b", "say \"x\"", "plain"].map(str::to_owned);
        assert_eq!(super::record(fields.into_iter()), "\"a,b\",\"say \"\"x\"\"\",plain\n");
    }
}
