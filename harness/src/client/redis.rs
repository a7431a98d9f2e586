//! Redis by its own protocol (RESP): a register is a key, and so is a list or a queue. Alone, with Sentinels that tell who the master is, or as a Cluster
//! whose nodes send a client on.
//!
//! Redis answers before its replicas have a write; that a master which is cut off loses what it acknowledged is its design.

use std::net::SocketAddr;

use async_trait::async_trait;
use schism_nodes::RequestKind;
use serde_json::Value;

use super::Completion;
use super::attempt::{Speaker, done, fail, found_another, info, not_served, read};
use super::drivers::Setup;
use super::wire::{Dial, Wire, WireError};

/// Sets a register if it has a value; "null" stands for none.
const CAS: &str = "local v = redis.call('GET', KEYS[1]) or 'null' \
     if v ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1";
/// What Redis says before it has done anything.
const DEFINITE: [&str; 12] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "NOREPLICAS",
    "OOM",
    "BUSY",
    "NOAUTH",
    "MISCONF",
    "NOPERM",
    "TRYAGAIN",
    "WRONGPASS",
];
/// How often a client is sent on before it gives up.
const HOPS_MAX: usize = 3;
/// How deep an answer may be nested.
const DEPTH_MAX: usize = 8;
/// How many parts an answer may have.
const PARTS_MAX: usize = 100_000;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Redis {
    /// The name that the Sentinels know the master by, and their port.
    sentinel: Option<(String, u16)>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
enum Reply {
    Text(String),
    Error(String),
    Number(i64),
    Nothing,
    List(Vec<Reply>),
}

impl Redis {
    pub(crate) fn new(setup: &Setup) -> Self {
        let port = setup.options.get("sentinel-port").and_then(|port| port.parse().ok());
        Redis { sentinel: setup.options.get("sentinel-master").cloned().zip(port) }
    }
}

#[async_trait]
impl Speaker for Redis {
    async fn place(&mut self, dial: Dial, home: SocketAddr) -> Result<SocketAddr, WireError> {
        let Some((master, port)) = &self.sentinel else { return Ok(home) };
        let mut sentinel = dial.connect(SocketAddr::new(home.ip(), *port)).await?;
        sentinel.send_harmless(&command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master])).await?;
        let reply = reply(&mut sentinel, 0).await?;
        address(&reply).ok_or_else(|| WireError::Refused(format!("the sentinel knows no master: {reply:?}")))
    }

    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError> {
        let Some(words) = words(request) else { return Ok(not_served(request)) };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut asking = false;
        for _ in 0..HOPS_MAX {
            if asking {
                wire.send_harmless(&command(&["ASKING"])).await?;
                reply(wire, 0).await?;
            }
            wire.send(&command(&words)).await?;
            let said = reply(wire, 0).await?;
            let Some((place, is_ask)) = moved(&said) else { return completion(request, &said) };
            // It has done nothing, and says who would.
            wire.begin();
            *wire = wire.dial().connect(place).await?;
            asking = is_ask;
        }
        Ok(fail("it was sent on too often"))
    }

    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        wire.send_harmless(&command(&["ROLE"])).await?;
        let said = reply(wire, 0).await?;
        let Reply::List(parts) = said else { return Ok(None) };
        Ok(parts.first().is_some_and(|role| *role == Reply::Text("master".to_owned())).then_some(0))
    }
}

fn words(request: &RequestKind) -> Option<Vec<String>> {
    let key = request.key().to_owned();
    let words = match request {
        RequestKind::Read { .. } | RequestKind::Peek { .. } => vec!["GET".to_owned(), key],
        RequestKind::Write { value, .. } => vec!["SET".to_owned(), key, value.to_string()],
        RequestKind::Delete { .. } => vec!["DEL".to_owned(), key],
        RequestKind::Cas { from, to, .. } => {
            vec!["EVAL".to_owned(), CAS.to_owned(), "1".to_owned(), key, from.to_string(), to.to_string()]
        }
        RequestKind::Append { value, .. } | RequestKind::Enqueue { value, .. } => {
            vec!["RPUSH".to_owned(), key, value.to_string()]
        }
        RequestKind::List { .. } => vec!["LRANGE".to_owned(), key, "0".to_owned(), "-1".to_owned()],
        RequestKind::Dequeue { .. } => vec!["LPOP".to_owned(), key],
        RequestKind::Add { .. } | RequestKind::Remove { .. } => return None,
    };
    Some(words)
}

fn completion(request: &RequestKind, said: &Reply) -> Result<Completion, WireError> {
    Ok(match (request, said) {
        (_, Reply::Error(text)) if DEFINITE.iter().any(|word| text.split(' ').next() == Some(word)) => fail(text),
        (_, Reply::Error(text)) => info(text),
        (RequestKind::List { .. }, Reply::List(parts)) => {
            read(parts.iter().map(element).collect::<Result<Vec<_>, _>>()?.into())
        }
        (RequestKind::Read { .. } | RequestKind::Peek { .. } | RequestKind::Dequeue { .. }, said) => match said {
            Reply::Nothing => read(Value::Null),
            said => read(element(said)?),
        },
        (RequestKind::Write { .. }, Reply::Text(text)) if text == "OK" => done(),
        (RequestKind::Delete { .. } | RequestKind::Append { .. } | RequestKind::Enqueue { .. }, Reply::Number(_))
        | (RequestKind::Cas { .. }, Reply::Number(1)) => done(),
        (RequestKind::Cas { .. }, Reply::Number(_)) => found_another(),
        (_, other) => info(&format!("the answer makes no sense: {other:?}")),
    })
}

/// What was stored as JSON.
fn element(said: &Reply) -> Result<Value, WireError> {
    let Reply::Text(text) = said else {
        return Err(WireError::garbage("no text", format!("{said:?}").as_bytes()));
    };
    serde_json::from_str(text).map_err(|error| WireError::garbage(&error.to_string(), text.as_bytes()))
}

/// Who would serve a request of a Cluster, and whether it has to be told so.
fn moved(said: &Reply) -> Option<(SocketAddr, bool)> {
    let Reply::Error(text) = said else { return None };
    let mut words = text.split(' ');
    let is_ask = match words.next()? {
        "MOVED" => false,
        "ASK" => true,
        _ => return None,
    };
    Some((words.nth(1)?.parse().ok()?, is_ask))
}

fn address(said: &Reply) -> Option<SocketAddr> {
    let Reply::List(parts) = said else { return None };
    let [Reply::Text(address), Reply::Text(port)] = parts.as_slice() else { return None };
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

async fn reply(wire: &mut Wire, depth: usize) -> Result<Reply, WireError> {
    let line = wire.line().await?;
    let garbage = |what: &str| WireError::garbage(what, &line);
    let (kind, rest) = line.split_first().ok_or_else(|| garbage("an empty line"))?;
    let text = String::from_utf8_lossy(rest).into_owned();
    let number = || text.parse::<i64>().map_err(|_| garbage("no number"));
    Ok(match kind {
        b'+' => Reply::Text(text),
        b'-' => Reply::Error(text),
        b':' => Reply::Number(number()?),
        b'$' => match usize::try_from(number()?) {
            Ok(length) => {
                let bytes = wire.exactly(length).await?;
                wire.exactly(2).await?;
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Err(_) => Reply::Nothing,
        },
        b'*' => match usize::try_from(number()?) {
            Ok(length) if length <= PARTS_MAX && depth < DEPTH_MAX => {
                let mut parts = Vec::new();
                for _ in 0..length {
                    parts.push(Box::pin(reply(wire, depth + 1)).await?);
                }
                Reply::List(parts)
            }
            Ok(_) => return Err(garbage("an answer that is too large")),
            Err(_) => Reply::Nothing,
        },
        _ => return Err(garbage("no answer of Redis")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(request: &RequestKind, said: &Reply) -> Completion {
        completion(request, said).unwrap()
    }

    #[test]
    fn an_error_is_a_failure_only_where_nothing_was_done() {
        let write = RequestKind::Write { key: "x".to_owned(), value: json!(1) };
        let readonly = "READONLY You can't write against a read only replica.";
        assert_eq!(ended(&write, &Reply::Error(readonly.to_owned())), fail(readonly));
        assert_eq!(ended(&write, &Reply::Error("ERR broken".to_owned())), info("ERR broken"));
        assert_eq!(ended(&write, &Reply::Text("OK".to_owned())), done());
        assert!(matches!(ended(&write, &Reply::Number(1)), Completion::Info { .. }));
    }

    #[test]
    fn reads_and_comparisons() {
        let get = RequestKind::Read { key: "x".to_owned() };
        assert_eq!(ended(&get, &Reply::Nothing), read(Value::Null));
        assert_eq!(ended(&get, &Reply::Text("5".to_owned())), read(json!(5)));
        assert!(completion(&get, &Reply::Text("no json".to_owned())).is_err());
        let cas = RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!(2) };
        assert_eq!(ended(&cas, &Reply::Number(1)), done());
        assert_eq!(ended(&cas, &Reply::Number(0)), found_another());
    }

    #[test]
    fn lists_and_queues() {
        let key = || "l".to_owned();
        let elements = ["5", "6"].map(|text| Reply::Text(text.to_owned()));
        assert_eq!(ended(&RequestKind::List { key: key() }, &Reply::List(elements.to_vec())), read(json!([5, 6])));
        assert_eq!(ended(&RequestKind::List { key: key() }, &Reply::List(Vec::new())), read(json!([])));
        let take = RequestKind::Dequeue { key: key() };
        assert_eq!(ended(&take, &elements[0]), read(json!(5)));
        assert_eq!(ended(&take, &Reply::Nothing), read(Value::Null));
        assert!(completion(&take, &Reply::Number(5)).is_err());
        let put = RequestKind::Enqueue { key: key(), value: json!(5) };
        assert_eq!(ended(&put, &Reply::Number(1)), done());
        assert!(matches!(ended(&put, &Reply::Nothing), Completion::Info { .. }));
    }

    #[test]
    fn a_cluster_sends_on_and_a_sentinel_names_the_master() {
        let place = "10.0.0.2:6379".parse().unwrap();
        assert_eq!(moved(&Reply::Error("MOVED 3999 10.0.0.2:6379".to_owned())), Some((place, false)));
        assert_eq!(moved(&Reply::Error("ASK 3999 10.0.0.2:6379".to_owned())), Some((place, true)));
        assert_eq!(moved(&Reply::Error("ERR MOVED".to_owned())), None);
        let parts = ["10.0.0.2", "6379"].map(|text| Reply::Text(text.to_owned()));
        assert_eq!(address(&Reply::List(parts.to_vec())), Some(place));
        assert_eq!(address(&Reply::Nothing), None);
    }
}
