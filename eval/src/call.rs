//! Forcing and calling.

use crate::attrs::Attrs;
use crate::cell::{Cell, State};
use crate::code::{Formal, LambdaCode, Op, Parameter, Pattern};
use crate::error::{Error, FrameText, Kind, Result};
use crate::evaluator::{Evaluator, count};
use crate::function::FunctionKind;
use crate::primop::Primop;
use crate::profile::Activity;
use crate::stack::{Frame, too_deep};
use crate::value::{Slot, Type, Value};
use nivis_lang::position::Pos;

/// How many calls of functions go by before the user's interruption is noticed: about a millisecond's worth.
const INTERRUPT_INTERVAL: u64 = 1 << 13;

/// A pattern that met this many shapes of arguments stops planning for them.
const MAX_PLANS: u32 = 8;

/// A layered argument with up to this many times as many attributes as there are formals is merged at once.
const MERGE_FACTOR: usize = 4;

/// In a plan: the set has no such attribute.
const ABSENT: u32 = u32::MAX;
/// The set has the attribute, but is not flat.
const ELSEWHERE: u32 = u32::MAX - 1;

/// One level of calls; dropping it leaves the level.
pub struct Depth<'e>(&'e std::cell::Cell<u32>);

impl Drop for Depth<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.set(self.0.get().wrapping_sub(1));
    }
}

impl Evaluator {
    /// Forces a slot to weak head normal form. `pos` is named if the value turns out to need itself.
    #[inline(always)]
    pub fn force(&self, slot: Slot, pos: Pos) -> Result<Value> {
        match slot.as_cell() {
            None => Ok(slot.direct().unwrap_or(Value::NULL)),
            Some(cell) => match cell.finished() {
                Some(value) => Ok(value),
                None => self.force_cell(cell, || pos),
            },
        }
    }

    #[inline(never)]
    pub(crate) fn force_cell(&self, cell: &'static Cell, pos: impl Fn() -> Pos) -> Result<Value> {
        if self.watch.is_recording() {
            return self.force_cell_watched(cell, pos);
        }
        self.force_cell_with::<false>(cell, pos)
    }

    /// Forces a cell; tells of it if `WATCHED`.
    #[inline(always)]
    pub(crate) fn force_cell_with<const WATCHED: bool>(
        &self,
        cell: &'static Cell,
        pos: impl Fn() -> Pos,
    ) -> Result<Value> {
        let saved = cell.raw();
        let State::Thunk(code) = cell.state() else {
            if WATCHED {
                self.watch.forced(&cell.state());
            }
            return self.force_other(cell, pos);
        };
        self.stack.check_native()?;
        let result = self.during::<WATCHED, _>(Activity::Thunk(code.function), || {
            cell.evaluate(self.heap, code, |captures| {
                self.eval(
                    code.body.get(self)?,
                    &self.stack.enter(code.frame_size, captures)?,
                )
            })
        });
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                // Builtins force without a position; then the expression has to do.
                let pos = Some(pos())
                    .filter(|pos| pos.is_some())
                    .or_else(|| code.body.known()?.position());
                Err(self.keep_failure(cell, saved, error, pos.unwrap_or(Pos::NONE)))
            }
        }
    }

    /// [`Evaluator::force_cell`] of what is no suspended expression.
    #[inline(never)]
    fn force_other(&self, cell: &'static Cell, pos: impl Fn() -> Pos) -> Result<Value> {
        let saved = cell.raw();
        let result = match cell.state() {
            State::Finished(value) => return Ok(value),
            State::Closure(value) => {
                cell.see_closure();
                return Ok(value);
            }
            State::Blackhole => {
                let message = "infinite recursion encountered";
                let error = Error::new(Kind::InfiniteRecursion, message).at(pos());
                return Err(error.cycle(std::ptr::from_ref(cell).addr()));
            }
            State::Failed(error) => return Err(error.clone()),
            State::Thunk(_) => return self.force_cell(cell, pos),
            // Applications are not marked: the reference finds such cycles by depth, and says so.
            State::Apply1([function, argument]) => self.apply(function, &[argument], &pos),
            State::Apply2([function, first, second]) => self.apply(function, &[first, second], &pos),
            State::ApplyNamed(function, name, value) => {
                self.stack.check_native()?;
                match self.force(function, Pos::NONE) {
                    Ok(_) if self.depth.get() >= self.settings.max_call_depth => {
                        // The reference calls `function name` one level below the call with the value.
                        Err(too_deep().at(pos()))
                    }
                    Ok(function) => self.call(function, &[self.symbol_value(name).slot(), value], pos()),
                    Err(error) => Err(error),
                }
            }
        };
        match result {
            Ok(value) => {
                cell.finish_application(self.heap, saved, value);
                Ok(value)
            }
            Err(error) => Err(self.keep_failure(cell, saved, error, pos())),
        }
    }

    #[inline(always)]
    fn apply(&self, function: Slot, args: &[Slot], pos: impl Fn() -> Pos) -> Result<Value> {
        self.stack.check_native()?;
        let function = self.force(function, Pos::NONE)?;
        self.call(function, args, pos())
    }

    #[cold]
    #[inline(never)]
    fn keep_failure(&self, cell: &'static Cell, saved: u64, error: Error, pos: Pos) -> Error {
        let error = error.needed(std::ptr::from_ref(cell).addr(), pos);
        if error.kind().is_retryable() {
            cell.restore(saved)
        } else {
            cell.fail(&error)
        }
        error
    }

    /// Enters one level of calls; fails beyond `max-call-depth`, or when the user interrupted.
    #[inline(always)]
    pub fn enter_call(&self, pos: Pos) -> Result<Depth<'_>> {
        let depth = self.depth.get();
        if depth > self.settings.max_call_depth {
            return Err(too_deep().at(pos));
        }
        self.depth.set(depth.wrapping_add(1));
        Ok(Depth(&self.depth))
    }

    /// [`Evaluator::call`] with one argument. Most calls are of a lambda that takes just one.
    #[inline(always)]
    pub(crate) fn call_one(&self, function: Value, argument: Slot, pos: Pos) -> Result<Value> {
        if self.watch.is_on() {
            return self.call_watched(function, &[argument], pos);
        }
        if let Some(object) = function.as_function()
            && let FunctionKind::Lambda(code, captures) = object.kind()
            && let Parameter::Name(_) = code.parameter
        {
            return self.call_simple(code, captures, argument, pos);
        }
        self.call(function, &[argument], pos)
    }

    #[inline(never)]
    fn call_simple(
        &self,
        code: &'static LambdaCode,
        captures: &'static [Slot],
        argument: Slot,
        pos: Pos,
    ) -> Result<Value> {
        let _depth = self.enter_call(pos)?;
        self.stack.check_native()?;
        let frame = self.stack.enter(code.frame_size, captures)?;
        frame.set_local(0, argument);
        self.count_work(&self.stats.function_calls)?;
        match self.eval(code.body.get(self)?, &frame) {
            Ok(value) => Ok(value),
            Err(error) => Err(leave_lambda(error, code, pos)),
        }
    }

    /// Calls a function with arguments, which may be more or fewer than it takes.
    pub fn call(&self, function: Value, args: &[Slot], pos: Pos) -> Result<Value> {
        if self.watch.is_on() {
            return self.call_watched(function, args, pos);
        }
        self.call_with::<false>(function, args, pos)
    }

    /// Calls a function; tells of it if `WATCHED`.
    #[inline(always)]
    pub(crate) fn call_with<const WATCHED: bool>(
        &self,
        function: Value,
        args: &[Slot],
        pos: Pos,
    ) -> Result<Value> {
        let _depth = self.enter_call(pos)?;
        let mut function = function;
        let mut args = args;
        while let Some((&first, rest)) = args.split_first() {
            let Some(object) = function.as_function() else {
                function = self.call_functor(function, first, pos)?;
                args = rest;
                continue;
            };
            match object.kind() {
                FunctionKind::Lambda(code, captures) => {
                    (function, args) = self.during::<WATCHED, _>(Activity::Call(code), || {
                        self.call_lambda::<WATCHED>(code, captures, first, rest, pos)
                    })?;
                }
                FunctionKind::Primop(primop) => {
                    if args.len() < primop.arity {
                        return Ok(self.heap.partial(primop, &[], args));
                    }
                    let (now, later) = args.split_at(primop.arity);
                    function = self.call_primop::<WATCHED>(primop, now, pos)?;
                    args = later;
                }
                FunctionKind::Partial(primop, earlier) => {
                    if earlier.len() + args.len() < primop.arity {
                        return Ok(self.heap.partial(primop, earlier, args));
                    }
                    let (now, later) = args.split_at(primop.arity - earlier.len());
                    let mut all = [Slot::NULL; 4];
                    all[..earlier.len()].copy_from_slice(earlier);
                    all[earlier.len()..primop.arity].copy_from_slice(now);
                    function = self.call_primop::<WATCHED>(primop, &all[..primop.arity], pos)?;
                    args = later;
                }
            }
        }
        Ok(function)
    }

    /// Calls a function that is still to be forced.
    #[inline]
    pub fn call_slot(&self, function: Slot, args: &[Slot], pos: Pos) -> Result<Value> {
        let function = self.force(function, pos)?;
        self.call(function, args, pos)
    }

    #[inline(always)]
    fn call_primop<const WATCHED: bool>(
        &self,
        primop: &'static Primop,
        args: &[Slot],
        pos: Pos,
    ) -> Result<Value> {
        count(&self.stats.primop_calls);
        if WATCHED {
            self.watch.called_primop(primop);
        }
        let result = self.during::<WATCHED, _>(Activity::Primop(primop), || {
            (primop.function)(self, args, Pos::NONE)
        });
        match result {
            Ok(value) => Ok(value),
            Err(error) if primop.trace => Err(error.frame(pos, FrameText::Builtin(primop.name))),
            Err(error) => Err(error),
        }
    }

    /// Calls `set.__functor set argument`.
    #[inline(never)]
    fn call_functor(&self, function: Value, argument: Slot, pos: Pos) -> Result<Value> {
        let functor = function.as_attrs().and_then(|set| set.find(self.names.functor));
        let Some(functor) = functor else {
            let message = format!(
                "attempt to call something which is not a function but {}: {}",
                self.describe(function),
                self.show_for_error(function)
            );
            let origin = self.origin_of(function);
            return Err(Error::new(Kind::Type, message).at(pos).originates(origin));
        };
        let result = (|| {
            let depth = self.enter_call(functor.pos)?;
            let callee = self.force(functor.slot, functor.pos)?;
            drop(depth);
            self.call(callee, &[function.slot(), argument], functor.pos)
        })();
        result.map_err(|error| {
            error.frame(
                pos,
                "while calling a functor (an attribute set with a '__functor' attribute)",
            )
        })
    }

    /// Calls a lambda with its first argument. When its body is another lambda that takes the next argument, goes on
    /// with that without making a closure. Returns the value and the arguments that are left.
    #[inline(always)]
    fn call_lambda<'a, const WATCHED: bool>(
        &self,
        code: &'static LambdaCode,
        captures: &'static [Slot],
        first: Slot,
        rest: &'a [Slot],
        pos: Pos,
    ) -> Result<(Value, &'a [Slot])> {
        self.stack.check_native()?;
        let (mut code, mut argument, mut rest) = (code, first, rest);
        let mut frame = self.stack.enter(code.frame_size, captures)?;
        loop {
            match code.parameter {
                Parameter::Name(_) => frame.set_local(0, argument),
                Parameter::Pattern(pattern) => self.bind_pattern(code, pattern, argument, &frame, pos)?,
            }
            if let Err(error) = self.count_work(&self.stats.function_calls) {
                return Err(leave_lambda(error, code, pos));
            }
            if WATCHED {
                self.watch.called(code);
            }
            let body = code.body.get(self)?;
            if let (Op::Lambda(inner), Some((&next, others))) = (body.op(), rest.split_first()) {
                frame = frame.into_inner(&self.stack, inner.frame_size, inner.captures)?;
                (code, argument, rest) = (inner, next, others);
                continue;
            }
            return match self.eval(body, &frame) {
                Ok(value) => Ok((value, rest)),
                Err(error) => Err(leave_lambda(error, code, pos)),
            };
        }
    }

    /// Matches an argument against a set pattern and sets the frame's locals.
    #[inline(never)]
    fn bind_pattern(
        &self,
        code: &'static LambdaCode,
        pattern: &'static Pattern,
        argument: Slot,
        frame: &Frame<'_>,
        pos: Pos,
    ) -> Result<()> {
        let context = "while evaluating the value passed for the lambda argument";
        let set = self.expect_attrs(argument, code.pos, context).map_err(|error| {
            if pos.is_some() {
                error.frame(pos, "from call site")
            } else {
                error
            }
        })?;
        if pattern.name.is_some() {
            frame.set_local(0, argument);
        }
        let Some(indices) = pattern.plan.get(set) else {
            return self.bind_unplanned(code, pattern, set, frame, pos);
        };
        let slots = set.flat(self.heap).slots;
        for (&index, formal) in indices.iter().zip(pattern.formals) {
            let slot = slots.get(index as usize).copied();
            frame.set_local(formal.local, slot.unwrap_or(Slot::NULL));
        }
        if !pattern.defaults.is_empty() {
            self.bind_defaults(pattern, indices, frame);
        }
        Ok(())
    }

    /// Matches a set of another shape than the last one, and plans for the next set of that shape.
    #[inline(never)]
    fn bind_unplanned(
        &self,
        code: &'static LambdaCode,
        pattern: &'static Pattern,
        set: &'static Attrs,
        frame: &Frame<'_>,
        pos: Pos,
    ) -> Result<()> {
        let (mut few, mut many);
        let indices = match pattern.formals.len() {
            n if n <= 32 => {
                few = [ABSENT; 32];
                &mut few[..n]
            }
            n => {
                many = vec![ABSENT; n];
                &mut many[..]
            }
        };
        let is_small = set.bound() <= MERGE_FACTOR * pattern.formals.len();
        let flat = match set.as_flat() {
            None if is_small && set.layer().is_some() => Some(set.flat(self.heap)),
            flat => flat,
        };
        if let Some(flat) = flat {
            let names = pattern.formals.iter().map(|formal| formal.name);
            flat.keys.find_ordered(names, |i, index| {
                indices[i] = index.map_or(ABSENT, |index| index as u32)
            });
        }
        let mut used = 0;
        for (i, formal) in pattern.formals.iter().enumerate() {
            let found = match flat {
                Some(flat) => flat.slots.get(indices[i] as usize).copied(),
                None => set.get(formal.name),
            };
            if let Some(slot) = found {
                frame.set_local(formal.local, slot);
                used += 1;
                if flat.is_none() {
                    indices[i] = ELSEWHERE;
                }
            } else if formal.default.is_none() {
                return Err(self.argument_missing(code, formal, pos));
            }
        }
        if !pattern.ellipsis && used != set.len() {
            return Err(self.unexpected_argument(code, pattern, set, pos));
        }
        if used < pattern.formals.len() {
            self.bind_defaults(pattern, indices, frame);
        }
        let plan = &pattern.plan;
        if set.as_flat().is_some() && plan.misses.get() < MAX_PLANS {
            plan.misses.set(plan.misses.get() + 1);
            plan.shape.set(set.shape());
            plan.indices.set(self.heap.alloc_slice(indices));
        }
        Ok(())
    }

    /// Sets the locals of the formals that the argument lacks. A default may be a formal whose local is set before; those
    /// that capture see all formals, so their captures are set once all locals are.
    fn bind_defaults(&self, pattern: &'static Pattern, indices: &[u32], frame: &Frame<'_>) {
        let missing = || {
            let with_default = pattern.defaults.iter().map(|&i| (indices[i as usize], i));
            let missing = with_default.filter(|&(index, _)| index == ABSENT);
            missing.filter_map(|(_, i)| {
                let formal = &pattern.formals[i as usize];
                Some((formal.local, formal.default?))
            })
        };
        for (local, default) in missing() {
            frame.set_local(local, self.allocate(default, frame));
        }
        for (local, default) in missing() {
            self.fill(default, frame.local(local), frame);
        }
    }

    #[cold]
    fn argument_missing(&self, code: &'static LambdaCode, formal: &Formal, pos: Pos) -> Error {
        let message = format!(
            "function '{}' called without required argument '{}'",
            self.lambda_name(code),
            self.name(formal.name)
        );
        let error = Error::new(Kind::Type, message).at(code.pos);
        error.frame(pos, "from call site")
    }

    #[cold]
    fn unexpected_argument(
        &self,
        code: &'static LambdaCode,
        pattern: &'static Pattern,
        set: &'static Attrs,
        pos: Pos,
    ) -> Error {
        let is_formal = |name| pattern.formals.iter().any(|formal| formal.name == name);
        let unexpected = set.flat(self.heap).entries().find(|entry| !is_formal(entry.name));
        let name = unexpected.map(|entry| self.name(entry.name)).unwrap_or_default();
        let formals = pattern.formals.iter().map(|formal| self.name(formal.name));
        let suggestions = crate::suggest::best_matches(formals, &name);
        let message = format!(
            "function '{}' called with unexpected argument '{}'",
            self.lambda_name(code),
            unexpected
                .map(|entry| self.name_in_message(entry.name))
                .unwrap_or_default()
        );
        Error::new(Kind::Type, message)
            .at(code.pos)
            .frame(pos, "from call site")
            .suggest(suggestions)
    }

    fn lambda_name(&self, code: &LambdaCode) -> String {
        code.name
            .get()
            .map_or_else(|| "anonymous lambda".to_owned(), |name| self.name(name))
    }

    /// Calls a function of the top level with the arguments it names, as the commands do; other values are
    /// returned as they are. `args` are those of `--arg` and `--argstr`.
    pub fn auto_call(&self, args: &'static Attrs, function: Slot) -> Result<Value> {
        let value = self.force(function, Pos::NONE)?;
        if let Some(functor) = value.as_attrs().and_then(|set| set.get(self.names.functor)) {
            let callee = self.force(functor, Pos::NONE)?;
            let result = self.call(callee, &[value.slot()], Pos::NONE)?;
            return self.auto_call(args, result.slot());
        }
        let Some(FunctionKind::Lambda(code, _)) = value.as_function().map(|function| function.kind()) else {
            return Ok(value);
        };
        let Parameter::Pattern(pattern) = code.parameter else {
            return Ok(value);
        };
        let all = args.flat(self.heap);
        let mut entries = vec![];
        if pattern.ellipsis {
            entries.extend(all.entries());
        } else {
            for formal in pattern.formals {
                match args.find(formal.name) {
                    Some(found) => entries.push(crate::attrs::Entry {
                        name: formal.name,
                        slot: found.slot,
                        pos: found.pos,
                    }),
                    None if formal.default.is_some() => {}
                    None => return Err(self.argument_without_value(formal)),
                }
            }
        }
        let argument = self.heap.attrs(&mut entries);
        self.call(value, &[argument.slot()], code.pos)
    }

    #[cold]
    fn argument_without_value(&self, formal: &Formal) -> Error {
        let message = format!(
            "cannot evaluate a function that has an argument without a value ('{}')\n\
             Nix attempted to evaluate a function as a top level expression; in\n\
             this case it must have its arguments supplied either by default\n\
             values, or passed explicitly with '--arg' or '--argstr'. See\n\
             https://nix.dev/manual/nix/stable/language/syntax.html#functions.",
            self.name(formal.name)
        );
        Error::new(Kind::MissingArgument, message).at(formal.pos)
    }

    /// The error for a value of another type than the expected one.
    #[cold]
    #[inline(never)]
    pub fn type_error(&self, expected: Type, found: Value) -> Error {
        let message = format!(
            "expected {} but found {}: {}",
            expected.with_article(),
            self.describe(found),
            self.show_for_error(found)
        );
        Error::new(Kind::Type, message).originates(self.origin_of(found))
    }

    /// Where a value comes from, if it tells: where a function starts, or the first attribute of a set whose attributes
    /// all come from one file.
    #[cold]
    pub(crate) fn origin_of(&self, value: Value) -> Pos {
        if let Some(FunctionKind::Lambda(code, _)) = value.as_function().map(|function| function.kind()) {
            return code.pos;
        }
        let Some(set) = value.as_attrs() else {
            return Pos::NONE;
        };
        let (first, last) = set
            .flat(self.heap)
            .entries()
            .fold((Pos(u32::MAX), Pos::NONE), |(first, last), entry| {
                (first.min(entry.pos), last.max(entry.pos))
            });
        match self.in_one_source(first, last) {
            true => first,
            false => Pos::NONE,
        }
    }

    /// The type of a value with its article, as messages name it.
    pub fn describe(&self, value: Value) -> String {
        match value.as_function() {
            Some(function) => function.describe(),
            None => match value.as_string() {
                Some(string) if !string.context().is_empty() => "a string with context".to_owned(),
                _ => value.ty().with_article().to_owned(),
            },
        }
    }

    #[inline(always)]
    pub(crate) fn count_primop(&self, primop: &'static Primop) {
        count(&self.stats.primop_calls);
        if self.watch.is_on() {
            self.watch.called_primop(primop);
        }
    }

    /// Counts one step through a structure that may be large without a call being made; fails when the user
    /// interrupted.
    #[inline(always)]
    pub fn step(&self) -> Result<()> {
        self.count_work(&self.stats.steps)
    }

    #[inline(always)]
    fn count_work(&self, counter: &std::cell::Cell<u64>) -> Result<()> {
        count(counter);
        if counter.get().is_multiple_of(INTERRUPT_INTERVAL) && self.host.interrupted() {
            return Err(Error::new(Kind::Interrupted, "interrupted by the user"));
        }
        Ok(())
    }
}

impl crate::code::PlanCache {
    #[inline(always)]
    fn get(&self, set: &'static Attrs) -> Option<&'static [u32]> {
        (self.shape.get() == set.shape()).then(|| self.indices.get())
    }
}

#[cold]
#[inline(never)]
fn leave_lambda(error: Error, code: &'static LambdaCode, pos: Pos) -> Error {
    let error = error.frame(code.pos, FrameText::Calling(code.name.get()));
    if pos.is_some() {
        error.frame(pos, "from call site")
    } else {
        error
    }
}
