//! What a manifest says: a system under test as data, in TOML. How it is started, when it is ready, what it serves and
//! promises, and who asks it. It knows no process and no socket.

mod check;
pub mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use schism_nodes::NodeId;
use schism_nodes::config::{Consistency, parse_time};
use serde::Deserialize;

use crate::spec::Spec;

pub use check::{Fault, Faults};
pub use template::{Scene, TemplateError};

/// A manifest, as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Always `system`.
    pub kind: String,
    /// What the system is called.
    pub name: String,
    /// A sentence.
    #[serde(default)]
    pub about: String,
    /// How many nodes where nobody says.
    #[serde(default = "three")]
    pub nodes: u16,
    /// The command line of a node, with templates.
    pub command: Vec<String>,
    /// What its environment has besides PATH, LANG, HOME and TMPDIR, with templates.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Names of our own environment that are passed on, never stored and masked wherever they would be written.
    #[serde(default)]
    pub secret: Vec<String>,
    /// Ports by name, the same on the address of each node. Clients ask at `client`.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// Files in the folder of a node, written before each start, with templates.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Commands in the folder of a node, before its first start and after its disk was wiped.
    #[serde(default)]
    pub prepare: Vec<Vec<String>>,
    /// What shows that a node has started, all of it. Where nothing is said, that its process runs.
    #[serde(default)]
    pub ready: Vec<Ready>,
    /// How long that may take.
    #[serde(default)]
    pub ready_within: Option<String>,
    /// Commands in the run folder, once, when all nodes have started for the first time.
    #[serde(default)]
    pub once: Vec<Vec<String>>,
    /// Texts that no line of a healthy node's log has: a panic, an assertion.
    #[serde(default)]
    pub failures: Vec<String>,
    /// How a node is asked to end.
    #[serde(default)]
    pub stop: Stop,
    /// Whether the server refuses to run as root, and is to see itself as somebody else.
    #[serde(default)]
    pub unprivileged: bool,
    /// Who asks.
    #[serde(default)]
    pub client: Option<ClientChoice>,
    /// The request types that are served: `read`, `write`, `cas`, `add`.
    pub requests: Vec<String>,
    /// What the system promises its clients.
    pub promise: Promise,
    /// How long it typically takes to serve again after a fault.
    pub recovery: String,
    /// How a node is asked whether it leads.
    #[serde(default)]
    pub leader: Option<Leader>,
    /// The command that tells the version of the program.
    #[serde(default)]
    pub version: Vec<String>,
    /// Programs that it runs besides the first word of `command`: what was tested, where that is a shell.
    #[serde(default)]
    pub programs: Vec<String>,
    /// How its program is had, for somebody whose machine lacks it.
    #[serde(default)]
    pub install: String,
    /// What can be chosen on the command line, and is used in templates.
    #[serde(default)]
    pub parameters: BTreeMap<String, Choice>,
    /// What is different at some nodes.
    #[serde(default, rename = "node")]
    pub others: Vec<Other>,
}

/// What shows that a node has started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ready {
    /// A connection to a port is accepted.
    Tcp {
        /// The port's name.
        tcp: String,
    },
    /// A GET is answered with 200.
    Http {
        /// The path.
        http: String,
        /// The port's name.
        port: String,
        /// What the answer contains.
        #[serde(default)]
        contains: String,
    },
    /// A command exits with 0.
    Command {
        /// The command, with templates.
        command: Vec<String>,
    },
    /// A line of the log contains a text.
    Log {
        /// The text.
        log: String,
    },
}

/// How a node is asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Stop {
    /// The signal: TERM, INT, QUIT or KILL.
    pub signal: String,
    /// How long it may take to obey before it is killed.
    pub within: String,
}

impl Default for Stop {
    fn default() -> Self {
        Stop { signal: "TERM".to_owned(), within: "1s".to_owned() }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ClientChoice {
    /// A program of one's own, which speaks JSON lines on its standard streams.
    Command {
        /// Its command line.
        command: Vec<String>,
    },
    /// A client that comes with Schism.
    Driver {
        /// Its name.
        driver: String,
        /// What it has to know, with templates.
        #[serde(default)]
        options: BTreeMap<String, String>,
        /// For `http`: what each request is.
        #[serde(default)]
        http: BTreeMap<String, HttpRequest>,
    },
}

/// One kind of request of the client `http`, with the templates `${key}`, `${value}`, `${from}` and `${to}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// Headers besides Host, Content-Length and Connection.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The statuses that mean that it was done.
    pub ok: Vec<u16>,
    /// The statuses that mean that it certainly was not.
    #[serde(default)]
    pub fail: Vec<u16>,
    /// The statuses that mean, to a read, that there is no value.
    #[serde(default)]
    pub absent: Vec<u16>,
    /// Where the value is in the JSON of an answer to a read: `/node/value`. The whole body where absent.
    #[serde(default)]
    pub value: Option<String>,
}

/// What a system promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// Nothing about the freshness of reads.
    None,
    /// No effect before its cause.
    Causal,
    /// Reads see the last write that is over.
    Regular,
    /// Operations take effect one by one.
    Linearizable,
}

/// How a node is asked whether it leads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Leader {
    /// The driver knows how.
    Driver {
        /// Always true.
        driver: bool,
    },
    /// A command that exits with 0 at a leader.
    Command {
        /// The command, with templates.
        command: Vec<String>,
    },
    /// The answer to a GET contains a text at a leader.
    Http {
        /// The path.
        http: String,
        /// The port's name.
        port: String,
        /// The text.
        contains: String,
    },
}

/// What can be chosen on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What it is where nothing is said.
    pub default: String,
    /// What it may be; anything where empty.
    #[serde(default)]
    pub values: Vec<String>,
    /// A sentence.
    #[serde(default)]
    pub about: String,
    /// What the system promises with one of the values, where that is something else.
    #[serde(default)]
    pub promise: BTreeMap<String, Promise>,
}

/// What is different at some nodes: another version of the program, another role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Other {
    /// Which nodes.
    pub on: Vec<String>,
    /// Their command line, where it is another one.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// What their environment has besides, or instead.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files that they have besides, or instead.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Commands before their first start, in place of those that all have.
    #[serde(default)]
    pub prepare: Option<Vec<Vec<String>>>,
}

fn three() -> u16 {
    3
}

impl Manifest {
    /// Reads a manifest; everything that is wrong with it is told at once.
    pub fn read(text: &str) -> Result<Self, Faults> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            Faults(vec![Fault { line: Some(line), what: error.message().to_owned() }])
        })?;
        check::check(&manifest)?;
        Ok(manifest)
    }

    /// The command line of a node.
    pub fn command_of(&self, node: NodeId) -> &[String] {
        self.others_of(node).find_map(|other| other.command.as_deref()).unwrap_or(&self.command)
    }

    /// The environment of a node, but for its secrets.
    pub fn environment_of(&self, node: NodeId) -> BTreeMap<String, String> {
        let own = self.others_of(node).flat_map(|other| other.environment.clone());
        self.environment.clone().into_iter().chain(own).collect()
    }

    /// The files of a node.
    pub fn files_of(&self, node: NodeId) -> BTreeMap<String, String> {
        let own = self.others_of(node).flat_map(|other| other.files.clone());
        self.files.clone().into_iter().chain(own).collect()
    }

    /// The commands before the first start of a node.
    pub fn prepare_of(&self, node: NodeId) -> &[Vec<String>] {
        self.others_of(node).find_map(|other| other.prepare.as_deref()).unwrap_or(&self.prepare)
    }

    fn others_of(&self, node: NodeId) -> impl Iterator<Item = &Other> {
        let name = node.to_string();
        self.others.iter().filter(move |other| other.on.contains(&name))
    }

    /// Every command line by which a node may be started, the common one first.
    pub fn commands(&self) -> Vec<&[String]> {
        let others = self.others.iter().filter_map(|other| other.command.as_deref());
        std::iter::once(self.command.as_slice()).chain(others).collect()
    }

    /// The parameters, those that were given and the defaults of the rest.
    pub fn parameters(&self, given: &Spec) -> BTreeMap<String, String> {
        let chosen = |name: &String, choice: &Choice| given.params.get(name).unwrap_or(&choice.default).clone();
        self.parameters.iter().map(|(name, choice)| (name.clone(), chosen(name, choice))).collect()
    }

    /// What it promises with these parameters: the weakest of what each of them leaves.
    pub fn promise(&self, parameters: &BTreeMap<String, String>) -> Consistency {
        let of = |name: &String, choice: &Choice| choice.promise.get(parameters.get(name)?).copied();
        let weaker = self.parameters.iter().filter_map(|(name, choice)| of(name, choice)).map(Consistency::from);
        weaker.chain([self.promise.into()]).min().unwrap_or(Consistency::None)
    }

    /// How long it takes to serve again after a fault.
    pub fn recovery(&self) -> Duration {
        parse_time(&self.recovery).unwrap_or(Duration::from_secs(1))
    }

    /// How long a node may take to start.
    pub fn ready_within(&self) -> Duration {
        self.ready_within.as_deref().and_then(parse_time).unwrap_or(Duration::from_secs(30))
    }
}

impl From<Promise> for Consistency {
    fn from(promise: Promise) -> Self {
        match promise {
            Promise::None => Consistency::None,
            Promise::Causal => Consistency::Causal,
            Promise::Regular => Consistency::Regular,
            Promise::Linearizable => Consistency::Linearizable,
        }
    }
}
