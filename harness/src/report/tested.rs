//! What was tested and what the run is remembered by, for the places of a report that are read first.

use maud::{Markup, html};

use crate::folder::RunFile;
use crate::report::{inert, words};

/// The longest line on the page, in characters.
const CHARACTERS_MAX: usize = 500;

/// In a few words: the versions and digests of somebody else's programs, and the labels; nothing where there are neither.
pub(super) fn in_short(run: &RunFile) -> Option<String> {
    let labels = Some(words::labels(&run.options.labels)).filter(|labels| !labels.is_empty());
    let tested = run.tested.as_ref().map(crate::system::tested::Tested::in_short);
    let parts: Vec<String> = [tested, labels].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The same on the page.
pub(super) fn on_page(run: Option<&RunFile>) -> Markup {
    html! {
        @if let Some(told) = run.and_then(in_short) {
            p.facts { span.quiet { "tested " } (inert::short(&told, CHARACTERS_MAX)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::system::tested::{Program, Tested};

    #[test]
    fn programs_and_labels_are_told_and_cannot_break_out() {
        let mut run = sample::run_file();
        assert_eq!(in_short(&run), None);
        assert_eq!(on_page(Some(&run)).into_string(), "");
        run.options.labels.insert("release".to_owned(), "1.4<b>".to_owned());
        assert_eq!(in_short(&run).unwrap(), "release=1.4<b>");
        let program = Program { path: "/usr/bin/kv".into(), size: 5, sha256: "0123456789abcdef".to_owned() };
        run.tested = Some(Tested {
            programs: vec![program],
            version: Some("kv 2".to_owned()),
            manifest: String::new(),
            origin: String::new(),
        });
        assert_eq!(in_short(&run).unwrap(), "kv 2, kv sha256 0123456789ab…; release=1.4<b>");
        let page = on_page(Some(&run)).into_string();
        assert!(page.contains("kv 2") && page.contains("1.4&lt;b&gt;"), "{page}");
    }
}
