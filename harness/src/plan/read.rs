//! Plan files: JSON or TOML, told apart by their content. Everything that is wrong is said at once.

use std::path::Path;

use schism_nodes::config::parse_time;
use serde_json::{Map, Value};

use crate::plan::entry::place_of;
use crate::plan::problem::{Problem, Problems};
use crate::plan::{Entry, Plan};

/// The newest version of the format, and the one that is written.
pub const FORMAT: u32 = 1;

const PLAN_KEYS: [&str; 13] = [
    "kind",
    "format",
    "about",
    "system",
    "nodes",
    "workload",
    "weather",
    "seed",
    "time",
    "op_timeout",
    "clients",
    "breaks",
    "entries",
];
const ENTRY_KEYS: [&str; 9] = ["id", "at", "after", "when", "delay", "do", "on", "for", "args"];
const WHEN_KEYS: [&str; 4] = ["note", "node", "fields", "nth"];

/// Reads a plan file.
pub fn load(path: &Path) -> Result<Plan, Problems> {
    let at = path.display().to_string();
    let text = fs_err::read_to_string(path).map_err(|error| {
        Problems(vec![Problem::new(&at, format!("the plan cannot be read: {error}")).hint("a JSON or TOML file")])
    })?;
    parse(&text, &at)
}

/// Reads a plan. `at` is where it comes from, for messages.
pub fn parse(text: &str, at: &str) -> Result<Plan, Problems> {
    let value = document(text, at).map_err(|problem| Problems(vec![problem]))?;
    let Value::Object(mut top) = value else {
        return Err(Problems(vec![Problem::new(at, "a plan is an object").hint(EXAMPLE)]));
    };
    let mut problems = refuse_unknown(&mut top, "key of a plan called", &PLAN_KEYS, at);
    problems.extend(header(&top, at));
    problems.extend(run(&mut top, at));
    let entries = match top.remove("entries") {
        Some(Value::Array(entries)) => entries,
        other => {
            let what = if other.is_some() { "entries is no list" } else { "the plan has no entries" };
            problems.push(Problem::new(at, what).hint(EXAMPLE));
            Vec::new()
        }
    };
    let mut read = Vec::new();
    for (place, value) in entries.into_iter().enumerate() {
        match entry(value, place, at) {
            Ok(entry) => read.push(entry),
            Err(more) => problems.extend(more),
        }
    }
    top.insert("entries".to_owned(), Value::Array(Vec::new()));
    let plan: Result<Plan, _> = serde_json::from_value(Value::Object(top));
    match plan {
        Ok(plan) if problems.is_empty() => Ok(Plan { entries: read, ..plan }),
        Err(error) if problems.is_empty() => Err(Problems(vec![Problem::new(at, error.to_string()).hint(EXAMPLE)])),
        _ => Err(Problems(problems)),
    }
}

const EXAMPLE: &str = r#"such as {"kind":"plan","format":1,"entries":[{"id":1,"at":"5s","do":"kill","for":"1s"}]}"#;

fn document(text: &str, at: &str) -> Result<Value, Problem> {
    let json = serde_json::from_str(text);
    if json.is_ok() || text.trim_start().starts_with('{') {
        return json.map_err(|error| Problem::new(at, format!("the plan is no JSON: {error}")));
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        Problem::new(format!("{at}: line {line}"), format!("the plan is no TOML: {}", error.message()))
    })
}

fn header(top: &Map<String, Value>, at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    match top.get("kind") {
        Some(Value::String(kind)) if kind == "plan" => {}
        Some(other) => problems.push(Problem::new(at, format!("this is no plan but {other}")).hint("kind is \"plan\"")),
        None => problems.push(Problem::new(at, "nothing says that this is a plan").hint("kind is \"plan\"")),
    }
    match top.get("format").map(Value::as_u64) {
        Some(Some(format)) if format == u64::from(FORMAT) => {}
        Some(Some(format)) if format > u64::from(FORMAT) => {
            let what = format!("format {format} is newer than this program, which reads up to {FORMAT}");
            problems.push(Problem::new(at, what).hint("a newer schism"));
        }
        _ => problems.push(Problem::new(at, "the version of the format is missing or wrong").hint("format is 1")),
    }
    problems
}

/// What a plan says of the run that it was written for.
fn run(top: &mut Map<String, Value>, at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in ["time", "op_timeout"] {
        seconds(top, name);
        if let Some(Value::String(text)) = top.get(name)
            && parse_time(text).is_none_or(|time| time.is_zero())
        {
            problems.push(Problem::new(at, format!("{name} cannot be {text:?}")).hint("a time such as 700ms or 5s"));
        }
    }
    if let Some(clients) = top.get("clients").filter(|clients| !matches!(clients.as_u64(), Some(1..=10_000))) {
        problems.push(Problem::new(at, format!("clients cannot be {clients}")).hint("a number from 1 to 10000"));
    }
    problems
}

/// A bare number of time is seconds.
fn seconds(keys: &mut Map<String, Value>, name: &str) {
    if let Some(value) = keys.get_mut(name).filter(|value| value.is_number()) {
        *value = Value::String(value.to_string());
    }
}

fn entry(value: Value, place: usize, at: &str) -> Result<Entry, Vec<Problem>> {
    let id = value.get("id").and_then(Value::as_u64);
    let at = place_of(at, place, id);
    let Value::Object(mut keys) = value else {
        return Err(vec![Problem::new(at, "an entry is an object").hint(EXAMPLE)]);
    };
    let mut problems = refuse_unknown(&mut keys, "key of an entry called", &ENTRY_KEYS, &at);
    if let Some(Value::Object(when)) = keys.get_mut("when") {
        problems.extend(refuse_unknown(when, "key of when called", &WHEN_KEYS, &format!("{at}: when")));
    }
    for time in ["at", "delay", "for"] {
        seconds(&mut keys, time);
    }
    let entry = serde_json::from_value(Value::Object(keys));
    match entry {
        Ok(entry) if problems.is_empty() => Ok(entry),
        Ok(_) => Err(problems),
        Err(error) => {
            problems.push(Problem::new(&at, error.to_string()).hint("docs/plans.md has every key with an example"));
            Err(problems)
        }
    }
}

/// Takes out the keys that are not known.
fn refuse_unknown(keys: &mut Map<String, Value>, thing: &str, known: &[&str], at: &str) -> Vec<Problem> {
    let strangers: Vec<String> = keys.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
    strangers
        .into_iter()
        .map(|key| {
            keys.remove(&key);
            Problem::unknown(at, thing, &key, known)
        })
        .collect()
}

impl Plan {
    /// The plan as a file: JSON, one entry a line, so that it can be edited and compared line by line.
    pub fn to_json(&self) -> String {
        let mut head = serde_json::to_value(Plan { entries: Vec::new(), ..self.clone() })
            .expect("a plan without entries is plain JSON");
        head.as_object_mut().expect("a plan is an object").remove("entries");
        let head = head.to_string();
        let entry = |entry: &Entry| serde_json::to_string(entry).expect("an entry is plain JSON");
        let entries: Vec<String> = self.entries.iter().map(entry).collect();
        format!(
            "{},\"entries\":[\n{}\n]}}\n",
            head.strip_suffix('}').expect("an object ends with a brace"),
            entries.join(",\n")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"kind":"plan","format":1,"about":"x","workload":true,"entries":[
        {"id":4,"at":"5s","do":"partition","on":"leader","for":"700ms","args":{"shape":"isolate"}},
        {"id":5,"when":{"note":"vote-sent","node":"n2","fields":{"term":3}},"do":"kill","on":"that","for":"5ms"},
        {"id":6,"after":5,"do":"request","on":"c1","args":{"node":"n3","f":"write","key":"x","value":5}}]}"#;

    const TOML: &str = r#"
        kind = "plan"
        format = 1
        about = "x"
        workload = true
        [[entries]]
        id = 4
        at = "5s"
        do = "partition"
        on = "leader"
        for = "700ms"
        args = { shape = "isolate" }
        [[entries]]
        id = 5
        when = { note = "vote-sent", node = "n2", fields = { term = 3 } }
        do = "kill"
        on = "that"
        for = "5ms"
        [[entries]]
        id = 6
        after = 5
        do = "request"
        on = "c1"
        args = { node = "n3", f = "write", key = "x", value = 5 }
    "#;

    fn problems(text: &str) -> Vec<String> {
        parse(text, "p").unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn json_and_toml_say_the_same_and_are_printed_back() {
        let plan = parse(JSON, "p").unwrap();
        assert_eq!(parse(TOML, "p").unwrap(), plan);
        assert_eq!(parse(&plan.to_json(), "p").unwrap(), plan);
        assert_eq!(plan.to_json().lines().count(), 5, "{}", plan.to_json());
        let empty = Plan { kind: "plan".to_owned(), format: 1, ..Plan::default() };
        assert_eq!(parse(&empty.to_json(), "p").unwrap(), empty);
        let odd = Plan { about: Some("ends in }".to_owned()), ..empty };
        assert_eq!(parse(&odd.to_json(), "p").unwrap(), odd);
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_its_place() {
        let text = r#"{"kind":"sweep","format":1,"entires":[],"entries":[
            {"id":1,"at":"5s","do":"kill","fro":"1s"},
            {"id":"two","at":"5s","do":"kill"},
            7,
            {"id":4,"when":{"node":"n1","nte":"x"},"do":"kill"}]}"#;
        let found = problems(text);
        let expected = [
            "p: there is no key of a plan called \"entires\" (did you mean entries?)",
            "p: this is no plan but \"sweep\"",
            "p: entry 1 (id 1): there is no key of an entry called \"fro\" (did you mean for?)",
            "p: entry 2: invalid type: string \"two\"",
            "p: entry 3: an entry is an object",
            "p: entry 4 (id 4): when: there is no key of when called \"nte\" (did you mean note?)",
            "p: entry 4 (id 4): missing field `note`",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn a_bare_number_of_time_is_seconds() {
        let text = r#"{"kind":"plan","format":1,"entries":[{"id":1,"at":1.5,"do":"kill","for":2}]}"#;
        let entry = parse(text, "p").unwrap().entries.remove(0);
        assert_eq!((entry.at.as_deref(), entry.duration.as_deref()), (Some("1.5"), Some("2")));
    }

    #[test]
    fn damaged_files_are_refused_with_the_line() {
        assert!(problems("{\"kind\":\n\"plan\",,}")[0].contains("line 2"), "JSON");
        assert!(problems("kind = \"plan\"\nformat = = 1")[0].contains("line 2"), "TOML");
        assert!(problems("[1, 2]")[0].contains("a plan is an object"));
        assert!(problems("")[0].contains("nothing says that this is a plan"));
        assert!(problems(r#"{"kind":"plan","format":2,"entries":[]}"#)[0].contains("format 2 is newer"));
        assert!(problems(r#"{"kind":"plan","format":1}"#)[0].contains("no entries"));
        assert!(problems(r#"{"kind":"plan","format":1,"entries":[],"about":3}"#)[0].contains("invalid type"));
        let found = problems(r#"{"kind":"plan","format":1,"entries":[],"time":0,"op_timeout":"soon","clients":0}"#);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("time cannot be \"0\"") && found[2].contains("a number from 1"), "{found:#?}");
    }
}
