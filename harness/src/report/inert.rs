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
    fn long_values_are_cut_and_that_is_said() {
        assert_eq!(short("äbc", 3), "äbc");
        assert_eq!(short("äbcd", 3), "äbc… (cut: 5 bytes)");
        assert_eq!(value(&json!(["x", 1]), 40), r#"["x",1]"#);
        assert_eq!(value(&json!("x"), 40), "x");
        let huge = value(&json!("v".repeat(10 << 20)), 200);
        assert!(huge.len() < 240 && huge.ends_with("(cut: 10485760 bytes)"), "{huge}");
    }
}
