//! Checking one entry and reading it into its typed form; everything that is wrong with it is remembered.

use std::collections::BTreeSet;
use std::time::Duration;

use schism_nodes::RequestKind;
use schism_nodes::config::parse_time;
use schism_nodes::note::NotePattern;
use serde_json::Value;

use crate::faults::messages::ByType;
use crate::faults::{Aims, Faults};
use crate::network::{Rule, Rung};
use crate::plan::args::Args;
use crate::plan::entry::{ACTIONS, Action, Start, Step};
use crate::plan::ground::Ground;
use crate::plan::problem::Problem;
use crate::plan::target::{Target, Targets, is_worker, no_node};
use crate::plan::{Entry, Plan};

/// Reads one entry and remembers everything that is wrong with it.
pub(crate) struct EntryReader<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) plan: &'a Plan,
    pub(crate) ground: &'a Ground,
    pub(crate) faults: &'a Faults,
    pub(crate) ids: &'a BTreeSet<u64>,
    pub(crate) at: String,
    pub(crate) problems: Vec<Problem>,
}

impl EntryReader<'_> {
    pub(crate) fn step(&mut self) -> Option<Step> {
        let (start, action) = (self.start(), self.action());
        let lasts = matches!(action, Some(Action::Fault { lasts: true, .. }));
        let duration = self.time("for", self.entry.duration.as_deref());
        if action.is_some() && !lasts && self.entry.duration.is_some() {
            let what = format!("{} is done at once and takes no \"for\"", self.entry.action);
            self.refuse("for", what, "leave it out");
        } else if duration == Some(Duration::ZERO) {
            self.refuse("for", "a fault cannot last no time at all", "such as 700ms");
        }
        Some(Step { id: self.entry.id, kind: self.entry.action.clone(), start: start?, action: action?, duration })
    }

    fn refuse(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}: {key}", self.at), what).hint(hint));
    }

    fn time(&mut self, key: &str, text: Option<&str>) -> Option<Duration> {
        let text = text?;
        let time = parse_time(text);
        if time.is_none() {
            self.refuse(key, format!("{text:?} is no time"), "such as 700ms or 5s");
        }
        time
    }

    fn start(&mut self) -> Option<Start> {
        let Entry { at, after, when, delay, .. } = self.entry;
        let added = self.time("delay", delay.as_deref()).unwrap_or_default();
        match (at, after, when) {
            (Some(at), None, None) => {
                if delay.is_some() {
                    self.refuse("delay", "delay goes with after or when", "put it into at");
                }
                self.time("at", Some(at)).map(Start::At)
            }
            (None, Some(other), None) => {
                self.reference("after", *other);
                Some(Start::After(*other, added))
            }
            (None, None, Some(pattern)) => {
                self.pattern(pattern);
                Some(Start::When(pattern.clone(), added))
            }
            (None, None, None) => {
                self.refuse("at", "nothing says when it starts", "add at = \"5s\", after = ID, or when = { note = … }");
                None
            }
            _ => {
                self.refuse("at", "more than one thing says when it starts", "keep one of at, after and when");
                None
            }
        }
    }

    fn pattern(&mut self, pattern: &NotePattern) {
        if let Some(node) = pattern.node.filter(|node| !self.ground.has(*node)) {
            self.problems.push(no_node(node, &self.ground.nodes, &format!("{}: when", self.at)));
        }
        if pattern.nth == 0 {
            self.refuse("when", "nth counts from 1", "leave it out for the first");
        }
    }

    fn reference(&mut self, key: &str, other: u64) {
        if !self.ids.contains(&other) {
            let known: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
            self.refuse(key, format!("there is no entry {other}"), format!("one of {}", known.join(", ")));
        } else if other == self.entry.id {
            self.refuse(key, "it refers to itself", "the id of another entry");
        }
    }

    fn action(&mut self) -> Option<Action> {
        match self.entry.action.as_str() {
            "request" => self.request(),
            "hold" => self.by_type(true),
            "deliver" => self.release(true),
            "drop" if self.entry.args.contains_key("entry") => self.release(false),
            "drop" => self.by_type(false),
            "fire" => self.fire(),
            "end" => self.end(),
            name => self.fault(name),
        }
    }

    fn fault(&mut self, name: &str) -> Option<Action> {
        let Some(kind) = self.faults.get(name) else {
            let mut known = self.faults.names();
            known.extend(ACTIONS);
            self.problems.push(Problem::unknown(format!("{}: do", self.at), "fault or action", name, &known));
            return None;
        };
        let info = kind.info();
        if let Some(why) = kind.refusal(self.ground) {
            self.refuse("do", format!("{name} is refused: {why}"), "leave the entry out");
        }
        let known: Vec<&str> = info.parameters.iter().map(|parameter| parameter.name).collect();
        let mut args = Args::new(&self.entry.args, name, &known, &self.at);
        let fault = kind.read(&mut args);
        self.problems.append(&mut args.finish());
        let targets = self.targets(info.on, info.aims, name)?;
        if let Some((what, hint)) = fault.mismatch(&targets) {
            self.refuse("on", what, hint);
        }
        Some(Action::Fault { fault, targets, lasts: info.lasts })
    }

    /// The entry's targets, or those it has by default.
    fn targets(&mut self, default: &str, aims: Aims, what: &str) -> Option<Targets> {
        let text = self.entry.on.as_deref().unwrap_or(default);
        let at = format!("{}: on", self.at);
        let targets = match Targets::parse(text, &self.ground.nodes, &at) {
            Ok(targets) => targets,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        self.check_that(&targets, "on");
        if let Some(stranger) = targets.0.iter().find(|target| !aims.accept(target, self.ground)) {
            self.refuse("on", format!("{what} cannot be done to {stranger}"), aims.words());
        }
        Some(targets)
    }

    fn check_that(&mut self, targets: &Targets, key: &str) {
        if targets.names_that() && self.entry.when.is_none() {
            self.refuse(key, "\"that\" is who made a note, and the entry has no when", "name a node or a role");
        }
    }

    fn request(&mut self) -> Option<Action> {
        let worker = match self.entry.on.as_deref() {
            Some(worker) if is_worker(worker) => Some(worker.to_owned()),
            _ => {
                self.refuse("on", "a request is made by one worker", "such as c1");
                None
            }
        };
        let mut args = Args::new(&self.entry.args, "request", &["node", "f", "key", "value"], &self.at);
        let (node, request) = (args.text("node"), request(&mut args, self.ground));
        if !args.has("node") && !self.ground.beside_clients {
            args.missing("node", "\"node\": \"n3\"");
        }
        self.problems.append(&mut args.finish());
        let Some(node) = node else {
            let beside = Targets(vec![Target::Worker(worker.clone()?)]);
            return Some(Action::Request { worker: worker?, node: beside, request: request? });
        };
        let node = self.contact(&node)?;
        Some(Action::Request { worker: worker?, node, request: request? })
    }

    /// The node at which a request is made.
    fn contact(&mut self, text: &str) -> Option<Targets> {
        let node = match Targets::parse(text, &self.ground.nodes, &format!("{}: node", self.at)) {
            Ok(node) => node,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        self.check_that(&node, "node");
        let beside = |worker: &Target| matches!(worker, Target::Worker(_)) && self.ground.beside_clients;
        let one = |target: &Target| matches!(target, Target::Node(_) | Target::Leader | Target::One | Target::That);
        if !matches!(node.0.as_slice(), [target] if one(target) || beside(target)) {
            self.refuse(
                "node",
                format!("a request is made at one node, and {node} is not one"),
                "such as n3 or leader",
            );
        }
        Some(node)
    }

    fn by_type(&mut self, hold: bool) -> Option<Action> {
        let name = if hold { "hold" } else { "drop" };
        let known: &[&str] = if hold { &["type", "count"] } else { &["type", "count", "entry"] };
        let mut args = Args::new(&self.entry.args, name, known, &self.at);
        let (kind, count) = (args.text("type"), args.count("count"));
        if kind.is_some() && self.ground.rung == Rung::Vnet {
            args.refuse("type", "given on vnet, which knows frames and no messages", "no type, or --net proxy");
        }
        self.problems.append(&mut args.finish());
        if self.entry.on.is_none() {
            self.refuse(
                "on",
                format!("nothing says which links {name} is for"),
                "such as n1->n3, or n1 for all of its links",
            );
        }
        let targets = self.targets("all", Aims::NodeLinks, name)?;
        let rule = if hold { Rule::Hold { kind, count } } else { Rule::Drop { kind, count } };
        Some(Action::Fault { fault: Box::new(ByType { rule }), targets, lasts: true })
    }

    fn release(&mut self, deliver: bool) -> Option<Action> {
        let mut args = Args::new(&self.entry.args, &self.entry.action, &["entry", "count"], &self.at);
        let (hold, count) = (args.count("entry"), args.count("count"));
        if !args.has("entry") {
            args.missing("entry", "\"entry\": 7, the id of a hold");
        }
        self.problems.append(&mut args.finish());
        self.no_targets();
        let hold = hold?;
        self.reference("entry", hold);
        if self.plan.entries.iter().any(|other| other.id == hold && other.action != "hold") {
            self.refuse("entry", format!("entry {hold} holds no messages"), "the id of a hold");
        }
        Some(Action::Release { hold, count, deliver })
    }

    fn fire(&mut self) -> Option<Action> {
        let mut args = Args::new(&self.entry.args, "fire", &["timer"], &self.at);
        let timer = args.text("timer");
        if !args.has("timer") {
            args.missing("timer", "\"timer\": \"Election\"");
        }
        self.problems.append(&mut args.finish());
        let targets = self.targets("one", Aims::Nodes, "fire")?;
        Some(Action::Fire { targets, timer: timer? })
    }

    fn end(&mut self) -> Option<Action> {
        let mut args = Args::new(&self.entry.args, "end", &["entry"], &self.at);
        let entry = args.count("entry");
        if !args.has("entry") {
            args.missing("entry", "\"entry\": 4, the id of the fault that ends");
        }
        self.problems.append(&mut args.finish());
        self.no_targets();
        let entry = entry?;
        self.reference("entry", entry);
        Some(Action::End { entry })
    }

    fn no_targets(&mut self) {
        if self.entry.on.is_some() {
            self.refuse("on", format!("{} has no targets of its own", self.entry.action), "leave it out");
        }
    }
}

/// What a worker asks.
fn request(args: &mut Args<'_>, ground: &Ground) -> Option<RequestKind> {
    let (f, key) = (args.text("f"), args.text("key"));
    for (name, example) in [("f", "\"f\": \"write\""), ("key", "\"key\": \"x\"")] {
        if !args.has(name) {
            args.missing(name, example);
        }
    }
    let (f, key) = (f?, key?);
    let served: Vec<&str> = ground.requests.iter().map(String::as_str).collect();
    if !served.contains(&f.as_str()) {
        args.refuse("f", &f, &format!("{} serves {}", ground.system, served.join(", ")));
        return None;
    }
    let value = args.value("value");
    match (f.as_str(), value) {
        ("read", None) => Some(RequestKind::Read { key }),
        ("write", Some(value)) => Some(RequestKind::Write { key, value: value.clone() }),
        ("peek", None) => Some(RequestKind::Peek { key }),
        ("delete", None) => Some(RequestKind::Delete { key }),
        ("add", Some(value)) => Some(RequestKind::Add { key, value: value.clone() }),
        ("remove", Some(value)) => Some(RequestKind::Remove { key, value: value.clone() }),
        ("append", Some(value)) => Some(RequestKind::Append { key, value: value.clone() }),
        ("enqueue", Some(value)) => Some(RequestKind::Enqueue { key, value: value.clone() }),
        ("list", None) => Some(RequestKind::List { key }),
        ("dequeue", None) => Some(RequestKind::Dequeue { key }),
        ("cas", Some(Value::Array(pair))) if pair.len() == 2 => {
            Some(RequestKind::Cas { key, from: pair[0].clone(), to: pair[1].clone() })
        }
        ("read" | "peek" | "delete" | "list" | "dequeue", Some(value)) => {
            args.refuse("value", &value.to_string(), &format!("a {f} has no value"));
            None
        }
        ("cas", Some(value)) => {
            args.refuse("value", &value.to_string(), "[FROM, TO]");
            None
        }
        ("write" | "add" | "remove" | "append" | "enqueue", None) => {
            args.missing("value", "\"value\": 5");
            None
        }
        ("cas", None) => {
            args.missing("value", "\"value\": [4, 5]");
            None
        }
        _ => {
            args.refuse("f", &f, "a plan makes no such request");
            None
        }
    }
}
