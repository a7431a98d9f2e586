//! A client of one's own, in any language: a process for each worker, asked and answering in JSON lines on its standard
//! streams.
//!
//! `{"type":"invoke","id":17,"f":"write","key":"x","value":5,"deadline_ms":1000}` is answered by `{"type":"ok","id":17}`,
//! `fail` or `info`. Silence until the deadline, garbage or death is `info`; the process is then ended, and the worker goes
//! on with another one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::{NodeId, RequestKind};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::Child;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attempt::{fail, info};
use super::{Client, Completion, Dialler};
use crate::cluster::{self, ClientLog, ClientStart};
use crate::lines::Lines;
use crate::network::{Link, Network};
use crate::run::translate;
use crate::system::secrets::Secrets;

/// The longest line that a client may answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How much of a line that is no answer is told.
const SHOWN_MAX: usize = 120;

/// Starts clients of one's own.
pub(crate) struct OwnDialler {
    /// How one is started, but for what it is told of its worker.
    pub(crate) start: ClientStart,
    /// Whose links it meets.
    pub(crate) network: Arc<dyn Network>,
    /// Where each node serves clients.
    pub(crate) homes: std::collections::BTreeMap<NodeId, SocketAddr>,
    /// What must not be written.
    pub(crate) secrets: Arc<Secrets>,
    /// Where what they say on their standard error goes.
    pub(crate) log: ClientLog,
    /// Who wants to see each line.
    pub(crate) tap: Option<Tap>,
}

/// Sees each line that is exchanged: which way, and what.
pub type Tap = Arc<dyn Fn(&str, &str) + Send + Sync>;

impl Dialler for OwnDialler {
    fn client(&self, worker: &str, process: u64, node: NodeId) -> Box<dyn Client> {
        let home = self.homes.get(&node).copied().unwrap_or_else(|| self.network.address(node));
        let mut start = self.start.clone();
        for (name, value) in [
            ("SCHISM_NODE", node.to_string()),
            ("SCHISM_ADDRESS", home.to_string()),
            ("SCHISM_WORKER", worker.to_owned()),
            ("SCHISM_PROCESS", process.to_string()),
        ] {
            start.launch.environment.insert(name.to_owned(), value);
        }
        Box::new(OwnClient {
            start,
            network: Arc::clone(&self.network),
            there: Link { from: worker.to_owned(), to: node.to_string() },
            back: Link { from: node.to_string(), to: worker.to_owned() },
            secrets: Arc::clone(&self.secrets),
            log: self.log.clone(),
            tap: self.tap.clone(),
            process: None,
            serial: 0,
        })
    }
}

struct OwnClient {
    start: ClientStart,
    network: Arc<dyn Network>,
    there: Link,
    back: Link,
    secrets: Arc<Secrets>,
    log: ClientLog,
    tap: Option<Tap>,
    process: Option<Running>,
    serial: u64,
}

/// A client's process. It is killed when this is dropped.
struct Running {
    child: Child,
    asks: Sender,
    answers: Lines<BufReader<Receiver>>,
}

impl OwnClient {
    /// The process, started where there is none that lives.
    async fn running(&mut self) -> io::Result<&mut Running> {
        if self.process.as_mut().is_some_and(|process| !matches!(process.child.try_wait(), Ok(None))) {
            self.process = None;
        }
        if self.process.is_none() {
            let started = cluster::start_client(self.start.clone(), &self.log).await?;
            let answers = Lines::new(BufReader::new(started.answers), ANSWER_BYTES_MAX);
            self.process = Some(Running { child: started.child, asks: started.asks, answers });
        }
        self.process.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn question(&mut self, request: &RequestKind, deadline: Duration) -> String {
        self.serial += 1;
        let invocation = translate::invocation(request);
        let f = request.name();
        let deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let mut line =
            json!({ "type": "invoke", "id": self.serial, "f": f, "key": invocation.key, "deadline_ms": deadline });
        if !request.asks_for_a_value() {
            line["value"] = invocation.value;
        }
        line.to_string()
    }

    /// Sends a line. An error says whether the client may have read some of it.
    async fn send(&mut self, line: &str) -> Result<(), Completion> {
        if let Some(tap) = &self.tap {
            tap("->", &self.secrets.mask(line));
        }
        let running = match self.running().await {
            Ok(running) => running,
            Err(error) => return Err(fail(&format!("the client cannot be started: {error}"))),
        };
        let bytes = [line.as_bytes(), b"\n"].concat();
        running.asks.write_all(&bytes).await.map_err(|error| info(&format!("the client does not listen: {error}")))
    }

    async fn exchange(&mut self, line: &str, request: &RequestKind) -> Completion {
        if let Err(completion) = self.send(line).await {
            return completion;
        }
        let completion = self.answer(request).await;
        let passage = self.network.passage(&self.back);
        // The program connects by itself, from wherever it likes: what is cut is cut here.
        if self.network.is_cut(&self.back) {
            // The answer is lost, and the caller's deadline ends the wait for it.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(passage.delay).await;
        completion
    }

    async fn answer(&mut self, request: &RequestKind) -> Completion {
        let Some(running) = self.process.as_mut() else { return info("the client is gone") };
        loop {
            let line = match running.answers.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return info("the client ended before it answered"),
                Err(error) => return info(&format!("the client cannot be heard: {error}")),
            };
            let text = self.secrets.mask(&String::from_utf8_lossy(line)).into_owned();
            if let Some(tap) = &self.tap {
                tap("<-", &text);
            }
            match read(&text, self.serial, request) {
                // A second answer to what is over.
                None => {}
                Some(completion) => return completion,
            }
        }
    }
}

/// What a line says; nothing where it answers an earlier question.
fn read(text: &str, serial: u64, request: &RequestKind) -> Option<Completion> {
    let garbage = |what: &str| {
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        Some(info(&format!("the client's answer cannot be read: {what} in {shown:?}")))
    };
    let Ok(Value::Object(mut line)) = serde_json::from_str::<Value>(text) else { return garbage("no JSON object") };
    match line.remove("id").as_ref().and_then(Value::as_u64) {
        Some(id) if id == serial => {}
        Some(id) if id < serial => return None,
        Some(_) => return garbage("an id that nobody asked for"),
        None => return garbage("no id"),
    }
    let value = line.remove("value");
    let error = line.remove("error").unwrap_or_else(|| "the client gave no reason".into());
    match line.remove("type").as_ref().and_then(Value::as_str) {
        Some("ok") if request.asks_for_a_value() && value.is_none() => garbage("a read without a value"),
        Some("ok") => {
            let value = value.filter(|_| request.asks_for_a_value());
            Some(Completion::Ok { value, extra: extra(line) })
        }
        Some("fail") => Some(Completion::Fail { error }),
        Some("info") => Some(Completion::Info { error }),
        _ => garbage("no type ok, fail or info"),
    }
}

/// What else an answer says, without the names that the history itself uses.
fn extra(mut line: Map<String, Value>) -> Map<String, Value> {
    for own in ["index", "time", "process", "f", "key", "node", "session", "due"] {
        line.remove(own);
    }
    line
}

#[async_trait]
impl Client for OwnClient {
    async fn call(&mut self, request: &RequestKind, deadline: Duration) -> Completion {
        let until = Instant::now() + deadline;
        let passage = self.network.passage(&self.there);
        if self.network.is_cut(&self.there) {
            sleep_until(until).await;
            return if self.process.is_some() { info("timed out") } else { fail("timed out connecting") };
        }
        sleep_until(Instant::now() + passage.delay).await;
        let line = self.question(request, deadline);
        let completion = timeout_at(until, self.exchange(&line, request)).await.unwrap_or_else(|_| info("timed out"));
        if matches!(completion, Completion::Info { .. }) {
            // Whatever it says later is not heard any more.
            self.process = None;
        }
        completion
    }

    async fn abandon(&mut self, request: &RequestKind) -> Completion {
        let line = self.question(request, Duration::from_secs(1));
        let sent = self.send(&line).await;
        self.process = None;
        sent.err().unwrap_or_else(|| info("client died after its first send"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_to_this_question_counts() {
        let get = RequestKind::Read { key: "x".to_owned() };
        let put = RequestKind::Write { key: "x".to_owned(), value: json!(1) };
        let said = |text: &str, request: &RequestKind| read(text, 7, request);
        let ok = said(r#"{"type":"ok","id":7,"value":5,"version":3,"time":1}"#, &get);
        assert_eq!(
            ok,
            Some(Completion::Ok { value: Some(json!(5)), extra: json!({"version": 3}).as_object().unwrap().clone() })
        );
        assert_eq!(said(r#"{"type":"fail","id":7,"error":"no"}"#, &put), Some(fail("no")));
        assert_eq!(said(r#"{"type":"ok","id":6}"#, &put), None, "it answers an earlier question");
        for odd in
            ["", "[]", "{", r#"{"id":7}"#, r#"{"type":"ok","id":8}"#, r#"{"type":"ok"}"#, r#"{"type":"OK","id":7}"#]
        {
            assert!(matches!(said(odd, &put), Some(Completion::Info { .. })), "{odd}");
        }
        let without = said(r#"{"type":"ok","id":7}"#, &get);
        assert!(matches!(without, Some(Completion::Info { .. })), "{without:?}");
    }
}
