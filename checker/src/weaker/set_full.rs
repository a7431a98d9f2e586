//! Which elements of a set were lost, stale or seen twice, as Jepsen's `set-full` counts them.
//!
//! An element is **known** from the moment on at which its add ended `ok`, or a read that has it ended, whichever came first. Of all reads
//! that ended `ok`, those that have it and those that have it not, the one that was invoked last decides:
//!
//! - **stable**: the last read has it. It was **stale** if a read that was invoked after it was known had it not;
//! - **lost**: the last read has it not, and was invoked after it was known;
//! - **never read**: neither; nothing follows for it;
//! - **duplicated**: some read has it more than once;
//! - **unexpected**: some read has it though nobody tried to add it, or every add of it failed.
//!
//! Broken is what lost, duplicated or made up an element; staleness alone breaks nothing. An element that anybody tried to
//! remove may be gone: it is counted as removed, and nothing else is asked of it. Crashed adds need not have happened. O(n + e log e) for
//! reads of e elements in sum. An answer that is no list is no read.
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::Set;
//! use schism_checker::recorder::{Invocation, Recorder};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::set_full;
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Invocation::new("add").value(5)).ok(());
//! recorder.invoke(2, Invocation::new("read")).ok([0; 0]);
//! let operations = recorder.history().operations().unwrap();
//! let verdict = set_full::check(&operations, &Set { removals: false }, &Options::default(), &Unlimited).unwrap();
//! assert_eq!((verdict.outcome, &verdict.figures["lost"]), (Outcome::Invalid, &1.into()));
//! ```

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::history::{Ending, Operation};
use crate::linearizability::{self, CheckError, Options};
use crate::meter::{Meter, Share, Stop};
use crate::model::{Action, Model};
use crate::verdict::{Counterexample, Outcome, Property, Witness};
use crate::weaker::behind::{milliseconds, quantiles};

/// Judges what became of the elements of each set of a history. The property is named `set-full`.
pub fn check<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    for operation in operations.iter().filter(|it| it.ending != Ending::Fail) {
        let is_set = linearizability::input(model, operation)?
            .is_none_or(|input| matches!(model.action(&input), Some(Action::Set(_))));
        if !is_set {
            let model = model.name().to_owned();
            return Err(CheckError::Level { level: "set-full", of: "sets", model });
        }
    }
    let meter = Meter::new(budget);
    let base = Property {
        name: "set-full".to_owned(),
        judged: options.judged,
        outcome: Outcome::Unknown,
        summary: String::new(),
        route: None,
        counterexample: None,
        suspects: Vec::new(),
        figures: Map::new(),
    };
    let Ok(sets) = Sets::of(operations, &mut meter.share(0)) else {
        let summary = format!("{} before the elements could be counted", linearizability::ended(&meter));
        return Ok(Property { summary, ..base });
    };
    let counts = sets.counts();
    let broken = options.explain.then(|| sets.broken()).flatten();
    let (outcome, summary) = counts.verdict();
    Ok(Property { outcome, summary, counterexample: broken, figures: counts.figures(), ..base })
}

/// What is known of one element. Reads are known by their places in the list of operations, and compared by their invocations.
#[derive(Clone, Debug, Default)]
struct Element {
    added: Option<usize>,
    /// Whether an add of it did not fail.
    may_be_there: bool,
    removed: bool,
    /// The event with which it was known, and its time.
    known: Option<(u64, Option<u64>)>,
    last_present: Option<usize>,
    last_absent: Option<usize>,
    twice: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stable { stale: bool },
    Lost,
    NeverRead,
    Removed,
    Unexpected,
}

/// An element, with the key of its set.
type Place<'a> = (Option<&'a Value>, &'a Value);

struct Sets<'a> {
    operations: &'a [Operation],
    elements: Vec<(Place<'a>, Element)>,
}

impl<'a> Sets<'a> {
    fn of(operations: &'a [Operation], share: &mut Share<'_>) -> Result<Sets<'a>, Stop> {
        let mut sets = Sets { operations, elements: Vec::new() };
        let mut numbers: FxHashMap<Place<'a>, usize> = FxHashMap::default();
        let mut reads: FxHashMap<Option<&Value>, Vec<usize>> = FxHashMap::default();
        for (place, operation) in operations.iter().enumerate() {
            share.work(|| 2 * size_of_val(&*sets.elements))?;
            let key = operation.key.as_deref();
            match &*operation.f {
                "add" | "remove" => {
                    let element = sets.element(&mut numbers, (key, &operation.input));
                    element.told(place, operation);
                }
                "read" if operation.ending == Ending::Ok && operation.answer().is_array() => {
                    reads.entry(key).or_default().push(place);
                }
                _ => {}
            }
        }
        for (key, reads) in reads {
            sets.read(key, reads, &mut numbers, share)?;
        }
        let order = |place: &Place<'_>| (place.0.map(ToString::to_string), place.1.to_string());
        sets.elements.sort_by_cached_key(|(place, element)| (element.added, order(place)));
        Ok(sets)
    }

    fn element(&mut self, numbers: &mut FxHashMap<Place<'a>, usize>, place: Place<'a>) -> &mut Element {
        let number = *numbers.entry(place).or_insert_with(|| {
            self.elements.push((place, Element::default()));
            self.elements.len() - 1
        });
        &mut self.elements[number].1
    }

    /// Takes the reads of one set into account, from the one that was invoked last on: an element that was in all of them up to
    /// there is missing for the first time in the last read that has it not.
    fn read(
        &mut self,
        key: Option<&'a Value>,
        mut reads: Vec<usize>,
        numbers: &mut FxHashMap<Place<'a>, usize>,
        share: &mut Share<'_>,
    ) -> Result<(), Stop> {
        let operations = self.operations;
        reads.sort_unstable_by_key(|&read| std::cmp::Reverse(operations[read].invoked));
        let has = |read: usize| operations[read].answer().as_array().map_or(&[][..], Vec::as_slice);
        // Who is in no read at all is to be missed as well.
        for &read in &reads {
            for value in has(read) {
                self.element(numbers, (key, value));
            }
        }
        let mut in_all: Vec<usize> =
            numbers.iter().filter(|((of, _), _)| *of == key).map(|(_, &number)| number).collect();
        let mut seen_in: FxHashMap<usize, usize> = FxHashMap::default();
        for read in reads {
            let operation = &operations[read];
            for value in has(read) {
                share.work(|| 2 * size_of_val(&*self.elements))?;
                let number = numbers[&(key, value)];
                let element = &mut self.elements[number].1;
                if seen_in.insert(number, read) == Some(read) {
                    element.twice.get_or_insert(read);
                }
                element.last_present.get_or_insert(read);
                element.knows(operation);
            }
            in_all.retain(|number| {
                let present = seen_in.get(number) == Some(&read);
                if !present {
                    self.elements[*number].1.last_absent = Some(read);
                }
                present
            });
        }
        Ok(())
    }

    fn fate(&self, element: &Element) -> Fate {
        let invoked = |read: Option<usize>| read.map(|read| self.operations[read].invoked);
        let (present, absent) = (invoked(element.last_present), invoked(element.last_absent));
        let missed = element.known.is_some_and(|(known, _)| absent.is_some_and(|absent| absent > known));
        match element {
            Element { may_be_there: false, last_present: Some(_), .. } => Fate::Unexpected,
            Element { removed: true, .. } => Fate::Removed,
            _ if present.is_some() && present > absent => Fate::Stable { stale: missed },
            _ if missed => Fate::Lost,
            _ => Fate::NeverRead,
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, element) in &self.elements {
            counts.elements += 1;
            counts.duplicated += usize::from(element.twice.is_some());
            match self.fate(element) {
                Fate::Stable { stale } => {
                    counts.stable += 1;
                    counts.stale += usize::from(stale);
                    if stale {
                        counts.stale_ns.extend(self.stale_ns(element));
                    }
                }
                Fate::Lost => counts.lost += 1,
                Fate::NeverRead => counts.never_read += 1,
                Fate::Removed => counts.removed += 1,
                Fate::Unexpected => counts.unexpected += 1,
            }
        }
        counts
    }

    /// How long after an element was known it was missing for the last time.
    fn stale_ns(&self, element: &Element) -> Option<u64> {
        let missed = self.operations[element.last_absent?].invoked_at?;
        Some(missed.saturating_sub(element.known?.1?))
    }

    /// The first element with which something is wrong.
    fn broken(&self) -> Option<Counterexample> {
        self.elements.iter().find_map(|((key, value), element)| {
            let fate = self.fate(element);
            let text = value.to_string();
            let (reads, because) = match (fate, element.twice) {
                (_, Some(read)) => (vec![(read, format!("has {text} twice"))], format!("{text} is twice in one read")),
                (Fate::Unexpected, _) => {
                    let read = element.last_present?;
                    (vec![(read, format!("has {text}"))], format!("{text} was read, and nobody added it"))
                }
                (Fate::Lost, _) => {
                    let missed = element.last_absent.map(|read| (read, format!("does not have {text}")));
                    let had = element.last_present.map(|read| (read, format!("the last read that has {text}")));
                    (had.into_iter().chain(missed).collect(), format!("{text} was there, and is lost"))
                }
                _ => return None,
            };
            let mut rows: Vec<Witness> = element.added.map(|add| self.row(add, String::new())).into_iter().collect();
            rows.extend(reads.into_iter().map(|(read, role)| self.row(read, role)));
            rows.sort_by_key(|row| row.invoked);
            let because = vec![because];
            Some(Counterexample { key: key.cloned(), operations: rows, because, ..Counterexample::default() })
        })
    }

    fn row(&self, place: usize, role: String) -> Witness {
        let it = &self.operations[place];
        let did = match (&*it.f, it.ending) {
            ("read", _) => format!("read {} elements", it.answer().as_array().map_or(0, Vec::len)),
            (_, Ending::Ok) => format!("added {}", it.input),
            (_, Ending::Fail) => format!("failed to add {}", it.input),
            (_, Ending::Info) => format!("tried to add {} (unknown)", it.input),
        };
        Witness {
            process: it.process,
            did,
            role,
            node: it.node.as_ref().map(ToString::to_string),
            invoked: it.invoked,
            completed: it.completed,
            invoked_at: it.invoked_at,
            completed_at: it.completed_at,
        }
    }
}

impl Element {
    /// An add or a remove of it.
    fn told(&mut self, place: usize, operation: &Operation) {
        if &*operation.f == "remove" {
            self.removed |= operation.ending != Ending::Fail;
            return;
        }
        self.added.get_or_insert(place);
        self.may_be_there |= operation.ending != Ending::Fail;
        if operation.ending == Ending::Ok {
            self.knows(operation);
        }
    }

    /// With the end of this operation it was known.
    fn knows(&mut self, operation: &Operation) {
        let Some(end) = operation.completed else { return };
        if self.known.is_none_or(|(known, _)| end < known) {
            self.known = Some((end, operation.completed_at));
        }
    }
}

/// Elements by what became of them.
#[derive(Clone, Debug, Default)]
struct Counts {
    elements: usize,
    stable: usize,
    stale: usize,
    lost: usize,
    never_read: usize,
    removed: usize,
    duplicated: usize,
    unexpected: usize,
    stale_ns: Vec<u64>,
}

impl Counts {
    fn verdict(&self) -> (Outcome, String) {
        let Counts { elements, stable, stale, lost, duplicated, unexpected, .. } = self;
        if lost + duplicated + unexpected > 0 {
            let wrong = format!("{lost} lost, {duplicated} duplicated, {unexpected} unexpected");
            return (Outcome::Invalid, format!("of {elements} elements {wrong}"));
        }
        if *stable == 0 {
            return (Outcome::Vacuous, "nothing follows: no element was read after it was there".to_owned());
        }
        (Outcome::Valid, format!("no element is lost: {stable} of {elements} are stable, {stale} of them were stale"))
    }

    fn figures(&self) -> Map<String, Value> {
        let mut figures: Map<String, Value> = [
            ("elements", self.elements),
            ("stable", self.stable),
            ("stale", self.stale),
            ("lost", self.lost),
            ("never_read", self.never_read),
            ("removed", self.removed),
            ("duplicated", self.duplicated),
            ("unexpected", self.unexpected),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
        if !self.stale_ns.is_empty() {
            let stale = quantiles(self.stale_ns.clone());
            let stale: Map<String, Value> =
                stale.into_iter().map(|(name, ns)| (name.to_owned(), milliseconds(ns))).collect();
            figures.insert("stale_ms".to_owned(), stale.into());
        }
        figures
    }
}
