//! The environment of a derivation's builder.

use std::borrow::Cow;

/// Bytes that are not always the derivation's own: evaluation has most of them in its memory already.
pub type Text = Cow<'static, [u8]>;

/// The variables, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(Vec<(Text, Text)>);

impl Variables {
    /// Where the variable is, or would be.
    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        // Most come in order.
        match self.0.last() {
            Some((last, _)) if **last >= *name => self.0.binary_search_by(|(other, _)| (**other).cmp(name)),
            _ => Err(self.0.len()),
        }
    }

    /// Sets a variable.
    pub fn insert(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let name = name.into();
        match self.find(&name) {
            Ok(index) => self.0[index].1 = value.into(),
            Err(index) => self.0.insert(index, (name, value.into())),
        }
    }

    /// Takes a variable out.
    pub fn remove(&mut self, name: &[u8]) {
        if let Ok(index) = self.find(name) {
            self.0.remove(index);
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.find(name).ok().map(|index| &*self.0[index].1)
    }

    /// Whether there is such a variable.
    pub fn contains_key(&self, name: &[u8]) -> bool {
        self.find(name).is_ok()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl<N: Into<Text>, V: Into<Text>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut all = Variables::default();
        for (name, value) in variables {
            all.insert(name, value);
        }
        all
    }
}

impl<N: Into<Text>, V: Into<Text>, const L: usize> From<[(N, V); L]> for Variables {
    fn from(variables: [(N, V); L]) -> Self {
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_unique() {
        let mut variables = Variables::from([(&b"b"[..], &b"1"[..]), (b"a", b"2"), (b"c", b"3")]);
        variables.insert(&b"b"[..], b"4".to_vec());
        let all: Vec<_> = variables.iter().collect();
        assert_eq!(all, [(&b"a"[..], &b"2"[..]), (b"b", b"4"), (b"c", b"3")]);
        assert_eq!(
            (variables.get(b"c"), variables.get(b"aa")),
            (Some(&b"3"[..]), None)
        );
        assert!(variables.contains_key(b"a") && !variables.contains_key(b"d"));
    }
}
