//! The comparison as a table on a terminal: a column a system, figures without their intervals.

use comfy_table::{CellAlignment, Table, presets};

use super::{Line, lines, remarks, told};
use crate::compare::Comparison;
use crate::report::words;

/// The table with what has to be said about it. Systems have long names, so that each column has a letter.
pub fn terminal(comparison: &Comparison, place: &str) -> String {
    let letters: Vec<String> = ('A'..='Z').take(comparison.systems.len()).map(String::from).collect();
    let mut text = String::new();
    for (letter, system) in letters.iter().zip(&comparison.systems) {
        push(&mut text, &format!("{letter}  {}", system.system));
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([String::new()].into_iter().chain(letters.iter().cloned()));
    for Line { title, cells } in lines(comparison, false) {
        table.add_row([title].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for line in table.to_string().lines() {
        push(&mut text, line.trim_end());
    }
    for (letter, system) in letters.iter().zip(&comparison.systems) {
        for card in &system.cards {
            push(&mut text, &format!("{letter}  cut by {}: {}, {}", card.shape, card.class, card.because));
            for cell in told(comparison, card) {
                push(&mut text, &format!("     {cell}"));
            }
        }
    }
    for remark in remarks(comparison).into_iter().filter(|remark| !remark.contains(", cut by ")) {
        push(&mut text, &format!("note     {remark}"));
    }
    push(&mut text, &format!("kept     {place}"));
    push(&mut text, &format!("again    {}", comparison.again));
    text
}

fn push(text: &mut String, line: &str) {
    text.push_str(&words::printable(line));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use crate::compare::sample;

    #[test]
    fn systems_stand_side_by_side() {
        let shown = super::terminal(&sample::comparison(), "results/compare-register/20260824T021700Z-7f3a");
        insta::assert_snapshot!(shown);
    }
}
