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
}

/// Links on which nothing may arrive that was sent after a number.
#[derive(Debug)]
struct Watch {
    links: BTreeSet<Link>,
    after: u64,
    before: BTreeSet<Link>,
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
        state.arrivals.entry(number).or_default().insert(link);
        if state.arrivals.len() > REMEMBERED {
            state.arrivals.pop_first();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// From now on nothing that is sent may arrive on `links`; on `before` of them something did until now.
    pub fn watch(&self, fault: FaultId, links: BTreeSet<Link>, before: BTreeSet<Link>) {
        let mut state = self.locked();
        let after = state.sent;
        state.watches.insert(fault, Watch { links, after, before, leak: None });
    }

    /// The links on which a probe arrived before they were watched, as far as that was tried.
    pub fn before(&self, fault: FaultId) -> BTreeSet<Link> {
        self.locked().watches.get(&fault).map(|watch| watch.before.clone()).unwrap_or_default()
    }

    /// What came through all the same.
    pub fn leak(&self, fault: FaultId) -> Option<String> {
        self.locked().watches.get(&fault)?.leak.clone()
    }

    /// Ends the watch; what came through all the same.
    pub fn unwatch(&self, fault: FaultId) -> Option<String> {
        self.locked().watches.remove(&fault)?.leak
    }

    /// Waits until probe `number` arrived on one of `links`; those on which it did, none at the deadline.
    pub async fn arrived(&self, number: u64, links: &BTreeSet<Link>, deadline: Instant) -> BTreeSet<Link> {
        loop {
            let changed = self.changed.notified();
            let arrived = self.so_far(number, links);
            if !arrived.is_empty() || timeout_at(deadline, changed).await.is_err() {
                return arrived;
            }
        }
    }

    fn so_far(&self, number: u64, links: &BTreeSet<Link>) -> BTreeSet<Link> {
        let state = self.locked();
        state.arrivals.get(&number).map(|arrived| arrived & links).unwrap_or_default()
    }

    /// The data is whole after every statement, so that a panic elsewhere does it no harm.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
