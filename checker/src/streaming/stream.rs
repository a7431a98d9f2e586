//! A stream of events: pairs them, finds the object of each operation, and lets the objects go on.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::budget::{Budget, Exhausted};
use crate::history::{Ending, Event, Matched, Matcher, SharedValue, invoked};
use crate::linearizability::{self, CheckError, Counts, Options};
use crate::model::Model;
use crate::streaming::object::{Moment, Object, Over, Pending, Setting};
use crate::streaming::{Follow, Found, GivenUp, Standing, Tired, Violation};
use crate::verdict::Property;

/// After so many events the budget is asked.
const EVENTS_BETWEEN_QUESTIONS: usize = 256;

/// See the module's head.
pub(super) struct Stream<'m, M: Model> {
    model: &'m M,
    options: Options,
    effort: u64,
    matcher: Matcher,
    counts: Counts,
    objects: Vec<Object<'m, M>>,
    by_key: FxHashMap<Option<Value>, usize>,
    /// In recorded order; what is behind an operation whose object is not known yet waits here.
    arrived: VecDeque<Moment>,
    /// The operations whose object is not known yet: their invocation names no key.
    homeless: FxHashMap<usize, Pending<M::Input>>,
    /// The object of each operation that began and whose end has not come to it.
    object_of: FxHashMap<usize, usize>,
    /// What all objects hold, as of the last time that each was looked at.
    bytes: usize,
    /// The event that came last.
    seen: Seen,
    /// How many objects have a violation.
    violated: usize,
    /// The budget ended, and nothing is followed any more.
    over: bool,
}

/// An event by its index and time.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    index: u64,
    time: Option<u64>,
}

/// What becomes known with one event.
struct News<'b> {
    budget: &'b dyn Budget,
    found: Vec<Found>,
}

impl<M: Model> Follow for Stream<'_, M> {
    fn event(&mut self, event: &Event, budget: &dyn Budget) -> Result<Vec<Found>, CheckError> {
        let matched = self.matcher.take(event)?;
        self.seen = Seen { index: event.index, time: event.time };
        let mut news = News { budget, found: Vec::new() };
        if self.over {
            return Ok(news.found);
        }
        match matched {
            Matched::Other => {}
            Matched::Begins { process, number } => {
                self.homeless.insert(number, Pending::new(invoked(process, event, |value| value.clone().into())));
                self.arrived.push_back(Moment::Begin(number));
                self.distribute(&mut news)?;
            }
            Matched::Ends { number, ending } => self.complete(number, event, ending, &mut news)?,
        }
        if self.matcher.events().is_multiple_of(EVENTS_BETWEEN_QUESTIONS) {
            self.ask(&mut news);
        }
        Ok(news.found)
    }

    fn finish(&mut self, budget: &dyn Budget) -> Result<Vec<Found>, CheckError> {
        let mut news = News { budget, found: Vec::new() };
        self.homeless.values_mut().for_each(|pending| pending.ended = true);
        self.distribute(&mut news)?;
        for place in 0..self.objects.len() {
            self.objects[place].finish();
            self.advance(place, &mut news)?;
        }
        Ok(news.found)
    }

    fn standing(&self) -> Standing {
        let over = self.objects.iter().filter(|object| object.is_over()).count();
        Standing {
            events: self.matcher.events(),
            keys: self.objects.len(),
            given_up: if self.over { self.objects.len().max(1) } else { over - self.violated },
            waiting: self.arrived.len() + self.objects.iter().map(Object::waiting).sum::<usize>(),
            configurations: self.objects.iter().map(Object::configurations).sum(),
            bytes: self.held_bytes(),
        }
    }

    fn settled(&self) -> Option<Property> {
        if self.over || self.objects.iter().any(Object::is_over) {
            return None;
        }
        // A key that takes part with nothing is no key for a batch check either.
        let keys = self.objects.iter().map(|object| (object.operations, object.peak)).filter(|key| key.0 > 0);
        Some(linearizability::settled(self.model, &self.options, &self.counts, keys))
    }
}

impl<'m, M: Model> Stream<'m, M> {
    pub(super) fn new(model: &'m M, options: Options, effort: u64) -> Stream<'m, M> {
        Stream {
            model,
            options,
            effort,
            matcher: Matcher::default(),
            counts: Counts::default(),
            objects: Vec::new(),
            by_key: FxHashMap::default(),
            arrived: VecDeque::new(),
            homeless: FxHashMap::default(),
            object_of: FxHashMap::default(),
            bytes: 0,
            seen: Seen::default(),
            violated: 0,
            over: false,
        }
    }

    /// An operation's last event has come.
    fn complete(
        &mut self,
        number: usize,
        event: &Event,
        ending: Ending,
        news: &mut News<'_>,
    ) -> Result<(), CheckError> {
        let object = self.object_of.get(&number).copied();
        match (object, self.homeless.get_mut(&number)) {
            (None, Some(pending)) => pending.complete(event, ending),
            (Some(object), _) => {
                self.look(object, |object| object.complete(number, event, ending));
                if ending != Ending::Ok {
                    self.object_of.remove(&number);
                }
            }
            (None, None) => {}
        }
        if ending == Ending::Ok {
            self.arrived.push_back(Moment::End(number));
        }
        self.distribute(news)?;
        object.map_or(Ok(()), |object| self.advance(object, news))
    }

    /// Gives what has arrived to the objects, as far as these are known.
    fn distribute(&mut self, news: &mut News<'_>) -> Result<(), CheckError> {
        while let Some(&moment) = self.arrived.front() {
            let object = match moment {
                Moment::Begin(number) => {
                    let pending = &self.homeless[&number];
                    if self.model.partitions_by_key() && pending.operation.key.is_none() && !pending.ended {
                        break;
                    }
                    self.settle(number)
                }
                Moment::End(number) => {
                    let object = self.object_of.remove(&number).expect("an operation has an object before it ends");
                    self.look(object, |object| object.end(number));
                    object
                }
            };
            self.arrived.pop_front();
            self.advance(object, news)?;
        }
        Ok(())
    }

    /// Gives an operation to its object.
    fn settle(&mut self, number: usize) -> usize {
        let pending = self.homeless.remove(&number).expect("what has arrived is kept");
        let key = pending.operation.key.as_ref().filter(|_| self.model.partitions_by_key()).map(SharedValue::to_value);
        let object = *self.by_key.entry(key).or_insert_with_key(|key| {
            let new = Object::new(key.clone(), self.model, &self.options);
            self.bytes += new.bytes();
            self.objects.push(new);
            self.objects.len() - 1
        });
        if !pending.ended || pending.operation.ending == Ending::Ok {
            self.object_of.insert(number, object);
        }
        self.look(object, |object| object.begin(number, pending));
        object
    }

    /// Does something with an object, and keeps count of what all of them hold.
    fn look<T>(&mut self, object: usize, act: impl FnOnce(&mut Object<'m, M>) -> T) -> T {
        let object = &mut self.objects[object];
        let before = object.bytes();
        let result = act(object);
        self.bytes = self.bytes + object.bytes() - before;
        result
    }

    fn advance(&mut self, place: usize, news: &mut News<'_>) -> Result<(), CheckError> {
        let object = &mut self.objects[place];
        if object.is_over() {
            return Ok(());
        }
        let before = object.bytes();
        let other_bytes = self.bytes - before;
        let setting = Setting {
            model: self.model,
            options: &self.options,
            effort: self.effort,
            budget: news.budget,
            other_bytes,
        };
        let over = object.advance(&setting, &mut self.counts)?;
        self.bytes = other_bytes + object.bytes();
        match over {
            None => {}
            Some(Over::Violated(counterexample)) => {
                self.violated += 1;
                let Seen { index: seen, time: seen_at } = self.seen;
                news.found.push(Found::Violation(Violation { seen, seen_at, counterexample }));
            }
            Some(Over::Tired(why)) => {
                let key = object.key.clone();
                self.tired(key, why, news);
            }
        }
        Ok(())
    }

    /// Asks the budget; where it ended, gives up the largest objects, or everything.
    fn ask(&mut self, news: &mut News<'_>) {
        while let Some(why) = news.budget.exhausted(self.held_bytes()) {
            let largest = self.objects.iter().enumerate().filter(|(_, object)| !object.is_over());
            let largest = largest.max_by_key(|(_, object)| object.bytes()).map(|(place, _)| place);
            let Some(place) = largest.filter(|_| why == Exhausted::Memory) else {
                return self.end(why, news);
            };
            self.look(place, Object::give_up);
            self.tired(self.objects[place].key.clone(), Tired::Budget(why), news);
        }
    }

    /// Gives up everything.
    fn end(&mut self, why: Exhausted, news: &mut News<'_>) {
        self.over = true;
        self.objects.iter_mut().for_each(Object::give_up);
        self.arrived = VecDeque::new();
        self.homeless = FxHashMap::default();
        self.object_of = FxHashMap::default();
        self.bytes = 0;
        self.tired(None, Tired::Budget(why), news);
    }

    fn tired(&self, key: Option<Value>, why: Tired, news: &mut News<'_>) {
        news.found.push(Found::GivenUp(GivenUp { key, seen: self.seen.index, why }));
    }

    fn held_bytes(&self) -> usize {
        let per_key = size_of::<Object<'m, M>>() + 64;
        let homeless = self.homeless.len() * (size_of::<Pending<M::Input>>() + 64);
        let moments = (self.arrived.len() + 2 * self.object_of.len()) * size_of::<Moment>();
        self.bytes + self.objects.len() * per_key + homeless + moments
    }
}
