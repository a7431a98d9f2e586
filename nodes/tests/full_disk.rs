//! A disk that fills up while a node runs. The limit on a file's size that stands for it holds for a whole process, so this
//! test is alone in its own, and lifts the limit before it ends: what prints the result may write to a long file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use schism_nodes::control::{Boot, ClockFault, Storage, Up, exit};
use schism_nodes::driver::{self, Control};
use schism_nodes::*;

/// Persists at each tick, for ever.
struct Writer;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tick;

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tick")
    }
}

impl FromStr for Tick {
    type Err = ();

    fn from_str(_: &str) -> Result<Self, ()> {
        Ok(Tick)
    }
}

impl Protocol for Writer {
    type Config = ();
    type Message = String;
    type Timer = Tick;
    type Record = String;

    fn info() -> ProtocolInfo {
        ProtocolInfo {
            name: "writer",
            about: "writes until the disk is full",
            parameters: vec![],
            bugs: vec![],
            requests: vec![],
            has_leader: false,
            links: LinkOrder::Any,
            recovery: Duration::ZERO,
        }
    }

    fn configure(_: &Params, _: u16) -> Result<(), ConfigError> {
        Ok(())
    }

    fn start((): (), _: Vec<String>, cx: &mut Cx<'_, Self>) -> Self {
        cx.set_timer(Tick, Duration::ZERO);
        Writer
    }

    fn on_message(&mut self, _: NodeId, _: String, _: &mut Cx<'_, Self>) {}

    fn on_timer(&mut self, _: Tick, cx: &mut Cx<'_, Self>) {
        cx.persist("x".repeat(1000));
        cx.set_timer(Tick, Duration::ZERO);
    }

    fn on_request(&mut self, _: RequestId, _: ClientId, _: Request, _: &mut Cx<'_, Self>) {}

    fn status(&self) -> String {
        String::new()
    }

    fn dump(&self) -> Dump {
        Dump::new()
    }
}

/// The limit on the size of files that this process writes; as before when it is dropped.
struct SmallFiles {
    before: rlim_t,
}

impl SmallFiles {
    /// Beyond `bytes` a write of this thread, and of those that it starts, is refused with an error.
    fn limited_to(bytes: rlim_t) -> Self {
        // The signal that comes with the error would end the process.
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGXFSZ);
        blocked.thread_block().expect("a thread may block its own signals");
        let (before, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("limits can be read");
        setrlimit(Resource::RLIMIT_FSIZE, bytes, hard).expect("a limit may be lowered");
        Self { before }
    }
}

impl Drop for SmallFiles {
    fn drop(&mut self) {
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("limits can be read");
        setrlimit(Resource::RLIMIT_FSIZE, self.before, hard).expect("a limit may rise up to the hard one");
    }
}

#[test]
fn a_disk_that_fills_up_ends_the_node_which_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (controller, socket) = UnixStream::pair().unwrap();
    let (_notes, note_writer) = std::io::pipe().unwrap();
    let boot = Boot {
        format: 1,
        run: "run".to_owned(),
        node: NodeId(1),
        incarnation: 1,
        nodes: 1,
        protocol: "writer".to_owned(),
        params: BTreeMap::new(),
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: BTreeMap::new(),
        seed: "00".repeat(32),
        data: folder.path().to_owned(),
        storage: Storage { sync: true, batch: 8, flush_ms: 200 },
        clock: ClockFault::default(),
        traps: vec![],
    };

    let limit = SmallFiles::limited_to(100_000);
    let code = driver::run::<Writer>((), boot, Control::new(socket.into()).unwrap(), note_writer.into());
    drop(limit);
    assert_eq!(code, exit::DISK_FAILED);
    let ups: Vec<Up> =
        BufReader::new(controller).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let [Up::Ready { .. }, Up::DiskFailed { error }] = ups.as_slice() else { panic!("{ups:?}") };
    assert!(error.contains(&folder.path().join("wal").display().to_string()), "{error}");
    assert_eq!(fs_err::metadata(folder.path().join("wal")).unwrap().len(), 100_000, "the last write was torn");
}
