//! The tag of a version as it stands in notes and answers: `[4,"n2",1,17]`.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Counter, writer, incarnation, sequence, compared in that order (Lynch and Shvartsman 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// One more than the highest counter that its coordinator had seen; for tags that are clock times, that time.
    pub counter: u64,
    /// Who gave it.
    pub writer: Writer,
    /// In which life of the writer, from 1.
    pub incarnation: u64,
    /// The writer's number for the write.
    pub sequence: u64,
}

/// A coordinator as part of a tag: nodes come before coordinators beside clients, each by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// `n2`.
    Node(u32),
    /// `c3`.
    Client(u32),
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Form(counter, writer, incarnation, sequence) = Form::deserialize(deserializer)?;
        let writer = Writer::read(&writer).ok_or_else(|| D::Error::custom(format!("{writer:?} gives no tags")))?;
        Ok(Tag { counter, writer, incarnation, sequence })
    }
}

#[derive(Deserialize)]
struct Form<'a>(u64, #[serde(borrow)] Cow<'a, str>, u64, u64);

impl Writer {
    fn read(text: &str) -> Option<Self> {
        let (kind, number) = text.split_at_checked(1)?;
        let number = number.parse().ok()?;
        match kind {
            "n" => Some(Writer::Node(number)),
            "c" => Some(Writer::Client(number)),
            _ => None,
        }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writer::Node(number) => write!(f, "n{number}"),
            Writer::Client(number) => write!(f, "c{number}"),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.counter, self.writer, self.incarnation, self.sequence)
    }
}

/// `the tag 4.n2.1.17`, or `nothing`.
pub(super) fn told(tag: Option<Tag>) -> String {
    tag.map_or_else(|| "nothing".to_owned(), |tag| format!("the tag {tag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_ordered_as_protocols_order_them() {
        let read = |text: &str| serde_json::from_str::<Tag>(text).ok();
        let ascending = [
            r#"[1,"n9",9,9]"#,
            r#"[2,"n1",1,1]"#,
            r#"[2,"n1",1,2]"#,
            r#"[2,"n1",2,1]"#,
            r#"[2,"n2",1,1]"#,
            r#"[2,"n10",1,1]"#,
            r#"[2,"c1",1,1]"#,
            r#"[3,"n1",1,1]"#,
        ];
        let tags: Vec<Tag> = ascending.iter().map(|text| read(text).unwrap()).collect();
        assert!(tags.is_sorted_by(|one, other| one < other), "{tags:?}");
        assert_eq!(tags[0].to_string(), "1.n9.9.9");
        for wrong in ["[1,2,3,4]", r#"[1,"x1",1,1]"#, r#"[1,"n1",1]"#, r#"[-1,"n1",1,1]"#, r#"[1,"",1,1]"#, "7"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
