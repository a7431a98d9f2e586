//! Commands for clients.

use goldenscript::Command;
use schism_nodes::{ClientId, Event, NodeId, Protocol, Request, RequestKind};
use serde_json::Value;

use super::Output;
use super::cluster::Cluster;

/// `request n1 write x 5`, `request n1 read x`, `request n1 cas x 5 6`; with `client=c2` (c1 unless told) and `serial=7`
/// (one more than that client's last).
pub(super) fn request<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let client = args.take_key("client").unwrap_or("c1");
    let serial = args.take_key("serial").map(str::parse).transpose()?;
    let id: NodeId = args.next_pos().ok_or("which node?")?.parse()?;
    let kind = args.next_pos().ok_or("read, write or cas?")?;
    let key = args.next_pos().ok_or("which key?")?.to_owned();
    let mut value = || args.next_pos().map(value).ok_or("which value?");
    let kind = match kind {
        "read" => RequestKind::Read { key },
        "write" => RequestKind::Write { key, value: value()? },
        "peek" => RequestKind::Peek { key },
        "delete" => RequestKind::Delete { key },
        "add" => RequestKind::Add { key, value: value()? },
        "remove" => RequestKind::Remove { key, value: value()? },
        "cas" => RequestKind::Cas { key, from: value()?, to: value()? },
        other => return Err(format!("nobody serves {other:?}").into()),
    };
    args.reject_next()?;
    let last = cluster.serials.entry(client.to_owned()).or_default();
    let serial = serial.unwrap_or(*last + 1);
    *last = serial.max(*last);
    let now = cluster.now;
    let effects = cluster.machine(id).request(ClientId(client.to_owned()), Request { serial, kind }, now);
    let mut output = String::new();
    cluster.release_effects(id, effects, &mut output);
    Ok(output)
}

/// `disconnect n1 c1`: a client's connection to a node ends.
pub(super) fn disconnect<P: Protocol>(cluster: &mut Cluster<P>, command: &Command) -> Output {
    let mut args = command.consume_args();
    let id: NodeId = args.next_pos().ok_or("which node?")?.parse()?;
    let client = ClientId(args.next_pos().ok_or("which client?")?.to_owned());
    args.reject_next()?;
    let mut output = String::new();
    cluster.step(id, Event::Disconnect { client }, &mut output);
    Ok(output)
}

/// JSON where it is JSON, else a string.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
