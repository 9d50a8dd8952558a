//! Watching what is run: counts of calls, profiles, traces of calls.
//!
//! Nothing of this costs anything while nobody watches. Calling and forcing ask [`Watch::is_on`] once and go on in
//! copies of themselves (`call_with::<true>`, `force_cell_with::<true>`) that tell of everything they do; selections that
//! are counted never find their inline cache filled.

mod attributes;
mod counts;
mod recorder;
mod report;
mod sampler;
mod ticker;
mod tree;

pub use counts::Counts;
pub use report::{AttributeRow, Cost, Described, Kind, Place, Profile, Row};
pub use tree::Node;

use crate::cell::{self, State};
use crate::code::LambdaCode;
use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::function::FunctionKind;
use crate::host::Level;
use crate::primop::Primop;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use recorder::Recorder;
use report::Descriptions;
use sampler::{Frame, Sampler};
use std::cell::{Cell, Ref, RefCell};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Is given the profile again and again while it is recorded.
pub struct Audience {
    /// How long to wait in between.
    pub interval: Duration,
    /// Shows it.
    pub show: Box<dyn Fn(Profile)>,
}

/// Who watches.
#[derive(Default)]
pub struct Watch {
    /// Whether anybody does.
    on: Cell<bool>,
    /// Whether calls and selections are counted.
    counting: Cell<bool>,
    /// Whether a profile is recorded.
    recording: Cell<bool>,
    /// Whether calls are told as the reference does, by traces or samples.
    telling: Cell<bool>,
    traces: Cell<bool>,
    sampling: Cell<bool>,
    counts: RefCell<Option<Box<Counts>>>,
    recorder: RefCell<Option<Box<Recorder>>>,
    sampler: RefCell<Option<Box<Sampler>>>,
    descriptions: RefCell<Descriptions>,
    audience: RefCell<Option<(Audience, Instant)>>,
}

impl Watch {
    /// Whether what is run must be told.
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }

    /// Whether forcing must be told, too.
    #[inline(always)]
    pub(crate) fn is_recording(&self) -> bool {
        self.recording.get()
    }

    /// Counts calls and selections from now on.
    pub fn count(&self) {
        self.counting.set(true);
        self.counts.borrow_mut().get_or_insert_default();
        self.on.set(true);
    }

    /// What was counted, if anything was.
    pub fn counts(&self) -> Ref<'_, Option<Box<Counts>>> {
        self.counts.borrow()
    }

    /// Tells of each call when it begins and when it ends, as the reference does with `trace-function-calls`.
    pub fn trace_calls(&self) {
        self.traces.set(true);
        self.telling.set(true);
        self.on.set(true);
    }

    /// Looks at the stack of calls so often a second from now on, as the reference does with `eval-profiler`.
    pub fn sample(&self, frequency: u32) {
        *self.sampler.borrow_mut() = Some(Box::new(Sampler::new(frequency)));
        self.sampling.set(true);
        self.telling.set(true);
        self.on.set(true);
    }

    #[inline(always)]
    pub(crate) fn called_primop(&self, primop: &'static Primop) {
        if self.counting.get() {
            self.count_primop(primop);
        }
    }

    #[inline(always)]
    pub(crate) fn called(&self, code: &'static LambdaCode) {
        if self.counting.get() {
            self.count_function(code);
        }
    }

    #[cold]
    fn count_primop(&self, primop: &'static Primop) {
        if let Some(counts) = &mut *self.counts.borrow_mut() {
            counts.primop(primop.name);
        }
    }

    #[cold]
    fn count_function(&self, code: &'static LambdaCode) {
        if let Some(counts) = &mut *self.counts.borrow_mut() {
            counts.function(code);
        }
    }

    /// A cell that is no suspended expression is forced.
    pub(crate) fn forced(&self, state: &State) {
        let Some(recorder) = &mut *self.recorder.borrow_mut() else {
            return;
        };
        match state {
            State::Closure(closure) => {
                if let Some(function) = closure.as_function()
                    && let FunctionKind::Lambda(code, _) = function.kind()
                {
                    recorder.closure_forced(code.maker);
                }
            }
            State::Apply1(_) | State::Apply2(_) | State::ApplyNamed(..) => recorder.applications_forced += 1,
            _ => {}
        }
    }

    /// Whether selections must not be remembered, so that each is told.
    pub(crate) fn counts_selections(&self) -> bool {
        self.counting.get()
    }

    #[cold]
    pub(crate) fn selected(&self, pos: Pos) {
        if let Some(counts) = &mut *self.counts.borrow_mut() {
            counts.attribute(pos);
        }
    }
}

/// What is run for a while.
#[derive(Clone, Copy)]
pub(crate) enum Activity {
    /// A call of a function with its first argument.
    Call(&'static LambdaCode),
    /// A call of a primop.
    Primop(&'static Primop),
    /// A thunk that a function made.
    Thunk(Pos),
}

impl Evaluator {
    /// Records a profile from now on, looking at the clock so often a second.
    pub fn record_profile(&self, frequency: u32, audience: Option<Audience>) {
        let watch = &self.watch;
        *watch.recorder.borrow_mut() = Some(Box::new(Recorder::new(self.heap, frequency)));
        *watch.audience.borrow_mut() = audience.map(|audience| (audience, Instant::now()));
        watch.recording.set(true);
        watch.on.set(true);
    }

    /// The profile that was recorded, if one was.
    pub fn profile(&self) -> Option<Profile> {
        let mut recorder = self.watch.recorder.borrow_mut();
        let recorder = recorder.as_mut()?;
        recorder.finish(self.heap);
        let profile = self.watch.descriptions.borrow_mut().profile(self, recorder, true);
        recorder.skip_time();
        Some(profile)
    }

    /// The stacks that were seen by [`Watch::sample`], if it was called.
    pub fn folded_stacks(&self) -> Option<String> {
        let sampler = self.watch.sampler.borrow();
        Some(sampler.as_ref()?.folded(self))
    }

    /// The thunk of a whole file counts as made by what the file itself does, which will be charged for forcing it.
    pub(crate) fn made_thunk_of_file(&self, start: Pos) {
        if let Some(recorder) = &mut *self.watch.recorder.borrow_mut() {
            recorder.settle(self.heap);
            recorder.made_for(start);
        }
    }

    /// Runs part of an evaluation, which is told if `WATCHED`.
    #[inline(always)]
    pub(crate) fn during<const WATCHED: bool, T>(&self, activity: Activity, run: impl FnOnce() -> T) -> T {
        let must_leave = WATCHED && self.watch.is_recording() && self.enter(activity);
        // There must be one place that runs it: it becomes part of this then.
        let result = run();
        if must_leave && let Some(recorder) = &mut *self.watch.recorder.borrow_mut() {
            recorder.leave(self.heap);
        }
        result
    }

    #[inline(always)]
    fn enter(&self, activity: Activity) -> bool {
        let mut recorder = self.watch.recorder.borrow_mut();
        let Some(recorder) = &mut *recorder else {
            return false;
        };
        if recorder.is_due() {
            self.show_profile(recorder);
        }
        recorder.enter(self.heap, activity)
    }

    /// Shows the profile to who looks on, if it is time.
    #[cold]
    #[inline(never)]
    fn show_profile(&self, recorder: &mut Recorder) {
        if let Some((audience, shown)) = &mut *self.watch.audience.borrow_mut()
            && shown.elapsed() >= audience.interval
        {
            recorder.finish(self.heap);
            (audience.show)(
                self.watch
                    .descriptions
                    .borrow_mut()
                    .profile(self, recorder, false),
            );
            *shown = Instant::now();
            recorder.skip_time();
        }
    }

    /// Evaluates an attribute that was selected, which is told.
    #[cold]
    #[inline(never)]
    pub(crate) fn during_attribute<T>(&self, name: Symbol, pos: Pos, run: impl FnOnce() -> T) -> T {
        let entered = match &mut *self.watch.recorder.borrow_mut() {
            Some(recorder) => {
                recorder.enter_attribute(self.heap, name, pos);
                true
            }
            None => false,
        };
        let result = run();
        if entered && let Some(recorder) = &mut *self.watch.recorder.borrow_mut() {
            recorder.leave_attribute(self.heap);
        }
        result
    }

    /// A call that is watched.
    #[cold]
    #[inline(never)]
    pub(crate) fn call_watched(&self, function: Value, args: &[Slot], pos: Pos) -> Result<Value> {
        self.during_call(
            || Frame::of_call(self, function, args, pos),
            pos,
            || self.call_with::<true>(function, args, pos),
        )
    }

    /// An operator that is watched; to the reference it is a call of a primop.
    #[cold]
    #[inline(never)]
    pub(crate) fn operate_watched<T>(
        &self,
        primop: Option<&'static Primop>,
        pos: Pos,
        operate: impl FnOnce() -> T,
    ) -> T {
        let name = primop.map_or("", |primop| primop.name);
        self.during_call(|| Frame::of_primop(name, pos), pos, operate)
    }

    /// Tells of a call as the reference does, if anybody wants to know.
    #[inline(always)]
    fn during_call<T>(&self, frame: impl FnOnce() -> Frame, pos: Pos, call: impl FnOnce() -> T) -> T {
        let tells = self.watch.telling.get();
        if tells {
            if self.watch.traces.get() {
                self.trace_call("entered", pos);
            }
            if self.watch.sampling.get() {
                let frame = frame();
                if let Some(sampler) = &mut *self.watch.sampler.borrow_mut() {
                    sampler.enter(frame);
                }
            }
        }
        // There must be one place that calls: it becomes part of this then.
        let result = call();
        if tells {
            if let Some(sampler) = &mut *self.watch.sampler.borrow_mut() {
                sampler.leave();
            }
            if self.watch.traces.get() {
                self.trace_call("exited", pos);
            }
        }
        result
    }

    #[cold]
    fn trace_call(&self, what: &str, pos: Pos) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let pos = call_position(self, pos);
        let text = format!("function-trace {what} {pos} at {}", now.as_nanos());
        self.host.message(Level::Info, &text);
    }

    /// Forces a cell while somebody watches.
    #[cold]
    #[inline(never)]
    pub(crate) fn force_cell_watched(
        &self,
        cell: &'static cell::Cell,
        pos: impl Fn() -> Pos,
    ) -> Result<Value> {
        self.force_cell_with::<true>(cell, pos)
    }
}

/// A position as the reference's profiler and traces write it.
fn call_position(ev: &Evaluator, pos: Pos) -> String {
    match pos.is_some() {
        true => ev.show_position(pos),
        false => "«none»:0".to_owned(),
    }
}
