//! Why there is no order, in words: how far any order came, and why none of the next operations can follow it.

use crate::model::Model;
use crate::sequential::orders::Orders;
use crate::sequential::walk::Walk;
use crate::verdict::Counterexample;
use crate::words;

pub(super) fn counterexample<M: Model>(
    model: &M,
    orders: &Orders<'_, M::Input>,
    walk: &Walk<'_, '_, M>,
) -> Counterexample {
    let mut because = vec![format!(
        "no order has all of the {} operations; the longest one found has {}, and none of these can follow it",
        orders.obliged(),
        walk.farthest()
    )];
    let mut rows = Vec::new();
    for (next, state) in walk.stuck() {
        let key = orders.keys[next.object].map_or_else(String::new, |key| format!(" (key {key})"));
        let role = format!("is next of process {}{key}", next.call.operation.process);
        rows.push(words::witness(model, &next.call, role));
        let sentence = words::sentence(model, &next.call);
        because.push(match model.step(state, &next.call.input) {
            Err(reason) => format!("{sentence}{key}: {reason}"),
            Ok(_) => format!("{sentence}{key}: it is possible, and then the others still have no order"),
        });
    }
    rows.sort_by_key(|row| row.invoked);
    Counterexample { operations: rows, because, ..Counterexample::default() }
}
