//! Objects that work: collections, sets, counters, logs and locks.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use schism_checker::history::{Ending, Operation};
use schism_checker::models::ModelSpec;
use serde_json::{Value, json};

use crate::made::{Object, Random};

/// A kind of object, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Queue,
    Stack,
    PriorityQueue,
    Bag,
    Set,
    /// Three elements that everybody wants.
    HotSet,
    GrowOnlySet,
    Counter,
    Log,
    Lock,
}

/// How many elements are asked for; each read of a grow-only set costs as much as it is large, so it is read rarely.
const ELEMENTS: usize = 1_000;
const HOT_ELEMENTS: usize = 3;
const READS_APART: usize = 1_000;

impl Kind {
    pub(crate) const ALL: [Kind; 10] = [
        Kind::Queue,
        Kind::Stack,
        Kind::PriorityQueue,
        Kind::Bag,
        Kind::Set,
        Kind::HotSet,
        Kind::GrowOnlySet,
        Kind::Counter,
        Kind::Log,
        Kind::Lock,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Queue => "fifo-queue",
            Kind::Stack => "stack",
            Kind::PriorityQueue => "priority-queue",
            Kind::Bag => "bag",
            Kind::Set => "set of 1,000 elements",
            Kind::HotSet => "set of 3 elements",
            Kind::GrowOnlySet => "grow-only-set",
            Kind::Counter => "counter",
            Kind::Log => "log",
            Kind::Lock => "mutex",
        }
    }

    pub(crate) fn model(self) -> ModelSpec {
        let name = self.name().split(' ').next().unwrap_or_default();
        ModelSpec::parse(name, &BTreeMap::new()).expect("the model is known")
    }

    /// Whether the operation has an answer that [`spoil`](Kind::spoil) can make wrong.
    pub(crate) fn can_be_wrong(self, operation: &Operation) -> bool {
        let f = match self {
            Kind::Queue | Kind::Stack | Kind::PriorityQueue | Kind::Bag => "take",
            Kind::Set | Kind::HotSet => "contains",
            Kind::GrowOnlySet | Kind::Counter => "read",
            Kind::Log => "append",
            Kind::Lock => "release",
        };
        let takes = ["dequeue", "pop", "delete-min"];
        let is = &*operation.f == f || f == "take" && takes.contains(&&*operation.f);
        let is_told = self == Kind::Lock || !operation.answer().is_null();
        is && operation.ending == Ending::Ok && is_told
    }

    /// Makes the answer of `late` wrong, for example that of `early`.
    pub(crate) fn spoil(self, operations: &mut [Operation], early: usize, late: usize) {
        match self {
            // It holds an element that nobody ever put in.
            Kind::Set | Kind::HotSet => {
                operations[late].input = ELEMENTS.into();
                operations[late].output = Some(json!([ELEMENTS, true]).into());
            }
            // It was released without having been acquired.
            Kind::Lock => operations[late].process = 77,
            _ => {
                let answer = operations[early].output.clone();
                operations[late].output = answer;
            }
        }
    }
}

/// One of them.
pub(crate) struct Made {
    kind: Kind,
    values: VecDeque<usize>,
    heap: BinaryHeap<std::cmp::Reverse<usize>>,
    set: BTreeSet<usize>,
    count: usize,
    holder: Option<u64>,
}

impl Made {
    pub(crate) fn new(kind: Kind) -> Made {
        Made { kind, values: VecDeque::new(), heap: BinaryHeap::new(), set: BTreeSet::new(), count: 0, holder: None }
    }
}

impl Object for Made {
    fn request(&mut self, number: usize, _crashes: bool, random: &mut Random) -> (&'static str, Value) {
        let one = random.below(2) == 0;
        let element = |random: &mut Random| match self.kind {
            Kind::HotSet => random.below(HOT_ELEMENTS),
            _ => random.below(ELEMENTS),
        };
        match self.kind {
            Kind::Queue | Kind::Bag if one => ("enqueue", number.into()),
            Kind::Queue | Kind::Bag => ("dequeue", Value::Null),
            Kind::Stack if one => ("push", number.into()),
            Kind::Stack => ("pop", Value::Null),
            // Not in the order of the priorities.
            Kind::PriorityQueue if one => ("insert", (number * 7_919 % 100_003).into()),
            Kind::PriorityQueue => ("delete-min", Value::Null),
            Kind::Set | Kind::HotSet => {
                let f = ["add", "remove", "contains", "contains"][random.below(4)];
                (f, element(random).into())
            }
            Kind::GrowOnlySet if number.is_multiple_of(READS_APART) => ("read", Value::Null),
            Kind::GrowOnlySet => ("add", number.into()),
            Kind::Counter if one => ("increment", Value::Null),
            Kind::Counter => ("read", Value::Null),
            Kind::Log if one => ("append", number.into()),
            Kind::Log => ("read", random.below(self.values.len() + 1).into()),
            Kind::Lock if one => ("acquire", Value::Null),
            Kind::Lock => ("release", Value::Null),
        }
    }

    fn take_effect(&mut self, process: u64, f: &str, input: &Value) -> Option<Value> {
        let number = || usize::try_from(input.as_u64().unwrap_or_default()).unwrap_or_default();
        match (self.kind, f) {
            (Kind::Log, "append") => {
                self.values.push_back(number());
                return Some((self.values.len() - 1).into());
            }
            (Kind::Log, _) => return Some(self.values.get(number()).copied().into()),
            (_, "enqueue" | "push") => self.values.push_back(number()),
            (_, "insert") => self.heap.push(std::cmp::Reverse(number())),
            (_, "dequeue") => return Some(self.values.pop_front().into()),
            (_, "pop") => return Some(self.values.pop_back().into()),
            (_, "delete-min") => return Some(self.heap.pop().map(|least| least.0).into()),
            (_, "add") => drop(self.set.insert(number())),
            (_, "remove") => drop(self.set.remove(&number())),
            (_, "contains") => return Some(json!([input, self.set.contains(&number())])),
            (_, "increment") => self.count += 1,
            (Kind::Counter, _) => return Some(self.count.into()),
            (_, "acquire") if self.holder.is_none() => self.holder = Some(process),
            (_, "release") if self.holder == Some(process) => self.holder = None,
            (Kind::Lock, _) => return None,
            (_, _) => return Some(self.set.iter().copied().collect()),
        }
        Some(input.clone())
    }
}
