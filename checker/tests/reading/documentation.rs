//! What `docs/formats.md` shows is what is read.

use schism_checker::{formats, note};

const PAGE: &str = include_str!("../../../docs/formats.md");

/// The blocks of the page in one language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("split gives one part at least")).collect()
}

#[test]
fn the_samples_of_our_files_are_sound() {
    let [history, events] = blocks("jsonl")[..] else { panic!("two blocks of JSON lines") };
    let history = formats::read_bytes(history.as_bytes(), "docs/formats.md").unwrap();
    assert_eq!((history.header.is_some(), history.operations().unwrap().len()), (true, 1));
    let samples = PAGE.lines().filter(|line| line.starts_with("{\"index\"")).map(|line| format!("{line}\n"));
    for (event, sample) in history.events.iter().zip(samples) {
        let mut line = Vec::new();
        schism_checker::history::append_line(&mut line, event);
        let keys = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(keys(&String::from_utf8(line).unwrap()), keys(&sample));
    }

    let events = note::read(events.as_bytes(), "docs/formats.md").unwrap();
    assert_eq!((events.header.is_some(), events.notes.len()), (true, 2));
}

#[test]
fn the_samples_of_other_tools_are_sound() {
    for (language, events) in [("clojure", 3), ("text", 2)] {
        let [sample] = blocks(language)[..] else { panic!("one block of {language}") };
        let history = formats::read_bytes(sample.as_bytes(), "docs/formats.md").unwrap();
        assert_eq!((history.events.len(), history.operations().unwrap().len()), (events, 1));
        assert_eq!(history.events[1].extra["error"], "timed-out");
    }
}
