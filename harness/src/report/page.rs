//! The fixed parts of `report.html`: styles and scripts, each allowed by its hash, and the form in which data goes in.
//!
//! The page is one file that asks nobody for anything. Its policy lets no other style or script run, so that nothing that a system under
//! test answered can become one; and data is only ever the content of a script element of a type that no browser runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The style sheets, in their order.
const STYLES: [&str; 2] = [include_str!("page/vendor/uPlot-1.6.32.min.css"), include_str!("page/page.css")];

/// The library for charts.
const CHARTS: &str = include_str!("page/vendor/uPlot-1.6.32.iife.min.js");

/// Our scripts: one closure, in which each knows those before it.
const SCRIPTS: [&str; 12] = [
    include_str!("page/dom.js"),
    include_str!("page/data.js"),
    include_str!("page/theme.js"),
    include_str!("page/axis.js"),
    include_str!("page/proof.js"),
    include_str!("page/graph.js"),
    include_str!("page/messages.js"),
    include_str!("page/filter.js"),
    include_str!("page/timeline.js"),
    include_str!("page/details.js"),
    include_str!("page/charts.js"),
    include_str!("page/main.js"),
];

/// What stands in the head: the policy and the styles.
pub(super) fn head() -> Markup {
    let style = STYLES.join("\n");
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {} {}; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(CHARTS),
        hash(&script()),
    );
    html! {
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(policy);
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        style { (PreEscaped(style)) }
    }
}

/// What stands at the end of the body: the data, and the scripts that draw it.
pub(super) fn scripts(data: &impl Serialize) -> Markup {
    html! {
        script id="data" type="application/json" { (PreEscaped(json(data))) }
        script { (PreEscaped(CHARTS)) }
        script { (PreEscaped(script())) }
    }
}

fn script() -> String {
    format!("(() => {{\n\"use strict\";\n{}\n}})();", SCRIPTS.join("\n"))
}

/// JSON in which no markup can begin or end.
fn json(data: &impl Serialize) -> String {
    let text = serde_json::to_string(data).expect("what is shown can be written as JSON");
    text.replace('<', "\\u003c")
}

/// The source of a policy that allows exactly this text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_element() {
        let written = json(&["</script><script>alert(1)</script>", "<!--"]);
        assert!(!written.contains('<'), "{written}");
        let back: Vec<String> = serde_json::from_str(&written).unwrap();
        assert_eq!(back[1], "<!--");
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        assert_eq!(hash("alert('Hello, world.');"), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }

    #[test]
    fn scripts_put_nothing_in_as_markup_and_ask_nobody() {
        for script in SCRIPTS {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacent",
                "document.write",
                "eval(",
                "Function(",
                "fetch(",
                "XMLHttp",
            ] {
                assert!(!script.contains(forbidden), "{forbidden} in {script}");
            }
        }
        assert!(!script().contains("</script") && !CHARTS.contains("</script"));
    }
}
