//! A plan for one node less. The nodes behind it move up, so that they stay n1 to the last.

use schism_nodes::NodeId;
use serde_json::Value;

use crate::plan::{Entry, Plan};
use crate::sim::shrink::written::whole;

/// The plan without a node; what was asked of it is asked of `instead`, or of nobody. None where there would be no node.
pub(super) fn without_node(plan: &Plan, node: NodeId, instead: Option<NodeId>) -> Option<Plan> {
    let nodes = plan.nodes.filter(|nodes| *nodes > 1)?;
    let moved = |other: NodeId| {
        if other.is_coordinator() {
            return Some(other);
        }
        let number = if other.0 > node.0 { other.0 - 1 } else { other.0 };
        (other != node).then_some(NodeId(number))
    };
    let entry = |entry: &Entry| -> Option<Entry> {
        let mut entry = entry.clone();
        entry.on = match entry.on {
            Some(on) => Some(targets(&on, &moved)?),
            None => None,
        };
        if let Some(at) = entry.when.as_mut().and_then(|when| when.node.as_mut()) {
            *at = moved(*at)?;
        }
        if let Some(asked) = entry.args.get("node").and_then(Value::as_str).and_then(|node| node.parse::<NodeId>().ok())
        {
            let answers = moved(asked).or_else(|| moved(instead?))?;
            entry.args.insert("node".to_owned(), answers.to_string().into());
        }
        Some(entry)
    };
    let entries = whole(plan.entries.iter().filter_map(entry).collect());
    Some(Plan { nodes: Some(nodes - 1), entries, ..plan.clone() })
}

/// Those targets that are left, if any are.
fn targets(on: &str, moved: &impl Fn(NodeId) -> Option<NodeId>) -> Option<String> {
    let end = |end: &str| match end.parse::<NodeId>() {
        Ok(node) => moved(node).map(|node| node.to_string()),
        Err(_) => Some(end.to_owned()),
    };
    let target = |target: &str| match target.split_once("->") {
        Some((from, to)) => Some(format!("{}->{}", end(from)?, end(to)?)),
        None => end(target),
    };
    let left: Vec<String> = on.split(',').filter_map(|word| target(word.trim())).collect();
    (!left.is_empty()).then(|| left.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let entries = json!([
            {"id": 1, "at": "1s", "do": "partition", "on": "n1->n2,n1->n3,n3->n1"},
            {"id": 2, "at": "2s", "do": "kill", "on": "n2"},
            {"id": 3, "after": 2, "do": "pause", "on": "n1"},
            {"id": 4, "at": "3s", "do": "request", "on": "c1", "args": {"node": "n2", "f": "read", "key": "x"}},
            {"id": 5, "when": {"note": "x", "node": "n3"}, "do": "kill", "on": "that"},
        ]);
        Plan { nodes: Some(3), entries: serde_json::from_value(entries).unwrap(), ..Plan::default() }
    }

    fn told(plan: &Plan) -> Vec<String> {
        let node = |entry: &Entry| entry.args.get("node").and_then(Value::as_str).unwrap_or_default().to_owned();
        plan.entries
            .iter()
            .map(|entry| {
                format!("{} {} {}", entry.id, entry.on.clone().unwrap_or_default(), node(entry)).trim().to_owned()
            })
            .collect()
    }

    #[test]
    fn who_refers_to_the_node_goes_with_it_and_those_behind_move_up() {
        let less = without_node(&plan(), NodeId(2), None).unwrap();
        assert_eq!(less.nodes, Some(2));
        assert_eq!(told(&less), ["1 n1->n2,n2->n1", "5 that"]);
        assert_eq!(less.entries[1].when.as_ref().unwrap().node, Some(NodeId(2)));
    }

    #[test]
    fn what_was_asked_of_it_can_be_asked_of_another() {
        let less = without_node(&plan(), NodeId(2), Some(NodeId(3))).unwrap();
        assert_eq!(told(&less), ["1 n1->n2,n2->n1", "4 c1 n2", "5 that"]);
        let last = without_node(&plan(), NodeId(3), Some(NodeId(1))).unwrap();
        assert_eq!(told(&last), ["1 n1->n2", "2 n2", "3 n1", "4 c1 n2"]);
    }

    #[test]
    fn the_last_node_stays() {
        assert_eq!(without_node(&Plan { nodes: Some(1), ..plan() }, NodeId(1), None), None);
    }
}
