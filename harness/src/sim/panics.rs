//! Panics of protocols: a broken invariant ends its node, not the simulator. What a panic hook needs to tell them from
//! panics of ours.

use std::any::Any;
use std::cell::Cell;

thread_local! {
    static STEPPING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a protocol of a simulated node runs on this thread: its panic is the run's to tell.
pub fn is_stepping() -> bool {
    STEPPING.get()
}

/// Runs a protocol.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> T {
    STEPPING.set(true);
    let done = run();
    STEPPING.set(false);
    done
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}
