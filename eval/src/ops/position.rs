//! Positions as values: `__curPos` and `builtins.unsafeGetAttrPos`.

use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::primop::Primop;
use crate::value::{Slot, Value};
use nivis_lang::position::{Location, Origin, Pos};

/// Finding a line means reading the file, so it waits until someone asks: suspended calls of primops that only this
/// module can reach.
static LINE: Primop = accessor("lineOfPos", |ev, args, _| {
    Ok(part(ev, args, |location| location.line))
});
static COLUMN: Primop = accessor("columnOfPos", |ev, args, _| {
    Ok(part(ev, args, |location| location.column))
});

const fn accessor(name: &'static str, function: fn(&Evaluator, &[Slot], Pos) -> Result<Value>) -> Primop {
    Primop {
        name,
        function,
        ..Primop::DEFAULT
    }
}

fn part(ev: &Evaluator, args: &[Slot], part: fn(&Location) -> u32) -> Value {
    let pos = args[0]
        .evaluated()
        .and_then(Value::as_int)
        .and_then(|pos| u32::try_from(pos).ok())
        .map_or(Pos::NONE, Pos);
    let location = ev.locate(pos);
    ev.int(location.map_or(0, |location| i64::from(part(&location))))
}

impl Evaluator {
    /// `{ file, line, column }`, or `null` when the position is not in a file.
    pub fn position_value(&self, pos: Pos) -> Value {
        let Some(Origin::File(path)) = self.origin(pos) else {
            return Value::NULL;
        };
        let number = self.int(i64::from(pos.0)).slot();
        let ask = |primop| self.heap.apply1(self.heap.primop(primop).slot(), number);
        self.attrs(&[
            (self.names.file, self.string(&path).slot()),
            (self.names.line, ask(&LINE)),
            (self.names.column, ask(&COLUMN)),
        ])
    }
}
