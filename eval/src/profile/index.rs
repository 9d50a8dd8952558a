//! Numbers for keys, in the order in which they first come.

use rustc_hash::FxHashMap;

/// How many keys are found without a search, as a power of two.
const RECENT_BITS: u32 = 12;

/// What stands where no key was yet; no key is that large.
const NO_KEY: u64 = u64::MAX;

/// Keys and their numbers.
pub(super) struct Index {
    known: FxHashMap<u64, u32>,
    /// Those that were asked for last, each at a place that the key tells.
    recent: Box<[(u64, u32); 1 << RECENT_BITS]>,
}

impl Default for Index {
    fn default() -> Index {
        Index {
            known: FxHashMap::default(),
            recent: Box::new([(NO_KEY, 0); 1 << RECENT_BITS]),
        }
    }
}

impl Index {
    /// The number of a key; `new` gives it one that comes for the first time.
    #[inline(always)]
    pub(super) fn get(&mut self, key: u64, new: impl FnOnce() -> u32) -> u32 {
        let (recent, number) = self.recent[place(key)];
        match recent == key {
            true => number,
            false => self.search(key, new),
        }
    }

    #[inline(never)]
    fn search(&mut self, key: u64, new: impl FnOnce() -> u32) -> u32 {
        let number = *self.known.entry(key).or_insert_with(new);
        self.recent[place(key)] = (key, number);
        number
    }
}

/// Where among the recent ones a key may be.
#[inline(always)]
fn place(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - RECENT_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_share_a_place_keep_their_numbers() {
        let mut index = Index::default();
        let keys: Vec<u64> = (0..3 << RECENT_BITS).map(|i| i * i).collect();
        let number = |index: &mut Index, key, next| index.get(key, || next);
        for (next, &key) in (0..).zip(&keys) {
            assert_eq!(number(&mut index, key, next), next);
        }
        for (next, &key) in (0..).zip(&keys) {
            assert_eq!(number(&mut index, key, u32::MAX), next);
        }
    }
}
