//! What a single flag's text means: times, sizes, numbers, seeds, mixes. Pure; what is wrong is said by the caller.

use std::ops::Range;
use std::time::Duration;

use crate::network::Rung;
use crate::options::Expectation;

/// Why a text is no value, in words, and one that would be.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Wrong { what: what.into(), hint: hint.into() }
    }
}

/// How many seeds a command takes at most.
const SEEDS_MAX: u64 = 1_000_000;

/// A time such as `15s`, `700ms`, `2m`; a bare number is seconds.
pub(crate) fn time(text: &str) -> Result<Duration, Wrong> {
    schism_nodes::config::parse_time(text).ok_or_else(|| Wrong::new("this is not a time", "15s, 700ms, 2m or 0.5"))
}

/// A time that is not zero.
pub(crate) fn positive_time(text: &str) -> Result<Duration, Wrong> {
    let time = time(text)?;
    if time.is_zero() { Err(Wrong::new("this must be longer than zero", "15s, 700ms or 2m")) } else { Ok(time) }
}

/// A whole number within a range.
pub(crate) fn whole(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, Wrong> {
    let (first, last) = (*range.start(), *range.end());
    let hint = || format!("a number from {first} to {last}");
    let number: u64 = text.parse().map_err(|_| Wrong::new("this is not a whole number in range", hint()))?;
    if range.contains(&number) { Ok(number) } else { Err(Wrong::new("this number is out of range", hint())) }
}

/// How many seeds run at the same time.
pub(crate) fn jobs(text: &str) -> Result<usize, Wrong> {
    let jobs = whole(text, 1..=1024)?;
    Ok(usize::try_from(jobs).unwrap_or(1))
}

/// A number from 0 to `max`, fractions allowed.
pub(crate) fn fraction(text: &str, max: f64) -> Result<f64, Wrong> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=max).contains(number));
    number.ok_or_else(|| Wrong::new("this is not a number in range", format!("a number from 0 to {max}")))
}

/// What lies between the nodes; `None` for what suits the system.
pub(crate) fn rung(text: &str) -> Result<Option<Rung>, Wrong> {
    match text {
        "auto" => Ok(None),
        "proxy" => Ok(Some(Rung::Proxy)),
        "loopback" => Ok(Some(Rung::Loopback)),
        "vnet" => Ok(Some(Rung::Vnet)),
        _ => Err(Wrong::new("there is no such network", "auto, proxy, loopback or vnet")),
    }
}

/// A size such as `1GiB`, `1.5GiB`, `512MiB`, `2GB` or plain bytes.
pub(crate) fn size(text: &str) -> Result<u64, Wrong> {
    let wrong = || Wrong::new("this is not a size", "1GiB, 1.5GiB, 512MiB or a number of bytes");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    bytes(number, factor).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// `1.5` times so many bytes, rounded down; of a byte there is no part.
fn bytes(number: &str, factor: u64) -> Option<u64> {
    let Some((whole, parts)) = number.split_once('.') else { return number.parse::<u64>().ok()?.checked_mul(factor) };
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let digits = u32::try_from(parts.len()).ok().filter(|digits| (1..=9).contains(digits) && factor > 1)?;
    let parts = u128::from(parts.parse::<u64>().ok()?) * u128::from(factor) / 10_u128.pow(digits);
    whole.checked_add(u64::try_from(parts).ok()?)
}

/// How many workers: a number, or as many times the nodes: `2n`.
pub(crate) fn concurrency(text: &str, nodes: u16) -> Result<usize, Wrong> {
    let wrong = || Wrong::new("this is not a number of workers", "10, or 2n for twice the nodes");
    let workers: Option<u64> = match text.strip_suffix('n') {
        Some("") => Some(u64::from(nodes)),
        Some(factor) => factor.parse::<u64>().ok().and_then(|factor| factor.checked_mul(u64::from(nodes))),
        None => text.parse().ok(),
    };
    let workers = workers.filter(|workers| (1..=10_000).contains(workers)).ok_or_else(wrong)?;
    usize::try_from(workers).map_err(|_| wrong())
}

/// Weights by what is done: `read=50,write=40,cas=10`. The order is kept.
pub(crate) fn mix(text: &str) -> Result<Vec<(String, u32)>, Wrong> {
    let wrong = |what: String| Wrong::new(what, "read=50,write=40,cas=10");
    let mut mix: Vec<(String, u32)> = Vec::new();
    for part in text.split(',') {
        let (kind, weight) = part.split_once('=').ok_or_else(|| wrong(format!("{part:?} is not KIND=WEIGHT")))?;
        let weight = weight.parse::<u32>().ok().filter(|weight| *weight <= 1_000_000);
        let weight = weight.ok_or_else(|| wrong(format!("{part:?} has no weight from 0 to 1000000")))?;
        if mix.iter().any(|(known, _)| known == kind) {
            return Err(wrong(format!("{kind:?} is given twice")));
        }
        mix.push((kind.to_owned(), weight));
    }
    if mix.iter().all(|(_, weight)| *weight == 0) {
        return Err(wrong("nothing in this mix is ever done".to_owned()));
    }
    Ok(mix)
}

/// Seeds: how many, from 0 on, or a half-open range such as `100..120`.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, Wrong> {
    let wrong = |what: &str| Wrong::new(what, "20 for the seeds 0 to 19, or 100..120 without the last one");
    let range: Option<Range<u64>> = match text.split_once("..") {
        None => text.parse().ok().map(|count| 0..count),
        Some((first, end)) => first.parse().ok().zip(end.parse().ok()).map(|(first, end)| first..end),
    };
    let range = range.ok_or_else(|| wrong("this is neither a number of seeds nor a range of them"))?;
    match range.end.checked_sub(range.start) {
        None | Some(0) => Err(wrong("there is no seed in this")),
        Some(count) if count > SEEDS_MAX => Err(wrong("this is more than a million seeds")),
        Some(_) => Ok(range),
    }
}

/// `invalid`, or `invalid:PROPERTY`.
pub(crate) fn expectation(text: &str) -> Result<Expectation, Wrong> {
    match text.split_once(':') {
        None if text == "invalid" => Ok(Expectation { property: None }),
        Some(("invalid", property)) if !property.is_empty() => Ok(Expectation { property: Some(property.to_owned()) }),
        _ => Err(Wrong::new("only a violation can be expected", "invalid, or invalid:linearizable")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1GiB", 1 << 30),
            ("512MiB", 512 << 20),
            ("2GB", 2_000_000_000),
            ("17", 17),
            ("1.5GiB", 3 << 29),
            ("0.25k", 256),
        ] {
            assert_eq!(size(text).ok(), Some(bytes), "{text}");
        }
        for wrong in [
            "",
            "GiB",
            "-1",
            "1.5",
            "1.5b",
            "1.GiB",
            ".5GiB",
            "1.2.3GiB",
            "0",
            "0.0GiB",
            "99999999999TiB",
            "1.+5GiB",
            "1XB",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workers_may_be_counted_by_nodes() {
        for (text, workers) in [("10", 10), ("2n", 10), ("n", 5)] {
            assert_eq!(concurrency(text, 5).ok(), Some(workers), "{text}");
        }
        for wrong in ["0", "0n", "n2", "", "1.5n", "99999999999999999999n", "20000"] {
            assert!(concurrency(wrong, 5).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seeds_are_counted_or_a_half_open_range() {
        for (text, range) in [("20", 0..20), ("100..120", 100..120), ("7..8", 7..8)] {
            assert_eq!(seeds(text).ok(), Some(range), "{text}");
        }
        for wrong in ["0", "5..5", "6..5", "..", "1..", "-1", "x", "2000000"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mix_does_something() {
        assert_eq!(mix("read=1,cas=0").ok(), Some(vec![("read".to_owned(), 1), ("cas".to_owned(), 0)]));
        for wrong in ["", "read", "read=0", "read=1,read=2", "read=-1"] {
            assert!(mix(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_violations_are_expected() {
        assert_eq!(expectation("invalid").ok(), Some(Expectation { property: None }));
        let named = expectation("invalid:no-crash").ok().and_then(|expected| expected.property);
        assert_eq!(named.as_deref(), Some("no-crash"));
        for wrong in ["valid", "invalid:", "", "Invalid"] {
            assert!(expectation(wrong).is_err(), "{wrong}");
        }
    }
}
