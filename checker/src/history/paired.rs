//! A history without its events: the operations are all that a checker needs, and take a third of the memory.

use crate::history::operations::Pairing;
use crate::history::{Cut, Event, Header, History, HistoryError, Operation, Process};

/// A history as its operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairedHistory {
    /// Absent in other tools' formats, and in files without one.
    pub header: Option<Header>,
    /// Those of the clients, in the order of their invocations.
    pub operations: Vec<Operation>,
    /// How many events there were.
    pub events: usize,
    /// Index of the last event that somebody else than a client made, and that was no `final`: a fault, or its end.
    pub last_fault: Option<u64>,
    /// The file ended in the middle of a line.
    pub cut: Option<Cut>,
}

impl History {
    /// The same without its events; see [`History::operations`].
    pub fn paired(&self) -> Result<PairedHistory, HistoryError> {
        let mut pairs = Pairs::with_room_for(self.events.len() / 2);
        self.events.iter().try_for_each(|event| pairs.push(event))?;
        Ok(PairedHistory { header: self.header.clone(), cut: self.cut.clone(), ..pairs.finish() })
    }
}

/// A paired history while its events come.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairing: Pairing,
    last_fault: Option<u64>,
}

impl Pairs {
    fn with_room_for(operations: usize) -> Pairs {
        Pairs { pairing: Pairing::with_room_for(operations), last_fault: None }
    }

    pub(crate) fn push(&mut self, event: &Event) -> Result<(), HistoryError> {
        if matches!(event.process, Process::Named(_)) && &*event.f != "final" {
            self.last_fault = Some(event.index);
        }
        self.pairing.push(event)
    }

    /// How many events there were.
    #[cfg(feature = "formats")]
    pub(crate) fn events(&self) -> usize {
        self.pairing.events()
    }

    /// All of it but the header, and where it was cut.
    pub(crate) fn finish(self) -> PairedHistory {
        let (events, operations) = (self.pairing.events(), self.pairing.operations);
        PairedHistory { operations, events, last_fault: self.last_fault, ..PairedHistory::default() }
    }
}
