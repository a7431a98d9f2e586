//! What the workload has a worker ask: at which node, when, and in an open loop under which of its processes.

use std::time::Duration;

use schism_nodes::{NodeId, Protocol};
use schism_workloads::{Contact, Invocation, Next, Planned};

use super::{Attempt, Purpose, nanoseconds};
use crate::run::{translate, worker};
use crate::sim::world::{Asked, World};

impl<P: Protocol> World<P> {
    /// What the workload wants next of a worker, and when.
    pub(super) fn planned(&mut self, worker: usize, time: Duration) -> Option<(Duration, Option<Planned>)> {
        let state = &mut self.workers[worker];
        if let Some(planned) = state.planned.take() {
            return Some(planned);
        }
        let (share, workload) = (state.share.filter(|_| !state.done)?, self.workload.as_mut()?);
        match workload.next(share, time) {
            Next::Operation(planned) => Some((planned.due, Some(planned))),
            Next::Wait { until } => Some((until.max(time + Duration::from_nanos(1)), None)),
            Next::Done => {
                state.done = true;
                None
            }
        }
    }

    /// Does what the workload wants now.
    pub(super) fn work(&mut self, worker: usize, planned: Planned) {
        let Planned { invocation, contact, session, due } = planned;
        let node = self.contact(worker, contact);
        let attempt = Attempt { session, ..self.asking(worker, node, invocation, Purpose::Work) };
        if !self.options.open_loop {
            return self.perform(worker, attempt);
        }
        if let Some(lane) = self.lane(worker) {
            self.perform(lane, Attempt { due: Some(nanoseconds(due)), ..attempt });
        }
        self.attend(worker);
    }

    /// An operation of the workload at a node.
    pub(super) fn asking(&mut self, worker: usize, node: NodeId, invocation: Invocation, purpose: Purpose) -> Attempt {
        let request = translate::request(&invocation).expect("the workload fits the system: it was asked before");
        let (time, name) = (self.recording.time(self.now), self.workers[worker].name.clone());
        self.asked.push(Asked { time, worker: name, node, request: request.clone() });
        Attempt { node, invocation, request, session: None, due: None, purpose }
    }

    /// A process of a worker that is free, made if there is none, with the order to give up if there is one; none where too many
    /// are under way.
    fn lane(&mut self, worker: usize) -> Option<usize> {
        let lanes = || self.workers.iter().enumerate().filter(|(_, lane)| lane.lane_of == Some(worker));
        let free = lanes().find(|(_, lane)| lane.open.is_none()).map(|(place, _)| place);
        if free.is_none() && lanes().count() >= worker::LANES_MAX {
            return None;
        }
        let (name, share) = (self.workers[worker].name.clone(), self.workers[worker].share);
        let lane = free.unwrap_or_else(|| self.hire(&name, share, true));
        self.workers[lane].lane_of = Some(worker);
        let order = self.workers[worker].give_up.pop_front();
        self.workers[lane].give_up.extend(order);
        Some(lane)
    }

    /// The node that is to be asked; where there are coordinators beside clients, the worker's own.
    fn contact(&mut self, worker: usize, contact: Contact) -> NodeId {
        if let Some(own) = self.beside(worker) {
            return own;
        }
        let last = &mut self.workers[worker].last;
        *last = contact.place(*last, self.universe.len());
        self.universe[*last]
    }
}
