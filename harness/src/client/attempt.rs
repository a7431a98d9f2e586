//! One attempt of a client that speaks a server's own protocol: when it may connect, what an error means, when it gives up.
//!
//! What is sent and how an answer is read is the [`Speaker`]'s; that an operation is `fail` only while nothing of it has
//! been sent is decided here, for all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::{NodeId, RequestKind};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::wire::{Dial, Wire, WireError};
use super::{Client, Completion};
use crate::network::{Link, Network};
use crate::system::secrets::Secrets;

/// How long a client that is about to die waits for its connection.
const LAST_CONNECT: Duration = Duration::from_secs(1);

/// Speaks a server's protocol on a connection.
#[async_trait]
pub trait Speaker: Send {
    /// Where to connect, for somebody who asks at `home`. A server that tells clients whom to ask is asked here.
    async fn place(&mut self, dial: Dial, home: SocketAddr) -> Result<SocketAddr, WireError> {
        let _ = dial;
        Ok(home)
    }

    /// What comes before the first request on a connection.
    async fn greet(&mut self, wire: &mut Wire) -> Result<(), WireError> {
        let _ = wire;
        Ok(())
    }

    /// Sends a request and reads its answer. An error is judged by whether [`Wire::send`] has sent anything.
    async fn ask(&mut self, wire: &mut Wire, request: &RequestKind) -> Result<Completion, WireError>;

    /// On a connection of its own that was not greeted: in which epoch the server says that it leads; nothing where it does
    /// not. A server without epochs says 0.
    async fn leads(&mut self, wire: &mut Wire) -> Result<Option<u64>, WireError> {
        let _ = wire;
        Ok(None)
    }
}

/// A client that speaks through a [`Speaker`].
pub(crate) struct Attempts {
    speaker: Box<dyn Speaker>,
    home: SocketAddr,
    network: Arc<dyn Network>,
    there: Link,
    back: Link,
    secrets: Arc<Secrets>,
    wire: Option<Wire>,
}

impl Attempts {
    /// A client of `worker` that asks `node`, which listens at `home`.
    pub(crate) fn new(
        speaker: Box<dyn Speaker>,
        (worker, node): (&str, NodeId),
        home: SocketAddr,
        network: Arc<dyn Network>,
        secrets: Arc<Secrets>,
    ) -> Self {
        let there = Link { from: worker.to_owned(), to: node.to_string() };
        let back = Link { from: node.to_string(), to: worker.to_owned() };
        Attempts { speaker, home, network, there, back, secrets, wire: None }
    }

    /// Connects, unless there is a connection that has not ended.
    async fn connect(&mut self) -> Result<(), WireError> {
        if self.has_connection() {
            return Ok(());
        }
        let dial = Dial { source: self.network.source(&self.there.from) };
        let place = self.speaker.place(dial, self.home).await?;
        let mut wire = dial.connect(place).await?;
        self.speaker.greet(&mut wire).await?;
        self.wire = Some(wire);
        Ok(())
    }

    fn has_connection(&mut self) -> bool {
        if self.wire.as_mut().is_some_and(|wire| !wire.is_open()) {
            self.wire = None;
        }
        self.wire.is_some()
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
            Err(_) => Err(fail("timed out connecting")),
        }
    }

    async fn exchange(&mut self, request: &RequestKind) -> Result<Completion, WireError> {
        let Some(wire) = self.wire.as_mut() else { return Err(WireError::Ended) };
        let completion = self.speaker.ask(wire, request).await?;
        let passage = self.network.passage(&self.back);
        if passage.cut {
            // The answer is lost, and the caller's deadline ends the wait for it.
            std::future::pending::<()>().await;
        }
        sleep_for(passage.delay).await;
        Ok(completion)
    }

    /// An attempt without an answer: it is unknown what became of it once something of it has been sent.
    fn unanswered(&mut self, why: &str) -> Completion {
        let committed = self.wire.take().is_some_and(|wire| wire.is_committed());
        if committed { info(why) } else { fail(why) }
    }

    async fn attempt(&mut self, request: &RequestKind, until: Instant) -> Completion {
        if let Err(completion) = self.prepare(until).await {
            return completion;
        }
        self.wire.iter_mut().for_each(Wire::begin);
        match timeout_at(until, self.exchange(request)).await {
            Ok(Ok(completion)) => completion,
            Ok(Err(error)) => self.unanswered(&error.to_string()),
            Err(_) => self.unanswered("timed out"),
        }
    }

    /// A completion without secrets: a server may repeat in its answer what it was told.
    fn masked(&self, mut completion: Completion) -> Completion {
        match &mut completion {
            Completion::Ok { value, extra } => {
                value.iter_mut().chain(extra.values_mut()).for_each(|value| self.secrets.mask_value(value));
            }
            Completion::Fail { error } | Completion::Info { error } => self.secrets.mask_value(error),
        }
        completion
    }
}

#[async_trait]
impl Client for Attempts {
    async fn call(&mut self, request: &RequestKind, deadline: Duration) -> Completion {
        let completion = self.attempt(request, Instant::now() + deadline).await;
        self.masked(completion)
    }

    async fn abandon(&mut self, request: &RequestKind) -> Completion {
        if let Err(completion) = self.prepare(Instant::now() + LAST_CONNECT).await {
            return self.masked(completion);
        }
        self.wire.iter_mut().for_each(Wire::begin);
        // Polled until it waits for the first time, which is after the first send.
        let _ = timeout(Duration::ZERO, self.exchange(request)).await;
        self.unanswered("client died after its first send")
    }
}

pub(crate) fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.into() }
}

pub(crate) fn info(error: &str) -> Completion {
    Completion::Info { error: error.into() }
}

/// An operation that was done, without a value.
pub(crate) fn done() -> Completion {
    Completion::Ok { value: None, extra: serde_json::Map::new() }
}

/// A read that was answered.
pub(crate) fn read(value: serde_json::Value) -> Completion {
    Completion::Ok { value: Some(value), extra: serde_json::Map::new() }
}

/// A compare-and-set that found another value.
pub(crate) fn found_another() -> Completion {
    Completion::Fail { error: serde_json::json!([22, "the value is another one"]) }
}

/// A request that this protocol has nothing for: the system does not declare it, so that no workload asks for it.
pub(crate) fn not_served(request: &RequestKind) -> Completion {
    Completion::Fail { error: serde_json::json!([10, format!("{} is not served", request.name())]) }
}

/// Waits, but not for nothing: even the shortest sleep of a runtime takes its time.
async fn sleep_for(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}
