//! Commands for nodes: timers, clocks, crashes, and looking inside.

use std::error::Error;
use std::time::Duration;

use goldenscript::{ArgumentConsumer, Command};
use schism_nodes::config::parse_time;
use schism_nodes::{Event, NodeId, Protocol};

use super::Output;
use super::cluster::{Cluster, line};
use crate::common::Loss;

fn node<P: Protocol>(cluster: &Cluster<P>, args: &mut ArgumentConsumer<'_>) -> Result<NodeId, Box<dyn Error>> {
    let id = args.next_pos().ok_or("which node?")?.parse()?;
    if cluster.machines.contains_key(&id) { Ok(id) } else { Err(format!("there is no {id}").into()) }
}

fn time(args: &mut ArgumentConsumer<'_>) -> Result<Duration, Box<dyn Error>> {
    let text = args.next_pos().ok_or("how long?")?;
    parse_time(text).ok_or_else(|| format!("{text:?} is no time").into())
}

/// `fire n1 Election`: a timer expires, whether it runs or not. `fire n1` fires all that run.
pub(super) fn fire<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let id = node(cluster, &mut args)?;
    let timers: Vec<P::Timer> = match args.next_pos() {
        Some(name) => vec![name.parse().map_err(|_| format!("there is no timer {name:?}"))?],
        None => cluster.machine(id).timers.keys().cloned().collect(),
    };
    args.reject_next()?;
    let mut output = String::new();
    for timer in timers {
        cluster.step(id, Event::Timer(timer), &mut output);
    }
    Ok(output)
}

/// `advance 5s`: all clocks go on; no timer expires.
pub(super) fn advance<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    cluster.now = cluster.now + time(&mut args)?;
    args.reject_next()?;
    Ok(String::new())
}

/// `clock n1 5ms`: the wall clock of a node is ahead by so much.
pub(super) fn clock<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let id = node(cluster, &mut args)?;
    cluster.machine(id).clock_offset = time(&mut args)?;
    args.reject_next()?;
    Ok(String::new())
}

/// `crash n1 [lose-unsynced|lose-disk]`: the node goes down.
pub(super) fn crash<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let id = node(cluster, &mut args)?;
    let loss = match args.next_pos() {
        None => Loss::default(),
        Some("lose-unsynced") => Loss { unsynced: true, synced: false },
        Some("lose-disk") => Loss { unsynced: true, synced: true },
        Some(other) => return Err(format!("a crash does not {other:?}").into()),
    };
    args.reject_next()?;
    cluster.machine(id).crash(loss);
    Ok(String::new())
}

/// `restart n1 [lose-unsynced|lose-disk]`: the node goes down, if it is up, and starts from what its disk kept.
pub(super) fn restart<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    crash(cluster, command)?;
    let id = node(cluster, &mut command.consume_args())?;
    let now = cluster.now;
    let effects = cluster.machine(id).start(now);
    let mut output = String::new();
    cluster.release_effects(id, effects, &mut output);
    line(&mut output, &show_status(cluster, id));
    Ok(output)
}

/// `status [n1]`: a line for each node.
pub(super) fn status<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    look(cluster, command, |cluster, id, output| line(output, &show_status(cluster, id)))
}

/// `dump [n1]`: what each node holds.
pub(super) fn dump<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    look(cluster, command, |cluster, id, output| {
        let dump = cluster.machines[&id].node().map(P::dump).unwrap_or_default();
        let pairs: Vec<String> = dump.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line(output, format!("{id} {}", pairs.join(" ")).trim_end());
    })
}

/// `disk [n1]`: the records on each node's disk.
pub(super) fn disk<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    look(cluster, command, |cluster, id, output| {
        for record in cluster.machines[&id].disk() {
            line(output, &format!("{id} {record}"));
        }
    })
}

fn look<P: Protocol>(
    cluster: &Cluster<P>,
    command: &Command,
    show: impl Fn(&Cluster<P>, NodeId, &mut String),
) -> Output {
    let mut args = command.consume_args();
    let one = if command.args.is_empty() { None } else { Some(node(cluster, &mut args)?) };
    args.reject_next()?;
    let mut output = String::new();
    for &id in cluster.machines.keys().filter(|id| one.is_none_or(|one| one == **id)) {
        show(cluster, id, &mut output);
    }
    Ok(output)
}

fn show_status<P: Protocol>(cluster: &Cluster<P>, id: NodeId) -> String {
    let status = cluster.machines[&id].node().map_or_else(|| "down".to_owned(), P::status);
    format!("{id} {status}")
}
