//! Code that another evaluator kept, which had other symbols, is the code of the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_eval::error::Kind;
use nivis_eval::heap::OutOfMemory;
use nivis_eval::host::{MemoryCode, MemoryHost};
use nivis_fuzz::uninstalled_evaluator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// The value of the program in words, or its error. `None` if there was too little of something to say.
fn evaluate(source: &[u8], code: Option<Rc<MemoryCode>>, other_symbols: bool) -> Option<String> {
    let mut host = MemoryHost::new();
    host.files.insert(b"/dir/program.nix".to_vec(), source.to_vec());
    host.code = code;
    let (ev, polls) = uninstalled_evaluator(host);
    if other_symbols {
        let names: Vec<&[u8]> = source.split(|byte| !byte.is_ascii_alphanumeric()).collect();
        names.iter().rev().for_each(|name| _ = ev.intern(name));
    }
    nivis_primops::install(&ev).expect("the base scope can be defined");
    polls.set(0);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let value = ev.import(b"/dir/program.nix")?;
        let value = ev.force_deep(value.slot())?;
        Ok(ev.show_for_trace(value))
    }));
    match result {
        Ok(Ok(text)) => Some(text),
        Ok(Err(error)) => {
            let error: nivis_eval::error::Error = error;
            let details = error.details();
            let has_limits = matches!(details.kind, Kind::Interrupted | Kind::StackOverflow);
            (!has_limits).then(|| format!("{} at {:?}", details.message, details.pos))
        }
        Err(cause) if cause.is::<OutOfMemory>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

nivis_fuzz::programs!();

fuzz_target!(|source: &[u8]| {
    let code = Rc::<MemoryCode>::default();
    evaluate(source, Some(code.clone()), false);
    let kept = evaluate(source, Some(code), true);
    let fresh = evaluate(source, None, true);
    if let (Some(kept), Some(fresh)) = (kept, fresh) {
        assert_eq!(kept, fresh);
    }
});
