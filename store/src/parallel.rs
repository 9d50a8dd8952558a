//! The same work on many items, on all processors, with the results in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// More threads than this only make a disk seek.
const MAX_THREADS: usize = 16;

/// Do `work` on every item, and give the results to `take` in the order of the items; its first error ends it.
pub(crate) fn for_each<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    let threads = threads.min(items.len());
    if threads < 2 {
        return items.iter().try_for_each(|item| take(item, work(item)));
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut wanted = 0;
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&wanted) {
                if let Err(error) = take(&items[wanted], result) {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                wanted += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let mut squares = Vec::new();
        let done: Result<(), ()> = for_each(
            &items,
            |item| item * item,
            |item, square| {
                assert_eq!(square, item * item);
                squares.push(square);
                Ok(())
            },
        );
        assert_eq!(done, Ok(()));
        assert_eq!(squares.len(), 1000);
        assert!(squares.is_sorted());
    }

    #[test]
    fn the_first_error_ends_it() {
        let items: Vec<u64> = (0..1000).collect();
        let done = for_each(
            &items,
            |item| *item,
            |_, item| if item == 500 { Err(item) } else { Ok(()) },
        );
        assert_eq!(done, Err(500));
    }
}
