//! The bad patterns of CC and `CCv`.

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::verdict::Counterexample;
use crate::weaker::causal::explain;
use crate::weaker::causal::order::{Order, Why};
use crate::weaker::graph::Edge;
use crate::weaker::whole::Whole;

/// The causal order, and what is wrong with it as far as CC goes.
pub(super) struct Found {
    pub(super) order: Order,
    pub(super) broken: Option<Counterexample>,
}

impl Found {
    pub(super) fn of<M: Model>(whole: &Whole<'_, '_, M>, share: &mut Share<'_>) -> Result<Found, Stop> {
        let order = Order::of(whole, share)?;
        let broken =
            if order.cyclic { Some(explain::cycle(whole, &order.steps)) } else { overwritten(whole, &order, share)? };
        Ok(Found { order, broken })
    }
}

/// A read of a value that another write had replaced before: `WriteCORead` and `WriteCOInitRead`.
///
/// Of each process only its last write of the key that came before the read has to be looked at: what comes before an earlier one
/// comes before that as well.
fn overwritten<M: Model>(
    whole: &Whole<'_, '_, M>,
    order: &Order,
    share: &mut Share<'_>,
) -> Result<Option<Counterexample>, Stop> {
    for (read, op) in whole.numbered().filter(|(_, op)| !op.writes) {
        for _ in 0..=order.writers(op.key) / 64 {
            share.work(|| order.bytes_of_clocks())?;
        }
        let source = whole.op_of_write[op.write as usize];
        let replaces = |&newer: &u32| match source {
            None => true,
            Some(source) => newer != source && order.is_before(&order.clocks, source, newer),
        };
        if let Some(newer) = order.writes_before(&order.clocks, read, op.key).find(replaces) {
            return Ok(Some(explain::overwritten(whole, &order.steps, source, newer, read)));
        }
    }
    Ok(None)
}

/// A cycle of the causal order with the order of writes that reads saw: `CyclicCF`.
pub(super) fn conflict<M: Model>(
    whole: &Whole<'_, '_, M>,
    order: &Order,
    share: &mut Share<'_>,
) -> Result<Option<Counterexample>, Stop> {
    let mut steps = order.steps.clone();
    for (read, op) in whole.numbered().filter(|(_, op)| !op.writes) {
        let Some(source) = whole.op_of_write[op.write as usize] else { continue };
        for _ in 0..=order.writers(op.key) / 64 {
            share.work(|| order.bytes_of_clocks() + 2 * size_of_val(&*steps))?;
        }
        let earlier = order.writes_before(&order.clocks, read, op.key);
        let new = earlier.filter(|&earlier| !order.is_before(&order.clocks, earlier, source));
        steps.extend(new.map(|from| Edge { from, to: source, label: Why::Before(read) }));
    }
    share.ask(order.bytes_of_clocks() + 2 * size_of_val(&*steps))?;
    let acyclic = steps.len() == order.steps.len() || order.clocks(&steps, |_| true, share)?.is_some();
    Ok((!acyclic).then(|| explain::cycle(whole, &steps)))
}
