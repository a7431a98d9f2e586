//! The bad patterns of CM: what each session has to hold of the order of the writes that it depends on.

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::Counterexample;
use crate::weaker::causal::explain;
use crate::weaker::causal::order::{Order, Why};
use crate::weaker::graph::Edge;
use crate::weaker::whole::{OpId, Whole};

/// What is wrong with the first session with which something is.
///
/// What an operation has to hold, a later one of its session has to hold as well; so only those are looked at that nothing follows.
pub(super) fn broken<M: Model>(
    whole: &Whole<'_, '_, M>,
    order: &Order,
    share: &mut Share<'_>,
) -> Result<Option<Counterexample>, Stop> {
    let mut followed = vec![false; whole.ops.len()];
    for step in order.steps.iter().filter(|step| step.label == Why::Session) {
        followed[step.from as usize] = true;
    }
    let mut reads: Vec<Vec<OpId>> = vec![Vec::new(); whole.sessions];
    for (id, op) in whole.numbered().filter(|(_, op)| !op.writes) {
        reads[op.who as usize].push(id);
    }
    for (last, op) in whole.numbered().filter(|&(id, _)| order.counts(id) && !followed[id as usize]) {
        let own = reads[op.who as usize].iter().copied().filter(|&read| {
            let it = whole.op(read);
            it.call == op.call || it.end.is_some_and(|end| end < op.begin)
        });
        if let Some(broken) = of_session(whole, order, last, &own.collect::<Vec<_>>(), share)? {
            return Ok(Some(broken));
        }
    }
    Ok(None)
}

/// Adds what the reads imply until nothing more follows.
fn of_session<M: Model>(
    whole: &Whole<'_, '_, M>,
    order: &Order,
    last: OpId,
    reads: &[OpId],
    share: &mut Share<'_>,
) -> Result<Option<Counterexample>, Stop> {
    let takes_part = |id: OpId| order.is_before(&order.clocks, id, last);
    let mut steps: Vec<Edge<Why>> = order.steps.iter().copied().filter(|step| takes_part(step.to)).collect();
    let bytes = |steps: &[Edge<Why>]| 2 * order.bytes_of_clocks() + 2 * size_of_val(steps);
    loop {
        share.ask(bytes(&steps))?;
        let Some(clocks) = order.clocks(&steps, takes_part, share)? else {
            return Ok(Some(explain::cycle(whole, &steps)));
        };
        let before = steps.len();
        for &read in reads {
            let op = whole.op(read);
            for _ in 0..=order.writers(op.key) / 64 {
                share.work(|| bytes(&steps))?;
            }
            let Some(source) = whole.op_of_write[op.write as usize] else {
                match order.writes_before(&clocks, read, op.key).next() {
                    Some(newer) => return Ok(Some(explain::overwritten(whole, &steps, None, newer, read))),
                    None => continue,
                }
            };
            let earlier = order.writes_before(&clocks, read, op.key);
            let new = earlier.filter(|&earlier| !order.is_before(&clocks, earlier, source));
            steps.extend(new.map(|from| Edge { from, to: source, label: Why::Before(read) }));
        }
        if steps.len() == before {
            return Ok(None);
        }
    }
}
