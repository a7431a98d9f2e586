//! A protocol for tests of the driver: what a request does is said by its key.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schism_nodes::{
    Answer, ClientId, ConfigError, Cx, Dump, ErrorCode, LinkOrder, NodeId, Note, Outcome, Params, Protocol,
    ProtocolInfo, Refusal, Request, RequestId, RequestKind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct Toy {
    values: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Message {
    /// Noted by who gets it.
    Say { text: Value },
    /// Answers a request, when a node says it to itself.
    Answer { id: RequestId },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Set {
    key: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tick({})", self.0)
    }
}

impl FromStr for Tick {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.strip_prefix("Tick(").and_then(|rest| rest.strip_suffix(')')).map(|name| Tick(name.to_owned())).ok_or(())
    }
}

impl Protocol for Toy {
    type Config = ();
    type Message = Message;
    type Timer = Tick;
    type Record = Set;

    fn info() -> ProtocolInfo {
        ProtocolInfo {
            name: "toy",
            about: "does what it is told",
            parameters: vec![],
            bugs: vec![],
            requests: vec!["read", "write"],
            has_leader: false,
            links: LinkOrder::Any,
            recovery: Duration::ZERO,
        }
    }

    fn configure(_: &Params, _: u16) -> Result<(), ConfigError> {
        Ok(())
    }

    fn start((): (), stable: Vec<Set>, cx: &mut Cx<'_, Self>) -> Self {
        cx.note(Note::new("started").with("records", stable.len()));
        Toy { values: stable.into_iter().map(|Set { key, value }| (key, value)).collect() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_, Self>) {
        match message {
            Message::Say { text } => cx.note(Note::new("heard").with("from", from.to_string()).with("text", text)),
            Message::Answer { id } => {
                cx.send(NodeId(2), Message::Say { text: json!("inherited") });
                cx.reply(id, Outcome::Ok(Answer::done()));
            }
        }
    }

    fn on_timer(&mut self, timer: Tick, cx: &mut Cx<'_, Self>) {
        if timer.0 == "say" {
            cx.send(NodeId(2), Message::Say { text: json!("of a timer") });
        }
        if timer.0 == "cancels" {
            cx.cancel_timer(Tick("to-be-cancelled".to_owned()));
        }
        cx.note(Note::new("tick").with("timer", timer.0));
    }

    fn on_request(&mut self, id: RequestId, client: ClientId, request: Request, cx: &mut Cx<'_, Self>) {
        match request.kind {
            RequestKind::Read { key } if key == "clocks" => {
                cx.reply(id, Outcome::Ok(Answer::read(json!([cx.now(), cx.wall()]))));
            }
            RequestKind::Read { key } => {
                let value = self.values.get(&key).cloned().unwrap_or_default();
                cx.reply(id, Outcome::Ok(Answer::read(value).with("by", cx.me().to_string())));
            }
            RequestKind::Write { key, value } => self.on_write(id, client, key, value, cx),
            _ => unreachable!("the driver refuses what is not served"),
        }
    }

    fn on_disconnect(&mut self, client: ClientId, cx: &mut Cx<'_, Self>) {
        cx.note(Note::new("gone").with("client", client.0));
    }

    fn status(&self) -> String {
        String::new()
    }

    fn dump(&self) -> Dump {
        self.values.clone()
    }

    fn compact(&self) -> Option<Vec<Set>> {
        let sets = self.values.iter().map(|(key, value)| Set { key: key.clone(), value: value.clone() });
        Some(sets.collect())
    }
}

impl Toy {
    fn on_write(&mut self, id: RequestId, client: ClientId, key: String, value: Value, cx: &mut Cx<'_, Self>) {
        let done = || Outcome::Ok(Answer::done());
        let say = |text: &str| Message::Say { text: json!(text) };
        match key.as_str() {
            "timers" => {
                for (name, millis) in value.as_object().expect("names with milliseconds") {
                    cx.set_timer(Tick(name.clone()), Duration::from_millis(millis.as_u64().expect("milliseconds")));
                }
                cx.reply(id, done());
            }
            "speak" => {
                cx.send(NodeId(2), say("before"));
                cx.note(Note::new("speaking").with("what", value));
                cx.send(NodeId(2), say("after"));
                cx.reply(id, done());
            }
            "to-myself" => cx.send(cx.me(), Message::Answer { id }),
            "twice" => {
                cx.reply(id, done());
                cx.reply(id, Outcome::Fail(Refusal::new(ErrorCode::ABORT, "a second answer")));
            }
            "unsure" => cx.reply(id, Outcome::Unknown(Refusal::new(ErrorCode::TIMEOUT, "no idea"))),
            "tell" => cx.tell(client, json!({"type": "told", "value": value})),
            "never" => {}
            "lazy" => {
                cx.persist_lazily(Set { key, value });
                cx.reply(id, done());
            }
            _ => {
                self.values.insert(key.clone(), value.clone());
                cx.persist(Set { key, value });
                cx.reply(id, done());
            }
        }
    }
}
