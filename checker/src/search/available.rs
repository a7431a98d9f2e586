//! The crashed operations that have begun and may still be used, by class.

use crate::model::Model;
use crate::search::Reductions;
use crate::search::frontier::{Class, Frontier};
use crate::search::observers::{Observers, Values};
use crate::search::states::InputId;
use crate::search::timeline::{Moment, Timeline};
use crate::search::used::{Packing, Used};

/// What may be used of each class.
pub(super) struct Available {
    pub(super) packing: Packing,
    /// How many of each class.
    counts: Vec<u32>,
    /// The lane of each class of which some are available.
    lanes: Vec<u32>,
    free_lanes: Vec<u32>,
    lanes_taken: u32,
    /// The classes of which some are available, those first that are weaker than others.
    classes: Vec<Class>,
    /// Only for registers, where it was asked for.
    observers: Option<Observers>,
    /// The classes changed since the observers heard of them.
    changed: bool,
    /// By lane, what counts as used since no more than the rest can be of use.
    beyond_use: Vec<(u32, u32)>,
    /// For each class whether it is left alone; where it is too short, none is.
    idle: Vec<bool>,
}

impl Available {
    pub(super) fn new<M: Model>(model: &M, timeline: &Timeline<'_, M::Input>, reductions: Reductions) -> Available {
        let classes = timeline.input_of_class.len();
        let mut all = vec![0; classes];
        for moment in &timeline.moments {
            if let Moment::Crash { class } = *moment {
                all[class as usize] += 1;
            }
        }
        let wanted = reductions.drop_unobserved && classes > 0;
        Available {
            packing: Packing::for_counts(all.iter().max().copied().unwrap_or(0)),
            counts: vec![0; classes],
            lanes: vec![0; classes],
            free_lanes: Vec::new(),
            lanes_taken: 0,
            classes: Vec::new(),
            observers: wanted.then(|| Observers::of(model, timeline)).flatten(),
            changed: true,
            beyond_use: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// Of classes that are not known yet, and of which there may be any number.
    pub(super) fn growing() -> Available {
        Available {
            packing: Packing::for_counts(u32::MAX / 2),
            counts: Vec::new(),
            lanes: Vec::new(),
            free_lanes: Vec::new(),
            lanes_taken: 0,
            classes: Vec::new(),
            observers: None,
            changed: false,
            beyond_use: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// The classes of which some are available.
    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// A class of which none is available: one that is over, whose number is free since no configuration counts any of it,
    /// or another one.
    pub(super) fn free_class(&mut self) -> Class {
        let place = self.counts.iter().position(|&count| count == 0).unwrap_or_else(|| {
            self.counts.push(0);
            self.lanes.push(0);
            self.counts.len() - 1
        });
        Class::try_from(place).expect("four billion crashed calls do not fit in memory")
    }

    /// Leaves these classes alone from here on, by their numbers; where it is too short, none.
    pub(super) fn leave_alone(&mut self, idle: Vec<bool>) {
        self.idle = idle;
    }

    /// One more of this class has begun.
    pub(super) fn begin(&mut self, class: Class) {
        self.counts[class as usize] += 1;
        if self.counts[class as usize] > 1 {
            return;
        }
        self.changed = true;
        self.lanes[class as usize] = self.free_lanes.pop().unwrap_or_else(|| {
            self.lanes_taken += 1;
            self.lanes_taken - 1
        });
        let weak = self.observers.as_ref().is_some_and(|observers| observers.is_weak(class));
        let place = if weak { 0 } else { self.classes.len() };
        self.classes.insert(place, class);
    }

    /// Makes ready for the search for a place of one operation.
    pub(super) fn prepare(&mut self) {
        let Some(observers) = &mut self.observers else { return };
        if std::mem::take(&mut self.changed) {
            observers.available(&self.classes);
        }
        self.beyond_use.clear();
        for &class in &self.classes {
            let beyond = self.counts[class as usize].saturating_sub(observers.of_use(class));
            if beyond > 0 {
                self.beyond_use.push((self.lanes[class as usize], beyond));
            }
        }
    }

    /// Counts as used what can be of no use.
    pub(super) fn leave_what_is_of_use(&self, used: &mut Used) {
        for &(lane, beyond) in &self.beyond_use {
            let missing = beyond.saturating_sub(used.count(lane, self.packing));
            if missing > 0 {
                used.add(lane, missing, self.packing);
            }
        }
    }

    /// The values that are worth using something for, where these inputs have no place yet.
    pub(super) fn wanted(&self, open: impl Iterator<Item = InputId>) -> Values {
        self.observers.as_ref().map_or(Values::MAX, |observers| observers.wanted(open))
    }

    /// The classes of which something is left and that lead to one of these values, those first that are weaker than others.
    pub(super) fn worth_using(&self, used: &Used, wanted: Values) -> impl Iterator<Item = Class> + use<'_> {
        let used = used.clone();
        self.classes.iter().copied().filter(move |&class| {
            self.observers.as_ref().is_none_or(|observers| observers.leads_to(class, wanted))
                && !self.idle.get(class as usize).is_some_and(|&idle| idle)
                && used.count(self.lanes[class as usize], self.packing) < self.counts[class as usize]
        })
    }

    /// Whether an operation of this class can do all that one can that goes the same way from the same state, if it is weak.
    pub(super) fn is_strong(&self, class: Class) -> bool {
        self.observers.as_ref().is_some_and(|observers| !observers.is_weak(class))
    }

    pub(super) fn use_one(&self, class: Class, used: &mut Used) {
        used.add(self.lanes[class as usize], 1, self.packing);
    }

    /// An operation with this input returned.
    pub(super) fn returned(&mut self, input: InputId) {
        if let Some(observers) = &mut self.observers {
            observers.returned(input);
        }
    }

    /// Forgets what all configurations of `frontier` have used, which is over like any other operation. What that was, by
    /// lane.
    pub(super) fn forget_used_by_all(&mut self, frontier: &Frontier) -> Vec<(u32, u32)> {
        let mut forgotten = Vec::new();
        if frontier.used().any(|used| used.total() == 0) {
            return forgotten;
        }
        for &class in &self.classes {
            let lane = self.lanes[class as usize];
            let common = frontier.used().map(|used| used.count(lane, self.packing)).min().unwrap_or(0);
            if common > 0 {
                forgotten.push((lane, common));
                self.counts[class as usize] -= common;
                if let Some(observers) = &mut self.observers {
                    observers.over(class, common);
                }
            }
        }
        let Available { classes, counts, lanes, free_lanes, .. } = self;
        classes.retain(|&class| {
            let some = counts[class as usize] > 0;
            if !some {
                free_lanes.push(lanes[class as usize]);
            }
            some
        });
        self.changed |= !forgotten.is_empty();
        forgotten
    }
}
