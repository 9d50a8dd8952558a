//! Numbers for tests that try many things.

/// Gives numbers below what it is asked for, the same ones in each run.
pub(crate) fn numbers(seed: usize) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    }
}
