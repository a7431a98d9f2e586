//! The comparison as one self-contained page: the table, the cards, and for each figure a plot of its runs.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{lines, remarks, told};
use crate::compare::Comparison;
use crate::compare::measures::{MEASURES, Measure};
use crate::report::words;

/// Nothing is loaded, and nothing runs: the page has no script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("page.css");
/// Width of a plot, and how high a row of it is, in pixels.
const WIDTH: f64 = 420.0;
const ROW: f64 = 18.0;

/// The page. Values come from run folders, and are escaped.
pub fn html(comparison: &Comparison) -> String {
    let title = format!("{} systems side by side", comparison.systems.len());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (legend(comparison))
                (table(comparison))
                @for remark in remarks(comparison) { p.note { (words::printable(&remark)) } }
                (cards(comparison))
                h2 { "Run by run" }
                p { "A dot is a run, a bar the median, the band its 95 % bootstrap interval." }
                div.plots { @for measure in MEASURES { (plot(comparison, measure)) } }
                p { "Again: " code { (words::printable(&comparison.again)) } }
            }
        }
    };
    page.into_string()
}

fn letters(comparison: &Comparison) -> impl Iterator<Item = (char, &str)> {
    ('A'..='Z').zip(comparison.systems.iter().map(|system| system.system.as_str()))
}

fn legend(comparison: &Comparison) -> Markup {
    html! {
        ul.legend {
            @for (letter, system) in letters(comparison) { li { b { (letter) } " " code { (words::printable(system)) } } }
        }
        p { "Workload " code { (words::printable(&comparison.workload)) } ", requests "
            (comparison.requests.join(", ")) ", network " (comparison.rung) "." }
    }
}

fn table(comparison: &Comparison) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th {} @for (letter, _) in letters(comparison) { th { (letter) } } } }
            tbody {
                @for line in lines(comparison, true) {
                    tr {
                        th scope="row" { (line.title) }
                        @for cell in &line.cells { td class=[tone(cell)] { (words::printable(cell)) } }
                    }
                }
            }
        } }
    }
}

/// Outcomes are told by colour as well as by word.
fn tone(cell: &str) -> Option<&'static str> {
    match cell {
        "valid" | "CP" | "AP" => Some("good"),
        "invalid" | "neither" | "AP-lossy" | "IMPOSSIBLE" => Some("bad"),
        "unknown" | "vacuous" | "inconclusive" | "blocked" => Some("doubt"),
        _ => None,
    }
}

fn cards(comparison: &Comparison) -> Markup {
    let all = letters(comparison).zip(&comparison.systems);
    let all: Vec<_> =
        all.flat_map(|((letter, _), system)| system.cards.iter().map(move |card| (letter, card))).collect();
    html! {
        @if !all.is_empty() {
            h2 { "CAP cards" }
            div.cards {
                @for (letter, card) in all {
                    section.card {
                        h3 { (letter) ", " (card.shape) ": " span class=[tone(&card.class.to_string())] { (card.class) } }
                        p { (card.because) }
                        ul { @for cell in told(comparison, card) { li { (cell) } } }
                    }
                }
            }
        }
    }
}

/// A row of dots for each system, on one axis from zero.
fn plot(comparison: &Comparison, measure: Measure) -> Markup {
    let figures = |system: &crate::compare::Compared| -> Vec<f64> {
        system.runs.iter().filter_map(|run| run.figures.get(measure.name).copied()).collect()
    };
    let most = comparison.systems.iter().flat_map(figures).fold(0.0, f64::max);
    let at = |figure: f64| format!("{:.1}", 20.0 + (WIDTH - 40.0) * figure / most);
    let rows = (0_u8..).map(f64::from).zip(letters(comparison)).zip(&comparison.systems);
    let height = ROW * f64::from(u8::try_from(comparison.systems.len()).unwrap_or(u8::MAX)) + 6.0;
    html! {
        @if most > 0.0 {
            figure {
                figcaption { (measure.title) " " span.scale { "0 to " (measure.unit.shown(most)) } }
                svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(measure.title) {
                    @for ((place, (letter, _)), system) in rows {
                        @let y = format!("{:.1}", ROW * place + 12.0);
                        text x="2" y=(format!("{:.1}", ROW * place + 16.0)) { (letter) }
                        line.axis x1="20" x2=(format!("{:.1}", WIDTH - 20.0)) y1=(y) y2=(y);
                        @if let Some(median) = comparison.estimate(system, measure.name) {
                            line.band x1=(at(median.low)) x2=(at(median.high)) y1=(y) y2=(y);
                            line.median x1=(at(median.value)) x2=(at(median.value))
                                y1=(format!("{:.1}", ROW * place + 6.0)) y2=(format!("{:.1}", ROW * place + 18.0));
                        }
                        @for figure in figures(system) { circle cx=(at(figure)) cy=(y) r="3" {} }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::compare::sample;

    #[test]
    fn nothing_of_a_run_is_markup() {
        let mut comparison = sample::comparison();
        comparison.systems[0].system = "<script>alert(1)</script>".to_owned();
        comparison.again = "schism compare '<img src=x>'".to_owned();
        let page = super::html(&comparison);
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn each_figure_that_is_known_has_a_plot() {
        let page = super::html(&sample::comparison());
        assert_eq!(page.matches("<figure>").count(), 4, "ok, messages, rate and lag");
        assert_eq!(page.matches("<circle").count(), 4 * 4);
    }
}
