//! Between a workload's operation and a node's request: the one place that knows both vocabularies.

use schism_nodes::RequestKind;
use schism_workloads::Invocation;
use serde_json::Value;

/// An operation that no request stands for: the workload and the system do not fit, which is found before the start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("there is no request for {f} of {key} with {value}")]
pub struct Untranslatable {
    /// What is done.
    pub f: String,
    /// To which object.
    pub key: Value,
    /// With which value.
    pub value: Value,
}

/// The request for an operation.
pub fn request(invocation: &Invocation) -> Result<RequestKind, Untranslatable> {
    let Invocation { f, key, value } = invocation;
    let name = match key {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    };
    match (&**f, value) {
        ("read", _) => Ok(RequestKind::Read { key: name }),
        ("write", _) => Ok(RequestKind::Write { key: name, value: value.clone() }),
        ("peek", _) => Ok(RequestKind::Peek { key: name }),
        ("delete", _) => Ok(RequestKind::Delete { key: name }),
        ("add", _) => Ok(RequestKind::Add { key: name, value: value.clone() }),
        ("remove", _) => Ok(RequestKind::Remove { key: name, value: value.clone() }),
        ("append", _) => Ok(RequestKind::Append { key: name, value: value.clone() }),
        ("list", _) => Ok(RequestKind::List { key: name }),
        ("enqueue", _) => Ok(RequestKind::Enqueue { key: name, value: value.clone() }),
        ("dequeue", _) => Ok(RequestKind::Dequeue { key: name }),
        ("cas", Value::Array(pair)) if pair.len() == 2 => {
            Ok(RequestKind::Cas { key: name, from: pair[0].clone(), to: pair[1].clone() })
        }
        _ => Err(Untranslatable { f: f.to_string(), key: key.clone(), value: value.clone() }),
    }
}

/// The operation that a request stands for, as the history tells it: a deletion is a write of null, which is what whoever
/// reads then sees, and a read is a read whether or not it may be refused, be it of a whole list.
pub fn invocation(request: &RequestKind) -> Invocation {
    let f = match request {
        RequestKind::Delete { .. } => "write",
        RequestKind::Peek { .. } | RequestKind::List { .. } => "read",
        other => other.name(),
    };
    let value = match request {
        RequestKind::Read { .. }
        | RequestKind::Peek { .. }
        | RequestKind::Delete { .. }
        | RequestKind::List { .. }
        | RequestKind::Dequeue { .. } => Value::Null,
        RequestKind::Write { value, .. }
        | RequestKind::Add { value, .. }
        | RequestKind::Remove { value, .. }
        | RequestKind::Append { value, .. }
        | RequestKind::Enqueue { value, .. } => value.clone(),
        RequestKind::Cas { from, to, .. } => Value::Array(vec![from.clone(), to.clone()]),
    };
    Invocation { f: f.into(), key: request.key().into(), value }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_and_back() {
        for (f, value) in [
            ("read", Value::Null),
            ("write", json!(5)),
            ("add", json!(5)),
            ("remove", json!(5)),
            ("append", json!(5)),
            ("enqueue", json!(5)),
            ("dequeue", Value::Null),
            ("cas", json!([null, 5])),
        ] {
            let operation = Invocation { f: f.into(), key: "x1".into(), value };
            assert_eq!(invocation(&request(&operation).unwrap()), operation);
        }
        let deletion = RequestKind::Delete { key: "x1".to_owned() };
        assert_eq!(invocation(&deletion), Invocation { f: "write".into(), key: "x1".into(), value: Value::Null });
        let list = RequestKind::List { key: "x1".to_owned() };
        assert_eq!(&*invocation(&list).f, "read");
        let odd = Invocation { f: "cas".into(), key: "x1".into(), value: json!([1]) };
        assert!(request(&odd).is_err());
    }
}
