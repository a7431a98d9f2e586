//! Nodes that run the toy protocol on threads, and the two who talk to them: a controller and a client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use schism_nodes::NodeId;
use schism_nodes::control::{Boot, ClockFault, Down, Storage, Trap, TrapAction, Up};
use schism_nodes::driver::{self, Control};
use schism_nodes::note::NoteLine;
use schism_nodes::wire::Hello;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::toy::Toy;

/// Longer than anything here takes on a machine that is very busy.
const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const RUN: &str = "run-1";

/// An address on which nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A boot line for one node alone.
pub(crate) fn boot(data: &Path) -> Boot {
    Boot {
        format: 1,
        run: RUN.to_owned(),
        node: NodeId(1),
        incarnation: 1,
        nodes: 1,
        protocol: "toy".to_owned(),
        params: BTreeMap::new(),
        listen: free_address(),
        peers: BTreeMap::new(),
        seed: "07".repeat(32),
        data: data.to_owned(),
        storage: Storage { sync: true, batch: 64, flush_ms: 200 },
        clock: ClockFault::default(),
        traps: vec![],
    }
}

/// Boot lines for two nodes that know each other; their data lie in folders of their own.
pub(crate) fn boot_pair(data: &Path) -> (Boot, Boot) {
    let mut first = Boot { nodes: 2, data: data.join("n1"), ..boot(data) };
    let mut second = Boot { node: NodeId(2), nodes: 2, data: data.join("n2"), ..boot(data) };
    first.peers.insert(NodeId(2), second.listen);
    second.peers.insert(NodeId(1), first.listen);
    (first, second)
}

/// A boot line for n1, whose peer n2 is played by the test.
pub(crate) fn boot_beside(data: &Path, peer: SocketAddr) -> Boot {
    let mut boot = Boot { nodes: 2, ..boot(data) };
    boot.peers.insert(NodeId(2), peer);
    boot
}

/// A node, as its controller sees it.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    control: UnixStream,
    ups: Receiver<Up>,
    notes: Receiver<NoteLine>,
    thread: JoinHandle<i32>,
}

impl Node {
    /// Starts a node; it may refuse.
    pub(crate) fn spawn(boot: Boot) -> Self {
        let address = boot.listen;
        let (mut control, theirs) = UnixStream::pair().unwrap();
        let (note_reader, note_writer) = std::io::pipe().unwrap();
        writeln!(control, "{}", serde_json::to_string(&Down::Boot(Box::new(boot))).unwrap()).unwrap();
        let thread = thread::spawn(move || {
            let mut control = Control::new(theirs.into()).unwrap();
            match control.read_boot() {
                Ok(boot) => driver::run::<Toy>((), boot, control, note_writer.into()),
                Err(error) => control.refuse(error.to_string()),
            }
        });
        let ups = follow(control.try_clone().unwrap());
        Node { address, control, ups, notes: follow(note_reader), thread }
    }

    /// Starts a node, and has heard that it is ready: with how many records, and how many torn bytes.
    pub(crate) fn start(boot: Boot) -> (Self, (usize, u64)) {
        let node = Node::spawn(boot);
        match node.up() {
            Up::Ready { records, torn } => (node, (records, torn)),
            other => panic!("not ready: {other:?}"),
        }
    }

    pub(crate) fn tell(&mut self, down: &Down) {
        self.tell_raw(&serde_json::to_string(down).unwrap());
    }

    /// Lines that come at once.
    pub(crate) fn tell_raw(&mut self, lines: &str) {
        self.control.write_all(format!("{lines}\n").as_bytes()).unwrap();
    }

    pub(crate) fn arm(&mut self, id: u64, pattern: Value, action: TrapAction) {
        self.tell(&Down::Arm(Trap { id, pattern: serde_json::from_value(pattern).unwrap(), action }));
        // Whoever arms a trap and then acts through another socket has to know that it is armed.
        self.tell(&Down::Dump { id: 999, last: false });
        assert!(matches!(self.up(), Up::Dumped { id: 999, .. }));
    }

    /// The next thing that it tells the controller.
    pub(crate) fn up(&self) -> Up {
        self.ups.recv_timeout(PATIENCE).expect("the node says something")
    }

    /// What it has told the controller and nobody has taken.
    pub(crate) fn ups_so_far(&self) -> Vec<Up> {
        self.ups.try_iter().collect()
    }

    /// The next note.
    pub(crate) fn note(&self) -> NoteLine {
        self.notes.recv_timeout(PATIENCE).expect("the node notes something")
    }

    /// The next note of that name, with what it says; others are passed over.
    pub(crate) fn note_called(&self, name: &str) -> Value {
        loop {
            let line = self.note();
            if line.note.name == name {
                return Value::Object(line.note.fields.into());
            }
        }
    }

    /// Ends the node as a controller does, and returns its exit code and its last notes.
    pub(crate) fn stop(self) -> (i32, Vec<NoteLine>) {
        self.control.shutdown(std::net::Shutdown::Both).unwrap();
        self.wait()
    }

    /// Waits until the node has ended by itself.
    pub(crate) fn wait(self) -> (i32, Vec<NoteLine>) {
        let code = self.thread.join().expect("the node does not panic");
        (code, self.notes.iter().collect())
    }
}

/// Reads lines on a thread of their own, so that a test can wait for one with an end.
fn follow<T: serde::de::DeserializeOwned + Send + 'static>(source: impl Read + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            let item = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if sender.send(item).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Somebody at the other end of a TCP connection: a client, or a peer that the test plays.
pub(crate) struct Wire {
    name: String,
    peer: String,
    stream: BufReader<TcpStream>,
    serial: u64,
}

impl Wire {
    /// Connects to a node and is welcome.
    pub(crate) fn dial(name: &str, node: &str, address: SocketAddr) -> Self {
        let mut wire = Wire::over(TcpStream::connect(address).unwrap(), name, node);
        wire.send_hello(RUN, name, node);
        assert_eq!(wire.hello().to, name);
        wire
    }

    /// A client of n1.
    pub(crate) fn client(node: &Node) -> Self {
        Wire::dial("c1.1", "n1", node.address)
    }

    /// Waits for n1 to dial n2, and welcomes it.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let mut wire = Wire::over(listener.accept().unwrap().0, "n2", "n1");
        assert_eq!(wire.hello().to, "n2");
        wire.send_hello(RUN, "n2", "n1");
        wire
    }

    pub(crate) fn over(stream: TcpStream, name: &str, peer: &str) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire { name: name.to_owned(), peer: peer.to_owned(), stream: BufReader::new(stream), serial: 0 }
    }

    pub(crate) fn send_hello(&mut self, run: &str, from: &str, to: &str) {
        let hello = Hello { run: run.to_owned(), from: from.to_owned(), to: to.to_owned(), incarnation: None };
        self.send_raw(serde_json::to_string(&hello).unwrap().as_bytes());
    }

    pub(crate) fn hello(&mut self) -> Hello {
        serde_json::from_str(&self.line().expect("a hello")).unwrap()
    }

    pub(crate) fn send_raw(&mut self, line: &[u8]) {
        self.stream.get_mut().write_all(&[line, b"\n"].concat()).unwrap();
    }

    pub(crate) fn send(&mut self, body: &Value) {
        let envelope = json!({"src": self.name, "dest": self.peer, "body": body});
        self.send_raw(envelope.to_string().as_bytes());
    }

    /// The next line; none at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line came: {error}"),
        }
    }

    /// The next envelope.
    pub(crate) fn envelope(&mut self) -> Value {
        serde_json::from_str(&self.line().expect("an envelope")).unwrap()
    }

    /// The body of the next envelope.
    pub(crate) fn body(&mut self) -> Value {
        self.envelope()["body"].take()
    }

    /// Sends a request without waiting; its number.
    #[expect(clippy::needless_pass_by_value, reason = "tests write them where they call")]
    pub(crate) fn ask(&mut self, kind: &str, key: Value, value: Value) -> u64 {
        self.serial += 1;
        self.send(&json!({"type": kind, "msg_id": self.serial, "key": key, "value": value}));
        self.serial
    }

    /// Reads a key.
    pub(crate) fn read(&mut self, key: &str) -> Value {
        self.ask("read", json!(key), Value::Null);
        self.body()["value"].take()
    }

    /// Writes a key, and has the answer that it is done.
    pub(crate) fn write(&mut self, key: &str, value: Value) {
        let serial = self.ask("write", json!(key), value);
        assert_eq!(self.body(), json!({"type": "write_ok", "in_reply_to": serial}));
    }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
