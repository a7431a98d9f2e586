//! One life of a node: its process, and the controller's end of its control socket. A life is started once and ends
//! once; what its end means is not decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use schism_nodes::control::{Down, Up};
use schism_nodes::{Incarnation, NodeId};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};

use crate::cluster::body::Body;
use crate::cluster::process_state::ProcessState;
use crate::lines::Lines;

/// How many commands may wait for a node that does not read them.
const COMMANDS_WAITING: usize = 4_096;
/// The longest line that a node may send up; dumps are the longest.
const UP_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Locks, also after a panic elsewhere: what is kept behind these locks is never half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a life has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not said anything yet.
    Starting,
    /// It listens, with so many records that survived and so many torn bytes cut off.
    Ready { records: usize, torn: u64 },
    /// Its process is gone.
    Ended(ExitStatus),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The node said no.
    Refused(String),
    /// The node ended, or does not read its control socket any more.
    Ended,
    /// It did not answer in time.
    Late(Duration),
}

/// A question that was asked.
#[derive(Debug)]
pub(crate) struct Question {
    id: u64,
    answer: oneshot::Receiver<Up>,
}

#[derive(Debug, Default)]
struct OpenQuestions {
    /// The last id that was given out. 0 is the boot's.
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Up>>,
}

/// One incarnation of a node.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) node: NodeId,
    pub(crate) incarnation: Incarnation,
    /// Where its part of the log begins.
    pub(crate) log_start: u64,
    commands: Mutex<Option<mpsc::Sender<Down>>>,
    questions: Mutex<OpenQuestions>,
    child: OnceLock<Mutex<Child>>,
    /// What its process is to the machine.
    body: Body,
    stage: watch::Sender<Stage>,
    /// Why it cannot start, in its own words. It ends after that.
    pub(crate) refusal: OnceLock<String>,
    /// What is known of it as somebody else's server, which has no control socket.
    pub(crate) server: Option<ServerLife>,
}

/// What a life is asked that nobody of ours listens to.
#[derive(Debug)]
pub(crate) struct ServerLife {
    /// By which it is asked to end.
    pub(crate) stop: Signal,
    /// How long it may take to obey.
    pub(crate) within: Duration,
    /// Which of the texts that show that it is ready its log has had.
    pub(crate) heard: Mutex<BTreeSet<String>>,
}

/// The controller's end of a control socket, to be served by [`Life::write`] and [`Life::read`].
#[derive(Debug)]
pub(crate) struct ControlEnd {
    socket: UnixStream,
    commands: mpsc::Receiver<Down>,
}

impl Life {
    /// A life that is about to start, our end of its control socket, and the node's end.
    pub(crate) fn prepare(
        node: NodeId,
        incarnation: Incarnation,
        log_start: u64,
        body: Body,
        server: Option<ServerLife>,
    ) -> io::Result<(Life, ControlEnd, StdUnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (sender, commands) = mpsc::channel(COMMANDS_WAITING);
        let life = Life {
            node,
            incarnation,
            log_start,
            commands: Mutex::new(Some(sender)),
            questions: Mutex::default(),
            child: OnceLock::new(),
            body,
            stage: watch::Sender::new(Stage::Starting),
            refusal: OnceLock::new(),
            server,
        };
        Ok((life, ControlEnd { socket: UnixStream::from_std(ours)?, commands }, theirs))
    }

    /// The process has been started.
    pub(crate) fn started(&self, child: Child) {
        assert!(self.child.set(Mutex::new(child)).is_ok(), "a life is started once");
    }

    /// Its process, while that has not been reaped.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.get().and_then(|child| lock(child).id())
    }

    /// Sends a signal; false if the process was gone. A process is reaped under the same lock, so that a signal never
    /// meets another process that got its number.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(child) = self.child.get() else { return Ok(false) };
        let child = lock(child);
        let Some(pid) = child.id() else { return Ok(false) };
        self.body.signal(pid, signal)?;
        Ok(true)
    }

    /// Ends what a server that has ended, as process `pid`, has left running in its group.
    pub(crate) fn sweep(&self, pid: Option<u32>) {
        if let (Body::Group, Some(pid)) = (self.body, pid) {
            // Mostly nobody is left there.
            let _ = self.body.signal(pid, Signal::SIGKILL);
        }
    }

    /// Asks it to end: a node of ours by the end of its control socket, a server by its signal. How long it may take.
    pub(crate) fn ask_to_end(&self, grace: Duration) -> Duration {
        self.hang_up();
        let Some(server) = &self.server else { return grace };
        // One that is gone needs nothing.
        let _ = self.signal(server.stop);
        server.within
    }

    /// What its process does; gone once it has been reaped.
    pub(crate) fn state(&self) -> io::Result<ProcessState> {
        self.pid().map_or(Ok(ProcessState::Gone), |pid| self.body.state(pid))
    }

    /// Waits for the process to end, and reaps it.
    pub(crate) async fn wait(&self) -> io::Result<ExitStatus> {
        let child = self.child.get().expect("only a life that was started is waited for");
        poll_fn(|cx| {
            let mut child = lock(child);
            pin!(child.wait()).poll(cx)
        })
        .await
    }

    /// Remembers how far it has come, and tells those who wait for that.
    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Waits until `reached` holds of its stage, but not longer than `limit`; the stage then.
    pub(crate) async fn reached(&self, limit: Duration, reached: impl FnMut(&Stage) -> bool) -> Option<Stage> {
        let mut stage = self.stage.subscribe();
        let found = tokio::time::timeout(limit, stage.wait_for(reached)).await.ok()?;
        found.ok().map(|stage| stage.clone())
    }

    /// How its process ended, at the latest after `limit`.
    pub(crate) async fn exited(&self, limit: Duration) -> Option<ExitStatus> {
        match self.reached(limit, |stage| matches!(stage, Stage::Ended(_))).await {
            Some(Stage::Ended(status)) => Some(status),
            _ => None,
        }
    }

    /// Sends a command; false if the node does not take commands any more.
    pub(crate) fn tell(&self, command: Down) -> bool {
        lock(&self.commands).as_ref().is_some_and(|commands| commands.try_send(command).is_ok())
    }

    /// Ends the control socket, by which the node ends.
    pub(crate) fn hang_up(&self) {
        lock(&self.commands).take();
    }

    /// Asks something, under an id of its own. Commands that were sent before have been carried out when the answer
    /// comes.
    pub(crate) fn ask(&self, command: impl FnOnce(u64) -> Down) -> Question {
        let (sender, answer) = oneshot::channel();
        let mut questions = lock(&self.questions);
        questions.last += 1;
        let id = questions.last;
        if self.tell(command(id)) {
            questions.waiting.insert(id, sender);
        }
        Question { id, answer }
    }

    /// Waits for the answer to a question.
    pub(crate) async fn answer(&self, question: Question, limit: Duration) -> Result<Up, Unanswered> {
        match tokio::time::timeout(limit, question.answer).await {
            Ok(Ok(Up::Refused { why, .. })) => Err(Unanswered::Refused(why)),
            Ok(Ok(up)) => Ok(up),
            Ok(Err(_)) => Err(Unanswered::Ended),
            Err(_) => {
                lock(&self.questions).waiting.remove(&question.id);
                Err(Unanswered::Late(limit))
            }
        }
    }

    /// Hands an answer to whoever asked.
    pub(crate) fn answered(&self, id: u64, up: Up) {
        if let Some(asker) = lock(&self.questions).waiting.remove(&id) {
            // Whoever asked may have given up.
            let _ = asker.send(up);
        }
    }

    /// No more answers will come.
    fn no_more_answers(&self) {
        self.hang_up();
        lock(&self.questions).waiting.clear();
    }

    /// Reads the control socket to its end, and hands over what the node says. A line that is no message is handed over
    /// as a text.
    pub(crate) async fn read(&self, socket: OwnedReadHalf, mut heard: impl FnMut(Result<Up, String>)) {
        let mut lines = Lines::new(BufReader::new(socket), UP_LINE_BYTES);
        while let Ok(Some(line)) = lines.next().await {
            heard(serde_json::from_slice(line).map_err(|_| String::from_utf8_lossy(line).into_owned()));
        }
        self.no_more_answers();
    }
}

impl ControlEnd {
    /// The half to read, and a task that writes commands until the life hangs up.
    pub(crate) fn split(self) -> OwnedReadHalf {
        let (read, write) = self.socket.into_split();
        tokio::spawn(write_commands(write, self.commands));
        read
    }
}

/// Ends when nobody sends commands any more, or the node does not read them; the half that is dropped is then the end of
/// file for the node.
async fn write_commands(mut socket: OwnedWriteHalf, mut commands: mpsc::Receiver<Down>) {
    while let Some(command) = commands.recv().await {
        let mut line = serde_json::to_vec(&command).expect("commands have string keys only");
        line.push(b'\n');
        if socket.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// How a process ended, in words.
pub(crate) fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown cause".to_owned(),
    }
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unanswered::Refused(why) => write!(f, "refused: {why}"),
            Unanswered::Ended => f.write_str("ended before it answered"),
            Unanswered::Late(limit) => write!(f, "did not answer within {} ms", limit.as_millis()),
        }
    }
}
