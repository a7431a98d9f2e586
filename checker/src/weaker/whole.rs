//! A history of registers as a whole: every read with the write that it returned, every operation with its session.
//!
//! Values must name their writes. A compare-and-set that succeeded is a read of what it found and, right behind it, a write of what
//! it left.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::history::Who;
use crate::linearizability::keys::{Counts, Parts};
use crate::linearizability::{self, CheckError, key_text};
use crate::meter::{Meter, Share, Stop};
use crate::model::Model;
use crate::registers::RegisterCalls;
use crate::verdict::{Counterexample, Outcome, Property, Witness};
use crate::weaker::Case;
use crate::weaker::by_key::{self, Words};
use crate::words;

/// The number of a write; each key has one of the initial value as well.
pub(super) type WriteId = u32;
/// The number of an operation, in the order of their invocations.
pub(super) type OpId = u32;

/// What an operation did with one register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    /// The number of its call.
    pub(super) call: u32,
    pub(super) key: u32,
    /// Whose it is.
    pub(super) who: u32,
    /// Whether it wrote; else it read.
    pub(super) writes: bool,
    /// What it wrote, or the write that it returned.
    pub(super) write: WriteId,
    pub(super) begin: u64,
    /// None for a write that crashed.
    pub(super) end: Option<u64>,
}

/// See the module's head.
pub(super) struct Whole<'p, 'a, M: Model> {
    model: &'p M,
    calls: Vec<Call<'a, M::Input>>,
    pub(super) ops: Vec<Op>,
    /// For each write its operation; none for the initial values, and for what nobody wrote.
    pub(super) op_of_write: Vec<Option<OpId>>,
    /// For each key the write of its initial value.
    pub(super) initials: Vec<WriteId>,
    /// How many different sessions there are.
    pub(super) sessions: usize,
    keys: Vec<Option<Value>>,
}

/// What was found for a history.
pub(super) enum Verdict {
    Kept,
    Broken(Counterexample),
}

/// Checks a whole history.
pub(super) fn judge<M: Model>(
    case: Case<'_, M>,
    words: &mut Words,
    check: impl FnOnce(&Whole<'_, '_, M>, &mut Words, &mut Share<'_>) -> Result<Verdict, Stop>,
) -> Result<Property, CheckError> {
    let Case { operations, model, options, budget } = case;
    let no_register = || CheckError::Level { level: words.name, of: "registers", model: model.name().to_owned() };
    if model.register_initial().is_none() {
        return Err(no_register());
    }
    let meter = Meter::new(budget);
    let mut share = meter.share(0);
    let ended = |words: &Words, counts: &Counts, keys| {
        let summary = format!("{} before {} could be judged", linearizability::ended(&meter), model.name());
        Property { outcome: Outcome::Unknown, summary, ..by_key::base(case, words, counts, keys) }
    };
    let Some(Parts { parts, counts }) = Parts::of(model, operations, &mut share)? else {
        return Ok(ended(words, &Counts::default(), 0));
    };
    let keys = parts.len();
    let accesses: Option<Vec<RegisterCalls>> = parts.iter().map(|part| RegisterCalls::of(model, &part.calls)).collect();
    let accesses = accesses.ok_or_else(no_register)?;
    let twice = parts
        .iter()
        .zip(&accesses)
        .find(|(_, it)| it.produced.iter().zip(&it.only_producer).any(|(&produced, only)| produced && only.is_none()));
    if let Some((part, _)) = twice {
        let key = part.key.as_ref().map_or_else(String::new, |key| format!("key {}: ", key_text(key)));
        let summary = format!(
            "whether {} {} is not known ({key}a value was written twice, so that it does not tell its write)",
            model.name(),
            words.holds
        );
        return Ok(Property { outcome: Outcome::Unknown, summary, ..by_key::base(case, words, &counts, keys) });
    }
    let whole = Whole::of(model, parts, &accesses);
    let _held = share.hold(whole.bytes());
    let found = match whole.unwritten() {
        Some(broken) => Ok(Verdict::Broken(broken)),
        None => share.ask(0).and_then(|()| check(&whole, words, &mut share)),
    };
    let base = by_key::base(case, words, &counts, keys);
    let name = model.name();
    Ok(match found {
        Err(_) => ended(words, &counts, keys),
        Ok(Verdict::Kept) => by_key::kept(case, &format!("{name} {} ({})", words.holds, words.route), &counts, base),
        Ok(Verdict::Broken(counterexample)) => {
            let summary = format!("{name} {} ({})", words.broken, words.route);
            let counterexample = options.explain.then_some(counterexample);
            Property { outcome: Outcome::Invalid, summary, counterexample, ..base }
        }
    })
}

impl<'p, 'a, M: Model> Whole<'p, 'a, M> {
    fn of(
        model: &'p M,
        parts: Vec<linearizability::keys::Part<'a, M::Input>>,
        accesses: &[RegisterCalls],
    ) -> Whole<'p, 'a, M> {
        let mut whole = Whole {
            model,
            calls: Vec::new(),
            ops: Vec::new(),
            op_of_write: Vec::new(),
            initials: Vec::new(),
            sessions: 0,
            keys: Vec::new(),
        };
        let number = |length: usize| u32::try_from(length).expect("four billion operations do not fit in memory");
        let mut sessions: FxHashMap<Who<'_>, u32> = FxHashMap::default();
        for (key, (part, accesses)) in (0..).zip(parts.into_iter().zip(accesses)) {
            let first = number(whole.op_of_write.len());
            whole.op_of_write.resize(whole.op_of_write.len() + accesses.produced.len(), None);
            whole.initials.push(first + accesses.initial);
            whole.keys.push(part.key);
            for (call, access) in part.calls.into_iter().zip(&accesses.accesses) {
                let next = number(sessions.len());
                let who = *sessions.entry(call.operation.who()).or_insert(next);
                let place = number(whole.calls.len());
                let did = |writes, value| Op {
                    call: place,
                    key,
                    who,
                    writes,
                    write: first + value,
                    begin: call.operation.invoked,
                    end: call.end,
                };
                let read = access.observed().filter(|_| !call.crashed()).map(|value| did(false, value));
                whole.ops.extend(read.into_iter().chain(access.produced().map(|value| did(true, value))));
                whole.calls.push(call);
            }
        }
        whole.sessions = sessions.len();
        whole.ops.sort_by_key(|op| op.begin);
        for (id, op) in (0..).zip(&whole.ops) {
            if op.writes {
                whole.op_of_write[op.write as usize] = Some(id);
            }
        }
        whole
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.calls) + size_of_val(&*self.ops) + size_of_val(&*self.op_of_write)
    }

    pub(super) fn op(&self, id: OpId) -> &Op {
        &self.ops[id as usize]
    }

    /// All operations with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (OpId, &Op)> {
        (0..).zip(&self.ops)
    }

    pub(super) fn call(&self, id: OpId) -> &Call<'a, M::Input> {
        &self.calls[self.op(id).call as usize]
    }

    /// Whether this is the write of an initial value.
    pub(super) fn is_initial(&self, write: WriteId) -> bool {
        // The writes of a key stand together, and so in the order of the keys.
        self.initials.binary_search(&write).is_ok()
    }

    /// The value of a write, in words.
    pub(super) fn value(&self, write: WriteId) -> String {
        let written = self.op_of_write[write as usize].and_then(|op| {
            let access = self.model.access(&self.call(op).input)?;
            Some(access.produced()?.to_string())
        });
        written.unwrap_or_else(|| "the initial value".to_owned())
    }

    /// `process 1 wrote 5 at n1`, with the key where there are several.
    pub(super) fn sentence(&self, id: OpId) -> String {
        let sentence = words::sentence(self.model, self.call(id));
        match self.keys[self.op(id).key as usize].as_ref().filter(|_| self.keys.len() > 1) {
            Some(key) => format!("{sentence} (key {})", key_text(key)),
            None => sentence,
        }
    }

    /// Rows of a counterexample, in the order of their invocations.
    pub(super) fn rows(&self, shown: &[(OpId, String)]) -> Vec<Witness> {
        let mut shown: Vec<&(OpId, String)> = shown.iter().collect();
        shown.sort_by_key(|&(id, _)| (self.op(*id).begin, *id));
        shown.dedup_by_key(|(id, _)| self.op(*id).call);
        let row = |&(id, role): &(OpId, &str)| {
            let mut row = words::witness(self.model, self.call(id), role.to_owned());
            if let Some(key) = self.keys[self.op(id).key as usize].as_ref().filter(|_| self.keys.len() > 1) {
                row.did = format!("{} (key {})", row.did, key_text(key));
            }
            row
        };
        shown.into_iter().map(|(id, role)| row(&(*id, role))).collect()
    }

    /// A read of what nobody wrote: no order at all has a place for it.
    fn unwritten(&self) -> Option<Counterexample> {
        let (read, _) = self.numbered().find(|(_, op)| {
            !op.writes && self.op_of_write[op.write as usize].is_none() && !self.is_initial(op.write)
        })?;
        let because = vec![format!("{}, and nobody wrote that", self.sentence(read))];
        Some(Counterexample { operations: self.rows(&[(read, String::new())]), because, ..Counterexample::default() })
    }
}
