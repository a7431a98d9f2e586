//! Delta debugging: as few of some things as still do what all of them do (Zeller & Hildebrandt, "Simplifying and isolating
//! failure-inducing input", 2002, §3). Pure.

/// Leaves out as many of `items` as it can while `holds` says that the rest still does it; what is left cannot do without
/// any single one of them. That complements alone are tried, in chunks that get smaller, takes nothing away from that.
///
/// `holds` is asked with the items that would be left, in their order. All of them together are taken to hold.
pub(super) fn reduced<T: Clone>(items: &[T], mut holds: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = items.to_vec();
    if left.is_empty() || holds(&[]) {
        return Vec::new();
    }
    let mut chunk = left.len().div_ceil(2);
    while left.len() > 1 {
        let before = left.len();
        // From the end: what comes late has done least.
        let mut end = left.len();
        while end > 0 {
            let start = end.saturating_sub(chunk);
            let rest: Vec<T> = left[..start].iter().chain(&left[end..]).cloned().collect();
            if !rest.is_empty() && holds(&rest) {
                left = rest;
            }
            end = start;
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2).min(left.len().div_ceil(2)).max(1);
        } else if left.len() == before {
            break;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_it_takes() {
        let items: Vec<u32> = (0..100).collect();
        for needed in [vec![], vec![0], vec![99], vec![3, 4], vec![0, 50, 99], vec![7, 20, 21, 22, 80]] {
            let mut asked = 0;
            let left = reduced(&items, |left| {
                asked += 1;
                needed.iter().all(|item| left.contains(item))
            });
            assert_eq!(left, needed);
            assert!(asked < 120, "{asked} questions for {needed:?}");
        }
    }

    #[test]
    fn no_single_one_can_be_left_out_where_things_depend_on_each_other() {
        // An even number is of use only with the odd one before it; three pairs are needed.
        let holds = |left: &[u32]| {
            let pairs = left.iter().filter(|item| **item % 2 == 0 && left.contains(&(**item + 1))).count();
            pairs >= 3
        };
        let left = reduced(&(0..40).collect::<Vec<_>>(), holds);
        assert_eq!(left.len(), 6, "{left:?}");
        for place in 0..left.len() {
            let mut less = left.clone();
            less.remove(place);
            assert!(!holds(&less));
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let left = reduced(&[] as &[u32], |_| unreachable!("there is nothing to ask"));
        assert!(left.is_empty(), "{left:?}");
    }
}
