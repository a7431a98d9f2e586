//! The kinds of faults that there are, and which of them a command line means.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::faults::client_kill::ClientKillKind;
use crate::faults::clock::ClockKind;
use crate::faults::kill::KillKind;
use crate::faults::messages::MessageKind;
use crate::faults::partition::PartitionKind;
use crate::faults::pause::PauseKind;
use crate::faults::powerloss::PowerlossKind;
use crate::faults::swizzle::SwizzleKind;
use crate::faults::{Aims, FaultInfo, Kind};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::problem::{Problem, Problems};
use crate::plan::target::Targets;
use crate::spec::Spec;

/// What `standard` means.
pub const STANDARD: [&str; 3] = ["partition", "kill", "pause"];

/// What `all` does not mean: it is made of partitions, and would leave the plans of earlier seeds as they were no more.
const ASKED_FOR: [&str; 1] = ["swizzle"];

/// The kinds of faults that a harness knows, in the order in which they are listed.
#[derive(Clone)]
pub struct Faults {
    kinds: Vec<Kind>,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            kinds: vec![
                Arc::new(PartitionKind),
                Arc::new(KillKind),
                Arc::new(PowerlossKind),
                Arc::new(PauseKind),
                Arc::new(ClockKind),
                Arc::new(MessageKind::Delay),
                Arc::new(MessageKind::Loss),
                Arc::new(MessageKind::Duplicate),
                Arc::new(MessageKind::Reorder),
                Arc::new(MessageKind::Corrupt),
                Arc::new(MessageKind::Rate),
                Arc::new(ClientKillKind),
                Arc::new(SwizzleKind),
            ],
        }
    }
}

/// The built-in kinds of faults, for `schism list faults`.
pub fn catalog() -> Vec<FaultInfo> {
    Faults::default().infos()
}

impl Faults {
    /// With one more kind; one of the same name takes the old one's place.
    #[must_use]
    pub fn with(mut self, kind: Kind) -> Self {
        let name = kind.info().name;
        self.kinds.retain(|old| old.info().name != name);
        self.kinds.push(kind);
        self
    }

    /// What each kind says of itself.
    pub fn infos(&self) -> Vec<FaultInfo> {
        self.kinds.iter().map(|kind| kind.info()).collect()
    }

    /// The kind of that name.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.info().name == name)
    }

    /// The names of all kinds.
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.info().name).collect()
    }

    /// What `--faults LIST` means: names with commas, or `standard`, `all` (both as far as the system allows), `none`.
    pub fn expand(&self, list: &str, ground: &Ground) -> Result<Vec<Spec>, Problems> {
        let (mut names, mut problems) = (Vec::new(), Vec::new());
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "none" => {}
                "standard" => names.extend(STANDARD.into_iter().filter(|name| self.is_allowed(name, ground))),
                "all" => {
                    let all = self.names().into_iter().filter(|name| !ASKED_FOR.contains(name));
                    names.extend(all.filter(|name| self.is_allowed(name, ground)));
                }
                _ => match self.names().into_iter().find(|name| *name == word) {
                    Some(name) => names.push(name),
                    None => problems.push(self.unknown("--faults", word)),
                },
            }
        }
        let mut specs: Vec<Spec> = Vec::new();
        for name in names {
            if specs.iter().all(|spec| spec.name != name) {
                specs.push(Spec { name: name.to_owned(), params: BTreeMap::new() });
            }
        }
        if problems.is_empty() { Ok(specs) } else { Err(Problems(problems)) }
    }

    fn is_allowed(&self, name: &str, ground: &Ground) -> bool {
        self.get(name).is_some_and(|kind| kind.refusal(ground).is_none())
    }

    /// Everything that is wrong with the faults that a random plan is to draw from.
    pub fn check(&self, specs: &[Spec], ground: &Ground) -> Result<(), Problems> {
        let problems: Vec<Problem> = specs.iter().flat_map(|spec| self.check_one(spec, ground)).collect();
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }

    /// A name that nobody knows.
    pub(crate) fn unknown(&self, at: &str, name: &str) -> Problem {
        let mut known = self.names();
        known.extend(["standard", "all", "none"]);
        let problem = Problem::unknown(at, "fault", name, &known);
        let hint = problem.hint.clone().unwrap_or_default();
        problem.hint(format!("{hint} schism list faults shows them"))
    }

    fn check_one(&self, spec: &Spec, ground: &Ground) -> Vec<Problem> {
        let at = format!("--fault {spec}");
        let Some(kind) = self.get(&spec.name) else { return vec![self.unknown(&at, &spec.name)] };
        if let Some(why) = kind.refusal(ground) {
            return vec![Problem::new(at, format!("{} is refused: {why}", spec.name)).hint("leave it out")];
        }
        let info = kind.info();
        let given = parameters(spec);
        let own: Map<String, Value> = own_parameters(&given);
        let mut known: Vec<&str> = info.parameters.iter().map(|parameter| parameter.name).collect();
        known.push("on");
        if info.lasts {
            known.push("for");
        }
        if info.aims == Aims::Nodes && info.lasts {
            known.push("note");
        }
        let mut args = Args::new(&given, info.name, &known, &at);
        args.time("for");
        let mut problems = args.finish();
        // A kind refuses what it cannot do with nothing (a clock that is right); a random plan draws what is not fixed.
        if !own.is_empty() {
            let names: Vec<&str> = known.clone();
            let mut args = Args::new(&own, info.name, &names, &at);
            let fault = kind.read(&mut args);
            problems.extend(args.finish());
            let targets = given.get("on").and_then(Value::as_str).unwrap_or(info.on);
            if let Ok(targets) = Targets::parse(targets, &ground.nodes, &at) {
                problems.extend(fault.mismatch(&targets).map(|(what, hint)| Problem::new(&at, what).hint(hint)));
            }
        }
        problems.dedup();
        problems.extend(given.get("on").and_then(|on| wrong_targets(on, &info, ground, &at)));
        problems
    }
}

/// What is wrong with the targets of a fault.
fn wrong_targets(on: &Value, info: &FaultInfo, ground: &Ground, at: &str) -> Option<Problem> {
    let at = format!("{at}: on");
    let targets = match Targets::parse(on.as_str()?, &ground.nodes, &at) {
        Ok(targets) => targets,
        Err(problem) => return Some(problem),
    };
    if targets.names_that() {
        return Some(
            Problem::new(at, "\"that\" is for entries of a plan that start when a note matches").hint("name a role"),
        );
    }
    let stranger = targets.0.iter().find(|target| !info.aims.accept(target, ground))?;
    Some(Problem::new(at, format!("{} cannot be done to {stranger}", info.name)).hint(info.aims.words()))
}

/// The parameters of a fault of the command line as those of an entry. Several targets are a JSON list there, since a comma
/// would end the value: `on=["n1","n2"]`.
pub(crate) fn parameters(spec: &Spec) -> Map<String, Value> {
    let targets =
        |text: &str| serde_json::from_str::<Vec<String>>(text).map_or_else(|_| text.to_owned(), |list| list.join(","));
    let value = |name: &str, text: &str| if name == "on" { targets(text) } else { text.to_owned() };
    spec.params.iter().map(|(name, text)| (name.clone(), Value::String(value(name, text)))).collect()
}

/// The parameters without those that all kinds have.
pub(crate) fn own_parameters(given: &Map<String, Value>) -> Map<String, Value> {
    given
        .iter()
        .filter(|(name, _)| !["on", "for", "note"].contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schism_nodes::{LinkOrder, NodeId};

    use super::*;
    use crate::network::Rung;

    fn ground(links: LinkOrder) -> Ground {
        Ground {
            system: "raft".to_owned(),
            nodes: NodeId::universe(3),
            beside_clients: false,
            has_leader: true,
            links,
            requests: Vec::new(),
            rung: Rung::Proxy,
            recovery: Duration::from_millis(500),
            ours: true,
        }
    }

    fn names(list: &str, links: LinkOrder) -> Vec<String> {
        Faults::default().expand(list, &ground(links)).unwrap().into_iter().map(|spec| spec.name).collect()
    }

    #[test]
    fn lists_name_kinds_and_groups() {
        assert_eq!(names("standard", LinkOrder::Any), STANDARD);
        assert_eq!(names("kill, clock,kill,", LinkOrder::Any), ["kill", "clock"]);
        assert_eq!(names("none", LinkOrder::Any), [""; 0]);
        // Two kinds need a network that knows bits, and one is asked for by its name.
        assert_eq!(names("all", LinkOrder::Any).len(), catalog().len() - 3);
        assert_eq!(names("all", LinkOrder::Fifo).len(), catalog().len() - 5);
        assert_eq!(names("swizzle", LinkOrder::Any), ["swizzle"]);
        let refused = Faults::default().expand("kil,earthquake", &ground(LinkOrder::Any)).unwrap_err();
        assert_eq!(refused.0.len(), 2);
        assert!(refused.0[0].hint.as_ref().unwrap().contains("did you mean kill?"));
    }

    #[test]
    fn faults_with_parameters_are_checked() {
        let check = |name: &str, params: &[(&str, &str)], links| {
            let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let checked = Faults::default().check(&[Spec { name: name.to_owned(), params }], &ground(links));
            checked.map_err(|problems| problems.to_string())
        };
        let any = LinkOrder::Any;
        assert_eq!(check("partition", &[("shape", "majority"), ("on", "leader")], any), Ok(()));
        assert_eq!(check("clock", &[("offset", "500ms"), ("rate", "1.01")], any), Ok(()));
        assert_eq!(check("clock", &[("on", "leader")], any), Ok(()));
        assert_eq!(check("kill", &[("on", "[\"n1\",\"n2\"]"), ("for", "2s")], any), Ok(()));
        for (name, params, what) in [
            ("loss", ("share", "0"), "above 0"),
            ("loss", ("sahre", "0.1"), "did you mean share?"),
            ("kil", ("on", "one"), "did you mean kill?"),
            ("kill", ("on", "c1"), "cannot be done to c1"),
            ("kill", ("on", "that"), "when a note matches"),
            ("kill", ("for", "x"), "a time"),
            ("client-kill", ("for", "1s"), "no parameter"),
        ] {
            let refused = check(name, &[params], any).unwrap_err();
            assert!(refused.contains(what), "{refused:?} does not say {what:?}");
        }
        assert!(check("reorder", &[], LinkOrder::Fifo).unwrap_err().contains("in order"));
    }
}
