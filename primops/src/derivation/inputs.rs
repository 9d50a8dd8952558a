//! What a derivation needs, from the context of its strings.

use nivis_eval::context::{ContextElement, ContextId};
use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_store::derivation::Derivation;
use nivis_store::path::StorePath;

/// Adds everything in the context to the inputs.
pub(super) fn add_inputs(ev: &Evaluator, context: ContextId, drv: &mut Derivation) -> Result<()> {
    for element in ev.contexts.elements(context).iter() {
        match element {
            ContextElement::Path(path) => {
                drv.input_srcs.insert(path.clone());
            }
            ContextElement::DrvDeep(path) => add_closure(ev, path, drv)?,
            ContextElement::Output { drv: path, output } => {
                let input = drv.input_drvs.entry(path.clone()).or_default();
                if !input.outputs.contains(&**output) {
                    input.outputs.insert(output.to_string());
                }
            }
        }
    }
    Ok(())
}

/// The builder may look at the whole graph of that derivation, so all of it has to be there: every derivation with
/// all its outputs, and every source.
fn add_closure(ev: &Evaluator, path: &StorePath, drv: &mut Derivation) -> Result<()> {
    for path in ev.store_closure(path)? {
        if path.is_derivation() {
            let outputs = ev.output_names(&path)?;
            drv.input_drvs.entry(path.clone()).or_default().outputs = outputs;
        }
        drv.input_srcs.insert(path);
    }
    Ok(())
}
