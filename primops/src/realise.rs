//! Making paths usable that strings refer to: what is not there yet is built first (import from derivation).

use nivis_eval::context::{ContextBuilder, ContextElement, ContextId};
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::{RealisedOutputs, WantedOutputs};
use nivis_eval::value::Slot;
use nivis_lang::position::Pos;
use nivis_store::derivation::placeholder::DownstreamPlaceholder;
use nivis_store::path::StorePath;
use std::borrow::Cow;
use std::sync::Arc;

/// Coerces an argument to a path and makes sure that what it refers to is there.
pub(crate) fn realise_path(ev: &Evaluator, slot: Slot, pos: Pos) -> Result<Cow<'static, [u8]>> {
    let mut context = ContextBuilder::default();
    let message = "while realising the context of a path";
    let path = ev.coerce_to_path(slot, Pos::NONE, &mut context, message)?;
    if context.is_empty() {
        return Ok(path);
    }
    let outputs = realise_context(ev, ev.contexts.build(context)).in_frame_with(pos, || frame_of(&path))?;
    match ev
        .settings
        .features
        .iter()
        .any(|feature| feature == "ca-derivations")
    {
        true => with_real_outputs(ev, path, &outputs),
        false => Ok(path),
    }
}

/// As [`realise_path`], with all symlinks resolved.
pub(crate) fn realise_real_path(ev: &Evaluator, slot: Slot, pos: Pos) -> Result<Vec<u8>> {
    let path = realise_path(ev, slot, pos)?;
    ev.resolve_links(&path).in_frame_with(pos, || frame_of(&path))
}

/// As [`realise_path`], with the symlinks of its parents resolved.
pub(crate) fn realise_path_in_real_folder(ev: &Evaluator, slot: Slot, pos: Pos) -> Result<Vec<u8>> {
    let path = realise_path(ev, slot, pos)?;
    ev.resolve_ancestors(&path).in_frame_with(pos, || frame_of(&path))
}

/// A path with the paths of outputs for what stood for them before they were built.
fn with_real_outputs(
    ev: &Evaluator,
    mut path: Cow<'static, [u8]>,
    outputs: &RealisedOutputs,
) -> Result<Cow<'static, [u8]>> {
    for ((drv, output), real) in outputs {
        let placeholder = DownstreamPlaceholder::unknown_ca_output(drv, output)?.render();
        if let Some(start) = memchr::memmem::find(&path, placeholder.as_bytes()) {
            let end = start + placeholder.len();
            let real = ev.host.store_dir().print(real);
            path = [&path[..start], real.as_bytes(), &path[end..]].concat().into();
        }
    }
    Ok(path)
}

fn frame_of(path: &[u8]) -> String {
    format!(
        "while realising the context of path '{}'",
        String::from_utf8_lossy(path)
    )
}

/// Makes sure that everything in the context is there; gives the outputs in it.
pub(crate) fn realise_context(ev: &Evaluator, context: ContextId) -> Result<RealisedOutputs> {
    if let Some(path) = first_invalid(ev, context)? {
        return Err(Error::new(
            Kind::Store,
            format!("path '{}' is not valid", path.base_name()),
        ));
    }
    build(ev, context)
}

/// The first path in the context that is not in the store.
pub(crate) fn first_invalid(ev: &Evaluator, context: ContextId) -> Result<Option<StorePath>> {
    for element in ev.contexts.elements(context).iter() {
        let (ContextElement::Path(path)
        | ContextElement::DrvDeep(path)
        | ContextElement::Output { drv: path, .. }) = element;
        if !ev.host.is_valid_path(path)? {
            return Ok(Some(path.clone()));
        }
    }
    Ok(None)
}

/// Builds the outputs in the context.
pub(crate) fn build(ev: &Evaluator, context: ContextId) -> Result<RealisedOutputs> {
    let elements = ev.contexts.elements(context);
    // Elements are sorted, so the outputs of a derivation follow one another.
    let mut wanted: Vec<(&StorePath, Vec<Arc<str>>)> = vec![];
    for element in elements.iter() {
        let ContextElement::Output { drv, output } = element else {
            continue;
        };
        match wanted.last_mut() {
            Some((last, outputs)) if *last == drv => outputs.push(output.clone()),
            _ => wanted.push((drv, vec![output.clone()])),
        }
    }
    let Some((drv, outputs)) = wanted.first() else {
        return Ok(RealisedOutputs::new());
    };
    if !ev.settings.allow_import_from_derivation {
        let message = format!(
            "cannot build '{}^{}' during evaluation because the option 'allow-import-from-derivation' is disabled",
            ev.host.store_dir().print(drv),
            outputs.first().map(|output| &**output).unwrap_or_default()
        );
        return Err(Error::new(Kind::ImportFromDerivation, message));
    }
    let requests: Vec<WantedOutputs<'_>> = wanted
        .iter()
        .map(|(drv, outputs)| WantedOutputs { drv, outputs })
        .collect();
    let realised = ev.host.realise(&requests)?;
    if ev.is_restricted() {
        for path in realised.values() {
            for path in ev.store_closure(path)? {
                ev.allow_store_path(&path);
            }
        }
    }
    Ok(realised)
}
