//! Commands for messages and links. A filter is any of: a link `n1-n2` (from n1 to n2), `from=n1`, `to=n2`, a message
//! type such as `AppendEntries`.

use std::error::Error;

use goldenscript::{ArgumentConsumer, Command};
use schism_nodes::{NodeId, Protocol};

use super::Output;
use super::cluster::{Cluster, InFlight};

/// How many messages `stabilize` delivers before it says that the cluster does not come to rest.
const STABILIZE_MAX: usize = 10_000;

#[derive(Default)]
struct Filter {
    from: Option<NodeId>,
    to: Option<NodeId>,
    kind: Option<String>,
}

impl Filter {
    fn read(args: &mut ArgumentConsumer<'_>) -> Result<Self, Box<dyn Error>> {
        let mut filter = Filter {
            from: args.take_key("from").map(str::parse).transpose()?,
            to: args.take_key("to").map(str::parse).transpose()?,
            kind: None,
        };
        while let Some(word) = args.next_pos() {
            if let Some((from, to)) = word.split_once('-') {
                (filter.from, filter.to) = (Some(from.parse()?), Some(to.parse()?));
            } else {
                filter.kind = Some(word.to_owned());
            }
        }
        args.reject_next()?;
        Ok(filter)
    }

    fn takes<P: Protocol>(&self, in_flight: &InFlight<P>) -> bool {
        let body = serde_json::to_value(&in_flight.message).expect("messages serialise");
        self.from.is_none_or(|from| from == in_flight.from)
            && self.to.is_none_or(|to| to == in_flight.to)
            && self.kind.as_ref().is_none_or(|kind| body["type"] == kind.as_str())
    }
}

/// `deliver [FILTER] [count=N]`: the messages that wait now arrive, not those that they cause.
pub(super) fn deliver<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let count: usize = args.take_key("count").map_or(Ok(usize::MAX), str::parse)?;
    let filter = Filter::read(&mut args)?;
    let waiting = cluster.messages.iter().filter(|message| !message.held && filter.takes(message)).count();
    let mut output = String::new();
    for _ in 0..waiting.min(count) {
        let next = cluster.messages.iter().position(|message| !message.held && filter.takes(message));
        cluster.arrive(next.expect("as many were counted"), &mut output);
    }
    Ok(output)
}

/// `stabilize [FILTER]`: messages arrive until none is left that the filter takes.
pub(super) fn stabilize<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let filter = Filter::read(&mut command.consume_args())?;
    let mut output = String::new();
    for _ in 0..STABILIZE_MAX {
        let next = cluster.messages.iter().position(|message| !message.held && filter.takes(message));
        let Some(next) = next else { return Ok(output) };
        cluster.arrive(next, &mut output);
    }
    Err(format!("the cluster did not come to rest within {STABILIZE_MAX} messages").into())
}

/// `drop [FILTER]`: the messages that wait now are lost.
pub(super) fn drop_messages<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let filter = Filter::read(&mut command.consume_args())?;
    let before = cluster.messages.len();
    cluster.messages.retain(|message| !filter.takes(message));
    Ok(format!("{} lost", before - cluster.messages.len()))
}

/// `duplicate [FILTER]`: the messages that wait now will arrive twice.
pub(super) fn duplicate<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let filter = Filter::read(&mut command.consume_args())?;
    let meant = cluster.messages.iter().filter(|message| filter.takes(message));
    let copy = |InFlight { from, to, message, held }: &InFlight<P>| InFlight {
        from: *from,
        to: *to,
        message: message.clone(),
        held: *held,
    };
    let copies: Vec<InFlight<P>> = meant.map(copy).collect();
    let count = copies.len();
    cluster.messages.extend(copies);
    Ok(format!("{count} twice"))
}

/// `hold [FILTER]`: the messages that wait now stay until they are released.
pub(super) fn hold<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    set_held(cluster, command, true)
}

/// `release [FILTER]`: held messages may be delivered again.
pub(super) fn release<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    set_held(cluster, command, false)
}

fn set_held<P: Protocol>(cluster: &mut Cluster<P>, command: &Command, held: bool) -> Output {
    let filter = Filter::read(&mut command.consume_args())?;
    let meant = cluster.messages.iter_mut().filter(|message| message.held != held && filter.takes(message));
    let count = meant.map(|message| message.held = held).count();
    Ok(format!("{count} {}", if held { "held" } else { "released" }))
}

/// `cut n1-n2`: the link from n1 to n2 loses everything.
pub(super) fn cut<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let filter = Filter::read(&mut command.consume_args())?;
    let (Some(from), Some(to)) = (filter.from, filter.to) else { return Err("which link?".into()) };
    cluster.cut.insert((from, to));
    Ok(String::new())
}

/// `isolate n1 n2`: these nodes and all others lose each other.
pub(super) fn isolate<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let mut inside = Vec::new();
    while let Some(node) = args.next_pos() {
        inside.push(node.parse::<NodeId>()?);
    }
    args.reject_next()?;
    let outside = cluster.machines.keys().filter(|node| !inside.contains(node));
    for &other in outside {
        for &node in &inside {
            cluster.cut.extend([(node, other), (other, node)]);
        }
    }
    Ok(String::new())
}

/// `heal`: all links carry messages again. What was lost stays lost.
pub(super) fn heal<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    command.consume_args().reject_next()?;
    cluster.cut.clear();
    Ok(String::new())
}
