//! The Maelstrom client against nodes that are played by the test: every row of the table of how an attempt can end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schism::client::maelstrom::MaelstromDialler;
use schism::client::{Client, Completion, Dialler};
use schism::network::{FaultId, Link, Network, Passage, Rule, Rung, Touched, Traffic};
use schism_nodes::wire::Hello;
use schism_nodes::{Incarnation, NodeId, RequestKind};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

const RUN: &str = "test-run";
/// For attempts that end before it, unless something is broken.
const LONG: Duration = Duration::from_secs(30);
/// For attempts that have to run into it.
const SHORT: Duration = Duration::from_millis(150);

/// A network of one node, whose clients meet what the test says.
struct FakeNetwork {
    address: SocketAddr,
    passages: Mutex<BTreeMap<String, Passage>>,
}

impl Network for FakeNetwork {
    fn rung(&self) -> Rung {
        Rung::Proxy
    }
    fn address(&self, _: NodeId) -> SocketAddr {
        self.address
    }
    fn peers(&self, _: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        BTreeMap::new()
    }
    fn started(&self, _: NodeId, _: Incarnation) {}
    fn apply(&self, _: FaultId, _: &Rule, _: &BTreeSet<Link>) {}
    fn lift(&self, _: FaultId, _: bool) {}
    fn release(&self, _: FaultId, _: Option<u64>, _: bool) -> u64 {
        0
    }
    fn touched(&self, _: FaultId) -> Touched {
        0
    }
    fn passage(&self, link: &Link) -> Passage {
        self.passages.lock().unwrap().get(&link.to_string()).copied().unwrap_or_default()
    }
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// A node's listener, a client that talks to it, and what lies between them.
struct Stage {
    listener: TcpListener,
    network: Arc<FakeNetwork>,
    client: Box<dyn Client>,
}

async fn stage() -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (network, client) = client_of(listener.local_addr().unwrap());
    Stage { listener, network, client }
}

fn client_of(address: SocketAddr) -> (Arc<FakeNetwork>, Box<dyn Client>) {
    let network = Arc::new(FakeNetwork { address, passages: Mutex::default() });
    let dialler = MaelstromDialler::new(RUN, network.clone());
    (network, dialler.client("c3", 17, NodeId(2)))
}

/// An address at which nobody listens, and nobody else will as long as the socket is there.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

impl FakeNetwork {
    fn set(&self, link: &str, passage: Passage) {
        self.passages.lock().unwrap().insert(link.to_owned(), passage);
    }

    fn cut(&self, link: &str) {
        self.set(link, Passage { cut: true, delay: Duration::ZERO });
    }
}

/// The node's end of a client's connection.
struct Conversation {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Conversation {
    /// Accepts a client whose hello is right, and answers it.
    async fn accept(listener: &TcpListener) -> Conversation {
        let hello = Hello { run: RUN.to_owned(), from: "n2".to_owned(), to: "c3.17".to_owned(), incarnation: Some(1) };
        Self::accept_as(listener, &hello).await
    }

    async fn accept_as(listener: &TcpListener, ours: &Hello) -> Conversation {
        let (read, write) = listener.accept().await.unwrap().0.into_split();
        let mut conversation = Conversation { read: BufReader::new(read), write };
        let theirs: Hello = serde_json::from_str(&conversation.line().await.unwrap()).unwrap();
        let expected = Hello { run: RUN.to_owned(), from: "c3.17".to_owned(), to: "n2".to_owned(), incarnation: None };
        assert_eq!(theirs, expected);
        conversation.say(&(serde_json::to_string(ours).unwrap() + "\n")).await;
        conversation
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.read.read_line(&mut line).await.unwrap() > 0).then_some(line)
    }

    /// The body of the next request.
    async fn request(&mut self) -> Value {
        let envelope: Value = serde_json::from_str(&self.line().await.expect("the client hung up")).unwrap();
        assert_eq!((&envelope["src"], &envelope["dest"]), (&json!("c3.17"), &json!("n2")));
        envelope["body"].clone()
    }

    async fn say(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    async fn reply(&mut self, body: Value) {
        let envelope = json!({"src": "n2", "dest": "c3.17", "body": body});
        self.say(&format!("{envelope}\n")).await;
    }
}

/// A node that answers the first request with a text and then hangs up.
fn answer_with(listener: TcpListener, answer: String) -> JoinHandle<Value> {
    tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        let request = conversation.request().await;
        conversation.say(&answer).await;
        request
    })
}

fn read() -> RequestKind {
    RequestKind::Read { key: "x".to_owned() }
}

fn write() -> RequestKind {
    RequestKind::Write { key: "x".to_owned(), value: json!(5) }
}

fn cas() -> RequestKind {
    RequestKind::Cas { key: "x".to_owned(), from: json!(4), to: json!(5) }
}

fn fail(error: impl Into<Value>) -> Completion {
    Completion::Fail { error: error.into() }
}

fn info(error: impl Into<Value>) -> Completion {
    Completion::Info { error: error.into() }
}

fn ok(value: Option<Value>) -> Completion {
    Completion::Ok { value, extra: Map::new() }
}

fn reason(completion: &Completion) -> &str {
    let (Completion::Fail { error } | Completion::Info { error }) = completion else { panic!("{completion:?}") };
    error.as_str().unwrap()
}

#[tokio::test]
async fn answers_are_classified_by_their_code() {
    let error = |code: u32| json!({"type": "error", "in_reply_to": 1, "code": code, "text": "why"});
    let table = [
        (write(), json!({"type": "write_ok", "in_reply_to": 1}), ok(None)),
        (cas(), json!({"type": "cas_ok", "in_reply_to": 1}), ok(None)),
        (read(), json!({"type": "read_ok", "in_reply_to": 1, "value": 7}), ok(Some(json!(7)))),
        (read(), json!({"type": "read_ok", "in_reply_to": 1, "value": null}), ok(Some(Value::Null))),
        (read(), error(20), ok(Some(Value::Null))),
        (cas(), error(20), fail(json!([20, "why"]))),
        (cas(), error(22), fail(json!([22, "why"]))),
        (write(), error(11), fail(json!([11, "why"]))),
        (
            write(),
            json!({"type": "error", "in_reply_to": 1, "code": 11, "text": "why", "redirect": "n3"}),
            fail(json!([11, "why", "n3"])),
        ),
        (read(), error(14), fail(json!([14, "why"]))),
        (write(), error(0), info(json!([0, "why"]))),
        (write(), error(13), info(json!([13, "why"]))),
        (read(), error(13), info(json!([13, "why"]))),
        (write(), error(1234), info(json!([1234, "why"]))),
        (read(), json!({"type": "write_ok", "in_reply_to": 1}), info("read was answered with \"write_ok\"")),
        (read(), json!({"type": "read", "in_reply_to": 1}), info("read was answered with \"read\"")),
        (read(), json!({"type": "read_ok", "in_reply_to": 1}), info("the answer to a read has no value")),
    ];
    for (request, answer, expected) in table {
        let Stage { listener, mut client, .. } = stage().await;
        let node = answer_with(listener, format!("{}\n", json!({"src": "n2", "dest": "c3.17", "body": answer})));
        assert_eq!(client.call(&request, LONG).await, expected, "{request:?} answered with {answer}");
        let asked = node.await.unwrap();
        assert_eq!((&asked["type"], &asked["msg_id"], &asked["key"]), (&json!(request.name()), &json!(1), &json!("x")));
    }
}

#[tokio::test]
async fn what_else_an_answer_says_is_evidence() {
    let Stage { listener, mut client, .. } = stage().await;
    let body = json!({"type": "read_ok", "in_reply_to": 1, "msg_id": 9, "value": 7, "quorum": {"acks": ["n2"]}});
    let _node = answer_with(listener, format!("{}\n", json!({"src": "n2", "dest": "c3.17", "body": body})));
    let Completion::Ok { value, extra } = client.call(&read(), LONG).await else { panic!("not ok") };
    assert_eq!((value, Value::Object(extra)), (Some(json!(7)), json!({"quorum": {"acks": ["n2"]}})));
}

#[tokio::test]
async fn who_cannot_connect_has_failed() {
    let (_socket, address) = nobody();
    let (_, mut client) = client_of(address);
    let refused = client.call(&write(), LONG).await;
    assert!(matches!(refused, Completion::Fail { .. }), "{refused:?}");
    assert!(reason(&refused).contains("refused"), "{refused:?}");
}

#[tokio::test]
async fn who_is_not_greeted_has_failed() {
    let right = Hello { run: RUN.to_owned(), from: "n2".to_owned(), to: "c3.17".to_owned(), incarnation: None };
    let wrong = [Hello { run: "other".to_owned(), ..right.clone() }, Hello { from: "n1".to_owned(), ..right.clone() }];
    for hello in wrong {
        let Stage { listener, mut client, .. } = stage().await;
        let node = tokio::spawn(async move { Conversation::accept_as(&listener, &hello).await.line().await });
        let completion = client.call(&write(), LONG).await;
        assert!(matches!(completion, Completion::Fail { .. }), "{completion:?}");
        drop(client);
        assert_eq!(node.await.unwrap(), None, "no request may reach a stranger");
    }

    let Stage { listener, mut client, .. } = stage().await;
    let node = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let completion = client.call(&write(), LONG).await;
    assert!(matches!(completion, Completion::Fail { .. }), "hung up before the hello: {completion:?}");
    node.await.unwrap();

    let Stage { listener: _silent, mut client, .. } = stage().await;
    assert_eq!(client.call(&write(), SHORT).await, fail("timed out connecting"));
}

#[tokio::test]
async fn a_connection_to_oneself_is_refused() {
    // A socket that connects to the address that it is bound to is connected with itself.
    let (socket, own) = nobody();
    let stream = socket.connect(own).await.unwrap();
    let hello = Hello { run: RUN.to_owned(), from: "c3.17".to_owned(), to: "n2".to_owned(), incarnation: None };
    let error = schism::network::hello::introduce(&stream, &hello, &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("leads to itself"), "{error}");
}

#[tokio::test]
async fn after_the_first_byte_nobody_knows() {
    let broken = [
        (String::new(), "the connection ended before the answer"),
        ("{\"body\":{\"type\":\"write_ok\",".to_owned(), "the connection ended before the answer"),
        ("nonsense\n".to_owned(), "the answer cannot be read"),
        ("{\"body\":{\"type\":\"error\",\"in_reply_to\":1}}\n".to_owned(), "the answer cannot be read"),
    ];
    for (answer, expected) in broken {
        let Stage { listener, mut client, .. } = stage().await;
        let node = answer_with(listener, answer.clone());
        let completion = client.call(&write(), LONG).await;
        assert!(matches!(completion, Completion::Info { .. }), "{answer:?}: {completion:?}");
        assert!(reason(&completion).starts_with(expected), "{answer:?}: {completion:?}");
        node.await.unwrap();
    }

    let Stage { listener, mut client, .. } = stage().await;
    let node = tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        (conversation.request().await, conversation)
    });
    assert_eq!(client.call(&read(), SHORT).await, info("timed out"));
    node.await.unwrap();
}

#[tokio::test]
async fn a_late_answer_never_answers_a_later_request() {
    let Stage { listener, mut client, .. } = stage().await;
    let node = tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        conversation.request().await;
        // Nobody asked for the first, the second is right, the third comes a second time.
        conversation.reply(json!({"type": "read_ok", "value": 1})).await;
        conversation.reply(json!({"type": "read_ok", "in_reply_to": 1, "value": 2})).await;
        conversation.reply(json!({"type": "read_ok", "in_reply_to": 1, "value": 3})).await;
        let second = conversation.request().await;
        conversation.reply(json!({"type": "read_ok", "in_reply_to": 1, "value": 4})).await;
        conversation.reply(json!({"type": "read_ok", "in_reply_to": 3, "value": 5})).await;
        conversation.reply(json!({"type": "read_ok", "in_reply_to": 2, "value": 6})).await;
        second
    });
    assert_eq!(client.call(&read(), LONG).await, ok(Some(json!(2))));
    assert_eq!(client.call(&read(), LONG).await, ok(Some(json!(6))));
    assert_eq!(node.await.unwrap()["msg_id"], 2);
}

#[tokio::test]
async fn a_node_that_was_started_again_is_dialled_again() {
    let Stage { listener, mut client, .. } = stage().await;
    let node = tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        conversation.request().await;
        conversation.reply(json!({"type": "write_ok", "in_reply_to": 1})).await;
        drop(conversation);
        let mut conversation = Conversation::accept(&listener).await;
        let request = conversation.request().await;
        conversation.reply(json!({"type": "write_ok", "in_reply_to": request["msg_id"]})).await;
        (request, listener)
    });
    assert_eq!(client.call(&write(), LONG).await, ok(None));
    // Whether the end of the connection is noticed before or after the request went out is a race; the request must
    // not be said to have failed unless it was not sent.
    match client.call(&write(), LONG).await {
        Completion::Ok { .. } => {
            let (request, listener) = node.await.unwrap();
            assert_eq!(request["msg_id"], 2);
            drop(listener);
        }
        Completion::Info { .. } => node.abort(),
        Completion::Fail { error } => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_cut_before_the_connection_is_a_failure_to_connect() {
    let Stage { listener, mut client, network } = stage().await;
    network.cut("c3->n2");
    assert_eq!(client.call(&write(), SHORT).await, fail("timed out connecting"));
    drop(client);
    assert!(tokio::time::timeout(SHORT, listener.accept()).await.is_err(), "nothing may reach the node");
}

#[tokio::test]
async fn a_cut_on_a_connection_leaves_the_client_in_the_dark() {
    let Stage { listener, mut client, network } = stage().await;
    let node = tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        conversation.request().await;
        conversation.reply(json!({"type": "write_ok", "in_reply_to": 1})).await;
        conversation.line().await
    });
    assert_eq!(client.call(&write(), LONG).await, ok(None));
    network.cut("c3->n2");
    assert_eq!(client.call(&write(), SHORT).await, info("timed out"));
    drop(client);
    assert_eq!(node.await.unwrap(), None, "nothing may reach the node");
}

#[tokio::test]
async fn a_cut_answer_is_lost_though_the_node_has_done_it() {
    let Stage { listener, mut client, network } = stage().await;
    network.cut("n2->c3");
    let answer = json!({"src": "n2", "dest": "c3.17", "body": {"type": "write_ok", "in_reply_to": 1}});
    let node = answer_with(listener, format!("{answer}\n"));
    assert_eq!(client.call(&write(), SHORT).await, info("timed out"));
    assert_eq!(node.await.unwrap()["value"], 5);
}

#[tokio::test]
async fn delays_count_against_the_deadline() {
    let slow = Passage { cut: false, delay: LONG };
    let Stage { listener, mut client, network } = stage().await;
    network.set("c3->n2", slow);
    assert_eq!(client.call(&write(), SHORT).await, fail("timed out connecting"));
    drop(listener);

    let Stage { listener, mut client, network } = stage().await;
    network.set("n2->c3", slow);
    let answer = json!({"src": "n2", "dest": "c3.17", "body": {"type": "write_ok", "in_reply_to": 1}});
    let node = answer_with(listener, format!("{answer}\n"));
    assert_eq!(client.call(&write(), SHORT).await, info("timed out"));
    node.await.unwrap();

    let Stage { listener, mut client, network } = stage().await;
    for link in ["c3->n2", "n2->c3"] {
        network.set(link, Passage { cut: false, delay: Duration::from_millis(5) });
    }
    let node = answer_with(listener, format!("{answer}\n"));
    assert_eq!(client.call(&write(), LONG).await, ok(None));
    node.await.unwrap();
}

#[tokio::test]
async fn a_client_that_dies_after_its_first_send_has_sent() {
    let Stage { listener, mut client, network } = stage().await;
    let node = tokio::spawn(async move {
        let mut conversation = Conversation::accept(&listener).await;
        (conversation.request().await, conversation.line().await)
    });
    assert_eq!(client.abandon(&write()).await, info("client died after its first send"));
    let (request, end) = node.await.unwrap();
    assert_eq!((&request["type"], &request["value"]), (&json!("write"), &json!(5)));
    assert_eq!(end, None, "the connection ends with the client");

    let (_socket, address) = nobody();
    let refused = client_of(address).1.abandon(&write()).await;
    assert!(matches!(refused, Completion::Fail { .. }), "{refused:?}");
    network.cut("c3->n2");
    assert_eq!(client.abandon(&write()).await, fail("died before it could connect"));
}
