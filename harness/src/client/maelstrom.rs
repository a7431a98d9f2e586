//! A client that speaks Maelstrom's JSON lines on a TCP connection: one request at a time, each under a number of its
//! own, answered by that number only.
//!
//! It makes one attempt and says how it ended. Whether to try again, and under which process number to go on, is the
//! worker's affair.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::wire::Hello;
use schism_nodes::{ErrorCode, NodeId, RequestKind};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::reply::{Reply, Said};
use super::{Client, Completion, Dialler};
use crate::network::hello::{self, HelloError};
use crate::network::{Link, Network, connect};

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long a client that is about to die waits for its connection.
const LAST_CONNECT: Duration = Duration::from_secs(1);
/// What a client's history says of an attempt that was given up.
const ABANDONED: &str = "client died after its first send";

/// Opens clients that speak Maelstrom's JSON lines to nodes that listen on TCP.
pub struct MaelstromDialler {
    run: Arc<str>,
    network: Arc<dyn Network>,
}

impl MaelstromDialler {
    /// For the nodes of a run, where its network says they listen.
    pub fn new(run: &str, network: Arc<dyn Network>) -> Self {
        MaelstromDialler { run: run.into(), network }
    }
}

impl Dialler for MaelstromDialler {
    fn client(&self, worker: &str, process: u64, node: NodeId) -> Box<dyn Client> {
        Box::new(MaelstromClient {
            hello: Hello {
                run: self.run.to_string(),
                from: format!("{worker}.{process}"),
                to: node.to_string(),
                incarnation: None,
            },
            address: self.network.address(node),
            source: self.network.source(worker),
            network: Arc::clone(&self.network),
            there: Link { from: worker.to_owned(), to: node.to_string() },
            back: Link { from: node.to_string(), to: worker.to_owned() },
            connection: None,
            serial: 0,
            line: Vec::new(),
        })
    }
}

/// One writer and its connection, once it has one.
struct MaelstromClient {
    hello: Hello,
    address: SocketAddr,
    /// The worker's own address, where it has one.
    source: Option<IpAddr>,
    network: Arc<dyn Network>,
    there: Link,
    back: Link,
    connection: Option<Connection>,
    /// The number of the last request.
    serial: u64,
    /// The request's line; kept for its space.
    line: Vec<u8>,
}

/// A connection with what has been read of it and not been used.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Up to here `buffer` has been used.
    begin: usize,
}

/// How sending ended.
enum Sent {
    /// The whole request went out.
    Whole,
    /// Nothing of it went out, for certain.
    Nothing(io::Error),
    /// Some of it went out.
    Part(io::Error),
}

#[derive(Serialize)]
struct RequestLine<'a> {
    src: &'a str,
    dest: &'a str,
    body: RequestBody<'a>,
}

#[derive(Serialize)]
struct RequestBody<'a> {
    #[serde(flatten)]
    kind: &'a RequestKind,
    msg_id: u64,
}

#[async_trait]
impl Client for MaelstromClient {
    async fn call(&mut self, request: &RequestKind, deadline: Duration) -> Completion {
        let until = Instant::now() + deadline;
        self.number(request);
        if let Err(completion) = self.prepare(until).await {
            return completion;
        }
        match timeout_at(until, self.exchange(request)).await {
            Ok(completion) => completion,
            Err(_) => info("timed out"),
        }
    }

    async fn abandon(&mut self, request: &RequestKind) -> Completion {
        self.number(request);
        let passage = self.network.passage(&self.there);
        if passage.cut {
            return if self.has_connection() { info(ABANDONED) } else { fail("died before it could connect") };
        }
        sleep_for(passage.delay).await;
        let completion = match timeout(LAST_CONNECT, self.connect()).await {
            Ok(Ok(())) => match self.send().await {
                Sent::Nothing(error) => fail(&error.to_string()),
                Sent::Whole | Sent::Part(_) => info(ABANDONED),
            },
            Ok(Err(error)) => fail(&error.to_string()),
            Err(_) => fail("timed out connecting"),
        };
        self.connection = None;
        completion
    }
}

impl MaelstromClient {
    /// Gives the request its number and writes its line.
    fn number(&mut self, request: &RequestKind) {
        self.serial += 1;
        self.line.clear();
        let body = RequestBody { kind: request, msg_id: self.serial };
        let line = RequestLine { src: &self.hello.from, dest: &self.hello.to, body };
        serde_json::to_writer(&mut self.line, &line).expect("a request has nothing that JSON lacks");
        self.line.push(b'\n');
    }

    /// Does what comes before the first byte: waits as long as the link makes it wait, and connects.
    async fn prepare(&mut self, until: Instant) -> Result<(), Completion> {
        let passage = self.network.passage(&self.there);
        if passage.cut {
            // A client cannot know that nothing of what it sends arrives.
            sleep_until(until).await;
            return Err(if self.has_connection() { info("timed out") } else { fail("timed out connecting") });
        }
        let connecting = async {
            sleep_for(passage.delay).await;
            self.connect().await
        };
        match timeout_at(until, connecting).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(fail(&error.to_string())),
            Err(_) if self.connection.is_some() => Err(info("timed out")),
            Err(_) => Err(fail("timed out connecting")),
        }
    }

    /// Sends the request and waits for its answer, without a limit of its own.
    async fn exchange(&mut self, request: &RequestKind) -> Completion {
        match self.send().await {
            Sent::Whole => {}
            Sent::Nothing(error) => {
                self.connection = None;
                return fail(&error.to_string());
            }
            Sent::Part(error) => return info(&error.to_string()),
        }
        let reply = match self.answer().await {
            Ok(reply) => reply,
            Err(reason) => return info(&reason),
        };
        let passage = self.network.passage(&self.back);
        if passage.cut {
            // The answer is lost, and the caller's deadline ends the wait for it.
            std::future::pending::<()>().await;
        }
        sleep_for(passage.delay).await;
        classify(request, reply)
    }

    /// Whether there is a connection that has not ended.
    fn has_connection(&mut self) -> bool {
        if self.connection.as_mut().is_some_and(|connection| !connection.is_open()) {
            self.connection = None;
        }
        self.connection.is_some()
    }

    async fn connect(&mut self) -> Result<(), HelloError> {
        if self.has_connection() {
            return Ok(());
        }
        let stream = connect(self.source, self.address).await?;
        stream.set_nodelay(true)?;
        let mut buffer = Vec::new();
        hello::introduce(&stream, &self.hello, &mut buffer).await?;
        self.connection = Some(Connection { stream, buffer, begin: 0 });
        Ok(())
    }

    async fn send(&mut self) -> Sent {
        let Some(connection) = &self.connection else { return Sent::Nothing(io::ErrorKind::NotConnected.into()) };
        let mut rest = &self.line[..];
        while !rest.is_empty() {
            match connection.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(error) = connection.stream.writable().await {
                        return Sent::of(error, rest.len() == self.line.len());
                    }
                }
                Err(error) => return Sent::of(error, rest.len() == self.line.len()),
            }
        }
        Sent::Whole
    }

    /// Reads until the answer to the last request is there. Late answers to earlier ones, and what nobody asked for,
    /// are passed over.
    async fn answer(&mut self) -> Result<Reply, String> {
        let connection = self.connection.as_mut().ok_or("not connected")?;
        loop {
            let line = connection.line().await?;
            let reply = Reply::read(line).map_err(|error| {
                let shown: String = String::from_utf8_lossy(line).chars().take(120).collect();
                format!("the answer cannot be read: {error} in {shown:?}")
            })?;
            if reply.in_reply_to == Some(self.serial) {
                return Ok(reply);
            }
        }
    }
}

impl Sent {
    fn of(error: io::Error, nothing: bool) -> Self {
        if nothing { Sent::Nothing(error) } else { Sent::Part(error) }
    }
}

impl Connection {
    /// Whether the node has not ended the connection, as far as can be known now. What it says unasked is kept.
    fn is_open(&mut self) -> bool {
        match self.stream.try_read_buf(&mut self.buffer) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<&[u8], String> {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        let mut searched = 0;
        loop {
            if let Some(length) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                self.begin = searched + length + 1;
                return Ok(&self.buffer[..searched + length]);
            }
            searched = self.buffer.len();
            if searched > ANSWER_BYTES_MAX {
                return Err(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes"));
            }
            self.buffer.reserve(4096);
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Err("the connection ended before the answer".to_owned()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.readable().await.map_err(|error| error.to_string())?;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// What an answer says about the request.
fn classify(request: &RequestKind, reply: Reply) -> Completion {
    let is_read = request.is_read();
    match reply.said {
        Said::Error { code: ErrorCode::KEY_DOES_NOT_EXIST, .. } if is_read => {
            Completion::Ok { value: Some(Value::Null), extra: reply.extra }
        }
        Said::Error { code, text } => {
            let redirect = reply.extra.get("redirect").filter(|node| node.is_string()).cloned();
            let error = [json!(code), text.into()].into_iter().chain(redirect).collect();
            if code.is_definite() { Completion::Fail { error } } else { Completion::Info { error } }
        }
        Said::Done { kind, value } => {
            let asked = request.name();
            if kind.strip_suffix("_ok") != Some(asked) {
                return info(&format!("{asked} was answered with {kind:?}"));
            }
            if is_read && value.is_none() {
                return info("the answer to a read has no value");
            }
            Completion::Ok { value, extra: reply.extra }
        }
    }
}

fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.into() }
}

fn info(error: &str) -> Completion {
    Completion::Info { error: error.into() }
}

/// Waits, but not for nothing: even the shortest sleep of a runtime takes its time.
async fn sleep_for(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}
