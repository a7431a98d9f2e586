//! The comparison for a pull request or a chat, as GitHub renders it.

use super::{lines, remarks, told};
use crate::compare::Comparison;
use crate::report::summary::{code, escaped, push};

/// The page.
pub fn markdown(comparison: &Comparison) -> String {
    let mut page = format!("## {} systems side by side\n\n", comparison.systems.len());
    row(&mut page, [String::new()].into_iter().chain(comparison.systems.iter().map(|system| code(&system.system))));
    push(&mut page, format_args!("|{}\n", "---|".repeat(comparison.systems.len() + 1)));
    for line in lines(comparison, true) {
        row(&mut page, [line.title].into_iter().chain(line.cells).map(|cell| escaped(&cell)));
    }
    for system in &comparison.systems {
        for card in &system.cards {
            let head =
                format!("\n**{}**, {} cut by {}: {}\n\n", card.class, code(&system.system), card.shape, card.because);
            page.push_str(&head);
            for cell in told(comparison, card) {
                push(&mut page, format_args!("- {}\n", escaped(&cell)));
            }
        }
    }
    for remark in remarks(comparison).into_iter().filter(|remark| !remark.contains(", cut by ")) {
        push(&mut page, format_args!("\nNote: {}\n", escaped(&remark)));
    }
    push(
        &mut page,
        format_args!(
            "\nMedians over the seeds with 95 % bootstrap intervals; shares with Wilson's. Network: {}; requests: {}.\n\nAgain: {}\n",
            escaped(&comparison.rung),
            escaped(&comparison.requests.join(", ")),
            code(&comparison.again)
        ),
    );
    page
}

fn row(page: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    push(page, format_args!("| {} |\n", cells.join(" | ")));
}

#[cfg(test)]
mod tests {
    use crate::compare::sample;

    #[test]
    fn a_page_for_a_pull_request() {
        insta::assert_snapshot!(super::markdown(&sample::comparison()));
    }
}
