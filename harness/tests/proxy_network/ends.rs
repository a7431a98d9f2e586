//! Both ends of the links of a proxy network: nodes that are played by the test.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use schism::network::proxy::{ProxyNetwork, ProxyOptions};
use schism::network::{Link, Network, Traffic};
use schism_nodes::NodeId;
use schism_nodes::wire::{Envelope, Hello};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

pub(crate) const N1: NodeId = NodeId(1);
pub(crate) const N2: NodeId = NodeId(2);
/// Nothing here takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

static RUNS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn network_with(options: ProxyOptions) -> ProxyNetwork {
    let run = format!("test-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    ProxyNetwork::start(&run, &[N1, N2], Arc::new(|_| [7; 32]), options).unwrap()
}

pub(crate) fn network() -> ProxyNetwork {
    network_with(ProxyOptions::default())
}

pub(crate) fn link(text: &str) -> Link {
    let (from, to) = text.split_once("->").unwrap();
    Link { from: from.to_owned(), to: to.to_owned() }
}

pub(crate) fn links(texts: &[&str]) -> BTreeSet<Link> {
    texts.iter().map(|text| link(text)).collect()
}

pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Waits until the network's counts say what is expected.
pub(crate) async fn traffic(network: &ProxyNetwork, what: &str, expected: impl Fn(&Traffic) -> bool) {
    let seen = async {
        while !expected(&network.traffic()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, seen).await.is_ok(), "{what}: {:?}", network.traffic());
}

pub(crate) fn message(kind: &str, number: u64) -> String {
    let envelope = Envelope {
        src: "n1".to_owned(),
        dest: "n2".to_owned(),
        cause: Some(format!("c1.1#{number}")),
        body: json!({"type": kind, "number": number}),
    };
    serde_json::to_string(&envelope).unwrap() + "\n"
}

/// A node's connection to one of its relays.
pub(crate) struct Sender {
    pub(crate) write: OwnedWriteHalf,
    read: BufReader<OwnedReadHalf>,
}

impl Sender {
    /// Connects and says hello; the relay's answer, or nothing if it refuses.
    pub(crate) async fn greet(address: SocketAddr, hello: &Hello) -> (Sender, Option<Hello>) {
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        let mut sender = Sender { write, read: BufReader::new(read) };
        sender.send(&(serde_json::to_string(hello).unwrap() + "\n")).await;
        let mut line = String::new();
        let read = patiently("the relay's hello", sender.read.read_line(&mut line)).await;
        let answer = read.is_ok_and(|read| read > 0).then(|| serde_json::from_str(&line).unwrap());
        (sender, answer)
    }

    pub(crate) async fn connect(network: &ProxyNetwork, from: NodeId, to: NodeId, incarnation: u64) -> Sender {
        let (from_name, to_name) = (from.to_string(), to.to_string());
        let hello = Hello {
            run: network.run().to_owned(),
            from: from_name.clone(),
            to: to_name.clone(),
            incarnation: Some(incarnation),
        };
        let (sender, answer) = Sender::greet(network.peers(from)[&to], &hello).await;
        let answer = answer.expect("the relay refused a hello that is right");
        assert_eq!((answer.run, answer.from, answer.to), (hello.run, to_name, from_name));
        sender
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn send_all(&mut self, kind: &str, numbers: impl IntoIterator<Item = u64>) {
        let text: String = numbers.into_iter().map(|number| message(kind, number)).collect();
        self.send(&text).await;
    }
}

/// A node that listens.
pub(crate) struct Receiver {
    pub(crate) name: String,
    run: String,
    pub(crate) listener: TcpListener,
}

impl Receiver {
    pub(crate) fn listen(network: &ProxyNetwork, node: NodeId) -> Receiver {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(network.address(node)).unwrap();
        Receiver { name: node.to_string(), run: network.run().to_owned(), listener: socket.listen(16).unwrap() }
    }

    /// Accepts a relay; its hello.
    pub(crate) async fn accept(&self) -> (Inbox, Hello) {
        let (stream, _) = patiently("the relay to dial", self.listener.accept()).await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = String::new();
        patiently("the relay's hello", read.read_line(&mut line)).await.unwrap();
        let theirs: Hello = serde_json::from_str(&line).unwrap();
        assert_eq!((&theirs.run, &theirs.to), (&self.run, &self.name));
        let ours = Hello { run: self.run.clone(), from: self.name.clone(), to: theirs.from.clone(), incarnation: None };
        write.write_all((serde_json::to_string(&ours).unwrap() + "\n").as_bytes()).await.unwrap();
        (Inbox { read, _write: write }, theirs)
    }
}

/// A connection on which messages come.
pub(crate) struct Inbox {
    read: BufReader<OwnedReadHalf>,
    _write: OwnedWriteHalf,
}

impl Inbox {
    /// The next message's number; nothing if the connection ends.
    pub(crate) async fn next(&mut self) -> Option<u64> {
        let mut line = String::new();
        let read = patiently("a message", self.read.read_line(&mut line)).await.unwrap();
        (read > 0).then(|| serde_json::from_str::<Envelope>(&line).unwrap().body["number"].as_u64().unwrap())
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(self.next().await.expect("the connection ended"));
        }
        numbers
    }
}

/// Both ends of the link n1->n2, with one message passed.
pub(crate) async fn connected(network: &ProxyNetwork) -> (Sender, Receiver, Inbox) {
    network.started(N1, 1);
    let receiver = Receiver::listen(network, N2);
    let mut sender = Sender::connect(network, N1, N2, 1).await;
    sender.send_all("hi", [0]).await;
    let (mut inbox, hello) = receiver.accept().await;
    assert_eq!((&*hello.from, hello.incarnation), ("n1", Some(1)));
    assert_eq!(inbox.next().await, Some(0));
    traffic(network, "the first message", |traffic| traffic.delivered == 1).await;
    (sender, receiver, inbox)
}
