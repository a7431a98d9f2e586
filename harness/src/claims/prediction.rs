//! How figures must compare: `slow.p50:write >= 5 * base.p50:write`.

use std::fmt;
use std::str::FromStr;

/// A comparison of two terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    left: Term,
    order: Order,
    right: Term,
}

/// A number, or a figure of a run, perhaps several times.
#[derive(Clone, Debug, PartialEq)]
enum Term {
    Number(f64),
    Figure { times: f64, figure: Figure },
}

/// A figure of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The run's name in its row.
    pub run: String,
    /// What is measured: see [`figures`](super::figures).
    pub name: String,
    /// Of which kind of operations alone.
    pub kind: Option<String>,
    /// Of operations at which nodes alone; all where empty.
    pub at: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

const ORDERS: [(&str, Order); 5] =
    [("<", Order::Less), ("<=", Order::AtMost), ("=", Order::Equal), (">=", Order::AtLeast), (">", Order::More)];

/// Text that is no comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no comparison such as \"a.p50:write >= 2 * b.p50:write\"")]
pub struct NoComparison {
    text: String,
}

impl Comparison {
    /// Whether it holds, given the figures; `None` where one is missing.
    pub fn holds(&self, value: &impl Fn(&Figure) -> Option<f64>) -> Option<bool> {
        let (left, right) = (self.left.value(value)?, self.right.value(value)?);
        Some(match self.order {
            Order::Less => left < right,
            Order::AtMost => left <= right,
            Order::Equal => (left - right).abs() < 1e-9,
            Order::AtLeast => left >= right,
            Order::More => left > right,
        })
    }

    /// The figures that it names.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        [&self.left, &self.right].into_iter().filter_map(|term| match term {
            Term::Figure { figure, .. } => Some(figure),
            Term::Number(_) => None,
        })
    }
}

impl Term {
    fn value(&self, value: &impl Fn(&Figure) -> Option<f64>) -> Option<f64> {
        match self {
            Term::Number(number) => Some(*number),
            Term::Figure { times, figure } => Some(times * value(figure)?),
        }
    }

    fn parse(words: &[&str]) -> Option<Term> {
        match words {
            [one] => one
                .parse()
                .map(Term::Number)
                .ok()
                .or_else(|| Some(Term::Figure { times: 1.0, figure: one.parse().ok()? })),
            [times, "*", figure] => Some(Term::Figure { times: times.parse().ok()?, figure: figure.parse().ok()? }),
            _ => None,
        }
    }
}

impl FromStr for Comparison {
    type Err = NoComparison;

    fn from_str(text: &str) -> Result<Self, NoComparison> {
        let wrong = || NoComparison { text: text.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let order = |word: &&str| ORDERS.iter().find(|(sign, _)| sign == word).map(|(_, order)| *order);
        let place = words.iter().position(|word| order(word).is_some()).ok_or_else(wrong)?;
        let (left, right) = (Term::parse(&words[..place]), Term::parse(&words[place + 1..]));
        let order = order(&words[place]).ok_or_else(wrong)?;
        Ok(Comparison { left: left.ok_or_else(wrong)?, order, right: right.ok_or_else(wrong)? })
    }
}

impl FromStr for Figure {
    type Err = NoComparison;

    fn from_str(text: &str) -> Result<Self, NoComparison> {
        let wrong = || NoComparison { text: text.to_owned() };
        let (run, rest) = text.split_once('.').ok_or_else(wrong)?;
        let (rest, at) = rest.split_once('@').map_or((rest, ""), |(rest, at)| (rest, at));
        let (name, kind) = rest.split_once(':').map_or((rest, None), |(name, kind)| (name, Some(kind.to_owned())));
        if run.is_empty() || name.is_empty() {
            return Err(wrong());
        }
        let at = at.split('+').filter(|node| !node.is_empty()).map(str::to_owned).collect();
        Ok(Figure { run: run.to_owned(), name: name.to_owned(), kind, at })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.name)?;
        if let Some(kind) = &self.kind {
            write!(f, ":{kind}")?;
        }
        if self.at.is_empty() { Ok(()) } else { write!(f, "@{}", self.at.join("+")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, left: f64, right: Option<f64>) -> Option<bool> {
        let comparison: Comparison = text.parse().unwrap();
        comparison.holds(&|figure| if figure.run == "a" { Some(left) } else { right })
    }

    #[test]
    fn figures_are_compared_with_numbers_and_with_each_other() {
        assert_eq!(holds("a.ok >= 0.99", 0.99, None), Some(true));
        assert_eq!(holds("a.ok < 0.99", 0.99, None), Some(false));
        assert_eq!(holds("a.p50 >= 2 * b.p50", 4.0, Some(2.0)), Some(true));
        assert_eq!(holds("a.p50 > 2 * b.p50", 4.0, Some(2.0)), Some(false));
        assert_eq!(holds("a.lost = 0", 0.0, None), Some(true));
        assert_eq!(holds("a.p50 <= b.p50", 4.0, None), None, "a figure that is missing decides nothing");
    }

    #[test]
    fn a_figure_has_a_run_a_name_a_kind_and_nodes() {
        let figure: Figure = "cut.ok:write@n1+n2".parse().unwrap();
        let at = vec!["n1".to_owned(), "n2".to_owned()];
        assert_eq!(figure, Figure { run: "cut".to_owned(), name: "ok".to_owned(), kind: Some("write".to_owned()), at });
        assert_eq!(figure.to_string(), "cut.ok:write@n1+n2");
        for text in ["", "a.ok", "a.ok 3", "ok >= 1", "a.ok >= ", "2 * >= a.ok", "a.ok >= x * b.ok"] {
            assert!(text.parse::<Comparison>().is_err(), "{text}");
        }
    }
}
