//! The evaluator's loop: strict evaluation of lowered code, and the making of slots for lazy positions.

use crate::attrs::{Attrs, Entry, Found};
use crate::cell::Captures;
use crate::code::*;
use crate::error::{Error, FrameText, Kind, Result, ResultExt};
use crate::evaluator::{Evaluator, count};
use crate::stack::Frame;
use crate::value::{Slot, Type, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

impl Evaluator {
    /// Evaluates code in a frame to weak head normal form.
    #[inline(always)]
    pub(crate) fn eval(&self, code: Code, frame: &Frame<'_>) -> Result<Value> {
        // Most operands are constants, or variables that have a value.
        let known = match code.op() {
            Op::Const(value) => Some(value),
            Op::Local { index, .. } => frame.local(index).evaluated(),
            Op::Captured { index, .. } => frame.captured(index).evaluated(),
            _ => None,
        };
        match known {
            Some(value) => Ok(value),
            None => self.eval_any(code, frame),
        }
    }

    /// [`Evaluator::eval`] without looking at the most frequent cases first. What ends in another expression goes on with
    /// that in a loop.
    #[inline(never)]
    fn eval_any(&self, mut code: Code, frame: &Frame<'_>) -> Result<Value> {
        loop {
            code = match code.op() {
                Op::Const(value) => return Ok(value),
                Op::Global(slot) => return self.force(slot, Pos::NONE),
                Op::Local { index, pos } => return self.force(frame.local(index), pos),
                Op::Captured { index, pos } => return self.force(frame.captured(index), pos),
                Op::With(code) => {
                    let (slot, pos) = self.lookup_with(code, frame)?;
                    return self.force(slot, pos);
                }
                Op::Select(code) => return self.eval_select(code, frame),
                Op::SelectPath(code) => return self.eval_select_path(code, frame),
                Op::HasAttr(code) => return self.eval_has_attr(code, frame),
                Op::Call(code) => return self.eval_call(code, frame),
                Op::Arithmetic(operator, code) => return self.eval_arithmetic(operator, code, frame),
                Op::Lambda(code) => return Ok(self.closure(code, frame)),
                Op::Let(code) => {
                    self.bind(code.bindings, code.has_late, frame);
                    code.body
                }
                Op::Attrs(code) => return self.eval_attrs(code, frame),
                Op::RecAttrs(code) => return self.eval_rec_attrs(code, frame),
                Op::List(code) => return Ok(self.eval_list(code, frame)),
                Op::WithScope(code) => {
                    frame.set_local(code.local, self.delay(code.namespace, frame));
                    code.body
                }
                Op::If(code) => {
                    let context = "while evaluating a branch condition";
                    match self.eval_bool(code.condition, frame, code.pos, context)? {
                        true => code.then_branch,
                        false => code.else_branch,
                    }
                }
                Op::Assert(code) => {
                    let context = "in the condition of the assert statement";
                    if !self.eval_bool(code.condition, frame, code.pos, context)? {
                        return Err(self.assertion_failed(code, frame));
                    }
                    code.body
                }
                Op::Not(code) => {
                    let context = "in the argument of the not operator";
                    let operand = self.eval_bool(code.operand, frame, code.pos, context)?;
                    return Ok(Value::bool(!operand));
                }
                Op::Equal(code) => return Ok(Value::bool(self.eval_equal(code, frame)?)),
                Op::NotEqual(code) => return Ok(Value::bool(!self.eval_equal(code, frame)?)),
                Op::And(code) => {
                    let (left, right) = (
                        "in the left operand of the AND (&&) operator",
                        "in the right operand of the AND (&&) operator",
                    );
                    return Ok(Value::bool(
                        self.eval_bool(code.left, frame, code.pos, left)?
                            && self.eval_bool(code.right, frame, code.pos, right)?,
                    ));
                }
                Op::Or(code) => {
                    let (left, right) = (
                        "in the left operand of the OR (||) operator",
                        "in the right operand of the OR (||) operator",
                    );
                    return Ok(Value::bool(
                        self.eval_bool(code.left, frame, code.pos, left)?
                            || self.eval_bool(code.right, frame, code.pos, right)?,
                    ));
                }
                Op::Implies(code) => {
                    let (left, right) = (
                        "in the left operand of the IMPL (->) operator",
                        "in the right operand of the IMPL (->) operator",
                    );
                    return Ok(Value::bool(
                        !self.eval_bool(code.left, frame, code.pos, left)?
                            || self.eval_bool(code.right, frame, code.pos, right)?,
                    ));
                }
                Op::Update(code) => return self.eval_update(code, frame),
                Op::ConcatLists(code) => {
                    let left = self.eval(code.left, frame)?;
                    let right = self.eval(code.right, frame)?;
                    let context = "while evaluating one of the elements to concatenate";
                    return self.concat_lists(&[left.slot(), right.slot()], code.pos, context);
                }
                Op::Concat(code) => return self.eval_concat(code, frame),
                Op::CurPos(pos) => return Ok(self.position_value(pos)),
            };
        }
    }

    /// The slot of an expression in a lazy position.
    #[inline(always)]
    pub(crate) fn delay(&self, delayed: Delayed, frame: &Frame<'_>) -> Slot {
        match delayed.op() {
            LazyOp::Const(slot) => self.avoided(slot),
            LazyOp::Variable(source) => self.avoided(frame.source(source)),
            LazyOp::Thunk(code) => self.suspend(code, frame),
            LazyOp::Lambda(code) => self.suspend_lambda(code, frame),
        }
    }

    /// A thunk. Out of line, for it is wanted at many places that are to stay small.
    #[inline(never)]
    fn suspend(&self, code: &'static ThunkCode, frame: &Frame<'_>) -> Slot {
        if let [first, others @ ..] = code.captures
            && let Some((slot, captures)) = self.heap.short_thunk(code, frame.source(*first))
        {
            captures.take(others, frame);
            return slot;
        }
        let (slot, captures) = self.heap.thunk(code);
        captures.take(code.captures, frame);
        slot
    }

    /// A cell with a closure inside.
    #[inline(never)]
    fn suspend_lambda(&self, code: &'static LambdaCode, frame: &Frame<'_>) -> Slot {
        let (slot, captures) = self.heap.closure_cell(code);
        captures.take(code.captures, frame);
        slot
    }

    /// Counts a lazy position that needed no cell. The reference doesn't count empty lists.
    #[inline(always)]
    fn avoided(&self, slot: Slot) -> Slot {
        self.stats
            .avoided
            .set(self.stats.avoided.get() + u64::from(!slot.same(Slot::EMPTY_LIST)));
        slot
    }

    /// First half of [`Evaluator::delay`], for scopes whose bindings see one another.
    #[inline(always)]
    pub(crate) fn allocate(&self, delayed: Delayed, frame: &Frame<'_>) -> Slot {
        match delayed.op() {
            LazyOp::Const(slot) => self.avoided(slot),
            LazyOp::Variable(source) => self.avoided(frame.source(source)),
            LazyOp::Thunk(code) => self.heap.thunk(code).0,
            LazyOp::Lambda(code) => self.heap.closure_cell(code).0,
        }
    }

    /// Second half of [`Evaluator::delay`].
    #[inline(always)]
    pub(crate) fn fill(&self, delayed: Delayed, slot: Slot, frame: &Frame<'_>) {
        let Some(cell) = slot.as_cell() else { return };
        let (captures, sources) = match delayed.op() {
            LazyOp::Thunk(code) => (cell.thunk_captures(code), code.captures),
            LazyOp::Lambda(code) => (cell.closure_captures(code), code.captures),
            LazyOp::Const(_) | LazyOp::Variable(_) => return,
        };
        captures.take(sources, frame);
    }

    /// Binds locals that see one another. `has_late`: some of them are [`Bound::late`].
    #[inline]
    fn bind(&self, bindings: &[Bound], has_late: bool, frame: &Frame<'_>) {
        for bound in bindings {
            let slot = match bound.late {
                true => self.allocate(bound.value, frame),
                false => self.delay(bound.value, frame),
            };
            frame.set_local(bound.local, slot);
        }
        if !has_late {
            return;
        }
        for bound in bindings.iter().filter(|bound| bound.late) {
            self.fill(bound.value, frame.local(bound.local), frame);
        }
    }

    /// A closure over the frame.
    fn closure(&self, code: &'static LambdaCode, frame: &Frame<'_>) -> Value {
        if code.captures.is_empty() {
            return code.closed.get().unwrap_or_else(|| {
                let (closure, _) = self.heap.permanently(|| self.heap.closure(code));
                code.closed.set(Some(closure));
                closure
            });
        }
        let (closure, captures) = self.heap.closure(code);
        captures.take(code.captures, frame);
        closure
    }

    /// Evaluates code that must give a boolean.
    #[inline(always)]
    fn eval_bool(&self, code: Code, frame: &Frame<'_>, pos: Pos, context: &'static str) -> Result<bool> {
        match self.eval(code, frame) {
            Ok(value) => match value.as_bool() {
                Some(b) => Ok(b),
                None => Err(self.type_error(Type::Bool, value).at(pos).frame(pos, context)),
            },
            Err(error) => Err(error.frame(pos, context)),
        }
    }

    /// Finds a name in the enclosing `with`s, innermost first, forcing each namespace as it is reached.
    #[inline(never)]
    fn lookup_with(&self, code: &WithCode, frame: &Frame<'_>) -> Result<(Slot, Pos)> {
        for &(namespace, pos) in code.namespaces {
            let context = "while evaluating the first subexpression of a with expression";
            let set = self.expect_attrs(frame.source(namespace), pos, context)?;
            if let Some(found) = set.find(code.name) {
                return Ok((found.slot, code.pos));
            }
        }
        Err(self.undefined_variable(code.name, code.pos))
    }

    #[inline(always)]
    fn eval_select(&self, code: &'static SelectCode, frame: &Frame<'_>) -> Result<Value> {
        let base = self.eval(code.base, frame)?;
        count(&self.stats.lookups);
        let Some(set) = base.as_attrs() else {
            return Err(self
                .type_error(Type::Attrs, base)
                .frame(code.pos, "while selecting an attribute"));
        };
        let slot = match code.cache.get(set.shape()).and_then(|i| set.slot_at(i)) {
            Some(slot) => slot,
            None => self.select_uncached(code, set)?,
        };
        match slot.evaluated() {
            Some(value) => Ok(value),
            None => self.force_selected(slot, set, code.name, code.pos),
        }
    }

    #[inline(never)]
    fn select_uncached(&self, code: &SelectCode, set: &'static Attrs) -> Result<Slot> {
        if self.watch.counts_selections()
            && let Some(found) = set.find(code.name)
        {
            self.watch.selected(found.pos);
            return Ok(found.slot);
        }
        match set.find_cached(code.name, &code.cache) {
            Some(found) => Ok(found.slot),
            None => Err(self.attribute_missing(set, code.name, code.pos)),
        }
    }

    #[inline(never)]
    fn force_selected(&self, slot: Slot, set: &'static Attrs, name: Symbol, pos: Pos) -> Result<Value> {
        let found = || set.find(name).map_or(Pos::NONE, |found| found.pos);
        let Some(cell) = slot.as_cell() else {
            return self.force(slot, pos);
        };
        let force = || self.force_cell(cell, || Some(found()).filter(|pos| pos.is_some()).unwrap_or(pos));
        let result = match self.watch.is_recording() {
            true => self.during_attribute(name, found(), force),
            false => force(),
        };
        result.map_err(|error| match found() {
            at if at.is_some() && !self.is_internal(at) => error.frame(at, FrameText::Attribute(name)),
            _ => error,
        })
    }

    #[cold]
    fn attribute_missing(&self, set: &'static Attrs, name: Symbol, pos: Pos) -> Error {
        let names = set
            .flat(self.heap)
            .keys
            .symbols()
            .iter()
            .map(|&symbol| self.name(symbol));
        let suggestions = crate::suggest::best_matches(names, &self.name(name));
        let message = format!("attribute '{}' missing", self.name_in_message(name));
        Error::new(Kind::Eval, message).at(pos).suggest(suggestions)
    }

    /// The symbol of a step in an attribute path, and what was found for it before.
    #[inline(always)]
    fn path_name(&self, name: &Name, frame: &Frame<'_>) -> Result<(Symbol, Option<&'static InlineCache>)> {
        match name {
            Name::Static(symbol, cache) => Ok((*symbol, Some(cache))),
            Name::Dynamic(code, pos) => {
                let value = self.eval(*code, frame)?;
                let context = "while evaluating an attribute name";
                Ok((self.expect_name(value.slot(), *pos, context)?, None))
            }
        }
    }

    fn eval_select_path(&self, code: &'static SelectPathCode, frame: &Frame<'_>) -> Result<Value> {
        let mut slot = self.eval(code.base, frame)?.slot();
        let mut last = Pos::NONE;
        let mut last_name = None;
        let force = |slot: Slot, name: Option<Symbol>, at: Pos, pos: Pos| match name {
            Some(name) if self.watch.is_recording() && slot.evaluated().is_none() => {
                self.during_attribute(name, at, || self.force(slot, pos))
            }
            _ => self.force(slot, pos),
        };
        let result = (|| {
            for name in code.path {
                count(&self.stats.lookups);
                let (symbol, cache) = self.path_name(name, frame)?;
                let value = force(slot, last_name, last, code.pos)?;
                let find = |set| find_attr(set, symbol, cache);
                let found = match (value.as_attrs(), &code.default) {
                    (Some(set), None) => {
                        find(set).ok_or_else(|| self.attribute_missing(set, symbol, code.pos))?
                    }
                    (None, None) => {
                        let context = "while selecting an attribute";
                        return Err(self.type_error(Type::Attrs, value).frame(code.pos, context));
                    }
                    (set, Some(_)) => match set.and_then(find) {
                        Some(found) => found,
                        None => return Ok(None),
                    },
                };
                slot = found.slot;
                last = found.pos;
                last_name = Some(symbol);
                if self.watch.counts_selections() {
                    self.watch.selected(last);
                }
            }
            let pos = if last.is_some() { last } else { code.pos };
            force(slot, last_name, last, pos).map(Some)
        })();
        match (result, &code.default) {
            (Ok(Some(value)), _) => Ok(value),
            (Ok(None), Some(default)) => self.eval(*default, frame),
            (Ok(None), None) => Ok(Value::NULL),
            (Err(error), _) if last.is_some() && !self.is_internal(last) => Err(error.frame(
                last,
                format!(
                    "while evaluating the attribute '{}'",
                    self.show_path(code.path, frame)
                ),
            )),
            (Err(error), _) => Err(error),
        }
    }

    fn show_path(&self, path: &[Name], frame: &Frame<'_>) -> String {
        let names = path.iter().map(|name| match self.path_name(name, frame) {
            Ok((symbol, _)) => self.name_in_message(symbol),
            Err(_) => "\"${...}\"".to_owned(),
        });
        names.collect::<Vec<_>>().join(".")
    }

    fn eval_has_attr(&self, code: &'static HasAttrCode, frame: &Frame<'_>) -> Result<Value> {
        let mut slot = self.eval(code.base, frame)?.slot();
        for name in code.path {
            let value = self.force(slot, code.pos)?;
            let (symbol, cache) = self.path_name(name, frame)?;
            match value.as_attrs().and_then(|set| find_attr(set, symbol, cache)) {
                Some(found) => slot = found.slot,
                None => return Ok(Value::FALSE),
            }
        }
        Ok(Value::TRUE)
    }

    #[inline(always)]
    fn eval_call(&self, code: &'static CallCode, frame: &Frame<'_>) -> Result<Value> {
        let function = self.eval(code.function, frame)?;
        match *code.args {
            [argument] => self.call_one(function, self.delay(argument, frame), code.pos),
            [first, second] => {
                let args = [self.delay(first, frame), self.delay(second, frame)];
                self.call(function, &args, code.pos)
            }
            _ => self.call_many(function, code, frame),
        }
    }

    #[inline(never)]
    fn call_many(&self, function: Value, code: &'static CallCode, frame: &Frame<'_>) -> Result<Value> {
        let mut few = [Slot::NULL; 8];
        if let Some(args) = few.get_mut(..code.args.len()) {
            for (slot, &argument) in args.iter_mut().zip(code.args) {
                *slot = self.delay(argument, frame);
            }
            return self.call(function, args, code.pos);
        }
        let args: Vec<Slot> = code
            .args
            .iter()
            .map(|&argument| self.delay(argument, frame))
            .collect();
        self.call(function, &args, code.pos)
    }

    #[inline(never)]
    fn eval_arithmetic(
        &self,
        operator: Arithmetic,
        code: &'static BinaryCode,
        frame: &Frame<'_>,
    ) -> Result<Value> {
        match self.watch.is_on() {
            true => self.operate_watched(code.primop, code.pos, || self.operate(operator, code, frame)),
            false => self.operate(operator, code, frame),
        }
    }

    #[inline(always)]
    fn operate(&self, operator: Arithmetic, code: &'static BinaryCode, frame: &Frame<'_>) -> Result<Value> {
        let _depth = self.enter_call(code.pos)?;
        if let Some(primop) = code.primop {
            self.count_primop(primop);
        }
        // To the reference this is a call with lazy arguments.
        for operand in [code.left, code.right] {
            let avoided = matches!(
                operand.op(),
                Op::Const(_) | Op::Local { .. } | Op::Captured { .. }
            );
            self.stats
                .avoided
                .set(self.stats.avoided.get() + u64::from(avoided));
        }
        let result = self.eval(code.left, frame).and_then(|left| {
            let right = self.eval(code.right, frame)?;
            self.arithmetic(operator, left, right)
        });
        result.in_frame_with(code.pos, || {
            FrameText::Builtin(code.primop.map_or("", |primop| primop.name))
        })
    }

    fn eval_equal(&self, code: &BinaryCode, frame: &Frame<'_>) -> Result<bool> {
        let left = self.eval(code.left, frame)?;
        let right = self.eval(code.right, frame)?;
        self.equal_values(left, right, code.pos)
    }

    /// `//`: the rightmost operand is evaluated first; see the reference's `evalForUpdate`.
    fn eval_update(&self, code: &UpdateCode, frame: &Frame<'_>) -> Result<Value> {
        // The reference starts a chain of updates with the empty set, and counts one for each operand.
        count(&self.stats.updates);
        self.eval_update_in_chain(code, frame)
    }

    fn eval_update_in_chain(&self, code: &UpdateCode, frame: &Frame<'_>) -> Result<Value> {
        count(&self.stats.updates);
        let right = self.update_operand(code.right, frame, true)?;
        let left = self.update_operand(code.left, frame, false)?;
        Ok(self.heap.update_at(left, right, &code.union))
    }

    #[inline(always)]
    fn update_operand(&self, code: Code, frame: &Frame<'_>, right: bool) -> Result<Value> {
        let result = match code.op() {
            // The inner operands have frames of their own.
            Op::Update(inner) => return self.eval_update_in_chain(inner, frame),
            _ => self.eval(code, frame),
        };
        let error = match result {
            Ok(value) if value.as_attrs().is_some() => return Ok(value),
            Ok(value) => self.type_error(Type::Attrs, value),
            Err(error) => error,
        };
        let context = match right {
            true => "in the right operand of the update (//) operator",
            false => "in the left operand of the update (//) operator",
        };
        Err(error.frame(code.position().unwrap_or(Pos::NONE), context))
    }

    #[inline(never)]
    fn eval_list(&self, code: &'static ListCode, frame: &Frame<'_>) -> Value {
        let element = |i: usize| self.delay(code.elements[i], frame);
        self.heap.list_with(code.elements.len(), element)
    }

    #[inline(never)]
    fn eval_attrs(&self, code: &'static AttrsCode, frame: &Frame<'_>) -> Result<Value> {
        if let Some(more) = code.more {
            self.bind(more.inherit_from, false, frame);
        }
        let set = self
            .heap
            .attrs_with(code.keys, |i| self.delay(code.slots[i], frame));
        match code.more {
            Some(more) if !more.dynamic.is_empty() => self.add_dynamic(set, more.dynamic, frame),
            _ => Ok(set),
        }
    }

    fn eval_rec_attrs(&self, code: &'static RecAttrsCode, frame: &Frame<'_>) -> Result<Value> {
        self.bind(code.bindings, code.has_late, frame);
        let mut set = self.heap.attrs_with(code.keys, |i| frame.local(code.locals[i]));
        if let Some(overrides) = code.overrides {
            set = self.apply_overrides(set, overrides, code, frame)?;
        }
        if code.dynamic.is_empty() {
            return Ok(set);
        }
        self.add_dynamic(set, code.dynamic, frame)
    }

    /// `__overrides` of a `rec` set: its attributes replace those of the set, and the recursive references see them.
    #[cold]
    fn apply_overrides(
        &self,
        set: Value,
        overrides: u32,
        code: &'static RecAttrsCode,
        frame: &Frame<'_>,
    ) -> Result<Value> {
        let context = "while evaluating the `__overrides` attribute";
        let slot = frame.local(code.locals[overrides as usize]);
        let overrides = self.expect_attrs(slot, Pos::NONE, context)?;
        let made: Vec<Slot> = code
            .bindings
            .iter()
            .map(|bound| frame.local(bound.local))
            .collect();
        for entry in overrides.flat(self.heap).entries() {
            if let Some(i) = code.keys.find(entry.name) {
                frame.set_local(code.locals[i], entry.slot);
            }
        }
        // Thunks that were not forced yet see the new values.
        for (bound, slot) in code.bindings.iter().zip(made) {
            self.fill(bound.value, slot, frame);
        }
        Ok(self.heap.update(
            set,
            self.heap
                .attrs_sorted(&overrides.flat(self.heap).entries().collect::<Vec<_>>()),
        ))
    }

    #[inline(never)]
    fn add_dynamic(&self, set: Value, dynamic: &'static [DynamicCode], frame: &Frame<'_>) -> Result<Value> {
        let set = set.as_attrs().expect("a set").flat(self.heap);
        let mut entries: Vec<Entry> = set.entries().collect();
        for code in dynamic {
            let name = self.eval(code.name, frame)?;
            if name.is_null() {
                continue;
            }
            let context = "while evaluating the name of a dynamic attribute";
            let name = self.expect_name(name.slot(), code.pos, context)?;
            if let Some(other) = entries.iter().find(|entry| entry.name == name) {
                let message = format!(
                    "dynamic attribute '{}' already defined at {}",
                    self.name_in_message(name),
                    self.show_position(other.pos)
                );
                return Err(Error::new(Kind::Eval, message).at(code.pos));
            }
            if let LazyOp::Lambda(lambda) = code.value.op() {
                lambda.name.set(Some(name));
            }
            entries.push(Entry {
                name,
                slot: self.delay(code.value, frame),
                pos: code.pos,
            });
        }
        Ok(self.heap.attrs(&mut entries))
    }
}

impl Captures {
    /// Sets all captures to what their sources are in a frame.
    #[inline(always)]
    fn take(&self, sources: &[Source], frame: &Frame<'_>) {
        for (i, &source) in sources.iter().enumerate() {
            self.set(i, frame.source(source));
        }
    }
}

#[inline(always)]
fn find_attr(set: &'static Attrs, name: Symbol, cache: Option<&'static InlineCache>) -> Option<Found> {
    match cache {
        Some(cache) => set.find_cached(name, cache),
        None => set.find(name),
    }
}

impl Evaluator {
    /// The error of a failed assertion; for `assert a == b` it tells the first difference.
    #[cold]
    #[inline(never)]
    fn assertion_failed(&self, code: &AssertCode, frame: &Frame<'_>) -> Error {
        let condition = String::from_utf8_lossy(code.text);
        if let Op::Equal(equal) = code.condition.op() {
            let difference = self.eval(equal.left, frame).and_then(|left| {
                let right = self.eval(equal.right, frame)?;
                self.difference(left.slot(), right.slot(), equal.pos)
            });
            if let Err(error) = difference {
                let text = format!("while evaluating the condition of the assertion '{condition}'");
                return if error.kind() == Kind::Assertion {
                    error.frame(code.pos, text)
                } else {
                    error
                };
            }
        }
        Error::new(Kind::Assertion, format!("assertion '{condition}' failed")).at(code.pos)
    }
}
