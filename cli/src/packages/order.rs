//! The order of listings.
//!
//! The reference sorts packages by name without regard to case with `std::sort`, which is not stable. Packages of the
//! same name are common, and scripts compare listings, so they have to come out in that order here, too: this is the
//! same algorithm as in GNU's C++ library, which is specified by what it swaps.

/// Up to so many elements are sorted by insertion.
const THRESHOLD: usize = 16;

/// Sorts like `std::sort` of GNU's C++ library does, elements that compare equal included.
pub(crate) fn sort_like_reference<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    if items.is_empty() {
        return;
    }
    let depth = 2 * items.len().ilog2();
    partition_down(items, depth, &less);
    let (sorted, rest) = items.split_at_mut(THRESHOLD.min(items.len()));
    insertion_sort(sorted, &less);
    let start = sorted.len();
    let end = start + rest.len();
    for i in start..end {
        insert_unguarded(items, i, &less);
    }
}

/// Quicksort until parts are small; heapsort where that goes too deep.
fn partition_down<T>(mut items: &mut [T], mut depth: u32, less: &impl Fn(&T, &T) -> bool) {
    while items.len() > THRESHOLD {
        if depth == 0 {
            return heap_sort(items, less);
        }
        depth -= 1;
        let cut = partition_by_median(items, less);
        let (left, right) = items.split_at_mut(cut);
        partition_down(right, depth, less);
        items = left;
    }
}

/// Moves the median of three to the front and partitions the others by it.
fn partition_by_median<T>(items: &mut [T], less: &impl Fn(&T, &T) -> bool) -> usize {
    let (a, b, c) = (1, items.len() / 2, items.len() - 1);
    let median = if less(&items[a], &items[b]) {
        if less(&items[b], &items[c]) {
            b
        } else if less(&items[a], &items[c]) {
            c
        } else {
            a
        }
    } else if less(&items[a], &items[c]) {
        a
    } else if less(&items[b], &items[c]) {
        c
    } else {
        b
    };
    items.swap(0, median);
    let (mut low, mut high) = (1, items.len());
    loop {
        while less(&items[low], &items[0]) {
            low += 1;
        }
        high -= 1;
        while less(&items[0], &items[high]) {
            high -= 1;
        }
        if low >= high {
            return low;
        }
        items.swap(low, high);
        low += 1;
    }
}

fn insertion_sort<T>(items: &mut [T], less: &impl Fn(&T, &T) -> bool) {
    for i in 1..items.len() {
        if less(&items[i], &items[0]) {
            items[..=i].rotate_right(1);
        } else {
            insert_unguarded(items, i, less);
        }
    }
}

/// Moves element `i` down to its place; something before it is not greater.
fn insert_unguarded<T>(items: &mut [T], mut i: usize, less: &impl Fn(&T, &T) -> bool) {
    while less(&items[i], &items[i - 1]) {
        items.swap(i, i - 1);
        i -= 1;
    }
}

fn heap_sort<T>(items: &mut [T], less: &impl Fn(&T, &T) -> bool) {
    for top in (0..items.len() / 2).rev() {
        adjust_heap(items, top, less);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        adjust_heap(&mut items[..end], 0, less);
    }
}

/// Sinks the element at `top` to a leaf along the greater children, then lets it rise again.
fn adjust_heap<T>(items: &mut [T], top: usize, less: &impl Fn(&T, &T) -> bool) {
    let mut hole = top;
    loop {
        let right = 2 * hole + 2;
        if right < items.len() {
            let child = if less(&items[right], &items[right - 1]) {
                right - 1
            } else {
                right
            };
            items.swap(hole, child);
            hole = child;
        } else {
            if right == items.len() {
                items.swap(hole, right - 1);
                hole = right - 1;
            }
            break;
        }
    }
    while hole > top {
        let parent = (hole - 1) / 2;
        if !less(&items[parent], &items[hole]) {
            break;
        }
        items.swap(parent, hole);
        hole = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: u64, distinct: u64) -> Vec<(u64, u64)> {
        let mut state = 12345u64;
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            state >> 33
        };
        (0..count).map(|i| (next() % distinct, i)).collect()
    }

    #[test]
    fn everything_is_sorted_and_nothing_lost() {
        for count in [0, 1, 2, 15, 16, 17, 18, 100, 5000] {
            let mut items = keys(count, 50);
            sort_like_reference(&mut items, |a, b| a.0 < b.0);
            assert!(items.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{count}");
            items.sort_by_key(|item| item.1);
            assert!(items.iter().enumerate().all(|(i, item)| item.1 == i as u64));
        }
        let mut items = keys(1000, 7);
        heap_sort(&mut items, &|a, b| a.0 < b.0);
        assert!(items.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }
}
