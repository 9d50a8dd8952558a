//! `outputOf`: an output of a derivation that a string refers to.

use super::outputs::output_string;
use nivis_eval::context::{ContextBuilder, ContextElement};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;

/// The frame of errors in the first argument.
const FIRST: &str = "while evaluating the first argument to builtins.outputOf";

/// `outputOf derivation output`
pub(super) fn output_of(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let drv_path = single_path(ev, args[0], pos)?;
    let context = "while evaluating the second argument to builtins.outputOf";
    let output = ev.expect_string_without_context(args[1], pos, context)?;
    named_output(ev, &drv_path, &String::from_utf8_lossy(output))
}

/// The derivation that a string is the path of.
fn single_path(ev: &Evaluator, slot: Slot, pos: Pos) -> Result<StorePath> {
    let mut context = ContextBuilder::default();
    let bytes = ev.expect_string_in(slot, pos, FIRST, &mut context)?;
    let text = String::from_utf8_lossy(bytes);
    let fail = |message: String| Err(Error::new(Kind::Eval, message).frame(pos, FIRST));
    let elements = ev.contexts.elements(ev.contexts.build(context));
    let [element] = &*elements else {
        let count = elements.len();
        return fail(format!(
            "string '{text}' has {count} entries in its context. It should only have exactly one entry"
        ));
    };
    match element {
        ContextElement::DrvDeep(_) => fail(format!(
            "string '{text}' has a context which refers to a complete source and binary closure. This is not supported at this time"
        )),
        ContextElement::Path(path) => {
            let expected = ev.host.store_dir().print(path);
            match *text == expected {
                true => Ok(path.clone()),
                false => fail(format!(
                    "path string '{text}' has context with the different path '{expected}'"
                )),
            }
        }
        ContextElement::Output { .. } => Err(Error::new(
            Kind::Usage,
            "outputs of derivations that are themselves outputs are not supported yet",
        )),
    }
}

fn named_output(ev: &Evaluator, drv_path: &StorePath, name: &str) -> Result<Value> {
    let drv = ev.read_derivation(drv_path)?;
    match drv.outputs.get(name) {
        Some(output) => output_string(ev, drv_path, &drv.name, name, output),
        None => {
            let path = ev.host.store_dir().print(drv_path);
            let message = format!("derivation '{path}' does not have output '{name}'");
            Err(Error::new(Kind::Store, message))
        }
    }
}
