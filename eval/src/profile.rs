//! Watching what is run: counts of calls, profiles, traces of calls.
//!
//! Nothing of this costs anything while nobody watches. Calling and forcing ask [`Watch::is_on`] once and go on in
//! copies of themselves (`call_with::<true>`, `force_cell_with::<true>`) that tell of everything they do; selections that
//! are counted never find their inline cache filled.

mod attributes;
mod counts;
mod index;
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
use sampler::{Call, Sampler};
use std::cell::{Cell, Ref, RefCell};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Builds that cannot watch are there to measure what watching costs while it is off.
const CAN_WATCH: bool = !cfg!(feature = "unwatched");

/// Is given the profile again and again while it is recorded.
pub struct Audience {
    /// How long to wait in between.
    pub interval: Duration,
    /// Shows it. Whether anybody still looks.
    pub show: Box<dyn Fn(Profile) -> bool>,
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
        CAN_WATCH && self.on.get()
    }

    /// Whether forcing must be told, too.
    #[inline(always)]
    pub(crate) fn is_recording(&self) -> bool {
        CAN_WATCH && self.recording.get()
    }

    /// Turns on one of the ways to watch.
    fn turn_on(&self, way: &Cell<bool>) {
        way.set(true);
        self.on.set(true);
    }

    /// Counts calls and selections from now on.
    pub fn count(&self) {
        self.counts.borrow_mut().get_or_insert_default();
        self.turn_on(&self.counting);
    }

    /// What was counted, if anything was.
    pub fn counts(&self) -> Ref<'_, Option<Box<Counts>>> {
        self.counts.borrow()
    }

    /// Tells of each call when it begins and when it ends, as the reference does with `trace-function-calls`.
    pub fn trace_calls(&self) {
        self.traces.set(true);
        self.turn_on(&self.telling);
    }

    /// Looks at the stack of calls so often a second from now on, as the reference does with `eval-profiler`.
    pub fn sample(&self, frequency: u32) {
        *self.sampler.borrow_mut() = Some(Box::new(Sampler::new(frequency)));
        self.turn_on(&self.telling);
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
        CAN_WATCH && self.counting.get()
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
        watch.turn_on(&watch.recording);
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
            recorder.charge(self.heap);
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
            recorder.leave(self);
        }
        result
    }

    #[inline(always)]
    fn enter(&self, activity: Activity) -> bool {
        match &mut *self.watch.recorder.borrow_mut() {
            Some(recorder) => recorder.enter(self, activity),
            None => false,
        }
    }

    /// Shows the profile to who looks on, if it is time.
    fn show_profile(&self, recorder: &mut Recorder) {
        let mut listening = self.watch.audience.borrow_mut();
        if let Some((audience, shown)) = &mut *listening
            && shown.elapsed() >= audience.interval
        {
            recorder.finish(self.heap);
            let mut descriptions = self.watch.descriptions.borrow_mut();
            let is_seen = (audience.show)(descriptions.profile(self, recorder, false));
            *shown = Instant::now();
            recorder.skip_time();
            if !is_seen {
                *listening = None;
            }
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
        self.during_call(Call::of(function, args, pos), pos, || {
            self.call_with::<true>(function, args, pos)
        })
    }

    #[inline(always)]
    fn sample_begin(&self, call: Call) {
        if let Some(sampler) = &mut *self.watch.sampler.borrow_mut() {
            sampler.enter(self, call);
        }
    }

    #[inline(always)]
    fn sample_end(&self) {
        if let Some(sampler) = &mut *self.watch.sampler.borrow_mut() {
            sampler.leave(self);
        }
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
        self.during_call(Call::of_primop(name, pos), pos, operate)
    }

    /// Tells of a call as the reference does, if anybody wants to know.
    #[inline(always)]
    fn during_call<T>(&self, call: Call, pos: Pos, run: impl FnOnce() -> T) -> T {
        let tells = self.watch.telling.get();
        if tells {
            if self.watch.traces.get() {
                self.trace_call("entered", pos);
            }
            self.sample_begin(call);
        }
        // There must be one place that runs it: it becomes part of this then.
        let result = run();
        if tells {
            self.sample_end();
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
