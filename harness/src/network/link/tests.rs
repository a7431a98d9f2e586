use super::chance::DELAY_MAX;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn engine() -> LinkEngine<u32> {
    LinkEngine::new([7; 32], LinkOrder::Any)
}

fn header(kind: &str) -> Header<'_> {
    Header { kind, probe: kind == "probe", incarnation: 1, bytes: 10 }
}

fn hold(kind: Option<&str>, count: Option<u64>) -> Rule {
    Rule::Hold { kind: kind.map(str::to_owned), count }
}

fn drop_rule(kind: Option<&str>, count: Option<u64>) -> Rule {
    Rule::Drop { kind: kind.map(str::to_owned), count }
}

/// Offers messages of one type, numbered from `range`, at a moment.
fn offer_all(
    engine: &mut LinkEngine<u32>,
    now: Duration,
    kind: &str,
    range: impl IntoIterator<Item = u32>,
) -> Vec<Offer> {
    range.into_iter().map(|number| engine.offer(now, &header(kind), || number)).collect()
}

/// All messages that are due, in order.
fn due(engine: &mut LinkEngine<u32>, now: Duration) -> Vec<u32> {
    std::iter::from_fn(|| engine.next(now)).map(|waiting| waiting.message).collect()
}

#[test]
fn without_rules_the_link_keeps_nothing() {
    let mut engine = engine();
    assert_eq!(offer_all(&mut engine, MS, "m", 0..3), [Offer::Pass; 3]);
    assert_eq!((engine.bytes(), engine.next_due()), (0, None));
}

#[test]
fn a_message_that_may_pass_does_not_overtake_one_that_is_due() {
    let mut engine = engine();
    engine.apply(1, &Rule::Delay { base: 5 * MS, tail: Duration::ZERO, share: 1.0 });
    offer_all(&mut engine, Duration::ZERO, "m", [0]);
    engine.lift(1, true, MS);
    assert_eq!(offer_all(&mut engine, 5 * MS, "m", [1]), [Offer::Kept]);
    assert_eq!(due(&mut engine, 5 * MS), [0, 1]);
}

#[test]
fn the_same_seed_and_messages_have_the_same_fates() {
    let rules = [
        Rule::Lose { share: 0.3 },
        Rule::Duplicate { share: 0.3 },
        Rule::Delay { base: MS, tail: 3 * MS, share: 0.5 },
        Rule::Reorder { share: 0.5, window: 10 * MS },
    ];
    let fates = |seed: u8| {
        let mut engine = LinkEngine::new([seed; 32], LinkOrder::Any);
        for (fault, rule) in (1..).zip(&rules) {
            engine.apply(fault, rule);
        }
        let offers = offer_all(&mut engine, MS, "m", 0..200);
        let mut order = Vec::new();
        while let Some(moment) = engine.next_due() {
            order.push((moment, engine.next(moment).unwrap().message));
        }
        (offers, order)
    };
    assert_eq!(fates(1), fates(1));
    assert_ne!(fates(1), fates(2));
}

#[test]
fn a_fault_draws_alike_with_and_without_others() {
    let lost = |with_others: bool| {
        let mut engine = engine();
        engine.apply(5, &Rule::Lose { share: 0.2 });
        if with_others {
            engine.apply(2, &Rule::Duplicate { share: 0.5 });
            engine.apply(3, &drop_rule(Some("d"), None));
            engine.apply(9, &hold(Some("h"), Some(3)));
        }
        let kinds = ["d", "m", "h", "m", "m"].iter().cycle().take(300);
        let offers: Vec<(&str, Offer)> = kinds.map(|kind| (*kind, engine.offer(MS, &header(kind), || 0))).collect();
        let plain = offers.into_iter().enumerate().filter(|(_, (kind, _))| *kind == "m");
        plain.map(|(place, (_, offer))| (place, offer == Offer::Lost)).collect::<Vec<_>>()
    };
    assert!(lost(false).iter().any(|(_, lost)| *lost));
    assert_eq!(lost(false), lost(true));
}

#[test]
fn shares_are_kept_and_touched_messages_are_counted() {
    let mut engine = engine();
    engine.apply(1, &Rule::Lose { share: 0.25 });
    let lost = offer_all(&mut engine, MS, "m", 0..10_000).iter().filter(|offer| **offer == Offer::Lost).count();
    assert!((2_300..2_700).contains(&lost), "{lost} of 10000 lost");
    assert_eq!(engine.touched(1), lost as u64);
    assert_eq!(due(&mut engine, MS).len(), 10_000 - lost);
}

#[test]
fn a_delay_is_at_least_its_base_and_its_tail_has_its_mean() {
    let mut engine = engine();
    engine.apply(1, &Rule::Delay { base: 10 * MS, tail: 20 * MS, share: 1.0 });
    offer_all(&mut engine, Duration::ZERO, "m", 0..10_000);
    let mut sum = Duration::ZERO;
    while let Some(moment) = engine.next_due() {
        assert!(moment >= 10 * MS);
        sum += moment;
        engine.next(moment);
    }
    let mean = sum / 10_000;
    assert!((29 * MS..31 * MS).contains(&mean), "mean {mean:?}");
    assert_eq!((engine.touched(1), engine.bytes()), (10_000, 0));
}

#[test]
fn a_delayed_message_is_overtaken_on_any_links_and_never_on_fifo_ones() {
    for (order, expected) in [(LinkOrder::Any, vec![1, 0]), (LinkOrder::Fifo, vec![0, 1])] {
        let mut engine = LinkEngine::new([7; 32], order);
        engine.apply(1, &Rule::Delay { base: 10 * MS, tail: Duration::ZERO, share: 1.0 });
        offer_all(&mut engine, Duration::ZERO, "m", [0]);
        engine.lift(1, true, MS);
        offer_all(&mut engine, MS, "m", [1]);
        assert_eq!(due(&mut engine, 10 * MS), expected, "{order:?}");
    }
}

#[test]
fn reordered_messages_wait_no_longer_than_the_window() {
    let mut engine = engine();
    engine.apply(1, &Rule::Reorder { share: 0.5, window: 10 * MS });
    offer_all(&mut engine, Duration::ZERO, "m", 0..100);
    let order = due(&mut engine, 10 * MS);
    assert_eq!(order.len(), 100);
    assert!(!order.is_sorted());
    assert!((30..70).contains(&engine.touched(1)));
}

#[test]
fn a_duplicated_message_comes_twice_and_the_copy_is_marked() {
    let mut engine = engine();
    engine.apply(1, &Rule::Duplicate { share: 1.0 });
    offer_all(&mut engine, MS, "m", 0..2);
    let got: Vec<(u32, bool)> =
        std::iter::from_fn(|| engine.next(MS)).map(|waiting| (waiting.message, waiting.copy)).collect();
    assert_eq!(got, [(0, false), (0, true), (1, false), (1, true)]);
    assert_eq!((engine.touched(1), engine.bytes()), (2, 0));
}

#[test]
fn delays_of_two_faults_add_up_and_each_ends_alone() {
    let mut engine = engine();
    let delay = |base| Rule::Delay { base, tail: Duration::ZERO, share: 1.0 };
    engine.apply(1, &delay(10 * MS));
    engine.apply(2, &delay(5 * MS));
    offer_all(&mut engine, Duration::ZERO, "m", [0]);
    assert_eq!(engine.next_due(), Some(15 * MS));
    due(&mut engine, 15 * MS);
    engine.lift(1, true, 20 * MS);
    offer_all(&mut engine, 20 * MS, "m", [1]);
    assert_eq!(engine.next_due(), Some(25 * MS));
    assert_eq!((engine.touched(1), engine.touched(2)), (1, 2));
}

#[test]
fn two_cuts_both_touch_and_the_link_is_open_when_both_have_ended() {
    let mut engine = engine();
    engine.apply(1, &Rule::Cut);
    engine.apply(2, &Rule::Cut);
    engine.count_cut(false);
    engine.count_cut(true);
    engine.lift(1, true, MS);
    assert!(engine.is_cut());
    engine.count_cut(false);
    engine.lift(2, true, MS);
    assert!(!engine.is_cut() && engine.is_open());
    assert_eq!((engine.touched(1), engine.touched(2)), (1, 2));
}

#[test]
fn held_messages_are_released_in_order_and_counted() {
    let mut engine = engine();
    engine.apply(1, &hold(Some("a"), Some(3)));
    let offers = offer_all(&mut engine, MS, "a", 0..4);
    assert_eq!(offers, [Offer::Kept; 4], "the fourth is kept only until it is due");
    assert_eq!(due(&mut engine, MS), [3]);
    assert_eq!(offer_all(&mut engine, MS, "b", [9]), [Offer::Kept]);
    assert_eq!(due(&mut engine, MS), [9]);
    assert_eq!((engine.touched(1), engine.bytes(), engine.held(1).count()), (3, 30, 3));

    assert_eq!(engine.release(1, 1, true, 2 * MS).0, 1);
    assert_eq!(due(&mut engine, 2 * MS), [0]);
    let (number, dropped) = engine.release(1, 1, false, 2 * MS);
    assert_eq!((number, dropped[0].message), (1, 1));
    assert_eq!(engine.lift(1, true, 2 * MS), []);
    assert_eq!(due(&mut engine, 2 * MS), [2]);
    assert_eq!((engine.touched(1), engine.bytes()), (3, 0));
}

#[test]
fn a_hold_that_ends_without_delivery_gives_its_messages_back() {
    let mut engine = engine();
    engine.apply(1, &hold(None, None));
    offer_all(&mut engine, MS, "a", 0..2);
    let dropped: Vec<u32> = engine.lift(1, false, MS).into_iter().map(|waiting| waiting.message).collect();
    assert_eq!(dropped, [0, 1]);
    assert_eq!((engine.bytes(), engine.next_due()), (0, None));
}

#[test]
fn a_message_that_two_faults_hold_waits_for_both() {
    let mut engine = engine();
    engine.apply(1, &hold(None, None));
    engine.apply(2, &hold(None, None));
    offer_all(&mut engine, MS, "a", [0]);
    engine.lift(1, true, MS);
    assert!(due(&mut engine, MS).is_empty());
    assert_eq!(engine.release(2, 1, true, MS).0, 1);
    assert_eq!(due(&mut engine, MS), [0]);
    assert_eq!((engine.touched(1), engine.touched(2)), (1, 1));
}

#[test]
fn the_first_messages_of_a_type_are_dropped() {
    let mut engine = engine();
    engine.apply(1, &drop_rule(Some("a"), Some(2)));
    assert_eq!(offer_all(&mut engine, MS, "a", 0..3), [Offer::Dropped, Offer::Dropped, Offer::Kept]);
    assert_eq!(offer_all(&mut engine, MS, "b", [7]), [Offer::Kept]);
    assert_eq!(engine.touched(1), 2);
}

#[test]
fn probes_meet_the_rules_and_count_for_nothing() {
    let mut engine = engine();
    engine.apply(1, &hold(None, None));
    assert_eq!(offer_all(&mut engine, MS, "probe", [0]), [Offer::Dropped]);
    engine.lift(1, true, MS);
    engine.apply(2, &drop_rule(None, Some(1)));
    assert_eq!(offer_all(&mut engine, MS, "probe", [1]), [Offer::Kept], "the count is for the system's messages");
    assert_eq!(offer_all(&mut engine, MS, "m", [2]), [Offer::Dropped]);
    engine.apply(3, &Rule::Lose { share: 1.0 });
    assert_eq!(offer_all(&mut engine, MS, "probe", [3]), [Offer::Lost]);
    assert_eq!((engine.touched(1), engine.touched(2), engine.touched(3)), (0, 1, 0));
}

#[test]
fn messages_of_a_dead_incarnation_are_taken_out() {
    let mut engine = engine();
    engine.apply(1, &hold(Some("h"), None));
    engine.apply(2, &Rule::Delay { base: 5 * MS, tail: Duration::ZERO, share: 1.0 });
    offer_all(&mut engine, MS, "h", [0]);
    offer_all(&mut engine, MS, "m", [1]);
    engine.offer(MS, &Header { incarnation: 2, ..header("m") }, || 2);
    let mut dead: Vec<u32> = engine.forget_before(2).into_iter().map(|waiting| waiting.message).collect();
    dead.sort_unstable();
    assert_eq!(dead, [0, 1]);
    assert_eq!((engine.bytes(), engine.held(1).count()), (10, 0));
    assert_eq!(due(&mut engine, 6 * MS), [2]);
}

#[test]
fn a_client_is_cut_or_slowed_and_nothing_else() {
    let mut engine: LinkEngine<()> = LinkEngine::new([7; 32], LinkOrder::Fifo);
    engine.apply(1, &Rule::Duplicate { share: 1.0 });
    engine.apply(2, &hold(None, None));
    engine.apply(3, &drop_rule(None, None));
    assert_eq!(engine.passage(), (false, Duration::ZERO));
    engine.apply(4, &Rule::Delay { base: 5 * MS, tail: Duration::ZERO, share: 1.0 });
    assert_eq!(engine.passage(), (false, 5 * MS));
    engine.apply(5, &Rule::Cut);
    assert_eq!(engine.passage(), (true, Duration::ZERO));
    let touched: Vec<Touched> = (1..=5).map(|fault| engine.touched(fault)).collect();
    assert_eq!(touched, [0, 0, 0, 1, 1]);
}

#[test]
fn absurd_parameters_do_no_harm() {
    let mut engine = engine();
    engine.apply(1, &Rule::Delay { base: Duration::MAX, tail: Duration::MAX, share: 1.0 });
    engine.apply(2, &Rule::Lose { share: f64::NAN });
    engine.apply(3, &Rule::Reorder { share: 7.0, window: Duration::MAX });
    assert_eq!(offer_all(&mut engine, MS, "m", [0]), [Offer::Kept]);
    assert!(engine.next_due().unwrap() <= 2 * DELAY_MAX + MS);
}
