//! Ordering things by what they need.

use std::collections::{BTreeMap, BTreeSet};

/// Two things that need one another, directly or through others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle<T> {
    /// What is needed by something that it needs.
    pub(crate) path: T,
    /// What needs it.
    pub(crate) parent: T,
}

/// Sort so that everything comes before what it needs: the opposite of the order of building.
///
/// `needs` may name things that are not among the items; they are left out. The order is that of C++ Nix,
/// which shows in what the queries print. Goes without recursion: chains are long.
pub(crate) fn topo_sort<T: Ord + Clone>(items: &BTreeMap<T, BTreeSet<T>>) -> Result<Vec<T>, Cycle<T>> {
    let mut sorted = Vec::with_capacity(items.len());
    let mut visited = BTreeSet::new();
    let mut above = BTreeSet::new();
    for start in items.keys() {
        if !visited.insert(start) {
            continue;
        }
        above.insert(start);
        let mut stack = vec![(start, items[start].iter())];
        while let Some((item, needs)) = stack.last_mut() {
            let item = *item;
            match needs.next() {
                Some(need) if need == item => {}
                Some(need) if above.contains(need) => {
                    return Err(Cycle {
                        path: need.clone(),
                        parent: item.clone(),
                    });
                }
                Some(need) => {
                    if let Some((need, inner)) = items.get_key_value(need)
                        && visited.insert(need)
                    {
                        above.insert(need);
                        stack.push((need, inner.iter()));
                    }
                }
                None => {
                    above.remove(item);
                    sorted.push(item.clone());
                    stack.pop();
                }
            }
        }
    }
    sorted.reverse();
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(items: &[(u32, &[u32])]) -> Result<Vec<u32>, Cycle<u32>> {
        let items = items
            .iter()
            .map(|(item, needs)| (*item, needs.iter().copied().collect()));
        topo_sort(&items.collect())
    }

    #[test]
    fn needs_come_last() {
        assert_eq!(sort(&[(1, &[3]), (2, &[]), (3, &[2, 3, 9])]), Ok(vec![1, 3, 2]));
        assert_eq!(sort(&[(1, &[]), (2, &[]), (3, &[])]), Ok(vec![3, 2, 1]));
        assert_eq!(
            sort(&[(1, &[2, 3]), (2, &[4]), (3, &[4]), (4, &[])]),
            Ok(vec![1, 3, 2, 4])
        );
    }

    #[test]
    fn cycles_are_found() {
        assert_eq!(
            sort(&[(1, &[2]), (2, &[3]), (3, &[1])]),
            Err(Cycle { path: 1, parent: 3 })
        );
    }

    #[test]
    fn long_chains() {
        let items = (0..100_000).map(|item| (item, BTreeSet::from([item + 1])));
        assert_eq!(topo_sort(&items.collect()).unwrap().len(), 100_000);
    }
}
