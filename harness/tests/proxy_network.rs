//! The proxy network with real sockets on loopback, between nodes that are played by the test.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use schism::network::proxy::{NetworkError, ProxyNetwork, ProxyOptions};
use schism::network::{Link, Network, Passage, Rule, Traffic};
use schism_nodes::NodeId;
use schism_nodes::wire::{Envelope, Hello};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

static RUNS: AtomicU32 = AtomicU32::new(0);

fn network_with(options: ProxyOptions) -> ProxyNetwork {
    let run = format!("test-{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    ProxyNetwork::start(&run, &[N1, N2], Arc::new(|_| [7; 32]), options).unwrap()
}

fn network() -> ProxyNetwork {
    network_with(ProxyOptions::default())
}

fn run_of(network: &ProxyNetwork) -> String {
    let text = format!("{network:?}");
    let begin = text.find("test-").unwrap();
    text[begin..].split('"').next().unwrap().to_owned()
}

fn link(text: &str) -> Link {
    let (from, to) = text.split_once("->").unwrap();
    Link { from: from.to_owned(), to: to.to_owned() }
}

fn links(texts: &[&str]) -> BTreeSet<Link> {
    texts.iter().map(|text| link(text)).collect()
}

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Waits until the network's counts say what is expected.
async fn traffic(network: &ProxyNetwork, what: &str, expected: impl Fn(&Traffic) -> bool) {
    let seen = async {
        while !expected(&network.traffic()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(PATIENCE, seen).await.is_err() {
        panic!("{what}: {:?}", network.traffic());
    }
}

fn message(kind: &str, number: u64) -> String {
    let envelope = Envelope {
        src: "n1".to_owned(),
        dest: "n2".to_owned(),
        cause: Some(format!("c1.1#{number}")),
        body: json!({"type": kind, "number": number}),
    };
    serde_json::to_string(&envelope).unwrap() + "\n"
}

/// A node's connection to one of its relays.
struct Sender {
    write: OwnedWriteHalf,
    read: BufReader<OwnedReadHalf>,
}

impl Sender {
    /// Connects and says hello; the relay's answer, or nothing if it refuses.
    async fn greet(address: SocketAddr, hello: &Hello) -> (Sender, Option<Hello>) {
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        let mut sender = Sender { write, read: BufReader::new(read) };
        sender.send(&(serde_json::to_string(hello).unwrap() + "\n")).await;
        let mut line = String::new();
        let read = patiently("the relay's hello", sender.read.read_line(&mut line)).await;
        let answer = read.is_ok_and(|read| read > 0).then(|| serde_json::from_str(&line).unwrap());
        (sender, answer)
    }

    async fn connect(network: &ProxyNetwork, from: NodeId, to: NodeId, incarnation: u64) -> Sender {
        let (from_name, to_name) = (from.to_string(), to.to_string());
        let hello = Hello {
            run: run_of(network),
            from: from_name.clone(),
            to: to_name.clone(),
            incarnation: Some(incarnation),
        };
        let (sender, answer) = Sender::greet(network.peers(from)[&to], &hello).await;
        let answer = answer.expect("the relay refused a hello that is right");
        assert_eq!((answer.run, answer.from, answer.to), (hello.run, to_name, from_name));
        sender
    }

    async fn send(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    async fn send_all(&mut self, kind: &str, numbers: impl IntoIterator<Item = u64>) {
        let text: String = numbers.into_iter().map(|number| message(kind, number)).collect();
        self.send(&text).await;
    }
}

/// A node that listens.
struct Receiver {
    name: String,
    run: String,
    listener: TcpListener,
}

impl Receiver {
    fn listen(network: &ProxyNetwork, node: NodeId) -> Receiver {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(network.address(node)).unwrap();
        Receiver { name: node.to_string(), run: run_of(network), listener: socket.listen(16).unwrap() }
    }

    /// Accepts a relay; its hello.
    async fn accept(&self) -> (Inbox, Hello) {
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
struct Inbox {
    read: BufReader<OwnedReadHalf>,
    _write: OwnedWriteHalf,
}

impl Inbox {
    /// The next message's number; nothing if the connection ends.
    async fn next(&mut self) -> Option<u64> {
        let mut line = String::new();
        let read = patiently("a message", self.read.read_line(&mut line)).await.unwrap();
        (read > 0).then(|| serde_json::from_str::<Envelope>(&line).unwrap().body["number"].as_u64().unwrap())
    }

    async fn take(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(self.next().await.expect("the connection ended"));
        }
        numbers
    }
}

/// Both ends of the link n1->n2, with one message passed.
async fn connected(network: &ProxyNetwork) -> (Sender, Receiver, Inbox) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_order_and_are_counted() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let text: String = (1..=5000).map(|number| message("m", number)).collect();
    let reading = tokio::spawn(async move { inbox.take(5000).await });
    for part in text.as_bytes().chunks(1777) {
        sender.write.write_all(part).await.unwrap();
    }
    assert_eq!(patiently("all messages", reading).await.unwrap(), (1..=5000).collect::<Vec<u64>>());
    let bytes = (text.len() + message("hi", 0).len()) as u64;
    traffic(&network, "all delivered", |traffic| {
        *traffic == Traffic { sent: 5001, delivered: 5001, bytes, ..Traffic::default() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_one_way_and_exact() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.started(N2, 1);
    let n1 = Receiver::listen(&network, N1);
    let mut back = Sender::connect(&network, N2, N1, 1).await;

    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    sender.send_all("m", 1..=10).await;
    traffic(&network, "ten messages cut", |traffic| traffic.cut == 10).await;
    back.send_all("m", [11]).await;
    assert_eq!(n1.accept().await.0.next().await, Some(11));
    network.lift(1, true);
    sender.send_all("m", [12]).await;
    assert_eq!(inbox.next().await, Some(12), "what was cut is gone");
    assert_eq!(network.touched(1), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_two_faults_cut_is_open_when_both_have_ended() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    network.apply(2, &Rule::Cut, &links(&["n1->n2", "n2->n1"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "cut by both", |traffic| traffic.cut == 1).await;
    network.lift(1, true);
    sender.send_all("m", [2]).await;
    traffic(&network, "cut by the other", |traffic| traffic.cut == 2).await;
    network.lift(2, true);
    sender.send_all("m", [3]).await;
    assert_eq!(inbox.next().await, Some(3));
    assert_eq!((network.touched(1), network.touched(2)), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_delayed_before_the_cut_is_cut_when_it_is_due() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let delay = Rule::Delay { base: Duration::from_secs(2), tail: Duration::ZERO, share: 1.0 };
    network.apply(1, &delay, &links(&["n1->n2"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "the message under way", |traffic| traffic.sent == 2).await;
    network.apply(2, &Rule::Cut, &links(&["n1->n2"]));
    assert_eq!(network.traffic().cut, 0, "it is judged when it is due");
    traffic(&network, "the message cut", |traffic| traffic.cut == 1).await;
    network.lift(1, true);
    network.lift(2, true);
    sender.send_all("m", [2]).await;
    assert_eq!(inbox.next().await, Some(2));
    assert_eq!((network.touched(1), network.touched(2)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_messages_arrive_by_themselves() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let rule = Rule::Reorder { share: 0.5, window: Duration::from_millis(50) };
    network.apply(1, &rule, &links(&["n1->n2"]));
    sender.send_all("m", 1..=200).await;
    let mut numbers = inbox.take(200).await;
    assert!(!numbers.is_sorted(), "none was overtaken");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_lost_dropped_and_duplicated() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let here = links(&["n1->n2"]);
    network.apply(1, &Rule::Lose { share: 1.0 }, &here);
    sender.send_all("m", 1..=3).await;
    traffic(&network, "three lost", |traffic| traffic.lost == 3).await;
    network.lift(1, true);

    network.apply(2, &Rule::Drop { kind: Some("vote".to_owned()), count: Some(1) }, &here);
    sender.send_all("append", [4]).await;
    sender.send_all("vote", 5..=6).await;
    assert_eq!(inbox.take(2).await, [4, 6]);
    network.lift(2, true);

    network.apply(3, &Rule::Duplicate { share: 1.0 }, &here);
    sender.send_all("m", 7..=8).await;
    assert_eq!(inbox.take(4).await, [7, 7, 8, 8]);
    traffic(&network, "all counted", |traffic| {
        let Traffic { sent, delivered, cut, lost, dropped, duplicated, .. } = *traffic;
        (sent, delivered, cut, lost, dropped, duplicated) == (9, 5, 0, 3, 1, 2)
    })
    .await;
    assert_eq!([1, 2, 3].map(|fault| network.touched(fault)), [3, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_messages_are_delivered_and_dropped_by_name() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Hold { kind: Some("append".to_owned()), count: Some(4) }, &links(&["n1->n2"]));
    sender.send_all("append", 1..=5).await;
    assert_eq!(inbox.next().await, Some(5), "the first four are held");
    assert_eq!(network.touched(1), 4);
    assert_eq!(network.release(1, Some(1), true), 1);
    assert_eq!(inbox.next().await, Some(1));
    assert_eq!(network.release(1, Some(1), false), 1);
    assert_eq!(network.release(1, None, true), 2);
    assert_eq!(inbox.take(2).await, [3, 4]);
    assert_eq!(network.release(1, None, true), 0);

    network.apply(2, &Rule::Hold { kind: None, count: None }, &links(&["n1->n2"]));
    sender.send_all("m", 6..=7).await;
    traffic(&network, "all taken", |traffic| traffic.sent == 8).await;
    network.lift(2, false);
    sender.send_all("m", [8]).await;
    assert_eq!(inbox.next().await, Some(8));
    assert_eq!(network.traffic().dropped, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_dead_incarnation_are_dropped() {
    let network = network();
    let (mut sender, receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Hold { kind: None, count: None }, &links(&["n1->n2"]));
    sender.send_all("m", [1]).await;
    traffic(&network, "the message held", |traffic| traffic.sent == 2).await;
    network.started(N1, 2);
    assert_eq!((network.release(1, None, true), network.traffic().dropped), (0, 1));
    network.lift(1, true);
    sender.send_all("m", [2]).await;
    traffic(&network, "the dead node's late message", |traffic| traffic.dropped == 2).await;

    let hello = Hello { run: run_of(&network), from: "n1".to_owned(), to: "n2".to_owned(), incarnation: Some(1) };
    assert_eq!(Sender::greet(network.peers(N1)[&N2], &hello).await.1, None);

    let mut reborn = Sender::connect(&network, N1, N2, 2).await;
    reborn.send_all("m", [3]).await;
    assert_eq!(inbox.next().await, None, "the old connection ends");
    let (mut inbox, hello) = receiver.accept().await;
    assert_eq!(hello.incarnation, Some(2));
    assert_eq!(inbox.next().await, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused() {
    let network = network();
    let right = Hello { run: run_of(&network), from: "n1".to_owned(), to: "n2".to_owned(), incarnation: Some(1) };
    let wrong = [
        Hello { run: "another".to_owned(), ..right.clone() },
        Hello { from: "n3".to_owned(), ..right.clone() },
        Hello { to: "n1".to_owned(), ..right.clone() },
        Hello { incarnation: None, ..right.clone() },
    ];
    for hello in wrong {
        assert_eq!(Sender::greet(network.peers(N1)[&N2], &hello).await.1, None, "{hello:?}");
    }
    let mut noise = TcpStream::connect(network.peers(N1)[&N2]).await.unwrap();
    noise.write_all(&[b'x'; 10_000]).await.unwrap();
    let end = patiently("the relay to refuse", noise.read(&mut [0])).await;
    assert!(end.is_err() || end.is_ok_and(|read| read == 0));
    assert!(Sender::greet(network.peers(N1)[&N2], &right).await.1.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_does_not_say_who_it_is_gets_nothing() {
    let network = network();
    let mut stranger = Receiver::listen(&network, N2);
    stranger.name = "n9".to_owned();
    let mut sender = Sender::connect(&network, N1, N2, 1).await;
    sender.send_all("m", [1]).await;
    let (stream, _) = patiently("the relay to dial", stranger.listener.accept()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let hello = Hello { run: run_of(&network), from: "n9".to_owned(), to: "n1".to_owned(), incarnation: None };
    write.write_all((serde_json::to_string(&hello).unwrap() + "\n").as_bytes()).await.unwrap();
    let mut all = String::new();
    patiently("the relay to hang up", read.read_to_string(&mut all)).await.unwrap();
    assert_eq!(all.lines().count(), 1, "only the relay's hello: {all}");
    traffic(&network, "the message dropped", |traffic| traffic.dropped == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_to_a_node_that_is_down_are_dropped_until_it_is_back() {
    let network = network();
    let (mut sender, receiver, inbox) = connected(&network).await;
    drop((receiver, inbox));
    // What is written before the end of the connection is noticed is lost in it, as on any network.
    let mut number = 1;
    while network.traffic().dropped == 0 {
        sender.send_all("m", [number]).await;
        traffic(&network, "the message's fate", |traffic| traffic.delivered + traffic.dropped == number + 1).await;
        number += 1;
    }
    let receiver = Receiver::listen(&network, N2);
    let accepting = tokio::spawn(async move { receiver.accept().await.0.next().await });
    while !accepting.is_finished() {
        sender.send_all("m", [number]).await;
        traffic(&network, "the message taken", |traffic| traffic.sent == number + 1).await;
        number += 1;
        tokio::task::yield_now().await;
    }
    assert!(accepting.await.unwrap().is_some_and(|arrived| arrived < number));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_drops_what_is_newer() {
    let length = message("m", 10).len();
    let network = network_with(ProxyOptions { queue_bytes_max: 50 * length, ..ProxyOptions::default() });
    let receiver = Receiver::listen(&network, N2);
    let mut sender = Sender::connect(&network, N1, N2, 1).await;
    // Nobody accepts: as with a paused node, messages wait in the relay.
    sender.send_all("m", 10..=99).await;
    traffic(&network, "the queue full", |traffic| traffic.dropped == 40).await;
    let (mut inbox, _) = receiver.accept().await;
    assert_eq!(inbox.take(50).await, (10..=59).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_pass_and_are_no_traffic() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    let before = network.traffic();
    sender.send_all("probe", [1]).await;
    assert_eq!(inbox.next().await, Some(1));
    network.apply(1, &Rule::Cut, &links(&["n1->n2"]));
    sender.send_all("probe", [2]).await;
    sender.send_all("m", [3]).await;
    traffic(&network, "the message behind the probe cut", |traffic| traffic.cut == 1).await;
    let after = network.traffic();
    assert_eq!((after.sent, after.delivered), (before.sent + 1, before.delivered));
    assert_eq!(network.touched(1), 1);
    network.lift(1, true);
    sender.send_all("probe", [4]).await;
    assert_eq!(inbox.next().await, Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_ask_what_their_messages_meet() {
    let network = network();
    let there = link("c1->n2");
    assert_eq!(network.passage(&there), Passage::default());
    network.apply(1, &Rule::Cut, &links(&["c1->n2", "n1->n2"]));
    assert!(network.passage(&there).cut);
    assert!(!network.passage(&link("n2->c1")).cut);
    network.lift(1, true);
    assert_eq!(network.passage(&there), Passage::default());
    let delay = Duration::from_millis(20);
    network.apply(2, &Rule::Delay { base: delay, tail: Duration::ZERO, share: 1.0 }, &links(&["n2->c1"]));
    assert_eq!(network.passage(&link("n2->c1")), Passage { cut: false, delay });
    assert_eq!((network.touched(1), network.touched(2)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_a_line_for_each_message() {
    let network = network();
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    network.apply(1, &Rule::Drop { kind: Some("vote".to_owned()), count: None }, &links(&["n1->n2"]));
    sender.send_all("vote", [1]).await;
    sender.send_all("append", [2]).await;
    assert_eq!(inbox.next().await, Some(2));
    traffic(&network, "both counted", |traffic| traffic.delivered + traffic.dropped == 3).await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.jsonl");
    network.write_log(&path).unwrap();
    let text = fs_err::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let header = json!({"schism": "messages", "format": 1, "run": run_of(&network), "messages": 3, "forgotten": 0});
    assert_eq!(lines[0], header);
    let fates: Vec<_> =
        lines[1..].iter().map(|line| [&line["link"], &line["type"], &line["cause"], &line["fate"]]).collect();
    let expected = [
        ["n1->n2", "hi", "c1.1#0", "delivered"],
        ["n1->n2", "vote", "c1.1#1", "dropped"],
        ["n1->n2", "append", "c1.1#2", "delivered"],
    ];
    assert_eq!(fates, expected);
    assert!(lines[1..].iter().all(|line| line["sent"].as_u64() <= line["ended"].as_u64()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_full_forgets_the_oldest_and_says_so() {
    let network = network_with(ProxyOptions { log_bytes_max: 1000, ..ProxyOptions::default() });
    let (mut sender, _receiver, mut inbox) = connected(&network).await;
    sender.send_all("m", 1..=99).await;
    inbox.take(99).await;
    traffic(&network, "all counted", |traffic| traffic.delivered == 100).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.jsonl");
    network.write_log(&path).unwrap();
    let text = fs_err::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [kept, forgotten] = ["messages", "forgotten"].map(|key| lines[0][key].as_u64().unwrap());
    assert_eq!((kept + forgotten, kept), (100, lines.len() as u64 - 1));
    assert!((1..50).contains(&kept), "{kept} kept");
    assert_eq!(lines.last().unwrap()["cause"], "c1.1#99");
}

/// A loopback address that no run would take, and no other test process has.
fn fixed(number: u8) -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 255, high, low ^ number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named() {
    let options = ProxyOptions { address: Some(fixed(1)), ..ProxyOptions::default() };
    let seeds = || Arc::new(|_: &Link| [7; 32]);
    let first = ProxyNetwork::start("test-first", &[N1, N2], seeds(), options.clone()).unwrap();
    assert_eq!(first.loopback(), Some(IpAddr::V4(fixed(1))));
    let error = ProxyNetwork::start("test-second", &[N1, N2], seeds(), options).unwrap_err();
    assert!(matches!(error, NetworkError::InUse { address, .. } if address == fixed(1)), "{error}");
    assert!(error.to_string().starts_with("port "), "{error}");

    // The same for the port of a node, which the run itself binds only later.
    let port = first.address(N2).port();
    let _squatter = TcpListener::bind((fixed(2), port)).await.unwrap();
    let options = ProxyOptions { address: Some(fixed(2)), ..ProxyOptions::default() };
    let error = ProxyNetwork::start("test-third", &[N1, N2], seeds(), options).unwrap_err();
    assert!(error.to_string().starts_with(&format!("port {port} of {} is in use", fixed(2))), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_the_same_time_have_addresses_of_their_own() {
    let networks: Vec<ProxyNetwork> = (0..8).map(|_| network()).collect();
    let addresses: BTreeSet<SocketAddr> = networks.iter().map(|network| network.address(N1)).collect();
    assert_eq!(addresses.len(), 8);
    let same: BTreeMap<NodeId, SocketAddr> = networks[0].peers(N1);
    assert_eq!(same.keys().copied().collect::<Vec<_>>(), [N2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn impossible_networks_are_refused() {
    let start = |nodes: &[NodeId]| {
        ProxyNetwork::start("test-impossible", nodes, Arc::new(|_| [7; 32]), ProxyOptions::default()).unwrap_err()
    };
    assert!(matches!(start(&[N1, N1]), NetworkError::Twice(N1)));
    assert!(matches!(start(&NodeId::universe(2000)), NetworkError::TooManyNodes { nodes: 2000, .. }));
}
