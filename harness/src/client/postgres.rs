//! `PostgreSQL` by its own protocol (version 3, simple queries): a register is a row, and so is a list or a queue, as JSON.
//!
//! One node is the primary; whether a commit waits for the others is the server's configuration. Reads go to the primary
//! too unless `reads=any`, with which each node answers for itself.

use std::net::SocketAddr;

use async_trait::async_trait;
use schism_nodes::RequestKind;
use serde_json::Value;

use super::Completion;
use super::attempt::{Speaker, done, fail, found_another, info, not_served, read};
use super::drivers::Setup;
use super::scram::Scram;
use super::wire::{Dial, Wire, WireError};

/// The secret that is the password where the manifest names no other.
const PASSWORD: &str = "PGPASSWORD";
/// Version 3.0 of the protocol.
const VERSION: i32 = 3 << 16;
/// There is no such table.
const UNDEFINED_TABLE: &str = "42P01";
/// What the server says when a statement certainly had no effect: a standby that takes no writes, conflicts with other
/// transactions, a missing table, too many connections, a server that is starting.
const DEFINITE: [&str; 6] = ["25006", "40001", "40P01", UNDEFINED_TABLE, "53300", "57P03"];
/// What nothing is kept in yet. An element that is taken out of a queue is answered from the column that it is moved to.
const TABLES: &str = "CREATE TABLE IF NOT EXISTS schism (k text PRIMARY KEY, v text); \
     CREATE TABLE IF NOT EXISTS schism_lists (k text PRIMARY KEY, v jsonb, taken jsonb)";
/// The most messages of one answer.
const MESSAGES_MAX: usize = 10_000;

/// See the module's head.
pub(crate) struct Postgres {
    /// Where everybody asks, unless each node is asked for itself.
    primary: Option<SocketAddr>,
    user: String,
    password: Option<String>,
    /// What makes the next greeting another one than the last.
    greetings: u64,
}

/// What a statement was answered with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    /// The first column of the last row; nothing where there is none, or where it is null.
    value: Option<String>,
    /// `INSERT 0 1`.
    tag: String,
    /// The state and the text of an error.
    error: Option<(String, String)>,
    /// That a commit did not wait for the others as it should have.
    is_alone: bool,
}

impl Postgres {
    pub(crate) fn new(setup: &Setup) -> Self {
        let is_any = setup.options.get("reads").is_some_and(|reads| reads == "any");
        let primary = setup.options.get("primary").and_then(|primary| primary.parse().ok());
        let user = setup.options.get("user").cloned().unwrap_or_else(|| "postgres".to_owned());
        let secret = setup.options.get("password").map_or(PASSWORD, String::as_str);
        let password = setup.secrets.get(secret).map(str::to_owned);
        Postgres { primary: primary.filter(|_| !is_any), user, password, greetings: 0 }
    }
}

/// How a server wants to know who asks, as it numbers it.
impl Postgres {
    async fn log_in(&mut self, wire: &mut Wire, wanted: Option<i32>) -> Result<(), WireError> {
        let refused = |what: &str| Err(WireError::Refused(what.to_owned()));
        match (wanted, self.password.clone()) {
            (Some(0), _) => Ok(()),
            (Some(3 | 10), None) => refused("the server wants a password; the manifest names none as a secret"),
            (Some(3), Some(password)) => wire.send_harmless(&secret(format!("{password}\0").as_bytes())).await,
            (Some(10), Some(password)) => self.prove(wire, &password).await,
            _ => refused("the server wants another proof than a password or SCRAM-SHA-256"),
        }
    }

    /// Proves the password, and has the server prove that it knows it.
    async fn prove(&mut self, wire: &mut Wire, password: &str) -> Result<(), WireError> {
        self.greetings += 1;
        // The server adds what nobody can know beforehand.
        let scram = Scram::new("", &format!("schism{}x{}", std::process::id(), self.greetings));
        let first = scram.first();
        let length = i32::try_from(first.len()).unwrap_or(i32::MAX).to_be_bytes();
        wire.send_harmless(&secret(&[b"SCRAM-SHA-256\0", &length[..], first.as_bytes()].concat())).await?;
        let said = proof(wire, 11).await?;
        let Some(last) = scram.answer(password, &said) else {
            return Err(WireError::garbage("no part of SCRAM", said.as_bytes()));
        };
        wire.send_harmless(&secret(last.message.as_bytes())).await?;
        if proof(wire, 12).await? == last.expected {
            return Ok(());
        }
        Err(WireError::Refused("the server does not know the password".to_owned()))
    }
}

/// A message of a client about its password.
fn secret(body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap_or(i32::MAX);
    [b"p", &length.to_be_bytes()[..], body].concat()
}

/// What a server says in that step of the proof.
async fn proof(wire: &mut Wire, step: i32) -> Result<String, WireError> {
    match message(wire).await? {
        (b'R', body) if number(&body, 0) == Some(step) => Ok(String::from_utf8_lossy(&body[4..]).into_owned()),
        (b'E', body) => Err(WireError::Refused(error(&body).1)),
        (_, body) => Err(WireError::garbage("no step of a proof", &body)),
    }
}

#[async_trait]
impl Speaker for Postgres {
    async fn place(&mut self, _: Dial, home: SocketAddr) -> Result<SocketAddr, WireError> {
        Ok(self.primary.unwrap_or(home))
    }

    async fn greet(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let body = format!("user\0{}\0database\0postgres\0\0", self.user);
        let length = i32::try_from(body.len() + 8).unwrap_or(i32::MAX);
        let hello = [&length.to_be_bytes()[..], &VERSION.to_be_bytes()[..], body.as_bytes()].concat();
        wire.send_harmless(&hello).await?;
        for _ in 0..MESSAGES_MAX {
            let (kind, body) = message(wire).await?;
            match kind {
                b'Z' => return Ok(()),
                b'E' => return Err(WireError::Refused(error(&body).1)),
                b'R' => self.log_in(wire, number(&body, 0)).await?,
                _ => {}
            }
        }
        Err(WireError::Garbage("its greeting does not end".to_owned()))
    }

    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let Some(statement) = statement(request) else { return Ok(not_served(request)) };
        wire.send(&query(&statement)).await?;
        let said = answer(wire).await?;
        if said.error.as_ref().is_some_and(|(state, _)| state == UNDEFINED_TABLE) {
            // What was asked has had no effect; whether this has, the next one finds out.
            wire.begin();
            wire.send_harmless(&query(TABLES)).await?;
            answer(wire).await?;
        }
        completion(request, &said)
    }

    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        self.greet(wire).await?;
        wire.send_harmless(&query("SELECT pg_is_in_recovery()")).await?;
        Ok((answer(wire).await?.value.as_deref() == Some("f")).then_some(0))
    }
}

fn statement(request: &RequestKind) -> Option<String> {
    let key = quoted(request.key());
    Some(match request {
        RequestKind::Read { .. } | RequestKind::Peek { .. } => format!("SELECT v FROM schism WHERE k = {key}"),
        RequestKind::Write { value, .. } => {
            let value = quoted(&value.to_string());
            format!("INSERT INTO schism VALUES ({key}, {value}) ON CONFLICT (k) DO UPDATE SET v = excluded.v")
        }
        RequestKind::Delete { .. } => format!("DELETE FROM schism WHERE k = {key}"),
        RequestKind::Cas { from: Value::Null, to, .. } => {
            format!("INSERT INTO schism VALUES ({key}, {}) ON CONFLICT (k) DO NOTHING", quoted(&to.to_string()))
        }
        RequestKind::Cas { from, to, .. } => {
            let (from, to) = (quoted(&from.to_string()), quoted(&to.to_string()));
            format!("UPDATE schism SET v = {to} WHERE k = {key} AND v = {from}")
        }
        RequestKind::Append { value, .. } | RequestKind::Enqueue { value, .. } => {
            let list = quoted(&Value::Array(vec![value.clone()]).to_string());
            format!(
                "INSERT INTO schism_lists VALUES ({key}, {list}) ON CONFLICT (k) DO UPDATE SET v = schism_lists.v || excluded.v"
            )
        }
        RequestKind::List { .. } => format!("SELECT v FROM schism_lists WHERE k = {key}"),
        RequestKind::Dequeue { .. } => {
            format!("UPDATE schism_lists SET taken = v -> 0, v = v - 0 WHERE k = {key} RETURNING taken")
        }
        RequestKind::Add { .. } | RequestKind::Remove { .. } => return None,
    })
}

/// A text as a literal.
fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn completion(request: &RequestKind, said: &Answer) -> Result<Completion, WireError> {
    if let Some((state, text)) = &said.error {
        let told = format!("{state}: {text}");
        return Ok(if DEFINITE.contains(&state.as_str()) { fail(&told) } else { info(&told) });
    }
    if said.is_alone {
        return Ok(info("the commit did not wait for a standby"));
    }
    Ok(match request {
        _ if request.asks_for_a_value() => match &said.value {
            Some(text) => read(
                serde_json::from_str(text).map_err(|error| WireError::garbage(&error.to_string(), text.as_bytes()))?,
            ),
            None => read(Value::Null),
        },
        RequestKind::Cas { .. } if said.tag.ends_with(" 0") => found_another(),
        _ => done(),
    })
}

fn query(statement: &str) -> Vec<u8> {
    let length = i32::try_from(statement.len() + 5).unwrap_or(i32::MAX);
    [b"Q", &length.to_be_bytes()[..], statement.as_bytes(), b"\0"].concat()
}

/// All that a statement is answered with, until the server is ready for the next one.
async fn answer(wire: &mut Wire) -> Result<Answer, WireError> {
    let mut said = Answer::default();
    for _ in 0..MESSAGES_MAX {
        let (kind, body) = message(wire).await?;
        match kind {
            b'D' => said.value = column(&body),
            b'C' => said.tag = text(&body),
            b'E' => said.error = Some(error(&body)),
            b'N' => said.is_alone |= error(&body).1.contains("synchronous replication"),
            b'Z' => return Ok(said),
            _ => {}
        }
    }
    Err(WireError::Garbage("its messages do not end".to_owned()))
}

async fn message(wire: &mut Wire) -> Result<(u8, Vec<u8>), WireError> {
    let head = wire.exactly(5).await?;
    let length = number(&head, 1).and_then(|length| usize::try_from(length.checked_sub(4)?).ok());
    let length = length.ok_or_else(|| WireError::garbage("no message of PostgreSQL", &head))?;
    Ok((head[0], wire.exactly(length).await?))
}

/// The first column of a row.
fn column(body: &[u8]) -> Option<String> {
    let length = usize::try_from(number(body, 2)?).ok()?;
    Some(String::from_utf8_lossy(body.get(6..6 + length)?).into_owned())
}

/// The state and the text of an error or a notice: fields with a letter each.
fn error(body: &[u8]) -> (String, String) {
    let field = |letter: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&letter));
        found.map(|field| String::from_utf8_lossy(&field[1..]).into_owned()).unwrap_or_default()
    };
    (field(b'C'), field(b'M'))
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body)).into_owned()
}

fn number(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_cannot_be_left() {
        let write = RequestKind::Write { key: "x'; DROP".to_owned(), value: json!("a\\'b") };
        let statement = statement(&write).unwrap();
        assert!(statement.contains(r"E'x''; DROP'") && statement.contains(r#"E'"a\\\\''b"'"#), "{statement}");
    }

    #[test]
    fn an_error_is_a_failure_only_where_it_is_sure() {
        let write = RequestKind::Write { key: "x".to_owned(), value: json!(1) };
        let with = |state: &str| Answer { error: Some((state.to_owned(), "no".to_owned())), ..Answer::default() };
        assert_eq!(completion(&write, &with("25006")).unwrap(), fail("25006: no"));
        assert_eq!(completion(&write, &with("57P01")).unwrap(), info("57P01: no"));
        let alone = Answer { is_alone: true, ..Answer::default() };
        assert!(matches!(completion(&write, &alone).unwrap(), Completion::Info { .. }));
        let cas = RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!(2) };
        let tagged = |tag: &str| Answer { tag: tag.to_owned(), ..Answer::default() };
        assert_eq!(completion(&cas, &tagged("UPDATE 0")).unwrap(), found_another());
        assert_eq!(completion(&cas, &tagged("UPDATE 1")).unwrap(), done());
    }

    #[test]
    fn lists_and_queues_are_rows_of_json() {
        let key = || "q".to_owned();
        let put = statement(&RequestKind::Enqueue { key: key(), value: json!(5) }).unwrap();
        assert!(put.contains("E'[5]'") && put.contains("schism_lists.v || excluded.v"), "{put}");
        let take = RequestKind::Dequeue { key: key() };
        let with = |value: Option<&str>| Answer { value: value.map(str::to_owned), ..Answer::default() };
        assert_eq!(completion(&take, &with(Some("5"))).unwrap(), read(json!(5)));
        assert_eq!(
            completion(&take, &with(None)).unwrap(),
            read(Value::Null),
            "of an empty queue, or one without a row"
        );
        let list = RequestKind::List { key: key() };
        assert_eq!(completion(&list, &with(Some("[5, 6]"))).unwrap(), read(json!([5, 6])));
    }

    #[test]
    fn rows_and_errors_are_read() {
        assert_eq!(column(&[0, 1, 0, 0, 0, 2, b'4', b'2']), Some("42".to_owned()));
        assert_eq!(column(&[0, 1, 255, 255, 255, 255]), None);
        assert_eq!(error(b"SERROR\0C25006\0Mcannot\0\0"), ("25006".to_owned(), "cannot".to_owned()));
    }
}
