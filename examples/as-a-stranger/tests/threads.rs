//! Threads that use one store at the same time.

use std::thread;

use as_a_stranger::Store;
use schism_checker::models::Register;
use schism_checker::recorder::{Cas, Read, Recorder, Write};

#[test]
fn a_store_is_linearizable_under_threads() {
    for round in 0..20 {
        let (store, recorder) = (Store::default(), Recorder::new());
        thread::scope(|scope| {
            for client in 0..4 {
                let (store, recorder) = (&store, &recorder);
                scope.spawn(move || work(store, recorder, client, round));
            }
        });
        recorder.history().check(&Register::with_cas()).assert_valid();
    }
}

fn work(store: &Store, recorder: &Recorder, client: u64, round: u64) {
    for step in 0..25 {
        let key = ["x", "y"][usize::from((step + client + round) % 3 == 0)];
        let value = 1_000 * client + step;
        match (step + round) % 3 {
            0 => {
                let op = recorder.invoke(client, Write(key, value));
                store.set(key, value);
                op.ok(());
            }
            1 => {
                let op = recorder.invoke(client, Read(key));
                op.ok(store.get(key));
            }
            _ => {
                let Some(seen) = store.get(key) else { continue };
                let op = recorder.invoke(client, Cas(key, seen, value));
                if store.compare_and_set(key, seen, value) { op.ok(()) } else { op.fail() }
            }
        }
    }
}

/// A cache in front of the store that nobody tells when the store changes.
#[test]
#[should_panic(expected = "register is not linearizable (key x")]
fn a_stale_cache_is_found() {
    let (store, recorder) = (Store::default(), Recorder::new());
    let op = recorder.invoke(1, Read("x"));
    let cached = store.get("x");
    op.ok(cached);
    let op = recorder.invoke(2, Write("x", 5_u64));
    store.set("x", 5);
    op.ok(());
    recorder.invoke(1, Read("x")).ok(cached);
    recorder.history().check(&Register::new()).assert_valid();
}
