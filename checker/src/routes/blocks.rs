//! Blocks: groups of operations that stand together in every linearization, each in an order of its own.
//!
//! One block comes before another if any of its operations ended before any of the other's began: if its `first_end` is less than
//! the other's `last_begin`. **Theorem** (Gibbons and Korach, *Testing shared memories*, 1997): the blocks have an order if and
//! only if no two must come before each other. For in a cycle, let one block's `last_begin` be the greatest. Each block of the cycle
//! has a `first_end` less than the `last_begin` of the next one, so less than the greatest: each comes before that block, the one
//! after it in the cycle too.

use super::NEVER;

/// A group of operations that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is, for whoever asks.
    pub(super) number: usize,
    /// None where it ended before everything.
    pub(super) first_end: Option<u64>,
    pub(super) last_begin: u64,
}

/// Two blocks that must come before each other, if there are any.
pub(super) fn contradiction(blocks: impl IntoIterator<Item = Block>) -> Option<(usize, usize)> {
    let happened = blocks.into_iter().filter(|block| block.first_end != Some(NEVER));
    let (mut forward, backward): (Vec<Block>, Vec<Block>) =
        happened.partition(|block| block.first_end < Some(block.last_begin));
    forward.sort_by_key(|block| block.first_end);
    // For each place the block among those up to there that reaches farthest.
    let mut farthest: Vec<Block> = Vec::with_capacity(forward.len());
    for &block in &forward {
        let Some(&reach) = farthest.last() else {
            farthest.push(block);
            continue;
        };
        if block.first_end < Some(reach.last_begin) {
            return Some((reach.number, block.number));
        }
        farthest.push(if block.last_begin > reach.last_begin { block } else { reach });
    }
    backward.into_iter().find_map(|block| {
        let begun = forward.partition_point(|other| other.first_end < Some(block.last_begin));
        let reach = farthest[begun.checked_sub(1)?];
        (block.first_end < Some(reach.last_begin)).then_some((reach.number, block.number))
    })
}
