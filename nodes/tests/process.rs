//! A node as a process of its own: what it inherits, how it ends, and what a SIGKILL leaves.
//!
//! This program starts itself as the node.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

#[path = "driver/toy.rs"]
mod toy;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, PipeReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use schism_nodes::NodeId;
use schism_nodes::control::{Boot, ClockFault, Down, Storage, Trap, TrapAction, Up, exit};
use schism_nodes::driver;
use schism_nodes::note::{NoteLine, NotePattern};
use schism_nodes::wire::Hello;
use serde_json::{Map, Value, json};

/// Set for the node.
const IS_NODE: &str = "SCHISM_TEST_NODE";
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    if std::env::var_os(IS_NODE).is_some() {
        let (mut control, notes) = driver::inherited().expect("the test gives a control socket and a note pipe");
        let boot = control.read_boot().expect("the test sends a boot line");
        std::process::exit(driver::run::<toy::Toy>((), boot, control, notes));
    }
    what_was_answered_survives_a_sigkill();
    a_crash_point_exits_with_its_code();
    the_end_of_the_controller_ends_the_process();
    ExitCode::SUCCESS
}

fn what_was_answered_survives_a_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), 1);
    let mut client = node.client();
    for number in 1..=50 {
        assert_eq!(write(&mut client, &format!("key-{number}"), number).unwrap()["body"]["type"], "write_ok");
    }
    node.process.kill().unwrap();
    assert_eq!(node.process.wait().unwrap().signal(), Some(9));

    let mut node = Node::start(folder.path(), 2);
    let started: NoteLine = serde_json::from_str(&node.notes.next().unwrap().unwrap()).unwrap();
    assert_eq!((started.incarnation, started.seq, started.note.to_string().as_str()), (2, 1, "started{records=50}"));
    node.end();
}

fn a_crash_point_exits_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(folder.path(), 1);
    let pattern = NotePattern { note: "gone".to_owned(), node: None, fields: Map::new(), nth: 1 };
    node.tell(&Down::Arm(Trap { id: 1, pattern, action: TrapAction::Crash }));
    node.tell(&Down::Dump { id: 1, last: false });
    assert!(matches!(node.up(), Up::Dumped { .. }));
    drop(node.client());
    assert_eq!(node.process.wait().unwrap().code(), Some(exit::CRASH_POINT));
}

fn the_end_of_the_controller_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    Node::start(folder.path(), 1).end();
}

/// A node's process, as its controller sees it.
struct Node {
    process: Child,
    control: UnixStream,
    ups: Lines<BufReader<UnixStream>>,
    notes: Lines<BufReader<PipeReader>>,
    address: std::net::SocketAddr,
}

impl Node {
    fn start(data: &Path, incarnation: u64) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (control, theirs) = UnixStream::pair().unwrap();
        let (notes, note_writer) = std::io::pipe().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(IS_NODE, "1").stdin(OwnedFd::from(theirs)).stdout(note_writer);
        let process = command.spawn().unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        let ups = BufReader::new(control.try_clone().unwrap()).lines();
        let mut node = Node { process, control, ups, notes: BufReader::new(notes).lines(), address };
        node.tell(&Down::Boot(Box::new(boot(data, incarnation, address))));
        assert!(matches!(node.up(), Up::Ready { torn: 0, .. }));
        node
    }

    fn tell(&mut self, down: &Down) {
        writeln!(self.control, "{}", serde_json::to_string(down).unwrap()).unwrap();
    }

    fn up(&mut self) -> Up {
        serde_json::from_str(&self.ups.next().expect("the node says something").unwrap()).unwrap()
    }

    fn client(&self) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let hello = Hello { run: "run".to_owned(), from: "c1.1".to_owned(), to: "n1".to_owned(), incarnation: None };
        writeln!(stream, "{}", serde_json::to_string(&hello).unwrap()).unwrap();
        let mut client = BufReader::new(stream);
        assert_eq!(line(&mut client).unwrap()["to"], "c1.1");
        client
    }

    /// Closes the control socket, as the death of a controller does.
    fn end(mut self) {
        self.control.shutdown(std::net::Shutdown::Both).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(exit::DONE));
    }
}

fn boot(data: &Path, incarnation: u64, listen: std::net::SocketAddr) -> Boot {
    Boot {
        format: 1,
        run: "run".to_owned(),
        node: NodeId(1),
        incarnation,
        nodes: 1,
        protocol: "toy".to_owned(),
        params: BTreeMap::new(),
        listen,
        peers: BTreeMap::new(),
        seed: "00".repeat(32),
        data: data.to_owned(),
        storage: Storage { sync: true, batch: 64, flush_ms: 200 },
        clock: ClockFault::default(),
        traps: vec![],
    }
}

fn write(client: &mut BufReader<TcpStream>, key: &str, value: u64) -> Option<Value> {
    let body = json!({"type": "write", "msg_id": value, "key": key, "value": value});
    writeln!(client.get_mut(), "{}", json!({"src": "c1.1", "dest": "n1", "body": body})).unwrap();
    line(client)
}

fn line(client: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    serde_json::from_str(&line).ok()
}
