//! Peeksort: a stable mergesort that uses the runs it finds (Munro and Wild, 2018).
//!
//! The reference sorts with it too, and the order of comparisons is visible to users who trace. Whatever the
//! comparator answers, the result is a permutation of the input.

/// Ranges of up to this many elements are sorted by insertion.
const INSERTION_UP_TO: usize = 16;

/// Sorts stably. `less` may fail; the elements are then in any order.
pub(super) fn sort<T: Copy, E>(
    elements: &mut [T],
    less: &mut impl FnMut(T, T) -> Result<bool, E>,
) -> Result<(), E> {
    match elements {
        [] | [_] => Ok(()),
        [first, second] => {
            if less(*second, *first)? {
                std::mem::swap(first, second);
            }
            Ok(())
        }
        _ => {
            let end = elements.len();
            let mut buffer = Vec::with_capacity(end);
            Sorter {
                buffer: &mut buffer,
                less,
            }
            .sort(elements, 0, end)
        }
    }
}

struct Sorter<'a, T, F> {
    buffer: &'a mut Vec<T>,
    less: &'a mut F,
}

impl<T: Copy, E, F: FnMut(T, T) -> Result<bool, E>> Sorter<'_, T, F> {
    /// Sorts a range whose first `left_end` elements are a run, as are those from `right_start` on.
    fn sort(&mut self, range: &mut [T], left_end: usize, right_start: usize) -> Result<(), E> {
        let len = range.len();
        if left_end == len || right_start == 0 {
            return Ok(());
        }
        if len <= INSERTION_UP_TO {
            return self.insertion_sort(range);
        }
        let middle = len / 2;
        if middle <= left_end {
            self.sort(&mut range[left_end..], 1, right_start - left_end)?;
            return self.merge(range, left_end);
        }
        if middle >= right_start {
            self.sort(&mut range[..right_start], left_end, right_start - 1)?;
            return self.merge(range, right_start);
        }
        let (start, end) = self.middle_run(range, middle, left_end, right_start)?;
        if start == 0 && end == len {
            return Ok(());
        }
        if middle - start < end - middle {
            // Most of the run lies right of the middle: split before it.
            self.sort(&mut range[..start], left_end, start.saturating_sub(1))?;
            self.sort(&mut range[start..], end - start, right_start - start)?;
            self.merge(range, start)
        } else {
            self.sort(&mut range[..end], left_end, start)?;
            self.sort(&mut range[end..], 1, right_start - end)?;
            self.merge(range, end)
        }
    }

    /// Finds the run around the middle, between the known runs, and makes it ascending.
    fn middle_run(
        &mut self,
        range: &mut [T],
        middle: usize,
        left_end: usize,
        right_start: usize,
    ) -> Result<(usize, usize), E> {
        let descending = (self.less)(range[middle], range[middle - 1])?;
        let mut start = middle - 1;
        while start > left_end && (self.less)(range[start], range[start - 1])? == descending {
            start -= 1;
        }
        let mut end = middle;
        while end < right_start && (self.less)(range[end], range[end - 1])? == descending {
            end += 1;
        }
        if descending {
            range[start..end].reverse();
        }
        Ok((start, end))
    }

    fn insertion_sort(&mut self, range: &mut [T]) -> Result<(), E> {
        for next in 1..range.len() {
            let mut at = next;
            while at > 0 && (self.less)(range[at], range[at - 1])? {
                range.swap(at, at - 1);
                at -= 1;
            }
        }
        Ok(())
    }

    /// Merges the sorted parts before and from `middle`; of equal elements the left one comes first.
    fn merge(&mut self, range: &mut [T], middle: usize) -> Result<(), E> {
        self.buffer.clear();
        self.buffer.extend_from_slice(range);
        let (mut left, mut right) = self.buffer.split_at(middle);
        for place in range {
            let side = match (left.first(), right.first()) {
                (Some(&a), Some(&b)) if (self.less)(b, a)? => &mut right,
                (Some(_), _) => &mut left,
                (None, _) => &mut right,
            };
            if let Some((&first, rest)) = side.split_first() {
                *place = first;
                *side = rest;
            }
        }
        Ok(())
    }
}
