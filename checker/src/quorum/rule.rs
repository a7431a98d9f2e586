//! The rules by name: what each says, where it is from, and which configurations promise it.

use super::promises::{Level, Promises};

/// A rule of the quorum checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// QW.
    WriteQuorum,
    /// QR.
    ReadQuorum,
    /// QH.
    HomeReplicas,
    /// QD.
    DurableAcks,
    /// QI.
    QuorumsMeet,
    /// QWW.
    WritesMeet,
    /// QT.
    UniqueTags,
    /// QO.
    TagOrder,
    /// QM.
    TagsNeverGoBack,
    /// QB.
    WrittenBack,
    /// QF.
    FreshReads,
    /// QS.
    RepairKeepsNewer,
    /// DUR.
    CopiesSurvive,
    /// AVL.
    ReachableQuorum,
}

/// A rule's id, its name as a property, what it says, and where that is from.
type Described = (&'static str, &'static str, &'static str, &'static str);

impl Rule {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Rule; 14] = [
        Rule::WriteQuorum,
        Rule::ReadQuorum,
        Rule::HomeReplicas,
        Rule::DurableAcks,
        Rule::QuorumsMeet,
        Rule::WritesMeet,
        Rule::UniqueTags,
        Rule::TagOrder,
        Rule::TagsNeverGoBack,
        Rule::WrittenBack,
        Rule::FreshReads,
        Rule::RepairKeepsNewer,
        Rule::CopiesSurvive,
        Rule::ReachableQuorum,
    ];

    /// `QW`, …
    pub fn id(self) -> &'static str {
        self.described().0
    }

    /// The property's name: `write-quorum`.
    pub fn name(self) -> &'static str {
        self.described().1
    }

    /// What it says, a sentence without its full stop.
    pub fn theorem(self) -> &'static str {
        self.described().2
    }

    /// Where that is from.
    pub fn source(self) -> &'static str {
        self.described().3
    }

    /// Whether a configuration promises it; where not, it is measured.
    pub fn is_promised(self, promises: &Promises) -> bool {
        let quorums = promises.quorums;
        let strict = !promises.sloppy;
        match self {
            Rule::WriteQuorum | Rule::ReadQuorum | Rule::HomeReplicas => strict,
            Rule::UniqueTags | Rule::RepairKeepsNewer | Rule::DurableAcks | Rule::TagsNeverGoBack => true,
            Rule::QuorumsMeet => strict && quorums.intersection() > 0,
            Rule::WritesMeet => strict && quorums.writes_meet(),
            Rule::TagOrder | Rule::FreshReads => promises.level >= Level::Regular,
            Rule::WrittenBack => promises.level == Level::Linearizable,
            Rule::CopiesSurvive => strict && promises.queries_before_writes,
            Rule::ReachableQuorum => strict && promises.exact_cuts,
        }
    }

    fn described(self) -> Described {
        let gifford = "Gifford 1979";
        let abd = "Attiya, Bar-Noy and Dolev 1995";
        let lynch = "Lynch and Shvartsman 1997";
        let dynamo = "DeCandia and others 2007";
        match self {
            Rule::WriteQuorum => {
                ("QW", "write-quorum", "a write is done when W different home replicas have acknowledged it", gifford)
            }
            Rule::ReadQuorum => (
                "QR",
                "read-quorum",
                "an operation is done when R different home replicas have answered its query",
                gifford,
            ),
            Rule::HomeReplicas => ("QH", "home-replicas", "only home replicas of the key are counted", gifford),
            Rule::DurableAcks => {
                ("QD", "durable-acks", "what a replica acknowledges or answers is on its stable storage", abd)
            }
            Rule::QuorumsMeet => (
                "QI",
                "quorums-meet",
                "a read has a replica in common with every write that was done before it",
                gifford,
            ),
            Rule::WritesMeet => ("QWW", "writes-meet", "any two writes have a replica in common", gifford),
            Rule::UniqueTags => ("QT", "unique-tags", "a tag stands for one write and one value", lynch),
            Rule::TagOrder => {
                ("QO", "tag-order", "a write that begins after another is done has the higher tag", lynch)
            }
            Rule::TagsNeverGoBack => (
                "QM",
                "tags-never-go-back",
                "the tag that a replica keeps for a key only grows, over its restarts as well",
                abd,
            ),
            Rule::WrittenBack => {
                ("QB", "written-back", "what a read returns is on N − R + 1 home replicas before it returns", abd)
            }
            Rule::FreshReads => {
                ("QF", "fresh-reads", "a read returns no version that was overwritten before it began", "Lamport 1986")
            }
            Rule::RepairKeepsNewer => {
                ("QS", "repair-keeps-newer", "repair stores only what is newer, and no hint is lost", dynamo)
            }
            Rule::CopiesSurvive => {
                ("DUR", "copies-survive", "a write that is done outlives the loss of any W − 1 replicas", gifford)
            }
            Rule::ReachableQuorum => (
                "AVL",
                "reachable-quorum",
                "an operation that is done could reach its quorum",
                "Gilbert and Lynch 2002",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::Quorums;

    #[test]
    fn each_rule_is_promised_by_the_configurations_that_theory_names() {
        let plain = |(n, w, r), writeback| Promises::plain(Quorums { n, w, r }, Vec::new(), writeback);
        let ids = |promises: &Promises| -> Vec<&str> {
            Rule::ALL.into_iter().filter(|rule| rule.is_promised(promises)).map(Rule::id).collect()
        };
        let always = ["QW", "QR", "QH", "QD", "QT", "QM", "QS", "DUR"];
        let with = |more: &[&str]| -> Vec<&str> {
            let wanted = |rule: &Rule| always.contains(&rule.id()) || more.contains(&rule.id());
            Rule::ALL.into_iter().filter(wanted).map(Rule::id).collect()
        };
        assert_eq!(ids(&plain((3, 1, 1), true)), with(&[]));
        assert_eq!(ids(&plain((3, 2, 2), false)), with(&["QI", "QWW", "QO", "QF"]));
        assert_eq!(ids(&plain((3, 2, 2), true)), with(&["QI", "QWW", "QO", "QF", "QB"]));
        assert_eq!(ids(&plain((3, 1, 3), false)), with(&["QI", "QO", "QF", "QB"]));
        let sloppy = Promises { sloppy: true, level: Level::None, ..plain((3, 2, 2), true) };
        assert_eq!(ids(&sloppy), ["QD", "QT", "QM", "QS"]);
        let exact = Promises { exact_cuts: true, ..plain((3, 1, 1), false) };
        assert_eq!(ids(&exact), with(&["AVL"]));
    }
}
