//! Text from a run folder, made harmless for people's eyes: nothing in it is invisible, turns the direction of what stands
//! around it, or is too long to be shown.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// Text in which control characters and marks that turn its direction can be seen: `␛`, `⟨202E⟩`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            hidden if is_hidden(hidden) => {
                write!(shown, "⟨{:04X}⟩", u32::from(hidden)).expect("writing into a string does not fail");
            }
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// The same, cut after so many characters; that it was cut is said, with how long it was.
pub fn short(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => visible(text).into_owned(),
        Some((end, _)) => format!("{}… (cut: {} bytes)", visible(&text[..end]), text.len()),
    }
}

/// What of a long value stands in a sentence, in characters: its beginning and its end, where it has more than both and as much again.
const VALUE_MAX: usize = 160;
const VALUE_BEGINNING: usize = 80;
const VALUE_END: usize = 40;
/// What of a text with many values is shown.
const TEXT_MAX: usize = 2_000;
const TEXT_END: usize = 400;

/// A sentence with the values that it tells of, these no longer than people read: of long ones the beginning and the end, and how much
/// is left out between. Files for programs keep them whole.
pub fn brief(text: &str) -> String {
    let cut: String = words_of(text).map(|word| middle_cut(word, VALUE_MAX, VALUE_BEGINNING, VALUE_END)).collect();
    middle_cut(&cut, TEXT_MAX, TEXT_MAX - TEXT_END, TEXT_END).into_owned()
}

/// The words of a text, each with the space behind it. A value as JSON is one word, whatever spaces are between its quotes.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split_inclusive(move |character| {
        let is_quote = character == '"' && !escaped;
        quoted ^= is_quote;
        escaped = quoted && character == '\\' && !escaped;
        character == ' ' && !quoted
    })
}

/// A text of no more characters than `most` as it is; of a longer one so many at its beginning and its end.
fn middle_cut(text: &str, most: usize, beginning: usize, end: usize) -> Cow<'_, str> {
    if text.len() <= most || text.char_indices().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let start = text.char_indices().nth(beginning).map_or(text.len(), |(place, _)| place);
    let rest = text.char_indices().rev().nth(end - 1).map_or(start, |(place, _)| place);
    let left_out = text[start..rest].chars().count();
    Cow::Owned(format!("{}…({left_out} characters left out)…{}", &text[..start], &text[rest..]))
}

/// A value as people write it: a text that cannot be mistaken for something else without its quotes, all else as JSON.
pub fn value(value: &Value, characters_max: usize) -> String {
    match value {
        Value::String(text) => short(text, characters_max),
        Value::Number(number) => number.to_string(),
        other => short(&other.to_string(), characters_max),
    }
}

/// Control characters, marks of direction, and what takes no room: a reader does not see them, or sees other text moved by them.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_hides_or_turns_text_is_shown() {
        for (text, shown) in [
            ("plain ü 中", "plain ü 中"),
            ("a\u{1b}[31m\n\u{7f}", "a␛[31m␊␡"),
            ("\u{202e}evil\u{2069}", "⟨202E⟩evil⟨2069⟩"),
            ("\u{200b}\u{feff}\u{85}", "⟨200B⟩⟨FEFF⟩⟨0085⟩"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn a_sentence_tells_the_beginning_and_the_end_of_a_long_value() {
        let short = "process 1 wrote \"a b\", and read 5";
        assert_eq!(brief(short), short);
        let value = format!("\"ä b\\\" c{}z\"", "中 ".repeat(50_000));
        let shown = brief(&format!("read {value} where 7 was written at n1"));
        assert!(
            shown.starts_with("read \"ä b\\\" c中 ") && shown.ends_with("中 z\" where 7 was written at n1"),
            "{shown}"
        );
        assert!(shown.contains(" characters left out)") && shown.chars().count() < 220, "{shown}");
        // Exactly what is missing was counted.
        let left_out: usize = shown.split_once("…(").unwrap().1.split_once(' ').unwrap().0.parse().unwrap();
        assert_eq!(left_out + VALUE_BEGINNING + VALUE_END, value.chars().count() + 1, "with the space behind it");
    }

    #[test]
    fn a_text_of_many_values_is_cut_as_a_whole() {
        let many = "read x=1, ".repeat(10_000);
        let shown = brief(&many);
        assert!(shown.chars().count() < TEXT_MAX + 40 && shown.ends_with("read x=1, "), "{shown}");
        assert_eq!(brief(&many[..1_990]), &many[..1_990]);
    }

    #[test]
    fn long_values_are_cut_and_that_is_said() {
        assert_eq!(short("äbc", 3), "äbc");
        assert_eq!(short("äbcd", 3), "äbc… (cut: 5 bytes)");
        assert_eq!(value(&json!(["x", 1]), 40), r#"["x",1]"#);
        assert_eq!(value(&json!("x"), 40), "x");
        let huge = value(&json!("v".repeat(10 << 20)), 200);
        assert!(huge.len() < 240 && huge.ends_with("(cut: 10485760 bytes)"), "{huge}");
    }
}
