//! Numbered probes: the proof that a link is cut is a probe that did not arrive while others did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::cluster::Cluster;
use crate::network::{FaultId, Link};

/// Of how many probes arrivals are remembered.
const REMEMBERED: usize = 256;

/// The probes of a run.
#[derive(Debug, Default)]
pub struct Probes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    sent: u64,
    arrivals: BTreeMap<u64, BTreeSet<Link>>,
    watches: BTreeMap<FaultId, Watch>,
    /// The links on which a probe has arrived at any time.
    carried: BTreeSet<Link>,
}

/// Links on which nothing may arrive that was sent after a number.
#[derive(Debug)]
struct Watch {
    links: BTreeSet<Link>,
    after: u64,
    leak: Option<String>,
}

impl Probes {
    /// Has every running node send a probe to every other one; its number.
    pub async fn send(&self, cluster: &dyn Cluster) -> u64 {
        let number = {
            let mut state = self.locked();
            state.sent += 1;
            state.sent
        };
        cluster.probe(number).await;
        number
    }

    /// A probe arrived.
    pub fn received(&self, number: u64, link: Link) {
        let mut state = self.locked();
        for watch in state.watches.values_mut().filter(|watch| number > watch.after && watch.links.contains(&link)) {
            watch.leak.get_or_insert_with(|| format!("probe {number} came through {link}"));
        }
        state.carried.insert(link.clone());
        state.arrivals.entry(number).or_default().insert(link);
        if state.arrivals.len() > REMEMBERED {
            state.arrivals.pop_first();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// From now on nothing that is sent may arrive on these links.
    pub fn watch(&self, fault: FaultId, links: BTreeSet<Link>) {
        let mut state = self.locked();
        let after = state.sent;
        state.watches.insert(fault, Watch { links, after, leak: None });
    }

    /// Those of `links` on which any probe of this run has arrived.
    pub fn ever(&self, links: &BTreeSet<Link>) -> BTreeSet<Link> {
        &self.locked().carried & links
    }

    /// What came through all the same.
    pub fn leak(&self, fault: FaultId) -> Option<String> {
        self.locked().watches.get(&fault)?.leak.clone()
    }

    /// Ends the watch; what came through all the same.
    pub fn unwatch(&self, fault: FaultId) -> Option<String> {
        self.locked().watches.remove(&fault)?.leak
    }

    /// Waits until probe `first` or a later one arrived on one of `links`; those on which one did, none at the deadline.
    /// Probes that are delayed count as well, whenever they come.
    pub async fn arrived(&self, first: u64, links: &BTreeSet<Link>, deadline: Instant) -> BTreeSet<Link> {
        loop {
            let changed = self.changed.notified();
            let arrived = self.so_far(first, links);
            if !arrived.is_empty() || timeout_at(deadline, changed).await.is_err() {
                return arrived;
            }
        }
    }

    fn so_far(&self, first: u64, links: &BTreeSet<Link>) -> BTreeSet<Link> {
        let state = self.locked();
        state.arrivals.range(first..).flat_map(|(_, arrived)| arrived & links).collect()
    }

    /// The data is whole after every statement, so that a panic elsewhere does it no harm.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
