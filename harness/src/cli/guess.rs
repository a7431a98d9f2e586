//! Which model a history without a header is judged by: guessed from what was done, and always said.

use std::collections::BTreeSet;

use schism_checker::history::PairedHistory;

/// The name of the simplest model that has all that was done, and the reason in words. None if there is none.
pub(crate) fn model(history: &PairedHistory) -> Option<&'static str> {
    let done: BTreeSet<&str> = history.operations.iter().map(|operation| &*operation.f).collect();
    let models: [(&str, &[&str]); 5] = [
        ("register", &["read", "write"]),
        ("cas-register", &["read", "write", "cas"]),
        ("kv", &["get", "put", "append"]),
        ("mutex", &["acquire", "release"]),
        ("multi-register", &["txn", "read", "write"]),
    ];
    models.into_iter().find(|(_, known)| done.iter().all(|f| known.contains(f))).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplest_model_that_fits_is_guessed() {
        let table = [
            (&["read", "write"][..], Some("register")),
            (&["read"], Some("register")),
            (&["write", "cas"], Some("cas-register")),
            (&["put", "append"], Some("kv")),
            (&["acquire"], Some("mutex")),
            (&["txn"], Some("multi-register")),
            (&["enqueue"], None),
        ];
        for (done, name) in table {
            let lines: Vec<String> = done
                .iter()
                .enumerate()
                .map(|(process, f)| {
                    format!("{{\"index\":{process},\"process\":{process},\"type\":\"invoke\",\"f\":\"{f}\"}}\n")
                })
                .collect();
            let history = schism_checker::formats::read_bytes(lines.concat().as_bytes(), "test").unwrap();
            assert_eq!(model(&history.paired().unwrap()), name, "{done:?}");
        }
    }
}
