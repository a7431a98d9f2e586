//! Random schedules from proptest, which shrinks those that fail, against a model of one's own.

use as_a_stranger::Dispenser;
use proptest::prelude::*;
use schism_checker::history::Operation;
use schism_checker::model::Model;
use schism_checker::recorder::{Invocation, Op, Recorder};

/// Hands out numbers, each once and in order: the whole model.
struct Numbers;

impl Model for Numbers {
    type State = u64;
    /// The number that was answered, where anybody knows.
    type Input = Option<u64>;

    fn name(&self) -> &'static str {
        "numbers"
    }

    fn initial(&self) -> u64 {
        0
    }

    fn input(&self, operation: &Operation) -> Result<Option<u64>, String> {
        Ok(operation.output.as_ref().and_then(|answer| answer.as_u64()))
    }

    fn step(&self, last: &u64, number: &Option<u64>) -> Result<u64, String> {
        match number {
            Some(number) if *number != last + 1 => Err(format!("cannot hand out {number} after {last}")),
            _ => Ok(last + 1),
        }
    }
}

/// What a client does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    Serve,
    Hear,
    GiveUp,
}

/// Plays a schedule on a dispenser; each client has at most one request on its way.
fn play(schedule: &[(usize, Step)], serve: &mut dyn FnMut() -> u64) -> Recorder {
    let recorder = Recorder::new();
    let mut requests: [Option<(Op, Option<u64>)>; 3] = [None, None, None];
    for &(client, step) in schedule {
        let request = &mut requests[client];
        *request = match (step, request.take()) {
            (Step::Ask, None) => Some((recorder.invoke(client as u64, Invocation::new("take")), None)),
            (Step::Serve, Some((op, None))) => Some((op, Some(serve()))),
            (Step::Hear, Some((op, Some(number)))) => {
                op.ok(number);
                None
            }
            (Step::GiveUp, Some((op, _))) => {
                op.info();
                None
            }
            (_, waiting) => waiting,
        };
    }
    // Somebody records something in every schedule, so that there is something to judge.
    recorder.invoke(9, Invocation::new("take")).ok(serve());
    recorder
}

fn schedule() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop::sample::select(vec![Step::Ask, Step::Serve, Step::Serve, Step::Hear, Step::GiveUp]);
    prop::collection::vec((0..3_usize, step), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_number_is_lost_or_given_twice(schedule in schedule()) {
        let mut dispenser = Dispenser::default();
        play(&schedule, &mut || dispenser.take()).history().check(&Numbers).assert_valid();
    }

    #[test]
    fn a_number_that_is_given_twice_is_found(schedule in schedule()) {
        let mut dispenser = Dispenser::default();
        let recorder = play(&schedule, &mut || dispenser.take());
        let last = dispenser.take();
        recorder.invoke(7, Invocation::new("take")).ok(last);
        recorder.invoke(8, Invocation::new("take")).ok(last);
        recorder.history().check(&Numbers).assert_invalid();
    }
}
