//! Sets of bytes: what a bracket expression or `.` accepts.

/// A set of bytes, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte but NUL, which no text of Nix can hold.
    pub(super) const ANY: ByteSet = ByteSet([!1, !0, !0, !0]);

    pub(super) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn insert_where(&mut self, accepts: impl Fn(u8) -> bool) {
        for byte in 0..=u8::MAX {
            if accepts(byte) {
                self.insert(byte);
            }
        }
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    pub(super) fn union(&mut self, other: &ByteSet) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    pub(super) fn complement(self) -> ByteSet {
        ByteSet(self.0.map(|word| !word))
    }

    /// The member, if there is just one.
    pub(super) fn single(&self) -> Option<u8> {
        let mut members = (0..=u8::MAX).filter(|&byte| self.contains(byte));
        let member = members.next()?;
        members.next().is_none().then_some(member)
    }
}
