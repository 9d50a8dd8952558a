//! `==`, and the message of an assertion that two values are equal.

use crate::attrs::Attrs;
use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;

impl Evaluator {
    /// Compares two slots. One and the same cell or object is equal to itself, even a function.
    ///
    /// Most that are compared are one and the same: packages ask time and again whether the platform that they are for is the
    /// one that they are built on.
    #[inline]
    pub fn equal(&self, left: Slot, right: Slot, pos: Pos) -> Result<bool> {
        // Entered before the operands are forced, as in the reference: it shows where recursion ends.
        let _depth = self.enter_call(pos)?;
        if left.same(right) && left.evaluated().is_some() {
            return Ok(true);
        }
        self.equal_when_forced(left, right, pos)
    }

    #[inline(never)]
    fn equal_when_forced(&self, left: Slot, right: Slot, pos: Pos) -> Result<bool> {
        self.step()?;
        self.stack.check_native()?;
        let (a, b) = (self.force(left, pos)?, self.force(right, pos)?);
        if left.same(right) {
            return Ok(true);
        }
        self.compare(a, b, pos)
    }

    /// Compares two values that lie in no common cell: functions are never equal.
    pub fn equal_values(&self, left: Value, right: Value, pos: Pos) -> Result<bool> {
        let _depth = self.enter_call(pos)?;
        self.compare(left, right, pos)
    }

    #[inline]
    fn compare(&self, left: Value, right: Value, pos: Pos) -> Result<bool> {
        match (left.unpack(), right.unpack()) {
            (Unpacked::Null, Unpacked::Null) => Ok(true),
            (Unpacked::Bool(a), Unpacked::Bool(b)) => Ok(a == b),
            (Unpacked::Int(a), Unpacked::Int(b)) => Ok(a == b),
            (Unpacked::Float(a), Unpacked::Float(b)) => Ok(a == b),
            (Unpacked::Int(a), Unpacked::Float(b)) => Ok(a as f64 == b),
            (Unpacked::Float(a), Unpacked::Int(b)) => Ok(a == b as f64),
            (Unpacked::String(a), Unpacked::String(b)) => Ok(a.bytes() == b.bytes()),
            (Unpacked::Path(a), Unpacked::Path(b)) => Ok(a == b),
            (Unpacked::List(a), Unpacked::List(b)) => self.equal_lists(a, b, pos),
            (Unpacked::Attrs(a), Unpacked::Attrs(b)) => self.equal_sets(a, b, pos),
            _ => Ok(false),
        }
    }

    fn equal_lists(&self, left: &[Slot], right: &[Slot], pos: Pos) -> Result<bool> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (&a, &b) in left.iter().zip(right) {
            if !self.equal(a, b, pos)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_sets(&self, left: &'static Attrs, right: &'static Attrs, pos: Pos) -> Result<bool> {
        if let Some((a, b)) = self.out_paths(left, right)? {
            return self.equal(a, b, pos);
        }
        if left.len() != right.len() {
            return Ok(false);
        }
        let (left, right) = (left.flat(self.heap), right.flat(self.heap));
        let names = left.keys.symbols().iter().zip(right.keys.symbols());
        let slots = left.slots.iter().zip(right.slots);
        for ((a, b), (&x, &y)) in names.zip(slots) {
            if a != b || !self.equal(x, y, pos)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The `outPath`s, when both sets are derivations: nothing else of these is compared.
    fn out_paths(&self, left: &'static Attrs, right: &'static Attrs) -> Result<Option<(Slot, Slot)>> {
        if !self.is_derivation(left)? || !self.is_derivation(right)? {
            return Ok(None);
        }
        Ok(left.get(self.names.out_path).zip(right.get(self.names.out_path)))
    }

    /// The error of `assert left == right`: it tells the first difference. `None` if there is none after all.
    #[cold]
    pub(crate) fn difference(&self, left: Slot, right: Slot, pos: Pos) -> Result<(), Error> {
        let fail = |message: String| Err(Error::new(Kind::Assertion, message));
        let (a, b) = (self.force(left, pos)?, self.force(right, pos)?);
        if left.same(right) && left.as_cell().is_some() {
            return Ok(());
        }
        let show = |value| self.show_for_error(value);
        match (a.unpack(), b.unpack()) {
            (Unpacked::Int(_) | Unpacked::Float(_), Unpacked::Int(_) | Unpacked::Float(_)) => {
                if self.equal_values(a, b, pos)? {
                    return Ok(());
                }
                fail(format!(
                    "{} with value '{}' is not equal to {} with value '{}'",
                    self.describe(a),
                    show(a),
                    self.describe(b),
                    show(b)
                ))
            }
            (Unpacked::Null, Unpacked::Null) => Ok(()),
            (Unpacked::Bool(x), Unpacked::Bool(y)) if x == y => Ok(()),
            (Unpacked::Bool(x), Unpacked::Bool(y)) => {
                fail(format!("boolean '{x}' is not equal to boolean '{y}'"))
            }
            (Unpacked::String(x), Unpacked::String(y)) if x.bytes() == y.bytes() => Ok(()),
            (Unpacked::String(_), Unpacked::String(_)) => fail(format!(
                "string '{}' is not equal to string '{}'",
                show(a),
                show(b)
            )),
            (Unpacked::Path(x), Unpacked::Path(y)) if x == y => Ok(()),
            (Unpacked::Path(_), Unpacked::Path(_)) => {
                fail(format!("path '{}' is not equal to path '{}'", show(a), show(b)))
            }
            (Unpacked::List(x), Unpacked::List(y)) => self.list_difference((a, x), (b, y), pos),
            (Unpacked::Attrs(x), Unpacked::Attrs(y)) => self.set_difference((a, x), (b, y), pos),
            (Unpacked::Function(_), Unpacked::Function(_)) => fail(
                "distinct functions and immediate comparisons of identical functions compare as unequal"
                    .to_owned(),
            ),
            _ => fail(format!(
                "{} of value '{}' is not equal to {} of value '{}'",
                self.describe(a),
                show(a),
                self.describe(b),
                show(b)
            )),
        }
    }

    fn list_difference(&self, left: (Value, &[Slot]), right: (Value, &[Slot]), pos: Pos) -> Result<()> {
        let ((a, x), (b, y)) = (left, right);
        if x.len() != y.len() {
            let message = format!(
                "list of size '{}' is not equal to list of size '{}', left hand side is '{}', right hand side is '{}'",
                x.len(),
                y.len(),
                self.show_for_error(a),
                self.show_for_error(b)
            );
            return Err(Error::new(Kind::Assertion, message));
        }
        for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
            self.difference(x, y, pos)
                .map_err(|error| error.frame(pos, format!("while comparing list element {i}")))?;
        }
        Ok(())
    }

    fn set_difference(
        &self,
        left: (Value, &'static Attrs),
        right: (Value, &'static Attrs),
        pos: Pos,
    ) -> Result<()> {
        let ((a, x), (b, y)) = (left, right);
        if let Some((p, q)) = self.out_paths(x, y)? {
            return self.difference(p, q, pos).map_err(|error| {
                error.frame(pos, "while comparing a derivation by its 'outPath' attribute")
            });
        }
        let (left, right) = (self.show_for_error(a), self.show_for_error(b));
        if x.len() != y.len() {
            let message =
                format!("attribute names of attribute set '{left}' differs from attribute set '{right}'");
            return Err(Error::new(Kind::Assertion, message));
        }
        for (p, q) in x.flat(self.heap).entries().zip(y.flat(self.heap).entries()) {
            if p.name != q.name {
                let message = match y.get(p.name) {
                    None => format!(
                        "attribute name '{}' is contained in '{left}', but not in '{right}'",
                        self.name_in_message(p.name)
                    ),
                    Some(_) => format!(
                        "attribute name '{}' is missing in '{left}', but is contained in '{right}'",
                        self.name_in_message(q.name)
                    ),
                };
                return Err(Error::new(Kind::Assertion, message));
            }
            self.difference(p.slot, q.slot, pos).map_err(|mut error| {
                if q.pos.is_some() {
                    error = error.frame(q.pos, "where right hand side is");
                }
                if p.pos.is_some() {
                    error = error.frame(p.pos, "where left hand side is");
                }
                error.frame(
                    pos,
                    format!("while comparing attribute '{}'", self.name_in_message(p.name)),
                )
            })?;
        }
        Ok(())
    }
}
