//! Traps: points, each right after a note, at which a node stands still or ends. Here they are only counted; the loop
//! does the standing.

use crate::control::{Trap, TrapAction};
use crate::id::NodeId;
use crate::note::Note;

/// The traps that are armed.
#[derive(Debug, Default)]
pub struct Traps {
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    trap: Trap,
    /// Matching notes since it was armed.
    matches: u64,
}

impl Traps {
    /// Arms a trap; one with the same number is replaced.
    pub fn arm(&mut self, trap: Trap) {
        self.disarm(trap.id);
        self.armed.push(Armed { trap, matches: 0 });
    }

    /// Disarms a trap, if it is armed.
    pub fn disarm(&mut self, id: u64) {
        self.armed.retain(|armed| armed.trap.id != id);
    }

    /// Whether any is armed: then the driver takes one event at a time.
    pub fn any_armed(&self) -> bool {
        !self.armed.is_empty()
    }

    /// Counts a note of `maker`, and takes out the traps that are sprung by it, in the order in which they were armed.
    pub fn spring(&mut self, maker: NodeId, note: &Note) -> Vec<(u64, TrapAction)> {
        let mut sprung = Vec::new();
        self.armed.retain_mut(|armed| {
            if armed.trap.pattern.matches(maker, note) {
                armed.matches += 1;
                if armed.matches == armed.trap.pattern.nth {
                    sprung.push((armed.trap.id, armed.trap.action));
                    return false;
                }
            }
            true
        });
        sprung
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trap(id: u64, pattern: &str) -> Trap {
        Trap { id, pattern: serde_json::from_str(pattern).unwrap(), action: TrapAction::Hold }
    }

    #[test]
    fn a_trap_is_sprung_once_by_its_nth_match_since_it_was_armed() {
        let mut traps = Traps::default();
        let vote = Note::new("vote").with("term", 3);
        traps.arm(trap(1, r#"{"note":"vote","fields":{"term":3},"nth":2}"#));
        assert_eq!(traps.spring(NodeId(1), &Note::new("vote").with("term", 2)), []);
        assert_eq!(traps.spring(NodeId(1), &vote), []);
        assert!(traps.any_armed());
        assert_eq!(traps.spring(NodeId(1), &vote), [(1, TrapAction::Hold)]);
        assert!(!traps.any_armed());
        assert_eq!(traps.spring(NodeId(1), &vote), []);
    }

    #[test]
    fn a_trap_armed_again_counts_anew_and_a_disarmed_one_is_gone() {
        let mut traps = Traps::default();
        let note = Note::new("leader");
        traps.arm(trap(1, r#"{"note":"leader","nth":2}"#));
        traps.arm(trap(2, r#"{"note":"leader","node":"n2"}"#));
        traps.spring(NodeId(1), &note);
        traps.arm(trap(1, r#"{"note":"leader","nth":2}"#));
        assert_eq!(traps.spring(NodeId(1), &note), []);
        traps.disarm(1);
        assert_eq!(traps.spring(NodeId(2), &note), [(2, TrapAction::Hold)]);
        assert!(!traps.any_armed());
    }
}
