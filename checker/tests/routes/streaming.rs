//! A follower tells the same of these objects as a search of the whole history, and no sooner than the events imply it.

use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::verdict::Outcome;

use crate::brute_force::{Object, recorded};
use crate::generator::{Kind, history, model};
use crate::grown::{follow, recorded_events};
use crate::random::Random;

const HISTORIES: u64 = 6_000;

#[test]
fn every_object_can_be_followed() {
    let objects = [
        (Object::CasRegister, true),
        (Object::Queue, true),
        (Object::Stack, false),
        (Object::Bag, false),
        (Object::SmallestFirst, true),
        (Object::LargestFirst, false),
        (Object::Set, false),
        (Object::GrowOnlySet, true),
        (Object::Counter, false),
        (Object::OwnerLock, false),
        (Object::ReentrantLock, false),
        (Object::FencedLock, false),
        (Object::Log, true),
        (Object::Semaphore, false),
        (Object::List, true),
    ];
    for (object, distinct) in objects {
        let (mut valid, mut violated) = (0, 0);
        let kind = Kind { object, distinct, operations: 7 };
        let model = model(object);
        let searched = Options { zones: false, core_effort: 0, ..Options::default() };
        let truth = |operations: &[Operation]| {
            check_operations(operations, &model, &searched, &Unlimited).unwrap().outcome != Outcome::Invalid
        };
        for number in 0..HISTORIES {
            let seed = 2 << 60 | (object as u64) << 40 | number;
            let generated = history(kind, &mut Random::new(seed));
            let operations: Vec<Operation> = generated.ops.iter().map(|op| recorded(object, op)).collect();
            let Some(history) = recorded_events(&operations) else { continue };
            let told = format!("seed {seed}, {kind:?}: {:#?}", history.events);
            let grown = follow(history, &model, &Options::default(), false, truth, &told);
            *if grown.violated { &mut violated } else { &mut valid } += 1;
        }
        let enough = HISTORIES / 60;
        assert!(valid > enough && violated > enough, "{object:?}: {valid} valid, {violated} violated: a poor mix");
    }
}
