//! Histories at the edge of what a model or a number can hold.

use schism_checker::budget::Unlimited;
use schism_checker::formats::read_bytes;
use schism_checker::history::{History, Operation};
use schism_checker::linearizability::{Options, check, check_with};
use schism_checker::model::{Access, Model};
use schism_checker::models::ModelSpec;
use schism_checker::proof::{Claim, Proof};
use schism_checker::sequential;
use schism_checker::verdict::{Core, Outcome};
use schism_checker::verify::{VerifyError, verify_with};
use serde_json::{Value, json};

/// Operations one after the other, each `process f input answer`.
fn history(operations: &[&str]) -> History {
    let lines = operations.iter().flat_map(|operation| {
        let [process, f, input, answer] = operation.splitn(4, ' ').collect::<Vec<_>>()[..] else {
            panic!("four words: {operation}");
        };
        [("invoke", input), ("ok", answer)].map(|(kind, value)| {
            format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
        })
    });
    read_bytes(lines.collect::<String>().as_bytes(), "h").expect("these are events")
}

fn outcome(model: &str, parameters: &[(&str, &str)], operations: &[&str]) -> Outcome {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let model = ModelSpec::parse(model, &parameters).expect("the model is known");
    check(&history(operations), &model, &Options::default(), &Unlimited).unwrap().outcome
}

#[test]
fn a_counter_goes_beyond_what_is_signed() {
    let most = [("init", "9223372036854775807")];
    let add = "0 increment null null";
    assert_eq!(outcome("counter", &most, &[add, "0 read null 9223372036854775808"]), Outcome::Valid);
    assert_eq!(outcome("counter", &most, &[add, "0 read null 9223372036854775809"]), Outcome::Invalid);
}

#[test]
fn each_register_begins_with_its_own_value_whatever_the_key() {
    let model = ModelSpec::parse("multi-register", &[("init".into(), r#"{"x":0}"#.into())].into()).unwrap();
    for key in [None, Some("k")] {
        let mut history = history(&["0 txn [[\"r\",\"x\",null]] [[\"r\",\"x\",0]]"]);
        for event in &mut history.events {
            event.key = key.map(Value::from);
        }
        let property = check(&history, &model, &Options::default(), &Unlimited).unwrap();
        assert_eq!(property.outcome, Outcome::Valid, "{}", property.summary);
    }
}

#[test]
fn exact_decimals_that_one_float_would_stand_for_are_told_apart() {
    let events = |read: &str| {
        format!(
            "{{:process 0 :type :invoke :f :write :value 1.00000000000000000001M}}\n\
             {{:process 0 :type :ok :f :write :value 1.00000000000000000001M}}\n\
             {{:process 0 :type :invoke :f :read :value nil}}\n{{:process 0 :type :ok :f :read :value {read}}}\n"
        )
    };
    let model = ModelSpec::parse("register", &[].into()).unwrap();
    for (read, expected) in [("1.00000000000000000001M", Outcome::Valid), ("1.00000000000000000002M", Outcome::Invalid)]
    {
        let history = read_bytes(events(read).as_bytes(), "h").unwrap();
        assert_eq!(check(&history, &model, &Options::default(), &Unlimited).unwrap().outcome, expected, "{read}");
    }
}

#[test]
fn operations_of_a_process_may_come_in_any_order() {
    let mut operations = history(&["1 write 1 null", "2 write 2 null", "1 read null 1"]).operations().unwrap();
    let model = ModelSpec::parse("register", &[].into()).unwrap();
    for _ in 0..3 {
        operations.rotate_left(1);
        let property = sequential::check_operations(&operations, &model, &Options::default(), &Unlimited).unwrap();
        assert_eq!(property.outcome, Outcome::Valid, "{operations:?}");
    }
}

/// A register of which one operation says that a value is not there, which no access tells.
struct Denying;

impl Model for Denying {
    type State = Value;
    type Input = (String, Value);

    fn name(&self) -> &'static str {
        "denying register"
    }

    fn initial(&self) -> Value {
        json!(1)
    }

    fn input(&self, operation: &Operation) -> Result<(String, Value), String> {
        Ok((operation.f.to_string(), operation.input.to_value()))
    }

    fn step(&self, state: &Value, (f, value): &(String, Value)) -> Result<Value, String> {
        match f.as_str() {
            "write" => Ok(value.clone()),
            _ if state == value => Err(format!("{value} is there")),
            _ => Ok(state.clone()),
        }
    }

    fn access<'a>(&self, (f, value): &'a (String, Value)) -> Option<Access<&'a Value>> {
        (f == "write").then_some(Access::Write(value))
    }

    fn register_initial(&self) -> Option<&Value> {
        static ONE: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!(1));
        Some(&ONE)
    }
}

#[test]
fn a_core_leaves_no_write_out_where_what_depends_on_it_is_not_known() {
    let operations = history(&["0 write 2 null", "1 not 1 null"]).operations().unwrap();
    let property = check_with(&operations, &Denying, &Options::default(), &Unlimited).unwrap();
    assert_eq!(property.outcome, Outcome::Valid);
    for free in [vec![], vec![json!(2)]] {
        let core = Core { cut: 10, numbers: vec![1], free, ..Core::default() };
        let claim = Claim::Invalid { key: None, core };
        let proof = Proof { model: String::new(), operations: 2, independent: false, claim };
        let verified = verify_with(&operations, &Denying, &proof);
        let refused = matches!(verified, Err(VerifyError::LeftOut { .. } | VerifyError::Misplaced { .. }));
        assert!(refused, "{verified:?}");
    }
}

/// Nothing is appended, so each key is a register, and is decided like one.
#[test]
fn a_map_without_appends_is_a_register() {
    let operations = ["0 put \"a\" null", "0 put \"b\" null", "1 get null \"a\""];
    let model = ModelSpec::parse("kv", &[].into()).unwrap();
    let property = check(&history(&operations), &model, &Options::default(), &Unlimited).unwrap();
    assert_eq!((property.outcome, property.route.as_deref()), (Outcome::Invalid, Some("zones")));
    assert_eq!(
        outcome("kv", &[("init", "\"z\"")], &["0 get null \"z\"", "0 append \"a\" null", "0 get null \"za\""]),
        Outcome::Valid
    );
}
